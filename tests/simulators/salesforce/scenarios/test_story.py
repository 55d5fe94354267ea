"""The customer of the story is complete, and known by value."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import pyarrow as pa
import pytest

from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.scenarios import scenario
from unlost_simulators.salesforce.scenarios.chocolate import story
from unlost_simulators.salesforce.scenarios.chocolate.objects import BY_NAME, KEYS
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Linked, Ref
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed_rows import story_id

Tables = Mapping[str, pa.Table]


def rows(tables: Tables, name: str, column: str, value: str) -> list[dict]:
    return [one for one in tables[name].to_pylist() if one[column] == value]


@pytest.mark.parametrize(("scale", "seed"), [(1, 1), (3, 20)])
def test_the_customer_is_found_by_number_alone(
    rows_of: Callable[..., Tables], scale: int, seed: int
) -> None:
    found = rows(
        rows_of(scale=scale, seed=seed), "Account", "Customer_Number__c", story.CUSTOMER_NUMBER
    )
    assert [one["Name"] for one in found] == [story.CUSTOMER_NAME]
    assert found[0]["Id"] == story_id("Account", story.CUSTOMER)


@pytest.mark.parametrize(
    ("name", "column", "count"),
    [
        ("Contact", "AccountId", 7), ("Case", "AccountId", 5), ("Opportunity", "AccountId", 3),
        ("Order", "AccountId", 2), ("Contract", "AccountId", 1), ("Asset", "AccountId", 2),
        ("Note", "ParentId", 2), ("Attachment", "ParentId", 1), ("FeedItem", "ParentId", 1),
        ("Account", "ParentId", 1), ("ContentDocumentLink", "LinkedEntityId", 4),
        ("AccountHistory", "AccountId", 2), ("Tasting__c", "Account__c", 1),
    ],
)  # fmt: skip
def test_everything_that_belongs_to_a_customer_hangs_on_it(
    chocolate: Tables, name: str, column: str, count: int
) -> None:
    key = story_id("Account", story.CUSTOMER)
    assert len(rows(chocolate, name, column, key)) == count


def test_opportunities_have_lines_whose_prices_add_up(chocolate: Tables) -> None:
    for handle in ("christmas", "easter", "mothers-day"):
        key = story_id("Opportunity", handle)
        lines = rows(chocolate, "OpportunityLineItem", "OpportunityId", key)
        deal = rows(chocolate, "Opportunity", "Id", key)[0]
        assert lines
        assert sum(one["TotalPrice"] for one in lines) == pytest.approx(deal["Amount"])


def test_the_melted_case_has_a_thread_with_an_inline_picture_and_a_pdf(chocolate: Tables) -> None:
    mails = rows(chocolate, "EmailMessage", "ParentId", story_id("Case", "melted"))
    assert len(mails) == 5
    assert len({one["ThreadIdentifier"] for one in mails}) == 1
    shown = re.search(r"FileDownload\?file=(00P\w{15})", mails[0]["HtmlBody"])
    assert shown is not None
    picture = rows(chocolate, "Attachment", "Id", shown.group(1))[0]
    assert picture["ParentId"] == mails[0]["Id"]
    assert picture["ContentType"] == "image/png"
    carried = rows(chocolate, "Attachment", "ParentId", mails[3]["Id"])
    assert [one["Name"] for one in carried] == ["Gutschrift.pdf"]
    assert {one["HasAttachment"] for one in mails} == {True, False}


def test_users_log_in_with_the_known_secret_and_see_what_they_should() -> None:
    users = {one.username: one for one in scenario("chocolate").users()}
    backup, narrow = users[story.BACKUP_USERNAME], users[story.NARROW_USERNAME]
    assert backup.sees_all_files
    assert (backup.consumer_key, backup.consumer_secret) == (
        story.BACKUP_CONSUMER_KEY,
        story.BACKUP_CONSUMER_SECRET,
    )
    assert not narrow.may(Permission.VIEW_ALL_DATA)
    assert narrow.consumer_key == story.NARROW_CONSUMER_KEY
    for name, column in narrow.hidden_fields:
        assert BY_NAME[name].field(column) is not None
    admin = users[story.ADMIN_USERNAME]
    assert admin.may(Permission.MODIFY_ALL_DATA)
    assert (admin.consumer_key, admin.consumer_secret) == (
        "chocolate-restore",
        story.BACKUP_CONSUMER_SECRET,
    )
    assert not users[story.INACTIVE_USERNAME].active


def test_users_who_call_have_rows_of_their_own(chocolate: Tables) -> None:
    held = {one["Id"]: one for one in chocolate["User"].to_pylist()}
    for user in scenario("chocolate").users():
        assert held[user.id]["Username"] == user.username
        assert held[user.id]["IsActive"] == user.active
        assert user.group_ids <= set(chocolate["Group"]["Id"].to_pylist())


def test_the_org_row_carries_the_id_of_the_org(chocolate: Tables) -> None:
    assert chocolate["Organization"]["Id"].to_pylist() == [scenario("chocolate").org_id]


def test_a_book_refuses_a_handle_twice_and_a_field_that_is_not_stored() -> None:
    fixed = FixedRows(author=Ref("User", "me"))
    fixed.add("User", "me", LastName="Ich")
    with pytest.raises(ValueError, match="written twice"):
        fixed.add("User", "me", LastName="Ich")
    fixed.add("Account", "a", Naem="x")
    with pytest.raises(ValueError, match="Account has no stored field"):
        list(fixed.tables(BY_NAME, KEYS, only={"Account"}))


def test_a_book_puts_ids_into_text() -> None:
    fixed = FixedRows(author=Ref("User", "me"))
    me = fixed.add("User", "me", LastName="Ich")
    fixed.add("Note", "n", Title="t", Body=Linked("see {id}!", me))
    made = dict(fixed.tables(BY_NAME, KEYS))
    assert made["Note"]["Body"].to_pylist() == [f"see {KEYS.fixed('User', 0)}!"]
