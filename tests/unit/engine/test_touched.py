"""Changed records of a set, and changed records that belong to it, directly or over one more."""

from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import LINK, Atelier
from unlost.engine.records import touched as module
from unlost.engine.records.touched import SetReach, TouchedRecords, touched_records
from unlost.model.plan import RecordKey
from unlost.model.source.schema import ChangeLog, Reference, TableTrait, WireKind


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


class Two:
    """Two accounts, each with a contact and a memo about the contact, under a backup."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        self.account, self.other = (shop.make("Account", name) for name in "ab")
        self.contact, self.stranger = (
            shop.make("Contact", "c", Account=account) for account in (self.account, self.other)
        )
        self.memo = shop.make("Memo", "m", About=self.contact)
        shop.night()
        self.first = shop.head.info.number

    def touched(self, *members: str) -> TouchedRecords:
        keys = [RecordKey("Account", member) for member in members or (self.account,)]
        until = self.shop.head.info.number
        return touched_records(self.shop.vault, self.shop.oid, keys, after=self.first, until=until)

    def found(self, *members: str) -> dict[str, str]:
        """By changed record the account that it belongs to."""
        records = self.touched(*members).records
        return {each.key.record: each.belongs_to.record for each in records}


def test_a_changed_record_of_the_set_is_its_own(shop: Atelier) -> None:
    two = Two(shop)
    for account in (two.account, two.other):
        shop.org.update("Account", account, {"Name": "z"})
    shop.night()
    assert two.found() == {two.account: two.account}
    assert two.found(two.account, two.other) == {
        two.account: two.account, two.other: two.other,
    }  # fmt: skip


def test_changed_records_that_refer_to_the_set_belong_to_it(shop: Atelier) -> None:
    two = Two(shop)
    for contact in (two.contact, two.stranger):
        shop.org.update("Contact", contact, {"Name": "z"})
    new = shop.make("Contact", "new", Account=two.account)
    shop.night()
    assert two.found() == {two.contact: two.account, new: two.account}


def test_a_record_over_one_more_belongs_to_the_set(shop: Atelier) -> None:
    two = Two(shop)
    shop.org.update("Memo", two.memo, {"Name": "z"})
    other = shop.make("Memo", "x", About=two.stranger)
    shop.night()
    assert two.found() == {two.memo: two.account}
    assert two.found(two.other) == {other: two.other}


def test_deleted_records_belonged_to_the_set(shop: Atelier) -> None:
    two = Two(shop)
    shop.lose("Account", two.account)
    shop.night()
    assert two.found() == {
        two.account: two.account, two.contact: two.account, two.memo: two.account,
    }  # fmt: skip


def test_a_record_that_was_moved_away_counts_for_both(shop: Atelier) -> None:
    two = Two(shop)
    shop.org.update("Contact", two.contact, {"Account": two.other})
    shop.night()
    assert two.found() == {two.contact: two.account}
    assert two.found(two.other) == {two.contact: two.other}


def test_the_newest_changes_come_first(shop: Atelier) -> None:
    two = Two(shop)
    shop.org.update("Contact", two.contact, {"Name": "z"})
    shop.night()
    shop.org.update("Account", two.account, {"Name": "z"})
    shop.night()
    records = two.touched().records
    assert [each.key.record for each in records] == [two.account, two.contact]
    assert records[0].commit > records[1].commit


def test_a_table_with_too_many_changes_is_named_and_the_set_itself_is_not_lost(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    two = Two(shop)
    monkeypatch.setattr(module, "MOST_CHANGED", 1)
    shop.org.update("Account", two.account, {"Name": "z"})
    shop.org.update("Account", two.other, {"Name": "z"})
    shop.org.update("Contact", two.contact, {"Name": "z"})
    shop.night()
    touched = two.touched()
    assert touched.unsearched == ("Account",)
    assert {each.key.record for each in touched.records} == {two.account, two.contact}


def test_a_column_and_a_table_that_came_later_are_read_where_they_are(shop: Atelier) -> None:
    two = Two(shop)
    columns = shop.org.tables["Team"].columns
    columns["Sponsor"] = replace(columns["Lead"], name="Sponsor", reference=Reference(("Account",)))
    shop.org.add_table("Visit", {"At": LINK}, references={"At": Reference(("Account",))})
    team = shop.make("Team", "t", Sponsor=two.account)
    visit = shop.org.create("Visit", {"At": two.account})
    shop.night()
    assert two.found() == {team: two.account, visit: two.account}


def test_a_table_that_is_not_backed_up_yet_is_passed_over(shop: Atelier) -> None:
    two = Two(shop)
    key = RecordKey("Nothing", "1")
    until = shop.head.info.number
    args = {"after": two.first, "until": until}
    assert touched_records(shop.vault, shop.oid, [key], **args).records == ()


def test_set_up_data_and_logs_of_changes_belong_to_nobody(shop: Atelier) -> None:
    two = Two(shop)
    schema = shop.head.schema()
    log = ChangeLog("Memo", "About", "Name", "Name", "Name", "Name", "Name")
    tables = tuple(
        replace(
            table,
            traits=table.traits
            | ({TableTrait.CONFIGURATION} if table.name == "Contact" else set()),
            change_log=log if table.name == "Account" else None,
        )
        for table in schema.tables
    )
    reach = SetReach(replace(schema, tables=tables), {"Account": frozenset({two.account})})
    assert "Contact" not in reach.tables
    assert "Memo" not in reach.tables


def test_a_set_of_set_up_data_has_nothing_that_belongs_to_it(shop: Atelier) -> None:
    """Everything refers to a user, and nothing belongs to one."""
    shop.org.add_table("User", {"Name": WireKind.TEXT})
    shop.org.tables["Team"].columns["Lead"] = replace(
        shop.org.tables["Team"].columns["Lead"], reference=Reference(("User",))
    )
    user = shop.make("User", "u")
    shop.night()
    tables = tuple(
        replace(table, traits=table.traits | {TableTrait.CONFIGURATION})
        if table.name == "User"
        else table
        for table in shop.head.schema().tables
    )
    reach = SetReach(replace(shop.head.schema(), tables=tables), {"User": frozenset({user})})
    assert reach.tables == ["User"]
