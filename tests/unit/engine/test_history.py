"""The history of one record, merged with what the source itself wrote down."""

from datetime import UTC, datetime, timedelta

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import EventKind, Nights, Origin, events, history
from unlost.model.errors import NotFound
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Table, WireKind
from unlost.model.vault.snapshot import Version


def test_the_change_log_tells_time_and_user_of_every_change(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=3)
    first = scene.clock.now()
    scene.org.update("Account", made[0], {"Phone": "p1", "Name": "n1"}, by="U2")
    scene.clock.advance(hours=3)
    scene.org.update("Account", made[0], {"Phone": "p2"}, by="U3")
    scene.night()
    events = history(scene.vault, scene.oid, "Account", made[0])
    assert [event.kind for event in events] == [
        EventKind.CREATED,
        EventKind.CHANGED,
        EventKind.CHANGED,
    ]
    assert events[1].when.exact == first
    assert (events[1].by, events[1].origin) == ("U2", Origin.CHANGE_LOG)
    assert set(events[1].fields) == {
        FieldChange("Phone", "00", "p1"),
        FieldChange("Name", "Account 0", "n1"),
    }
    assert (events[2].by, events[2].fields) == ("U3", (FieldChange("Phone", "p1", "p2"),))


def test_without_a_log_the_last_change_has_its_stamp(scene: Scene) -> None:
    chocolate(scene)
    contact = next(iter(scene.org.tables["Contact"].records))
    scene.night()
    scene.clock.advance(hours=3)
    stamp = scene.clock.now()
    scene.org.update("Contact", contact, {"Name": "other"}, by="U2")
    scene.night()
    scene.clock.advance(hours=3)
    scene.org.delete("Contact", contact, by="U4")
    scene.night()
    scene.org.undelete("Contact", contact, by="U5")
    scene.night()
    created, changed, deleted, revived = history(scene.vault, scene.oid, "Contact", contact)
    assert created.when.exact is None
    assert created.when.after is None
    assert (changed.when.exact, changed.by) == (stamp, "U2")
    assert changed.fields == (FieldChange("Name", "Contact 0", "other"),)
    assert (deleted.kind, deleted.by) == (EventKind.DELETED, "U4")
    assert (revived.kind, revived.by, revived.fields) == (EventKind.REVIVED, "U5", ())


def test_a_purge_lies_between_two_nights(scene: Scene) -> None:
    chocolate(scene)
    gone = next(iter(scene.org.tables["Junction"].records))
    first = scene.night()
    scene.clock.advance(hours=3)
    scene.org.purge("Junction", gone)
    second = scene.night()
    deleted = history(scene.vault, scene.oid, "Junction", gone)[-1]
    assert deleted.when.exact is None
    assert deleted.when.after == first.snapshot.as_of
    assert deleted.when.until == second.snapshot.as_of
    assert deleted.by is None


def test_a_column_that_appears_is_no_change_of_the_record(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.add_column("Account", "Extra", value="x")
    scene.night()
    assert len(history(scene.vault, scene.oid, "Account", made[0])) == 1


def test_a_deletion_told_twice_is_told_once_and_better(scene: Scene) -> None:
    """First the census misses the record; later the source gives its last row."""
    from unlost.model.source.schema import TableTrait

    scene.org.add_table("Odd", {"Name": WireKind.TEXT}, traits=frozenset({TableTrait.CENSUS}))
    record = scene.org.create("Odd", {"Name": "x"})
    scene.night()
    scene.org.delete("Odd", record, by="U9")
    stamp = scene.clock.now()
    scene.org.unshared_rows.add(("Odd", record))
    scene.night()
    assert scene.dead("Odd") == {record: "M"}
    scene.org.unshared_rows.clear()
    scene.org.tables["Odd"].traits |= {TableTrait.REPORTS_DELETES}
    scene.night()
    assert scene.dead("Odd") == {record: "D"}
    events = history(scene.vault, scene.oid, "Odd", record)
    assert [event.kind for event in events] == [EventKind.CREATED, EventKind.DELETED]
    assert (events[1].when.exact, events[1].by) == (stamp, "U9")
    assert events[1].when.after is not None
    assert events[1].when.latest - stamp == timedelta(0)


def test_a_record_that_nobody_saw_is_not_found(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    with pytest.raises(NotFound, match="has no record nobody"):
        history(scene.vault, scene.oid, "Account", "nobody")


def told(scene: Scene, record: str, column: str = "Phone") -> list[FieldChange]:
    events = history(scene.vault, scene.oid, "Account", record)
    return [change for event in events for change in event.fields if change.column == column]


def test_a_change_at_the_very_moment_of_a_backup_was_told_twice(scene: Scene) -> None:
    """The night read the record, then it changed, in the same second."""
    made = chocolate(scene)
    scene.night()
    stamp = scene.clock.now()
    scene.org.update("Account", made[0], {"Phone": "new"}, by="U2")
    scene.night()
    created, changed = history(scene.vault, scene.oid, "Account", made[0])
    assert created.kind is EventKind.CREATED
    assert (changed.when.exact, changed.by, changed.origin) == (stamp, "U2", Origin.CHANGE_LOG)
    assert changed.fields == (FieldChange("Phone", "00", "new"),)


def test_two_changes_at_the_moment_of_a_backup_that_saw_the_first(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=5)
    scene.org.update("Account", made[0], {"Phone": "one"}, by="U2")
    scene.night(hours=0)
    scene.org.update("Account", made[0], {"Phone": "two"}, by="U3")
    scene.night()
    assert told(scene, made[0]) == [
        FieldChange("Phone", "00", "one"),
        FieldChange("Phone", "one", "two"),
    ]


def test_a_change_that_was_committed_late_is_told_once(scene: Scene) -> None:
    """Stamped before a night looked, and visible only after it; something else changed too."""
    made = chocolate(scene)
    scene.night()
    scene.clock.advance(hours=5)
    scene.org.update("Account", made[0], {"Name": "other"}, by="U2")
    scene.org.update("Account", made[0], {"Phone": "new"}, by="U3", commit_after=600)
    stamp = scene.clock.now()
    scene.night(hours=0)
    assert scene.cells("Account", "Phone")[made[0]] == "00"
    scene.night()
    events = history(scene.vault, scene.oid, "Account", made[0])
    assert told(scene, made[0]) == [FieldChange("Phone", "00", "new")]
    assert told(scene, made[0], "Name") == [FieldChange("Name", "Account 0", "other")]
    assert {event.when.exact for event in events[1:]} == {stamp}


def test_a_late_change_was_told_before_the_change_that_it_came_upon(scene: Scene) -> None:
    """Stamped before it, visible after it: the other column's change keeps its own place."""
    chocolate(scene)
    contact = next(iter(scene.org.tables["Contact"].records))
    scene.night()
    cells = scene.org.tables["Contact"].records[contact].cells
    late = scene.clock.now()
    scene.org.update("Contact", contact, {"Name": "late"}, by="U2", commit_after=1800)
    scene.clock.advance(seconds=600)
    cells["Name"] = "quiet"  # moves no stamp
    scene.night(hours=0, full=True)
    scene.night()
    _, quiet, came = history(scene.vault, scene.oid, "Contact", contact)
    assert quiet.fields == (FieldChange("Name", "Contact 0", "quiet"),)
    assert came.fields == (FieldChange("Name", "quiet", "late"),)
    assert came.when.exact == late < quiet.when.until


def test_a_record_comes_before_what_was_changed_of_it(scene: Scene) -> None:
    chocolate(scene)
    made = scene.org.create("Account", {"Name": "n", "Phone": "1"})
    scene.clock.advance(hours=1)
    scene.org.update("Account", made, {"Phone": "2"}, by="U2")
    scene.clock.advance(hours=1)
    scene.org.update("Account", made, {"Phone": "3"}, by="U2")
    scene.night()
    events = history(scene.vault, scene.oid, "Account", made)
    assert [event.kind for event in events] == [EventKind.CREATED] + [EventKind.CHANGED] * 2
    assert events[0].when.until == events[1].when.exact


YEARS_AGO = datetime(2021, 5, 5, tzinfo=UTC)
TABLE = Table("Deal", (Column("Stamp", WireKind.INSTANT),), stamp_column="Stamp")


def undeleted(
    edited: datetime | None,
    stamped: datetime | None,
    *,
    deleted: datetime | None = datetime(2026, 3, 3, 9, tzinfo=UTC),
    table: Table | None = TABLE,
) -> tuple[datetime | None, str | None]:
    """When and by whom a deal was undeleted, which was deleted on 3 March and is back on the 5th."""
    first = datetime(2026, 3, 2, tzinfo=UTC)
    ops = (Op.STATE, Op.DELETED, Op.STATE)
    times = ((YEARS_AGO, "U1"), (deleted, None), (edited, "U1"))
    versions = [
        Version(
            "Deal", "1", number, op, first + timedelta(days=number), at, by,
            {"Stamp": stamped.isoformat() if stamped else None},
        )
        for number, (op, (at, by)) in enumerate(zip(ops, times, strict=True), start=1)
    ]  # fmt: skip
    *_, revived = events(versions, table, [], Nights(()))
    assert revived.kind is EventKind.REVIVED
    return revived.when.exact, revived.by


def test_an_undelete_stood_at_the_last_edit_years_before_the_deletion() -> None:
    back = datetime(2026, 3, 4, 17, tzinfo=UTC)
    assert undeleted(YEARS_AGO, back) == (back, None), "the system's stamp tells when, not who"
    assert undeleted(back, back) == (back, "U1")
    assert undeleted(YEARS_AGO, YEARS_AGO) == (None, None)
    assert undeleted(None, None) == (None, None)
    assert undeleted(YEARS_AGO, back, table=None) == (None, None)
    assert undeleted(YEARS_AGO, back, table=Table("Deal", ())) == (None, None)
    assert undeleted(back, back, deleted=None) == (None, None), "nobody knows when it was deleted"


def test_a_deletion_that_moves_the_last_edit_is_not_the_undelete() -> None:
    """Some orgs stamp the last edit with the deletion, and an undelete leaves it there."""
    gone = datetime(2026, 3, 3, 9, tzinfo=UTC)
    assert undeleted(gone, None) == (None, None)
