"""The changes that many records share are counted by column, kind and user, whatever the batches."""

from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.scene import Scene
from unlost.engine.records import mass_changes as engine
from unlost.engine.records.mass_changes import mass_changes
from unlost.model.mass_changes import MassChange, MassKind
from unlost.model.source.schema import Reference, Schema, Table, TableTrait, WireKind
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit
from unlost.testing.org import ALL_TRAITS

PEOPLE = 60
BIN = ALL_TRAITS | {TableTrait.UNDELETE}


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """Sixty people with phones that differ, under a backup."""
    made = Scene(tmp_path)
    made.org.add_table("User", {"Name": WireKind.TEXT})
    columns = {
        "Name": WireKind.TEXT,
        "Phone": WireKind.TEXT,
        "City": WireKind.TEXT,
        "Sum": WireKind.DECIMAL,
        "Active": WireKind.BOOLEAN,
        "Owner": WireKind.REFERENCE,
        "Seen": WireKind.TEXT,
    }
    made.org.add_table(
        "Person", columns, traits=BIN, volatile=frozenset({"Seen"}),
        references={"Owner": Reference(("User", "Queue"))},
    )  # fmt: skip
    by = made.org.tables["Person"].columns["ModifiedBy"]
    made.org.tables["Person"].columns["ModifiedBy"] = replace(by, reference=Reference(("User",)))
    for number in range(PEOPLE):
        cells = {
            "Name": f"Person {number}", "Phone": f"+41 {number}", "City": None, "Sum": "1.0",
            "Active": "true", "Owner": "U1",
        }  # fmt: skip
        made.org.create("Person", cells, record=f"P{number:02}")
    made.night()
    return made


def change(scene: Scene, column: str, values: list[str | None], by: str = "U1") -> None:
    for number, value in enumerate(values):
        scene.org.update("Person", f"P{number:02}", {column: value}, by=by)


def changes(scene: Scene, after: int = 1) -> dict[tuple[str, MassKind], MassChange]:
    scene.night()
    until = scene.vault.snapshots(scene.oid)[-1].number
    table = scene.vault.at(scene.oid, until).schema().table("Person")
    assert table is not None
    found = mass_changes(scene.vault, scene.oid, table, after=after, until=until)
    return {(change.column, change.kind): change for change in found}


def test_a_quiet_backup_has_none(scene: Scene) -> None:
    assert changes(scene) == {}


@pytest.mark.parametrize("batch", [7, 5_000])
def test_phones_overwritten_with_one_value(
    scene: Scene, batch: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "FETCH", batch)
    monkeypatch.setattr(engine, "TOP_VALUES", 2)
    monkeypatch.setattr(engine, "MANY_PARTS", 3)
    scene.clock.advance(hours=1)
    change(scene, "Phone", ["0"] * 30, by="U7")
    first = scene.clock.now()
    scene.clock.advance(hours=1)
    for number in range(30, 55):
        scene.org.update("Person", f"P{number}", {"Phone": f"new {number}"}, by="U8")
    last = scene.clock.now()
    found = changes(scene)
    assert set(found) == {("Phone", MassKind.OVERWRITTEN), ("Phone", MassKind.EDITED)}
    overwritten = found["Phone", MassKind.OVERWRITTEN]
    assert (overwritten.count, overwritten.total) == (30, PEOPLE)
    (share,) = overwritten.users
    assert (share.by, share.count, share.first, share.last) == ("U7", 30, first, first)
    (other,) = found["Phone", MassKind.EDITED].users
    assert (other.by, other.count, other.last) == ("U8", 25, last)


def test_emptied_filled_and_values_that_mean_the_same(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "Phone", [None, "", None])
    change(scene, "City", ["Bern", "Basel"] * 10)
    change(scene, "Sum", ["1", "1.00"])
    change(scene, "Seen", ["x"] * 40)
    found = changes(scene)
    assert {key: change.count for key, change in found.items()} == {
        ("Phone", MassKind.EMPTIED): 3,
        ("City", MassKind.FILLED): 20,
    }


def test_an_empty_text_in_place_of_no_value_is_no_change(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "City", [""] * 30)
    assert changes(scene) == {}


def test_few_edits_with_differing_values_are_not_kept(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "Phone", [f"{number}" for number in range(19)])
    assert changes(scene) == {}


def test_a_column_of_few_values_is_overwritten_only_by_most_of_its_edits(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "Active", ["false"] * 10)
    found = changes(scene)
    assert found["Active", MassKind.OVERWRITTEN].count == 10
    scene.clock.advance(hours=1)
    # Ten come back, and as many go the other way.
    change(scene, "Active", ["true"] * 10 + ["false"] * 10)
    later = changes(scene, after=2)
    assert {key: change.count for key, change in later.items()} == {("Active", MassKind.EDITED): 20}


def test_a_fifth_of_a_column_of_few_values_edited_by_chance_alike_is_not_overwritten(
    scene: Scene,
) -> None:
    """23 of 40 edits of a priority had one of its three values, and raised an alert."""
    scene.clock.advance(hours=1)
    change(scene, "Active", ["false"] * 23)
    assert changes(scene)["Active", MassKind.OVERWRITTEN].count == 23
    scene.clock.advance(hours=1)
    change(scene, "Active", ["true"] * 17 + ["false"] * 29)
    later = changes(scene, after=2)
    assert {key: change.count for key, change in later.items()} == {("Active", MassKind.EDITED): 40}


def test_other_owners_are_a_transfer(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "Owner", ["U2"] * 50)
    assert changes(scene)["Owner", MassKind.TRANSFERRED].count == 50


def test_created_and_deleted_records_by_user(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    for number in range(25):
        scene.org.create("Person", {"Name": f"Person {number}"}, by="U7")
    for number in range(10):
        scene.org.delete("Person", f"P{number:02}", by="U8")
    for number in range(10, 14):
        scene.org.delete("Person", f"P{number:02}", by="U8")
        scene.org.purge("Person", f"P{number:02}")
    found = changes(scene)
    assert {key: change.count for key, change in found.items()} == {
        ("", MassKind.CREATED): 25,
        ("", MassKind.DELETED): 14,
        ("", MassKind.BIN_SKIPPED): 4,
    }
    assert [(share.by, share.count) for share in found["", MassKind.DELETED].users] == [
        ("U8", 10),
        ("", 4),
    ]
    scene.org.undelete("Person", "P01")
    assert changes(scene, after=2) == {}


def test_a_table_without_a_recycle_bin_has_none_that_skipped_it(scene: Scene) -> None:
    scene.org.tables["Person"].traits = ALL_TRAITS
    scene.clock.advance(hours=1)
    scene.org.delete("Person", "P01")
    scene.org.purge("Person", "P01")
    assert set(changes(scene)) == {("", MassKind.DELETED)}
    scene.org.delete("Person", "P02", by="U8")
    (share,) = changes(scene, after=2)["", MassKind.DELETED].users
    assert share.by == "U8"


def test_a_change_without_a_new_stamp_was_not_made_by_the_last_user(scene: Scene) -> None:
    """Deleting a price book empties the column of its opportunities, and leaves their stamps."""
    change(scene, "City", ["Gent"] * PEOPLE, by="U7")
    scene.night()
    scene.clock.advance(hours=1)
    for number in range(30):
        scene.org.tables["Person"].records[f"P{number:02}"].cells["City"] = None
    scene.org.update("Person", "P30", {"City": None}, by="U8")
    scene.night(full=True)
    table = scene.vault.at(scene.oid, 3).schema().table("Person")
    assert table is not None
    (emptied,) = mass_changes(scene.vault, scene.oid, table, after=2, until=3)
    assert (emptied.kind, emptied.count) == (MassKind.EMPTIED, 31)
    assert [(share.by, share.count) for share in emptied.users] == [("", 30), ("U8", 1)]
    assert emptied.users[0].first is None


def test_few_edits_are_listed_with_those_of_the_most_frequent_value(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    change(scene, "Phone", [f"new {n}" for n in range(15)] + ["0"] * 10, by="U7")
    found = changes(scene)
    assert {key: some.count for key, some in found.items()} == {
        ("Phone", MassKind.EDITED): 15, ("Phone", MassKind.OVERWRITTEN): 10,
    }  # fmt: skip


def test_records_that_were_there_before_and_become_visible_are_not_created(scene: Scene) -> None:
    scene.org.hidden_rows.add(("Person", "P01"))
    scene.clock.advance(hours=1)
    scene.night()
    scene.org.hidden_rows.clear()
    assert changes(scene, after=2) == {}


def test_what_a_restore_of_ours_creates_does_not_count(scene: Scene) -> None:
    scene.clock.advance(hours=1)
    live = scene.org.create("Person", {"Name": "back"}, by="U7")
    other = scene.org.create("Person", {"Name": "new"}, by="U7")
    commit = scene.vault.begin(
        scene.oid, run="restore-1", kind=CommitKind.RESTORE, identity=scene.org.identity
    )
    piece = commit.lineage([Lineage("Person", "P99", live, scene.oid, "restore-1")])
    commit.finish([TableCommit("Person", (piece,))], as_of=scene.clock.now())
    found = changes(scene)
    assert found["", MassKind.CREATED].count == 1, other


def test_a_table_that_is_new_in_the_backup_has_no_changes(scene: Scene) -> None:
    scene.org.add_table("Visit", {"Name": WireKind.TEXT})
    scene.org.create("Visit", {"Name": "x"})
    scene.night()
    table = scene.vault.at(scene.oid, 2).schema().table("Visit")
    assert table is not None
    assert mass_changes(scene.vault, scene.oid, table, after=1, until=2) == ()


def test_tables_that_people_open() -> None:
    opened = Table("Case", (), traits=frozenset({TableTrait.OPENED}))
    plain = Table("CaseLink", ())
    set_up = Table("Profile", (), traits=frozenset({TableTrait.CONFIGURATION}))
    assert Schema((opened, plain, set_up), "x").opened_tables() == (opened,)
    assert Schema((plain, set_up), "x").opened_tables() == (plain,)
