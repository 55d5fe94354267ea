"""Notes of the source on its records' changes."""

from dataclasses import replace

import pytest

from unit.engine.scene import Scene
from unlost.engine.records.changelog import noted_changes
from unlost.engine.records.explain import FieldChange
from unlost.engine.records.history import Origin, history
from unlost.model.source.schema import Reference, WireKind


@pytest.fixture
def logged(scene: Scene) -> tuple[Scene, str]:
    scene.org.add_table(
        "Deal",
        {"Name": WireKind.TEXT, "OwnerId": WireKind.REFERENCE, "Sum": WireKind.DECIMAL},
        references={"OwnerId": Reference(("User",))},
        logged=True,
    )
    record = scene.org.create("Deal", {"Name": "d", "OwnerId": "U1", "Sum": "1"})
    scene.night()
    return scene, record


def note(scene: Scene, record: str, field: str | None, old: str, new: str) -> None:
    scene.org.create(
        "DealHistory", {"RecordId": record, "Field": field, "Old": old, "New": new}, by="U7"
    )


def test_a_reference_noted_twice_is_told_once_by_its_id(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    scene.clock.advance(hours=2)
    log = scene.org.tables["Deal"].logged
    scene.org.tables["Deal"].logged = False
    scene.org.update("Deal", record, {"OwnerId": "U2"}, by="U7")
    scene.org.tables["Deal"].logged = log
    note(scene, record, "Owner", "U1", "U2")
    note(scene, record, "Owner", "Ann", "Bob")
    note(scene, record, "created", "", "")
    note(scene, record, None, "", "")
    scene.night()
    events = history(scene.vault, scene.oid, "Deal", record)
    assert events[-1].fields == (FieldChange("OwnerId", "U1", "U2"),)
    assert events[-1].origin is Origin.CHANGE_LOG
    assert len(events) == 2


def test_names_alone_are_kept_when_no_id_is_known(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    note(scene, record, "Owner", "Ann", "Bob")
    note(scene, record, "Owner", "Cid", "Dan")
    scene.night()
    head = scene.head
    table = head.schema().table("Deal")
    assert table is not None
    (kept,) = noted_changes(head, table, record, values={})
    assert (kept.old, kept.new) == ("Ann", "Bob")


@pytest.mark.parametrize("counted", [True, False], ids=["with a count", "with a hidden count"])
def test_changes_of_the_same_second_come_in_the_order_of_their_count(
    logged: tuple[Scene, str], counted: bool
) -> None:
    scene, record = logged
    scene.org.add_column("DealHistory", "Count")
    for count in (10, 9, 2):
        note(scene, record, "Sum", str(count - 1), str(count))
        newest = scene.org.tables["DealHistory"].records
        newest[max(newest)].cells["Count"] = str(count)
    note(scene, record, "Sum", "0", "1")
    if not counted:
        scene.org.hide_column("DealHistory", "Count")
    scene.night()
    table = scene.head.schema().table("Deal")
    assert table is not None
    assert table.change_log is not None
    table = replace(table, change_log=replace(table.change_log, order_column="Count"))
    told = [change.new for change in noted_changes(scene.head, table, record, values={})]
    assert sorted(told, key=str) == ["1", "10", "2", "9"]
    assert (told == ["1", "2", "9", "10"]) is counted


def test_what_the_log_does_not_explain_is_told_by_the_night(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    scene.clock.advance(hours=2)
    scene.org.update("Deal", record, {"Sum": "5"}, by="U2")
    scene.org.tables["Deal"].logged = False
    scene.clock.advance(hours=1)
    scene.org.update("Deal", record, {"Sum": "9", "Name": "e"}, by="U3")
    scene.org.tables["Deal"].logged = True
    scene.night()
    _, noted, seen = history(scene.vault, scene.oid, "Deal", record)
    assert noted.fields == (FieldChange("Sum", "1", "5"),)
    assert set(seen.fields) == {FieldChange("Sum", "5", "9"), FieldChange("Name", "d", "e")}
    assert (seen.by, seen.origin) == ("U3", Origin.VAULT)


def test_notes_after_the_last_version_are_told_too(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    note(scene, record, "Sum", "1", "2")
    note(scene, record, "Sum", "2", "1")
    scene.night()
    events = history(scene.vault, scene.oid, "Deal", record)
    told = [change for event in events for change in event.fields]
    assert told == [FieldChange("Sum", "1", "2"), FieldChange("Sum", "2", "1")]


def test_without_its_log_a_table_is_told_by_nights(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    scene.org.tables["DealHistory"].dropped = True
    scene.org.update("Deal", record, {"Name": "x"})
    scene.night()
    assert len(history(scene.vault, scene.oid, "Deal", record)) >= 2


def test_notes_that_the_source_has_thrown_away_are_still_told(logged: tuple[Scene, str]) -> None:
    scene, record = logged
    scene.clock.advance(hours=2)
    scene.org.update("Deal", record, {"Sum": "5"}, by="U2")
    scene.night()
    (gone,) = scene.org.tables["DealHistory"].records
    scene.org.purge("DealHistory", gone)
    scene.night()
    assert gone in scene.dead("DealHistory")
    _, noted = history(scene.vault, scene.oid, "Deal", record)
    assert (noted.origin, noted.by) == (Origin.CHANGE_LOG, "U2")
    assert noted.fields == (FieldChange("Sum", "1", "5"),)
