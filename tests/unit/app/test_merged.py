"""Records that were merged into others, in the history, a search and the list of lost records."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.records.find import find
from unlost.app.actions.records.history import history
from unlost.app.actions.records.lost import lost
from unlost.app.actions.records.show import show
from unlost.catalog.orgs.orgs import get_org
from unlost.model.source.hidden_columns import hidden_columns
from unlost.model.source.schema import WireKind
from unlost.testing.platform import Platform

LOSER, WINNER = "A40017", "A40018"


def live(world: World) -> None:
    """Two accounts in a first backup, merged by a second one."""
    with_sales(world)
    world.org.tables["Account"].merged_into = "Winner"
    world.org.add_column("Account", "Winner", WireKind.REFERENCE)
    night(world)
    Platform(world.org).merge("Account", WINNER, LOSER, by="U1")
    night(world)


after_merge = scene(live)


@pytest.fixture
def merged(world: World, after_merge: Lead) -> World:
    """Two accounts in a first backup, merged by a second one."""
    after_merge(world)
    return world


def night(world: World) -> None:
    world.clock.advance(days=1)
    backup(world.app, "sales")


def name_of(world: World, record: str) -> str:
    return str(world.org.tables["Account"].records[record].cells["Name"])


def test_the_history_names_the_surviving_record(merged: World) -> None:
    *_, entry = history(merged.app, "sales", "Account", LOSER).entries
    assert (entry.merged_into, entry.merged_into_name) == (WINNER, name_of(merged, WINNER))
    assert entry.by_name == "Ada Admin"
    entries = history(merged.app, "sales", "Account", WINNER).entries
    assert {entry.merged_into for entry in entries} == {None}


def test_a_search_says_into_which_record_it_was_merged(merged: World) -> None:
    (hit,) = find(merged.app, LOSER).hits
    assert hit.gone is not None
    assert (hit.gone.merged_into, hit.gone.merged_into_name) == (WINNER, name_of(merged, WINNER))
    gone = show(merged.app, "sales", "Account", LOSER, at="latest").gone
    assert gone == hit.gone


def test_the_list_of_lost_records_marks_it(merged: World) -> None:
    (record,) = lost(merged.app, "sales", table="Account").records
    assert (record.record, record.gone.merged_into) == (LOSER, WINNER)
    assert record.gone.merged_into_name == name_of(merged, WINNER)


def test_it_stays_marked_after_it_left_the_bin(merged: World) -> None:
    name = name_of(merged, WINNER)
    Platform(merged.org).purge_bin()
    night(merged)
    (record,) = lost(merged.app, "sales", "1", "3", table="Account").records
    assert (record.gone.merged_into, record.gone.merged_into_name) == (WINNER, name)


def test_a_deleted_record_was_merged_into_none(merged: World) -> None:
    Platform(merged.org).delete("Account", WINNER, by="U1")
    night(merged)
    (record,) = lost(merged.app, "sales", table="Account").records
    assert (record.record, record.gone.merged_into) == (WINNER, None)


def test_a_hidden_column_names_no_record(merged: World) -> None:
    head = merged.app.vault.newest_backup(get_org("sales").oid)
    table = head.schema().table("Account")
    assert table.merged_into_column == "Winner"
    assert hidden_columns([("Account", "Winner")]).table(table).merged_into_column is None


def test_an_org_that_names_no_survivor_any_more_shows_a_deletion(merged: World) -> None:
    merged.org.tables["Account"].merged_into = None
    night(merged)
    *_, entry = history(merged.app, "sales", "Account", LOSER).entries
    assert entry.merged_into is None
