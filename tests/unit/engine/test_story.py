"""One story for a record, whichever of its ids is asked for."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from unit.engine.scene import Scene, chocolate
from unlost.engine.records.history import Event, EventKind, Origin, history
from unlost.engine.records.story import story
from unlost.model.errors import NotFound
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import TableTrait, WireKind
from unlost.model.vault.snapshot import CommitKind, Lineage, TableCommit

CREATED, CHANGED, DELETED = EventKind.CREATED, EventKind.CHANGED, EventKind.DELETED
RESTORED, ADOPTED, REVIVED = EventKind.RESTORED, EventKind.ADOPTED, EventKind.REVIVED
LIFE = timedelta(days=3000)


def restored(
    scene: Scene, run: str, *pairs: tuple[str, str], table: str = "Contact", target: str = ""
) -> None:
    """A restore that ran for a minute and said that these stand for those."""
    began = scene.clock.now()
    scene.clock.advance(seconds=60)
    commit = scene.vault.begin(
        scene.oid, run=run, kind=CommitKind.RESTORE, identity=scene.org.identity
    )
    rows = [Lineage(table, old, live, target or scene.oid, run) for old, live in pairs]
    commit.finish([TableCommit("$lineage", (commit.lineage(rows),))], as_of=began)


def again(scene: Scene, name: str = "again", *, audit: bool = False) -> str:
    """A new record; with ``audit`` it has the old times of the lost one."""
    made = scene.org.create("Contact", {"Name": name}, by="U8")
    if audit:
        scene.org.tables["Contact"].records[made].modified -= LIFE
    return made


def lines(events: Sequence[Event]) -> list[tuple[EventKind, str, str | None]]:
    return [(event.kind, event.record, event.run) for event in events]


def contact(scene: Scene) -> str:
    """A contact that one night saw, that was changed, and that is gone by the third."""
    chocolate(scene)
    lost = next(iter(scene.org.tables["Contact"].records))
    scene.night()
    scene.org.update("Contact", lost, {"Name": "other"}, by="U2")
    scene.night()
    scene.org.delete("Contact", lost, by="U4")
    scene.night()
    return lost


@pytest.mark.parametrize("audit", [False, True])
def test_the_old_history_of_a_record_that_came_back_was_missing(scene: Scene, audit: bool) -> None:
    lost = contact(scene)
    began = scene.clock.now()
    live = again(scene, audit=audit)
    restored(scene, "restore-1", (lost, live))
    ended = scene.clock.now()
    scene.night()
    scene.clock.advance(hours=1)
    scene.org.update("Contact", live, {"Name": "later"}, by="U3")
    night = scene.night()
    told = story(scene.vault, scene.oid, "Contact", lost)
    assert lines(told) == [
        (CREATED, lost, None),
        (CHANGED, lost, None),
        (DELETED, lost, None),
        (RESTORED, live, "restore-1"),
        (CHANGED, live, None),
    ]
    assert told == story(scene.vault, scene.oid, "Contact", live)
    back = told[3]
    assert (back.when.after, back.when.until) == (began, ended)
    assert (back.origin, back.by, back.fields) == (Origin.RESTORE, None, ())
    assert back.snapshot == night.snapshot.number - 1
    assert (told[2].by, told[4].by) == ("U4", "U3")


def test_a_record_that_came_back_was_created_before_it_was_there(scene: Scene) -> None:
    """It was told as created between one backup and a time years before it."""
    lost = contact(scene)
    live = again(scene, audit=True)
    restored(scene, "restore-1", (lost, live))
    night = scene.night()
    (created,) = history(scene.vault, scene.oid, "Contact", live)
    assert created.when.after is not None
    assert created.when.after < created.when.until == night.snapshot.as_of


def test_a_record_that_came_back_twice_has_one_story(scene: Scene) -> None:
    """The second restore points the first id at the last one, too."""
    lost = contact(scene)
    second = again(scene)
    restored(scene, "restore-1", (lost, second))
    scene.night()
    scene.org.delete("Contact", second, by="U5")
    scene.night()
    third = again(scene)
    restored(scene, "restore-2", (second, third), (lost, third))
    scene.night()
    told = [story(scene.vault, scene.oid, "Contact", one) for one in (lost, second, third)]
    assert lines(told[0])[2:] == [
        (DELETED, lost, None),
        (RESTORED, second, "restore-1"),
        (DELETED, second, None),
        (RESTORED, third, "restore-2"),
    ]
    assert told[0] == told[1] == told[2]


def test_a_record_that_no_backup_has_seen_again_is_restored(scene: Scene) -> None:
    lost = contact(scene)
    restored(scene, "restore-1", (lost, "C-new"))
    told = story(scene.vault, scene.oid, "Contact", "C-new")
    assert lines(told)[-1] == (RESTORED, "C-new", "restore-1")
    assert told[-1].snapshot is None
    assert told == story(scene.vault, scene.oid, "Contact", lost)


def test_what_came_back_and_went_between_two_backups_was_restored_first(scene: Scene) -> None:
    lost = contact(scene)
    live = again(scene)
    restored(scene, "restore-1", (lost, live))
    scene.clock.advance(hours=1)
    scene.org.delete("Contact", live, by="U5")
    scene.night()
    told = story(scene.vault, scene.oid, "Contact", lost)
    assert lines(told)[2:] == [
        (DELETED, lost, None),
        (RESTORED, live, "restore-1"),
        (DELETED, live, None),
    ]


def test_a_deletion_that_a_backup_saw_after_the_restore_was_before_it(scene: Scene) -> None:
    """The org does not say when: the census misses the record, which came back by then."""
    scene.org.add_table("Odd", {"Name": WireKind.TEXT}, traits=frozenset({TableTrait.CENSUS}))
    lost = scene.org.create("Odd", {"Name": "x"})
    scene.night()
    scene.org.purge("Odd", lost)
    scene.clock.advance(hours=1)
    live = scene.org.create("Odd", {"Name": "x"})
    began = scene.clock.now()
    restored(scene, "restore-1", (lost, live), table="Odd")
    scene.night()
    told = story(scene.vault, scene.oid, "Odd", lost)
    assert [event.kind for event in told] == [CREATED, DELETED, RESTORED]
    assert told[1].when.until == began


def test_a_live_record_that_was_taken_for_a_lost_one_keeps_its_own_story(scene: Scene) -> None:
    lost = contact(scene)
    twin = next(key for key, one in scene.org.tables["Contact"].records.items() if not one.deleted)
    restored(scene, "restore-1", (lost, twin))
    scene.clock.advance(hours=1)
    scene.org.update("Contact", twin, {"Name": "joined"}, by="U3")
    scene.night()
    assert lines(story(scene.vault, scene.oid, "Contact", lost)) == [
        (CREATED, lost, None),
        (CHANGED, lost, None),
        (DELETED, lost, None),
        (ADOPTED, twin, "restore-1"),
        (CHANGED, twin, None),
    ]
    own = story(scene.vault, scene.oid, "Contact", twin)
    assert lines(own) == [(CREATED, twin, None), (CHANGED, twin, None)]


def test_a_backup_that_saw_the_new_record_before_the_restore_ended_takes_nothing(
    scene: Scene,
) -> None:
    lost = contact(scene)
    began = scene.clock.now()
    scene.clock.advance(seconds=60)
    live = again(scene)
    scene.night(hours=0)
    commit = scene.vault.begin(
        scene.oid, run="restore-1", kind=CommitKind.RESTORE, identity=scene.org.identity
    )
    rows = [Lineage("Contact", lost, live, scene.oid, "restore-1")]
    commit.finish([TableCommit("$lineage", (commit.lineage(rows),))], as_of=began)
    told = story(scene.vault, scene.oid, "Contact", live)
    assert lines(told)[-2:] == [(DELETED, lost, None), (RESTORED, live, "restore-1")]


def test_records_in_other_orgs_are_no_part_of_the_story(scene: Scene) -> None:
    lost = contact(scene)
    other = scene.vault.ensure_org(OrgIdentity("memory", "T-2"))
    restored(scene, "restore-1", (lost, "X1"), target=other)
    told = story(scene.vault, scene.oid, "Contact", lost)
    assert {event.record for event in told} == {lost}


def test_an_old_record_that_people_undelete_later_goes_on(scene: Scene) -> None:
    lost = contact(scene)
    live = again(scene)
    restored(scene, "restore-1", (lost, live))
    scene.night()
    scene.org.undelete("Contact", lost, by="U5")
    scene.night()
    told = story(scene.vault, scene.oid, "Contact", live)
    assert lines(told)[-2:] == [(RESTORED, live, "restore-1"), (REVIVED, lost, None)]


def test_a_record_of_which_nothing_is_known_has_no_story(scene: Scene) -> None:
    with pytest.raises(NotFound, match="has no record nobody"):
        story(scene.vault, scene.oid, "Account", "nobody")
    chocolate(scene)
    scene.night()
    with pytest.raises(NotFound, match="has no record nobody"):
        story(scene.vault, scene.oid, "Account", "nobody")
