"""Deletions find all references to their rows, however the rows changed since they last looked."""

from datetime import timedelta

import pytest

from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org


@pytest.fixture
def shops(org: Org, backup: SimUser) -> list[str]:
    """Six accounts, after a deletion that looked for references to another one."""
    made = org.insert(backup, "Account", [{"Name": str(n)} for n in range(7)])
    org.delete(backup, "Account", made[6:])
    return made[:6]


def parents(org: Org, name: str = "Contact", field: str = "AccountId") -> list[str | None]:
    return [row[field] for row in org.export(name).to_pylist()]


def test_a_row_that_was_added_goes_along(org: Org, backup: SimUser, shops: list[str]) -> None:
    org.insert(backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}])
    org.delete(backup, "Account", shops[:1])
    assert org.holds("Contact").live == 0


def test_a_row_that_was_moved_goes_with_its_new_parent(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    (contact,) = org.insert(backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}])
    org.delete(backup, "Account", shops[5:])
    org.update(backup, "Contact", {contact: {"AccountId": shops[1]}})
    org.delete(backup, "Account", shops[:1])
    assert parents(org) == [shops[1]]
    org.delete(backup, "Account", shops[1:2])
    assert org.holds("Contact").live == 0


def test_a_row_that_was_moved_in_mass_goes_with_its_new_parent(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    org.insert(backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}])
    org.delete(backup, "Account", shops[5:])
    org.update_where(backup, "Contact", None, {"AccountId": shops[1]})
    org.delete(backup, "Account", shops[1:2])
    assert org.holds("Contact").live == 0


def test_a_row_of_a_late_commit_goes_along(org: Org, backup: SimUser, shops: list[str]) -> None:
    org.insert(
        backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}],
        visible_after=timedelta(minutes=1),
    )  # fmt: skip
    org.delete(backup, "Account", shops[5:])
    org.clock.advance(timedelta(minutes=2))
    org.delete(backup, "Account", shops[:1])
    assert org.holds("Contact").live == 0


def test_a_move_that_was_rolled_back_leaves_the_row_with_its_parent(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    (contact,) = org.insert(backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}])

    def fail() -> None:
        with org.store.transaction():
            org.update(backup, "Contact", {contact: {"AccountId": shops[1]}})
            org.delete(backup, "Account", shops[1:2])
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    org.delete(backup, "Account", shops[:1])
    assert org.holds("Contact").live == 0


def test_a_lookup_that_an_undelete_puts_back_is_cleared_again(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    org.insert(backup, "Recipe__c", [{"Name": "x", "Shop__c": shops[0]}])
    for _ in range(2):
        org.delete(backup, "Account", shops[:1])
        assert parents(org, "Recipe__c", "Shop__c") == [None]
        org.undelete(backup, "Account", shops[:1])
        assert parents(org, "Recipe__c", "Shop__c") == [shops[0]]


def test_a_row_that_is_back_holds_its_parent_again(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    (case,) = org.insert(backup, "Case", [{"AccountId": shops[0]}])
    org.delete(backup, "Case", [case])
    org.delete(backup, "Account", shops[5:])
    org.undelete(backup, "Case", [case])
    with pytest.raises(SalesforceError, match="associated with the following cases"):
        org.delete(backup, "Account", shops[:1])


def test_an_object_that_was_dropped_and_declared_again_has_no_old_rows(
    org: Org, backup: SimUser, shops: list[str]
) -> None:
    org.insert(backup, "Contact", [{"LastName": "x", "AccountId": shops[0]}])
    org.delete(backup, "Account", shops[5:])
    contact = org.schema.index["contact"]
    org.drop_object("Contact")
    org.add_object(contact)
    org.insert(backup, "Contact", [{"LastName": "y", "AccountId": shops[1]}])
    org.delete(backup, "Account", shops[:1])
    assert parents(org) == [shops[1]]


def test_children_of_children_go_along(org: Org, backup: SimUser, shops: list[str]) -> None:
    deals = org.insert(
        backup, "Opportunity", [{"Name": str(n), "AccountId": shops[n]} for n in range(2)]
    )
    org.insert(backup, "OpportunityLineItem", [{"OpportunityId": key} for key in deals * 3])
    org.delete(backup, "Account", shops[:1])
    assert parents(org, "OpportunityLineItem", "OpportunityId") == [deals[1]] * 3
