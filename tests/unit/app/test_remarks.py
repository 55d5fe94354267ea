"""What people wrote about a record stands in its history, between the changes."""

import pytest

from homes import World
from unit.app.remarks import with_remarks, write
from unlost.app.actions.backups.backup import backup
from unlost.app.actions.orgs.hidden_columns import hide
from unlost.app.actions.records.history import HistoryEntry, HistoryResult, history
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.records.history import EventKind, Origin
from unlost.model.access import Actor, ActorKind, Grant, Role


@pytest.fixture
def desk(world: World) -> World:
    with_remarks(world)
    return world


def of_customer(world: World, **wanted: str) -> HistoryResult:
    return history(world.app, "sales", "Account", "A40017", **wanted)


def remarks(result: HistoryResult) -> list[HistoryEntry]:
    return [entry for entry in result.entries if entry.kind is EventKind.REMARK]


def told(result: HistoryResult) -> list[tuple[str, str | None]]:
    return [(entry.fields[0].label, entry.fields[0].new) for entry in remarks(result)]


def test_remarks_stand_between_the_changes_in_their_order(desk: World) -> None:
    result = of_customer(desk)
    assert [entry.kind for entry in result.entries if entry.kind is not EventKind.CREATED] == [
        EventKind.REMARK, EventKind.CHANGED, EventKind.REMARK, EventKind.REMARK,
    ]  # fmt: skip
    assert told(result) == [
        ("Work note", "Called back."),
        ("Comment", "Thank you!\nBen"),
        ("odd", "Another kind"),
    ]
    assert result.total == len(result.entries)


def test_a_remark_has_its_author_and_is_not_put_back(desk: World) -> None:
    first, *_ = remarks(of_customer(desk))
    assert (first.by, first.told_by, first.snapshot) == ("U1", Origin.REMARKS, None)
    assert first.by_name == "Ada Admin"
    assert not first.fields[0].restorable
    assert first.record == "A40017"


def test_filters_by_user_keep_remarks_and_filters_by_column_do_not(desk: World) -> None:
    assert told(of_customer(desk, user="U2")) == [
        ("Comment", "Thank you!\nBen"),
        ("odd", "Another kind"),
    ]
    assert not remarks(of_customer(desk, column="Phone"))
    assert {user.value for user in of_customer(desk).users} >= {"U1", "U2"}


def test_a_deleted_record_with_a_later_remark_stays_deleted(desk: World) -> None:
    desk.org.delete("Account", "A40017", by="U1")
    desk.clock.advance(hours=1)
    write(desk, "J9", "notes", "Where is it?", by="U2")
    backup(desk.app, "sales")
    result = of_customer(desk)
    assert not result.alive
    assert told(result)[-1] == ("Work note", "Where is it?")


def test_remarks_that_the_source_deleted_are_still_shown(desk: World) -> None:
    desk.org.delete("Journal", "J1")
    backup(desk.app, "sales")
    assert ("Work note", "Called back.") in told(of_customer(desk))


def test_hidden_columns_of_remarks_hide_them(desk: World) -> None:
    hide(desk.app, "sales", "Journal.text")
    grant = Grant(Role.VIEWER, get_org("sales").oid)
    viewer = desk.app.acting(Actor(ActorKind.PERSON, "viewer", (grant,)))
    assert len(remarks(of_customer(desk))) == 3
    assert not remarks(history(viewer, "sales", "Account", "A40017"))
