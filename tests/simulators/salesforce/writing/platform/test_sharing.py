"""Shares and teams: derived rows, manual ones, and their loss with a new owner."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from simulators.salesforce.writing.chocolate_org import admin, empty_org, rows
from simulators.salesforce.writing.record_writer import RecordWriter, code, errors
from unlost_simulators.salesforce.model.schema import Sharing
from unlost_simulators.salesforce.org import Org


@pytest.fixture
def org() -> Iterator[Org]:
    made = empty_org()
    yield made
    made.close()


@pytest.fixture
def maker(org: Org) -> RecordWriter:
    return admin(org)


@pytest.fixture
def users(org: Org, maker: RecordWriter) -> list[str]:
    """Two active users beside the writer."""
    active = [row for row in org.export("User").to_pylist() if row["IsActive"]]
    return [str(row["Id"]) for row in active if row["Id"] != maker.user.id][:2]


@pytest.fixture
def shop(maker: RecordWriter) -> str:
    return maker.made("Account", {"Name": "Shop"})[0]


def share(account: str, user: str, level: str = "Read") -> dict[str, Any]:
    return {"AccountId": account, "UserOrGroupId": user, "AccountAccessLevel": level}


def shares(maker: RecordWriter, account: str) -> set[tuple[object, object, object]]:
    return {
        (one["RowCause"], one["UserOrGroupId"], one["AccountAccessLevel"])
        for one in rows(maker, "AccountShare", "AccountId", account)
    }


def test_a_new_record_is_shared_with_its_owner(maker: RecordWriter, shop: str) -> None:
    assert shares(maker, shop) == {("Owner", maker.user.id, "All")}


def test_a_manual_share_needs_no_cause(maker: RecordWriter, shop: str, users: list[str]) -> None:
    maker.made("AccountShare", share(shop, users[0]))
    assert ("Manual", users[0], "Read") in shares(maker, shop)


def test_an_equal_share_is_changed(maker: RecordWriter, shop: str, users: list[str]) -> None:
    (first,) = maker.made("AccountShare", share(shop, users[0]))
    (second,) = maker.made("AccountShare", share(shop, users[0], "Edit"))
    assert first == second
    assert ("Manual", users[0], "Edit") in shares(maker, shop)
    assert len(shares(maker, shop)) == 2


def test_one_request_shares_with_a_user_once(
    maker: RecordWriter, shop: str, users: list[str]
) -> None:
    results = maker.create("AccountShare", share(shop, users[0]), share(shop, users[0]))
    assert [code(one) for one in results] == ["ok", "DUPLICATE_VALUE"]


def test_full_access_is_no_manual_share(maker: RecordWriter, shop: str, users: list[str]) -> None:
    (result,) = maker.create("AccountShare", share(shop, users[0], "All"))
    assert code(result) == "FIELD_INTEGRITY_EXCEPTION"
    (key,) = maker.made("AccountShare", share(shop, users[0]))
    (result,) = maker.update("AccountShare", {"Id": key, "AccountAccessLevel": "All"})
    assert code(result) == "FIELD_INTEGRITY_EXCEPTION"


def test_access_that_all_have_is_refused(
    org: Org, maker: RecordWriter, shop: str, users: list[str]
) -> None:
    org.change_object("Account", sharing=Sharing.PUBLIC)
    (result,) = maker.create("AccountShare", share(shop, users[0]))
    ((_, text),) = [(one.code, one.message) for one in result.errors]
    assert "trivial share level Read" in text


def test_derived_shares_are_closed(maker: RecordWriter, shop: str) -> None:
    (own,) = [one["Id"] for one in rows(maker, "AccountShare", "AccountId", shop)]
    (result,) = maker.update("AccountShare", {"Id": own, "AccountAccessLevel": "Read"})
    assert code(result) == "INSUFFICIENT_ACCESS_OR_READONLY"
    (result,) = maker.delete("AccountShare", str(own))
    assert code(result) == "INSUFFICIENT_ACCESS_OR_READONLY"


def test_a_derived_cause_is_refused(
    org: Org, maker: RecordWriter, shop: str, users: list[str]
) -> None:
    of = org.schema.index["accountshare"]
    fields = tuple(
        replace(field, createable=True) if field.name == "RowCause" else field
        for field in of.fields
    )
    org.change_object("AccountShare", fields=fields)
    for cause, wanted in (("Rule", "INSUFFICIENT_ACCESS_OR_READONLY"), ("Manual", "ok")):
        (result,) = maker.create("AccountShare", share(shop, users[0]) | {"RowCause": cause})
        assert code(result) == wanted


def member(account: str, user: str, role: str = "Taster") -> dict[str, Any]:
    return {"AccountId": account, "UserId": user, "TeamMemberRole": role}


def test_a_member_of_a_team_has_a_share(maker: RecordWriter, shop: str, users: list[str]) -> None:
    keys = maker.made("AccountTeamMember", *(member(shop, user) for user in users))
    team = {("Team", user, "Read") for user in users}
    assert team < shares(maker, shop)
    maker.delete("AccountTeamMember", keys[0])
    assert shares(maker, shop) & team == {("Team", users[1], "Read")}


def test_a_member_who_is_there_is_changed(maker: RecordWriter, shop: str, users: list[str]) -> None:
    (first,) = maker.made("AccountTeamMember", member(shop, users[0]))
    (second,) = maker.made("AccountTeamMember", member(shop, users[0], "Sales Rep"))
    assert first == second
    (row,) = rows(maker, "AccountTeamMember", "AccountId", shop)
    assert row["TeamMemberRole"] == "Sales Rep"


def test_a_new_owner_leaves_neither_team_nor_manual_shares(
    maker: RecordWriter, shop: str, users: list[str]
) -> None:
    maker.made("AccountTeamMember", member(shop, users[0]))
    maker.made("AccountShare", share(shop, users[0]))
    (result,) = maker.update("Account", {"Id": shop, "OwnerId": users[1]})
    assert errors(result) == []
    assert rows(maker, "AccountTeamMember", "AccountId", shop) == []
    assert shares(maker, shop) == {("Owner", users[1], "All")}


def test_the_same_owner_changes_nothing(maker: RecordWriter, shop: str, users: list[str]) -> None:
    maker.made("AccountShare", share(shop, users[0]))
    before = shares(maker, shop)
    maker.update("Account", {"Id": shop, "OwnerId": maker.user.id, "Name": "New"})
    assert shares(maker, shop) == before


def test_an_undeleted_record_is_shared_with_its_owner_again(
    maker: RecordWriter, shop: str, users: list[str]
) -> None:
    maker.made("AccountShare", share(shop, users[0]))
    maker.delete("Account", shop)
    assert shares(maker, shop) == set()
    maker.undelete("Account", shop)
    assert shares(maker, shop) == {("Owner", maker.user.id, "All")}


def test_an_org_without_shares_has_none(org: Org, maker: RecordWriter, users: list[str]) -> None:
    org.change_object("Account", share_object=None)
    (key,) = maker.made("Account", {"Name": "Open"})
    (one,) = maker.made("AccountTeamMember", member(key, users[0]))
    maker.update("Account", {"Id": key, "OwnerId": users[1]})
    assert shares(maker, key) == set()
    (one,) = maker.made("AccountTeamMember", member(key, users[0]))
    maker.delete("AccountTeamMember", one)
    assert rows(maker, "AccountTeamMember", "AccountId", key) == []
