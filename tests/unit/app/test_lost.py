"""What was lost between two nights, over all tables."""

import pytest

from homes import World
from scenes import Lead, scene
from unit.app.shop import CUSTOMER, WRITER, Shop, open_shop
from unit.app.test_restore import refused
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.tables import tables
from unlost.app.actions.orgs.write_access import set_writer
from unlost.app.actions.records.lost import LostResult, lost
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.reading import Op
from unlost.model.source.schema import TableTrait
from unlost.testing.clock import START

opened = scene(open_shop)


@pytest.fixture
def shop(world: World, opened: Lead) -> Shop:
    made: Shop = opened(world)
    set_writer(made.app, WRITER)
    return made


def told(found: LostResult) -> list[tuple[str, str]]:
    return [(one.table, one.name) for one in found.records]


def test_all_that_was_lost_is_told_by_tables(shop: Shop) -> None:
    shop.lose("A40018")
    shop.night()
    found = lost(shop.app, "sales")
    assert (found.old, found.new, found.total) == (1, 2, 5)
    assert [(one.table, one.count) for one in found.tables] == [
        ("Account", 2),
        ("Contact", 2),
        ("Paper", 1),
    ]
    assert told(found) == [
        ("Account", "Schoko Zürich"),
        ("Account", "Cacao Lyon"),
        ("Contact", "Ann"),
        ("Contact", "Ben"),
        ("Paper", "recipe.txt"),
    ]


def test_tables_that_people_open_come_first(shop: Shop) -> None:
    for name, table in shop.org.tables.items():
        others = table.traits - {TableTrait.OPENED}
        table.traits = others | {TableTrait.OPENED} if name == "Paper" else others
    shop.night()
    shop.lose()
    shop.night()
    found = lost(shop.app, "sales")
    assert [one.table for one in found.tables] == ["Paper", "Contact", "Account"]
    assert told(found)[:2] == [("Paper", "recipe.txt"), ("Account", "Schoko Zürich")]


def test_by_whom_and_when_where_the_org_tells(shop: Shop) -> None:
    shop.world.clock.advance(hours=5)
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.world.clock.advance(hours=5)
    shop.night()
    gone = lost(shop.app, "sales", table="Account").records[0].gone
    assert (gone.how, gone.by, gone.by_name) == (Op.DELETED, "U1", "Ada Admin")
    assert gone.at is not None
    assert (gone.at - START).days == 1


def test_what_an_earlier_night_knew_is_told_though_the_bin_was_emptied(shop: Shop) -> None:
    shop.platform.delete("Account", CUSTOMER, by="U1")
    shop.night()
    shop.platform.purge_bin()
    shop.night()
    gone = lost(shop.app, "sales", "1", "3", table="Account").records[0].gone
    assert gone.by == "U1"


def test_a_purged_record_went_between_two_nights(shop: Shop) -> None:
    shop.lose()
    shop.night()
    gone = lost(shop.app, "sales", table="Account").records[0].gone
    assert gone.at is None
    assert gone.after == shop.app.vault.at(shop.oid, 1).info.as_of


def test_pages_go_on_over_the_borders_of_tables(shop: Shop) -> None:
    shop.lose("A40018")
    shop.night()
    whole = told(lost(shop.app, "sales"))
    parts = [told(lost(shop.app, "sales", start=at, most=2)) for at in (0, 2, 4, 6)]
    assert parts == [whole[:2], whole[2:4], whole[4:], []]


def test_what_was_there_between_the_two_nights_alone_was_not_lost(shop: Shop) -> None:
    made = shop.org.create("Contact", {"Name": "Short", "Account": CUSTOMER})
    shop.night()
    shop.platform.delete("Contact", made, by="U1")
    shop.night()
    assert lost(shop.app, "sales", "1", "3").total == 0
    assert lost(shop.app, "sales", "3", "2").total == 1, "in whatever order they are named"


def test_two_nights_are_needed(shop: Shop) -> None:
    refused(UsageError, "lost-one-night", lost, shop.app, "sales")
    shop.night()
    refused(UsageError, "lost-one-night", lost, shop.app, "sales", "2", "latest")
    refused(UsageError, "moment-live", lost, shop.app, "sales", "1", "live")
    refused(NotFound, "snapshot-unknown", lost, shop.app, "sales", "1", "9")
    refused(NotFound, "table-unknown", lambda: lost(shop.app, "sales", table="Nothing"))
    assert lost(shop.app, "sales").total == 0


def test_backups_between_the_nights_are_no_nights(shop: Shop) -> None:
    shop.lose()
    backup(shop.app, "sales")
    assert lost(shop.app, "sales").new == 2


def test_two_contact_were_lost_in_the_singular(shop: Shop) -> None:
    shop.lose()
    shop.night()
    labels = [(table.label, table.count) for table in lost(shop.app, "sales").tables]
    assert labels == [("Contacts", 2), ("Account", 1), ("Paper", 1)]
    assert [record.table_label for record in lost(shop.app, "sales").records][-1] == "Paper"
    assert {table.label for table in tables(shop.app, "sales").tables} >= {"Accounts", "Contacts"}
