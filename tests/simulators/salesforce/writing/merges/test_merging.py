"""Merges on the objects of the chocolate maker: what moves, what stays, what is refused."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter
from unlost_simulators.salesforce.model.users import ObjectOperation, Permission, SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.scenarios.chocolate.declared.record_types import PERSON_ACCOUNT
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import FIXED_ROWS, KEYS
from unlost_simulators.salesforce.writing.merges.merging import MergeRequest, MergeResult


@pytest.fixture
def org() -> Iterator[Org]:
    made = empty_org()
    declared = {one.name: one for one in made.schema.objects}
    for name, loaded in FIXED_ROWS.tables(declared, KEYS, only=frozenset({"RecordType"})):
        made.store.load(name, loaded)
    yield made
    made.close()


@pytest.fixture
def maker(org: Org) -> RecordWriter:
    return admin(org)


def merge(
    maker: RecordWriter, of: str, master: str, *losers: str, user: SimUser | None = None, **values
) -> MergeResult:
    request = MergeRequest(of, master, losers, values)
    return maker.org.merge(user or maker.user, [request])[0]


def merged(maker: RecordWriter, of: str, master: str, *losers: str, **values) -> MergeResult:
    result = merge(maker, of, master, *losers, **values)
    assert result.success, result.errors
    return result


def code(result: MergeResult) -> str:
    assert not result.success
    (error,) = result.errors
    return error.code


def accounts(maker: RecordWriter, *names: str) -> list[str]:
    return maker.made("Account", *({"Name": name} for name in names))


def contacts(maker: RecordWriter, *values: dict[str, Any]) -> list[str]:
    return maker.made("Contact", *values)


def row(maker: RecordWriter, of: str, key: str) -> dict[str, Any]:
    table = maker.org.export(of, deleted=True).to_pylist()
    return next(each for each in table if each["Id"] == key)


def related(maker: RecordWriter, contact: str) -> set[tuple[str, bool]]:
    found = rows(maker, "AccountContactRelation", "ContactId", contact)
    return {(str(each["AccountId"]), bool(each["IsDirect"])) for each in found}


def test_losers_lie_in_the_bin_with_the_master_the_user_and_the_time(maker: RecordWriter) -> None:
    kept, double, third = accounts(maker, "Kept", "Double", "Third")
    maker.org.clock.advance(timedelta(hours=1))
    now = maker.org.clock.stamp().replace(tzinfo=None)
    merged(maker, "Account", kept, double, third)
    for key in (double, third):
        lost = row(maker, "Account", key)
        assert (lost["IsDeleted"], lost["MasterRecordId"]) == (True, kept)
        assert lost["LastModifiedById"] == maker.user.id
        stamps = (lost["LastModifiedDate"], lost["SystemModstamp"])
        assert [stamp.replace(tzinfo=None) for stamp in stamps] == [now, now]
    assert row(maker, "Account", kept)["MasterRecordId"] is None


def test_children_of_any_kind_move_with_new_stamps(maker: RecordWriter) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    (person,) = contacts(maker, {"LastName": "Ann", "AccountId": double})
    (case,) = maker.made("Case", {"Subject": "Melted", "AccountId": double})
    (task,) = maker.made(
        "Task", {"Subject": "Call", "Status": "Open", "Priority": "Normal", "WhatId": double}
    )
    (below,) = maker.made("Account", {"Name": "Branch", "ParentId": double})
    (tasting,) = maker.made("Tasting__c", {"Name": "Tasting", "Account__c": double})
    maker.org.clock.advance(timedelta(hours=1))
    now = maker.org.clock.stamp().replace(tzinfo=None)
    result = merged(maker, "Account", kept, double)
    assert {person, case, task, below, tasting} <= set(result.moved)
    moved = row(maker, "Contact", person)
    assert moved["AccountId"] == kept
    assert moved["LastModifiedDate"].replace(tzinfo=None) == now
    assert row(maker, "Case", case)["AccountId"] == kept
    assert row(maker, "Task", task)["WhatId"] == kept
    assert row(maker, "Account", below)["ParentId"] == kept
    assert row(maker, "Tasting__c", tasting)["Account__c"] == kept


def test_an_undeleted_loser_comes_back_without_its_children(maker: RecordWriter) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    (person,) = contacts(maker, {"LastName": "Ann", "AccountId": double})
    merged(maker, "Account", kept, double)
    maker.org.undelete(maker.user, "Account", [double])
    back = row(maker, "Account", double)
    assert (back["IsDeleted"], back["MasterRecordId"]) == (False, None)
    assert row(maker, "Contact", person)["AccountId"] == kept


def test_history_and_feeds_stay_with_the_loser(maker: RecordWriter) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    assert maker.update("Account", {"Id": double, "Phone": "1"})[0].success
    before = rows(maker, "AccountHistory", "AccountId", double)
    merged(maker, "Account", kept, double)
    moved = {each["Id"] for each in rows(maker, "AccountHistory", "AccountId", kept)}
    assert before
    assert not moved & {each["Id"] for each in before}


def test_a_contact_related_to_both_accounts_keeps_its_direct_relation(
    maker: RecordWriter,
) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    (ann, ben) = contacts(
        maker,
        {"LastName": "Ann", "AccountId": double},
        {"LastName": "Ben", "AccountId": kept},
    )
    maker.made(
        "AccountContactRelation",
        {"AccountId": kept, "ContactId": ann},
        {"AccountId": double, "ContactId": ben},
    )
    merged(maker, "Account", kept, double)
    assert related(maker, ann) == {(kept, True)}
    assert related(maker, ben) == {(kept, True)}


def test_a_merged_contacts_account_becomes_an_indirect_one(maker: RecordWriter) -> None:
    first, second = accounts(maker, "First", "Second")
    ann, double, third = contacts(
        maker,
        {"LastName": "Ann", "AccountId": first},
        {"LastName": "Ann", "AccountId": second},
        {"LastName": "Ann", "AccountId": first},
    )
    merged(maker, "Contact", ann, double, third)
    assert related(maker, ann) == {(first, True), (second, False)}


def test_a_campaign_has_a_merged_contact_once(maker: RecordWriter) -> None:
    (campaign,) = maker.org.insert(maker.user, "Campaign", [{"Name": "Fair"}])
    ann, double = contacts(maker, {"LastName": "Ann"}, {"LastName": "Ann"})
    members = [{"CampaignId": campaign, "ContactId": key} for key in (ann, double)]
    maker.org.insert(maker.user, "CampaignMember", members)
    merged(maker, "Contact", ann, double)
    assert len(rows(maker, "CampaignMember", "CampaignId", campaign)) == 1


def test_a_master_without_a_manager_takes_that_of_a_merged_contact(maker: RecordWriter) -> None:
    boss, ann = contacts(maker, {"LastName": "Boss"}, {"LastName": "Ann"})
    (double,) = contacts(maker, {"LastName": "Ann", "ReportsToId": boss})
    merged(maker, "Contact", ann, double)
    assert row(maker, "Contact", ann)["ReportsToId"] == boss


def test_merges_that_would_close_a_circle_are_refused(maker: RecordWriter) -> None:
    (top,) = accounts(maker, "Top")
    (middle,) = maker.made("Account", {"Name": "Middle", "ParentId": top})
    (bottom,) = maker.made("Account", {"Name": "Bottom", "ParentId": middle})
    assert code(merge(maker, "Account", bottom, middle)) == "CIRCULAR_DEPENDENCY"
    assert code(merge(maker, "Account", bottom, top)) == "CIRCULAR_DEPENDENCY"
    assert row(maker, "Account", middle)["IsDeleted"] is False
    merged(maker, "Account", top, middle)
    assert row(maker, "Account", bottom)["ParentId"] == top
    (ann,) = contacts(maker, {"LastName": "Ann"})
    (ben,) = contacts(maker, {"LastName": "Ben", "ReportsToId": ann})
    assert code(merge(maker, "Contact", ann, ben)) == "CIRCULAR_DEPENDENCY"


def test_persons_merge_with_persons_and_their_contacts_follow(maker: RecordWriter) -> None:
    person = {"RecordTypeId": PERSON_ACCOUNT, "LastName": "Ann"}
    kept, double = maker.made("Account", person, person)
    mine, theirs = (row(maker, "Account", key)["PersonContactId"] for key in (kept, double))
    (task,) = maker.made(
        "Task", {"Subject": "Call", "Status": "Open", "Priority": "Normal", "WhoId": theirs}
    )
    (shop,) = accounts(maker, "Shop")
    assert code(merge(maker, "Account", kept, shop)) == "INVALID_OPERATION"
    merged(maker, "Account", kept, double)
    assert row(maker, "Task", task)["WhoId"] == mine
    gone = row(maker, "Contact", theirs)
    assert (gone["IsDeleted"], gone["MasterRecordId"], gone["AccountId"]) == (True, mine, double)
    assert row(maker, "Account", double)["PersonContactId"] == theirs


def test_the_contact_of_a_person_is_not_merged_alone(maker: RecordWriter) -> None:
    person = {"RecordTypeId": PERSON_ACCOUNT, "LastName": "Ann"}
    first, second = maker.made("Account", person, person)
    keys = [row(maker, "Account", key)["PersonContactId"] for key in (first, second)]
    assert code(merge(maker, "Contact", *keys)) == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_leads_and_cases_merge_too(maker: RecordWriter) -> None:
    first, second = maker.made(
        "Lead",
        {"LastName": "Ann", "Company": "A"},
        {"LastName": "Ann", "Company": "B"},
    )
    merged(maker, "Lead", first, second)
    one, two = maker.made("Case", {"Subject": "A"}, {"Subject": "B"})
    (comment,) = maker.made("CaseComment", {"ParentId": two, "CommentBody": "x"})
    merged(maker, "Case", one, two, Subject="Both")
    assert row(maker, "CaseComment", comment)["ParentId"] == one
    assert row(maker, "Case", one)["Subject"] == "Both"
    assert row(maker, "Case", two)["MasterRecordId"] == one


@pytest.mark.parametrize("operation", [ObjectOperation.EDIT, ObjectOperation.DELETE])
def test_a_merge_needs_the_rights_to_edit_and_to_delete(maker: RecordWriter, operation) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    maker.org.users.put(
        SimUser(
            "005Dn00000NotAll1AAA"[:15],
            "some@chocolate.example",
            permissions=frozenset(Permission),
            denied=frozenset({("Account", operation)}),
        )
    )
    user = maker.org.users.by_username("some@chocolate.example")
    assert user is not None
    result = merge(maker, "Account", kept, double, user=user)
    assert code(result) == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    assert row(maker, "Account", double)["IsDeleted"] is False


def test_children_that_the_user_does_not_see_move_unnamed(maker: RecordWriter) -> None:
    kept, double = accounts(maker, "Kept", "Double")
    (person,) = contacts(maker, {"LastName": "Ann", "AccountId": double})
    maker.org.hide_object(maker.user, "Contact")
    result = merged(maker, "Account", kept, double)
    assert person not in result.moved
    maker.org.show_object(maker.user, "Contact")
    assert row(maker, "Contact", person)["AccountId"] == kept
