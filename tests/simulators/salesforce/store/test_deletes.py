"""Deletes: cascade, restrict, cleared lookups, the bin, undelete, purge, the log of deletions."""

from datetime import timedelta

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.model.answers import Holding
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


@pytest.fixture
def family(org: Org, backup: SimUser) -> dict[str, str]:
    """An account with a contact, an opportunity with a line, a child account and a recipe."""
    (account,) = org.insert(backup, "Account", [{"Name": "top"}])
    (child,) = org.insert(backup, "Account", [{"Name": "child", "ParentId": account}])
    (contact,) = org.insert(backup, "Contact", [{"LastName": "c", "AccountId": account}])
    (deal,) = org.insert(backup, "Opportunity", [{"Name": "o", "AccountId": account}])
    (line,) = org.insert(backup, "OpportunityLineItem", [{"OpportunityId": deal, "Quantity": 1}])
    (recipe,) = org.insert(backup, "Recipe__c", [{"Name": "r", "Shop__c": account}])
    org.update(backup, "Account", {account: {"Name": "renamed"}})
    return {
        "account": account,
        "child": child,
        "contact": contact,
        "deal": deal,
        "line": line,
        "recipe": recipe,
    }


def value(org: Org, name: str, record: str, field: str):
    table = org.export(name, deleted=True).to_pylist()
    return next((one[field] for one in table if one["Id"] == record), "absent")


def test_delete_takes_along_what_cascades(org: Org, backup: SimUser, family) -> None:
    org.clock.advance(timedelta(hours=1))
    org.delete(backup, "Account", [family["account"]])
    assert org.holds("Account") == Holding(1, 1)
    assert org.holds("Contact") == Holding(0, 1)
    assert org.holds("Opportunity") == Holding(0, 1)
    assert org.holds("AccountHistory") == Holding(0, 1)
    assert org.holds("OpportunityLineItem") == Holding(0, 0), "undeletable: it vanishes at once"


@pytest.mark.parametrize("name", ["Account", "Contact", "Opportunity"])
def test_a_deleted_row_names_who_deleted_it_and_when(
    org: Org, backup: SimUser, narrow: SimUser, family, name: str
) -> None:
    """The contact and the opportunity go along with the account."""
    record = family[{"Account": "account", "Contact": "contact", "Opportunity": "deal"}[name]]
    before = value(org, name, record, "SystemModstamp")
    assert value(org, name, record, "LastModifiedById") == backup.id
    org.clock.advance(timedelta(hours=1))
    org.delete(narrow, "Account", [family["account"]])
    now = before + timedelta(hours=1)
    assert value(org, name, record, "LastModifiedById") == narrow.id
    assert value(org, name, record, "LastModifiedDate") == now
    assert value(org, name, record, "SystemModstamp") == now
    assert value(org, name, record, "CreatedById") == backup.id


def test_a_row_that_was_deleted_and_undeleted_is_listed_as_updated_only(
    org: Org, backup: SimUser, narrow: SimUser, family
) -> None:
    org.clock.advance(timedelta(hours=1))
    org.delete(narrow, "Account", [family["account"]])
    start, end = org.clock.now() - timedelta(minutes=5), org.clock.now() + timedelta(minutes=5)

    def listed() -> tuple[bool, bool]:
        deleted = [key for key, _ in org.deleted(backup, "Contact", start, end).records]
        updated = org.updated(backup, "Contact", start, end).ids
        return family["contact"] in deleted, family["contact"] in updated

    assert listed() == (True, False)
    org.undelete(backup, "Account", [family["account"]])
    assert listed() == (False, True)
    assert value(org, "Contact", family["contact"], "LastModifiedById") == narrow.id


def test_a_cleared_lookup_names_no_new_author(
    org: Org, backup: SimUser, narrow: SimUser, family
) -> None:
    org.delete(narrow, "Account", [family["account"]])
    assert value(org, "Recipe__c", family["recipe"], "LastModifiedById") == backup.id


def test_delete_clears_lookups(org: Org, backup: SimUser, family) -> None:
    org.clock.advance(timedelta(hours=1))
    before = value(org, "Recipe__c", family["recipe"], "LastModifiedDate")
    org.delete(backup, "Account", [family["account"]])
    assert value(org, "Account", family["child"], "ParentId") is None
    assert value(org, "Recipe__c", family["recipe"], "Shop__c") is None
    assert value(org, "Recipe__c", family["recipe"], "LastModifiedDate") == before
    assert value(org, "Recipe__c", family["recipe"], "SystemModstamp") == before + timedelta(
        hours=1
    )


def test_undelete_brings_back_rows_and_lookups(org: Org, backup: SimUser, family) -> None:
    org.delete(backup, "Account", [family["account"]])
    org.undelete(backup, "Account", [family["account"]])
    assert org.holds("Account") == Holding(2, 0)
    assert org.holds("Contact") == Holding(1, 0)
    assert org.holds("Opportunity") == Holding(1, 0)
    assert org.holds("AccountHistory") == Holding(1, 0)
    assert org.holds("OpportunityLineItem") == Holding(0, 0)
    assert value(org, "Account", family["child"], "ParentId") == family["account"]
    assert value(org, "Recipe__c", family["recipe"], "Shop__c") == family["account"]


def test_undelete_leaves_other_standard_lookups_and_replaced_ones(
    org: Org, backup: SimUser, family
) -> None:
    (other,) = org.insert(backup, "Account", [{"Name": "other"}])
    (task,) = org.insert(backup, "Task", [{"Subject": "s", "WhatId": family["account"]}])
    org.delete(backup, "Account", [family["account"]])
    org.update(backup, "Recipe__c", {family["recipe"]: {"Shop__c": other}})
    org.undelete(backup, "Account", [family["account"]])
    assert value(org, "Task", task, "WhatId") is None
    assert value(org, "Recipe__c", family["recipe"], "Shop__c") == other


def test_restricting_children_stop_the_delete(org: Org, backup: SimUser, family) -> None:
    org.insert(backup, "Case", [{"AccountId": family["account"]}])
    with pytest.raises(SalesforceError, match="could not be completed") as caught:
        org.delete(backup, "Account", [family["account"]])
    assert caught.value.code == "DELETE_FAILED"
    assert "associated with the following cases" in caught.value.message
    assert org.holds("Account") == Holding(2, 0)
    assert org.holds("Contact") == Holding(1, 0)


def test_second_delete_is_refused(org: Org, backup: SimUser, family) -> None:
    org.delete(backup, "Contact", [family["contact"]])
    with pytest.raises(SalesforceError) as caught:
        org.delete(backup, "Contact", [family["contact"]])
    assert (caught.value.status, caught.value.code) == (404, "ENTITY_IS_DELETED")
    assert caught.value.body() == [
        {"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}
    ]


def test_children_of_a_cascade_cannot_be_undeleted_alone(org: Org, backup: SimUser, family) -> None:
    org.delete(backup, "Account", [family["account"]])
    with pytest.raises(SalesforceError, match="not in the recycle bin") as caught:
        org.undelete(backup, "Contact", [family["contact"]])
    assert caught.value.code == "UNDELETE_FAILED"


def test_detail_deleted_before_its_master_is_lost(org: Org, backup: SimUser, family) -> None:
    org.delete(backup, "Contact", [family["contact"]])
    org.delete(backup, "Account", [family["account"]])
    org.undelete(backup, "Account", [family["account"]])
    with pytest.raises(SalesforceError, match="not in the recycle bin"):
        org.undelete(backup, "Contact", [family["contact"]])
    assert org.holds("Contact") == Holding(0, 1)


def test_hard_delete_leaves_nothing_but_the_log(org: Org, backup: SimUser, family) -> None:
    org.hard_delete(backup, "Account", [family["account"]])
    assert org.holds("Account") == Holding(1, 0)
    assert org.holds("Contact") == Holding(0, 0)
    now = org.clock.now()
    found = org.deleted(backup, "Contact", now - timedelta(hours=1), now + timedelta(minutes=1))
    assert [one for one, _ in found.records] == [family["contact"]]


def test_rows_leave_the_bin_after_fifteen_days(org: Org, backup: SimUser, family) -> None:
    org.delete(backup, "Account", [family["account"]])
    org.clock.advance(timedelta(days=15))
    assert org.holds("Account") == Holding(1, 1)
    org.clock.advance(timedelta(seconds=1))
    assert org.holds("Account") == Holding(1, 0)
    assert org.holds("Contact") == Holding(0, 0)
    with pytest.raises(SalesforceError, match="not in the recycle bin"):
        org.undelete(backup, "Account", [family["account"]])


def test_empty_bin_of_rows_objects_and_all(org: Org, backup: SimUser, family) -> None:
    extra = org.insert(backup, "Contact", [{"LastName": f"x{n}"} for n in range(3)])
    org.delete(backup, "Contact", extra)
    org.delete(backup, "Account", [family["account"]])
    assert org.empty_bin(backup, "Contact", [extra[0]]) == 1
    assert org.empty_bin(backup, "Contact") == 2, "the contact of the account is not a root"
    assert org.holds("Contact") == Holding(0, 1)
    assert org.empty_bin(backup) == 4
    assert org.holds("Account") == Holding(1, 0)
    with pytest.raises(SalesforceError, match="no recycle bin entry found") as caught:
        org.empty_bin(backup, "Contact", [extra[0]])
    assert caught.value.code == "INVALID_ID_FIELD"


def test_full_bin_loses_its_oldest_rows_after_two_hours(org: Org, backup: SimUser) -> None:
    org.configure(data_storage_mb=1, bin_records_per_mb=3, bin_capacity_enforced=True)
    made = org.insert(backup, "Contact", [{"LastName": f"x{n}"} for n in range(5)])
    org.delete(backup, "Contact", made[:4])
    assert org.holds("Contact") == Holding(1, 4), "young rows stay"
    org.clock.advance(timedelta(hours=3))
    org.delete(backup, "Contact", made[4:])
    assert org.holds("Contact") == Holding(0, 3)


def deleted(org: Org, name: str, keys: list[str]) -> list[bool]:
    """Whether the bin still has these rows."""
    rows = {row["Id"] for row in org.export(name, deleted=True).to_pylist()}
    return [key in rows for key in keys]


def test_a_full_bin_loses_the_oldest_rows_of_everybody(
    org: Org, backup: SimUser, narrow: SimUser
) -> None:
    org.configure(bin_capacity=4)
    made = org.insert(backup, "Contact", [{"LastName": f"x{n}"} for n in range(6)])
    for user, keys in ((narrow, made[:2]), (backup, made[2:4]), (backup, made[4:])):
        org.delete(user, "Contact", keys)
        org.clock.advance(timedelta(hours=3))
    assert deleted(org, "Contact", made) == [False, False, True, True, True, True]


def test_a_mass_deletion_pushes_its_own_first_rows_out(org: Org, backup: SimUser) -> None:
    org.configure(bin_capacity=3)
    made = org.insert(backup, "Contact", [{"LastName": f"x{n}"} for n in range(5)])
    org.delete(backup, "Contact", made[:2])
    org.delete(backup, "Contact", made[2:])
    assert deleted(org, "Contact", made) == [True] * 5
    org.clock.advance(timedelta(hours=2))
    assert deleted(org, "Contact", made) == [False, False, True, True, True]
    with pytest.raises(SalesforceError, match="not in the recycle bin"):
        org.undelete(backup, "Contact", made[:1])
    org.undelete(backup, "Contact", made[2:])


def test_what_went_by_cascade_leaves_a_full_bin_with_its_record(
    org: Org, backup: SimUser, family
) -> None:
    org.delete(backup, "Account", [family["account"]])
    (last,) = org.insert(backup, "Contact", [{"LastName": "x"}])
    org.clock.advance(timedelta(hours=3))
    org.configure(bin_capacity=2)
    org.delete(backup, "Contact", [last])
    keys = [family["contact"], last]
    assert deleted(org, "Contact", keys) == [False, True]
    assert deleted(org, "Account", [family["account"]]) == [False]


def test_a_bin_that_is_not_full_keeps_its_rows(org: Org, backup: SimUser) -> None:
    org.configure(bin_capacity=3)
    made = org.insert(backup, "Contact", [{"LastName": f"x{n}"} for n in range(4)])
    org.delete(backup, "Contact", made[:3])
    org.clock.advance(timedelta(days=3))
    org.undelete(backup, "Contact", made[:1])
    org.delete(backup, "Contact", made[3:])
    assert deleted(org, "Contact", made) == [True] * 4


def test_rows_of_an_emptied_bin_may_show_for_a_day(org: Org, backup: SimUser, family) -> None:
    org.configure(emptied_shown=timedelta(hours=24))
    org.delete(backup, "Account", [family["account"]])
    assert org.empty_bin(backup, "Account", [family["account"]]) == 4
    assert deleted(org, "Account", [family["account"]]) == [True]
    with pytest.raises(SalesforceError, match="not in the recycle bin"):
        org.undelete(backup, "Account", [family["account"]])
    assert org.empty_bin(backup) == 0
    org.clock.advance(timedelta(hours=24))
    assert deleted(org, "Account", [family["account"]]) == [False]
    assert deleted(org, "Contact", [family["contact"]]) == [False]
    org.delete(backup, "Account", [family["child"]])
    assert org.empty_bin(backup) == 1
    assert deleted(org, "Account", [family["child"]]) == [True]


def test_mass_delete_and_undelete(org: Org, backup: SimUser) -> None:
    count = 50_000
    accounts = org.insert(backup, "Account", [{"Name": "big"}])
    names = pa.array([f"n{one}" for one in range(count)])
    org.store.load("Contact", pa.table({"LastName": names, "AccountId": accounts * count}))
    org.delete(backup, "Account", accounts)
    assert org.holds("Contact") == Holding(0, count)
    org.undelete(backup, "Account", accounts)
    assert org.holds("Contact") == Holding(count, 0)


def test_too_large_a_cascade_is_refused(org: Org, backup: SimUser) -> None:
    count = 100_001
    accounts = org.insert(backup, "Account", [{"Name": "big"}])
    names = pa.array(["n"] * count)
    org.store.load("Contact", pa.table({"LastName": names, "AccountId": accounts * count}))
    with pytest.raises(SalesforceError) as caught:
        org.delete(backup, "Account", accounts)
    assert caught.value.code == "DELETE_OPERATION_TOO_LARGE"
    assert org.holds("Contact") == Holding(count, 0)


def test_self_reference_does_not_delete_the_children(org: Org, backup: SimUser) -> None:
    (boss,) = org.insert(backup, "Contact", [{"LastName": "boss"}])
    (clerk,) = org.insert(
        backup, "Contact", [{"LastName": "clerk", "ReportsToId": boss, "Mentor__c": boss}]
    )
    org.delete(backup, "Contact", [boss])
    assert value(org, "Contact", clerk, "ReportsToId") is None
    org.undelete(backup, "Contact", [boss])
    assert value(org, "Contact", clerk, "ReportsToId") == boss
    assert value(org, "Contact", clerk, "Mentor__c") == boss


def test_rows_loaded_as_deleted_lie_in_the_bin(org: Org, backup: SimUser) -> None:
    org.store.load("Contact", pa.table({"LastName": ["gone", "here"], "IsDeleted": [True, False]}))
    assert org.holds("Contact") == Holding(1, 1)
    gone = next(
        one["Id"] for one in org.export("Contact", deleted=True).to_pylist() if one["IsDeleted"]
    )
    org.undelete(backup, "Contact", [gone])
    assert org.holds("Contact") == Holding(2, 0)
