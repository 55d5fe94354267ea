"""Comparing nights, and a night with the org as it is now."""

import pytest

from homes import World
from scenes import Lead, scene, with_sales
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.records.compare import ComparisonSide, RecordSlice, compare
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records.compare import TableSummary
from unlost.model.access import Actor, ActorKind, Grant, Role
from unlost.model.errors import NotFound, UsageError
from unlost.model.source.schema import WireKind
from unlost.model.vault.snapshot import ChangeKind


def live(world: World) -> None:
    """Between two nights: one changes, one is deleted, one is created."""
    with_sales(world)
    backup(world.app, "sales")
    world.clock.advance(days=1)
    world.org.update("Account", "A40018", {"Phone": "overwritten", "Owner": None})
    world.org.delete("Account", "A40017")
    world.org.create("Account", {"Name": "Neu", "Number": "1"}, record="A50000")
    world.clock.advance(hours=1)
    backup(world.app, "sales")


after_nights = scene(live)


@pytest.fixture
def nights(world: World, after_nights: Lead) -> World:
    """Between two nights: one changes, one is deleted, one is created."""
    after_nights(world)
    return world


def test_tables_that_differ_are_counted_worst_first(nights: World) -> None:
    found = compare(nights.app, "sales", "1", "2")
    assert (found.old.snapshot, found.new.snapshot) == (1, 2)
    assert found.tables == (
        TableSummary("Account", created=1, changed=1, deleted=1),
        TableSummary("AccountHistory", created=2),
    )
    assert (found.table, found.rows, found.more) == (None, (), 0)


@pytest.mark.parametrize("order", [("1", "latest"), ("latest", "2026-03-02")])
def test_a_table_is_shown_record_by_record_in_either_order(
    nights: World, order: tuple[str, str]
) -> None:
    found = compare(nights.app, "sales", *order, table="account")
    assert (found.table, found.old.snapshot, found.new.snapshot) == ("Account", 1, 2)
    by_id = {row.record: row for row in found.rows}
    assert {key: row.change for key, row in by_id.items()} == {
        "A40017": ChangeKind.DELETED,
        "A40018": ChangeKind.CHANGED,
        "A50000": ChangeKind.CREATED,
    }
    assert by_id["A40017"].name == "Schoko Zürich"
    fields = {field.column: field for field in by_id["A40018"].changes}
    assert (fields["Phone"].old, fields["Phone"].new) == ("+41 40018", "overwritten")
    assert (fields["Owner"].old_means, fields["Owner"].new) == ("Ada Admin", None)


def listed(world: World, part: RecordSlice) -> tuple[list[str], int]:
    found = compare(world.app, "sales", "1", "2", table="Account", part=part)
    assert found.tables[0].total == 3
    return [row.record for row in found.rows], found.more


def test_only_the_first_records_are_listed_but_all_are_counted(nights: World) -> None:
    assert listed(nights, RecordSlice(most=2)) == (["A40017", "A40018"], 1)
    found = compare(nights.app, "sales", "1", "2", table="Account", part=RecordSlice(most=2))
    assert len(found.rows[1].changes) == 2


def test_the_others_are_listed_from_where_the_first_ended(nights: World) -> None:
    rest, more = listed(nights, RecordSlice(start=2, most=2))
    assert (len(rest), more) == (1, 0)
    assert listed(nights, RecordSlice(start=3)) == ([], 0)


def test_records_of_one_kind_are_listed_alone(nights: World) -> None:
    assert listed(nights, RecordSlice(kind=ChangeKind.DELETED)) == (["A40017"], 0)
    assert listed(nights, RecordSlice(kind=ChangeKind.CHANGED, most=1)) == (["A40018"], 0)
    assert listed(nights, RecordSlice(kind=ChangeKind.REVIVED)) == ([], 0)


def test_a_night_against_itself_differs_in_nothing(nights: World) -> None:
    assert compare(nights.app, "sales", "2", "latest").tables == ()


def test_the_live_org_is_compared_with_a_night(nights: World) -> None:
    nights.clock.advance(hours=1)
    nights.org.update("Account", "A40019", {"Phone": "now"})
    nights.org.purge("Account", "A40018")
    found = compare(nights.app, "sales", "live", "latest", table="Account")
    assert (found.old.snapshot, found.new) == (2, ComparisonSide(None, nights.clock.now()))
    assert {row.record: row.change for row in found.rows} == {
        "A40018": ChangeKind.DELETED,
        "A40019": ChangeKind.CHANGED,
    }


def test_a_table_that_the_org_refuses_now_does_not_stop_the_others(nights: World) -> None:
    nights.org.add_table("Case", {"Name": WireKind.TEXT})
    nights.clock.advance(hours=1)
    backup(nights.app, "sales")
    nights.org.tables["Case"].refused = True
    nights.org.update("Account", "A40019", {"Phone": "now"})
    found = compare(nights.app, "sales", "latest", "live")
    assert [table.table for table in found.unread] == ["Case"]
    assert "Account" in {table.table for table in found.tables}


def test_live_against_live_makes_no_sense(nights: World) -> None:
    with pytest.raises(UsageError) as caught:
        compare(nights.app, "sales", "live", "live")
    assert caught.value.code == "compare-live-twice"


def test_a_table_that_only_the_earlier_night_had_can_be_compared(nights: World) -> None:
    nights.org.add_table("Old", {"Name": WireKind.TEXT})
    nights.org.create("Old", {"Name": "gone"}, record="O1")
    nights.clock.advance(hours=1)
    backup(nights.app, "sales")
    nights.org.tables["Old"].dropped = True
    nights.clock.advance(hours=1)
    backup(nights.app, "sales")
    assert compare(nights.app, "sales", "3", "4", table="Old").rows == ()
    with pytest.raises(NotFound) as caught:
        compare(nights.app, "sales", "3", "4", table="Never")
    assert caught.value.code == "table-unknown"


def test_unknown_backups_are_told(nights: World) -> None:
    with pytest.raises(NotFound):
        compare(nights.app, "sales", "1", "9")


def test_who_does_not_see_a_column_does_not_count_its_changes(nights: World) -> None:
    nights.clock.advance(days=1)
    nights.org.update("Account", "A40019", {"Phone": "secret"})
    nights.org.update("Account", "A40018", {"Name": "Renamed"})
    backup(nights.app, "sales")
    hide(nights.app, "sales", "Account.Phone")
    viewer = Actor(ActorKind.PERSON, "vera", (Grant(Role.VIEWER, get_org("sales").oid),))
    seen = {}
    for app in (nights.app, nights.app.acting(viewer)):
        whole, part = (
            compare(app, "sales", "2", "3"),
            compare(app, "sales", "2", "3", table="Account"),
        )
        assert {one.table: one.changed for one in whole.tables}["Account"] == part.tables[0].changed
        seen[app.actor.name] = [row.record for row in part.rows]
    assert seen["vera"] == ["A40018"]
    assert sorted(map(len, seen.values())) == [1, 2]
