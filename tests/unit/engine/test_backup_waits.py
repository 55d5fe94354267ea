"""Work that the source does by itself, rights that move, and the words of a certificate."""

import threading
from pathlib import Path

import pytest

from unit.engine.scene import Scene, chocolate
from unit.engine.test_backup_troubles import kinds, line_of
from unlost.engine.backup.files import new_file_refs
from unlost.engine.backup.missing.deletes import DeleteVerdict, delete_verdict
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.proof.certificate import gone_line
from unlost.engine.backup.proof.findings import table_gone
from unlost.engine.backup.proof.verdict import human_bytes
from unlost.engine.records.history import EventKind, Nights, events, history
from unlost.model.errors import (
    IntegrityError,
    LimitReached,
    SourceRefused,
    StoreError,
    TransientError,
)
from unlost.model.finding import FindingKind
from unlost.model.runs.progress import Phase
from unlost.model.source.reading import FileRef, Op
from unlost.model.source.schema import Schema, TableTrait, WireKind
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.snapshot import CommitKind, StoredFile, TableState, Version
from unlost.vault.write.open_commit import OpenCommit


def test_jobs_of_the_source_are_waited_for_all_at_once(scene: Scene) -> None:
    chocolate(scene)
    scene.source.job_seconds = 30
    start = scene.clock.now()
    done = scene.attempt()
    assert done.certificate.verdict is Verdict.COMPLETE
    assert (scene.clock.now() - start).total_seconds() == 30


def test_a_job_that_breaks_while_it_is_waited_for_is_begun_again(scene: Scene) -> None:
    chocolate(scene)
    scene.source.job_seconds = 30
    scene.source.faults.plant("prepare", IntegrityError("job", "failed"), table="Account", after=4)
    assert scene.night().certificate.verdict is Verdict.COMPLETE


def test_a_run_that_parks_while_it_waits_goes_on_with_the_same_jobs(scene: Scene) -> None:
    chocolate(scene)
    scene.source.job_seconds = 30
    scene.source.faults.plant("prepare", LimitReached("spent", "spent"), after=14)
    scene.attempt(run="night")
    scene.clock.advance(hours=1)
    done = scene.attempt(run="night")
    assert done.certificate.verdict is Verdict.COMPLETE
    assert scene.head.tables()["Account"].alive == 7


def test_one_table_that_fails_at_all_its_tasks_fails_alone(scene: Scene) -> None:
    chocolate(scene)
    broken = TransientError("busy", "busy")
    scene.source.faults.plant("prepare", broken, table="Account", times=99)
    done = scene.night()
    assert kinds(done, "Account") == {FindingKind.TABLE_UNREADABLE}
    assert line_of(done, "Contact").stored == 7


def test_rights_that_moved_are_remembered_until_a_census_is_whole(scene: Scene) -> None:
    """Hidden on a night whose census broke off: the next census must not call it deleted."""
    chocolate(scene)
    scene.night()
    hidden = next(iter(scene.org.tables["Junction"].records))
    scene.org.hide_row("Junction", hidden)
    scene.source.faults.plant("census", IntegrityError("cut", "cut"), table="Junction")
    assert kinds(scene.night(), "Junction") == {FindingKind.DELETES_UNPROVED}
    scene.night()
    assert scene.dead("Junction") == {}
    assert scene.hidden("Junction")[0] == {hidden}


def test_many_lost_rows_are_looked_up_in_turns(scene: Scene) -> None:
    chocolate(scene, records=9)
    scene.policy = BackupPolicy(lookup_batch=1, reads_at_once=2)
    scene.night()
    for record in list(scene.org.tables["Junction"].records)[:5]:
        scene.org.purge("Junction", record)
    scene.night()
    assert set(scene.dead("Junction").values()) == {"M"}
    assert len(scene.dead("Junction")) == 5


def test_a_limit_in_the_middle_of_files_stops_before_the_next(tmp_path: Path) -> None:
    scene = Scene(tmp_path)  # one step after the other
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    for at in range(3):
        scene.org.attach("Document", f"{at}", b"x" * at)
    limit = LimitReached("spent", "spent")
    scene.source.faults.plant("open_file", limit)
    scene.attempt(run="night")
    assert scene.vault.newest_backup(scene.oid) is None
    assert scene.source.calls.count(("open_file", "Document")) == 1
    assert scene.attempt(run="night").certificate.files == 3


def test_columns_that_become_hidden_and_visible_on_one_night(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    scene.org.hide_column("Account", "Phone")
    scene.night()
    scene.org.show_column("Account", "Phone")
    scene.org.hide_column("Account", "Turnover")
    scene.night()
    assert scene.hidden("Account") == (set(), {"Turnover"})
    assert scene.cells("Account", "Turnover")[made[0]] == "1000.00"


def test_an_observer_hears_of_rows(scene: Scene) -> None:
    chocolate(scene)
    scene.night()
    rows = sum(event.rows for event in scene.observer.events if event.table == "Account")
    assert rows == 7
    assert threading.active_count() < 20


def test_an_observer_hears_of_planned_tables_and_of_each_that_is_read(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Refused", {"Name": WireKind.TEXT})
    scene.night()
    scene.source.faults.plant("read", SourceRefused("no", "No."), table="Refused")
    for full in (False, True):
        scene.observer.events.clear()
        scene.night(full=full)
        events = scene.observer.events
        planned = [event.table for event in events if event.phase is Phase.DISCOVER and event.table]
        done = [event.table for event in events if event.done and event.table]
        assert planned
        assert len({*planned}) == len(planned)
        assert sorted({*done}) == sorted(planned), "also unchanged and refused ones"
        first = next(at for at, event in enumerate(events) if event.done)
        assert max(at for at, event in enumerate(events) if event.phase is Phase.DISCOVER) < first


def test_a_gone_table_without_an_earlier_line() -> None:
    state = TableState("Account", 3, 0)
    line = gone_line(state, None, table_gone(state), None)
    assert (line.stored, line.label, line.files) == (3, "", 0)


def test_sizes_for_people() -> None:
    sizes = [0, 999, 1500, 12_300_000, 5e9, 2.5e12, 9e15]
    assert [human_bytes(size) for size in sizes] == [
        "0 bytes",
        "999 bytes",
        "1.5 kB",
        "12.3 MB",
        "5.0 GB",
        "2.5 TB",
        "9000.0 TB",
    ]


def test_the_breaker() -> None:
    policy = BackupPolicy(breaker_floor=5)
    cases = [(True, 5, 10), (True, 6, 10), (True, 20, 1000), (True, 21, 1000), (False, 1, 1000)]
    assert [
        delete_verdict(trusted=t, missing=m, live_count=h, policy=policy) for t, m, h in cases
    ] == [
        DeleteVerdict.DELETED,
        DeleteVerdict.UNUSUAL,
        DeleteVerdict.DELETED,
        DeleteVerdict.UNUSUAL,
        DeleteVerdict.NOT_VISIBLE,
    ]
    assert policy.allows_loss(missing=1000, live_count=10**6)
    assert not policy.allows_loss(missing=1001, live_count=10**6)


def test_a_file_is_needed_unless_it_is_known_to_be_the_same() -> None:
    held = [StoredFile("b", "T", "1", "Body", 3, "md5:x")]
    same = FileRef("T", "1", "Body", 3, "md5:x")
    others = [
        FileRef("T", "1", "Body", 4, "md5:x"),
        FileRef("T", "1", "Body", 3, "md5:y"),
        FileRef("T", "1", "Body", 3),
        FileRef("T", "2", "Body", 3, "md5:x"),
    ]
    assert new_file_refs([same, FileRef("T", "1", "Body", None, "md5:x")], held) == []
    assert new_file_refs(others, held) == others


def test_versions_of_a_table_that_nobody_describes_are_told(scene: Scene) -> None:
    def version(snapshot: int, op: Op, cells: dict[str, str | None]) -> Version:
        return Version("T", "1", snapshot, op, scene.clock.now(), None, None, cells)

    told = events(
        [
            version(1, Op.STATE, {"Name": "a"}),
            version(2, Op.STATE, {"Name": "b", "New": "x"}),
            version(3, Op.PURGED, {}),
            version(4, Op.MISSING, {}),
        ],
        None,
        [],
        Nights([]),
    )
    assert [event.kind.value for event in told] == ["created", "changed", "deleted"]


def test_only_tables_with_a_cursor_are_looked_at_again(scene: Scene) -> None:
    chocolate(scene)
    scene.org.add_table("Setting", {"Name": WireKind.TEXT}, traits=frozenset({TableTrait.CENSUS}))
    scene.org.create("Setting", {"Name": "x"})
    scene.source.read_seconds = 60
    cursor_at = scene.source.cursor_at
    scene.source.cursor_at = lambda table, when: (
        None if table.name == "Contact" else cursor_at(table, when)
    )
    scene.night()
    planned = [table for call, table in scene.source.calls if call == "plan_reads"]
    assert planned.count("Account") > 1
    assert (planned.count("Setting"), planned.count("Contact")) == (1, 1)


def test_a_record_of_a_table_without_a_schema_is_told_by_nights(scene: Scene) -> None:
    made = chocolate(scene)
    scene.night()
    commit = scene.vault.begin(
        scene.oid, run="bare", kind=CommitKind.BACKUP, identity=scene.org.identity
    )
    commit.put_schema(Schema((), "other"))
    commit.finish([], as_of=scene.clock.now())
    (event,) = history(scene.vault, scene.oid, "Account", made[0])
    assert event.kind is EventKind.CREATED


def test_a_record_without_bytes_has_no_file(scene: Scene) -> None:
    scene.org.add_table("Document", {"Name": WireKind.TEXT}, files=True)
    scene.org.create("Document", {"Name": "a note without a file"})
    assert scene.night().certificate.files == 0


@pytest.mark.parametrize("store", ["answers", "refuses"])
def test_a_run_that_committed_and_did_not_say_so_is_closed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, store: str
) -> None:
    chocolate(scene)
    first = scene.night(run="night")
    closed: list[str] = []

    def abandon(commit: OpenCommit) -> None:
        closed.append(commit.run)
        if store == "refuses":
            raise StoreError("store-refused", "No.")

    monkeypatch.setattr(OpenCommit, "abandon", abandon)
    assert scene.attempt(run="night") == first
    assert closed == ["night"]
