"""A vault that fills up, or a permission that is lost, in the middle of an archive or its undo.

Each run ends clearly: it stops and can go on, or it names the records that stay.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from unit.engine.archive.cabinet import Cabinet
from unit.engine.archive.test_nothing_lost import let_undelete
from unit.engine.archive.test_old_versions import freed
from unit.engine.archive.test_run import EACH, NEW, Office, archived, stayed
from unlost.engine.restore.running.passes import archiving
from unlost.engine.restore.values.outcome import RestoreOutcome
from unlost.model.errors import NotAllowed, StoreError
from unlost.model.plan import RestorePlan
from unlost.model.source.writing import WriteOp
from unlost.model.vault.snapshot import CommitKind
from unlost.testing.platform import RowRefused

TABLES = {"A": "Account", "C": "Contact", "P": "Paper"}
MOST_WRITES, STEP = 200, 2


class NarrowStore:
    """A store that takes so many more objects, and then is full."""

    def __init__(self, store: Any, room: int) -> None:
        self._store, self._room = store, room

    def put_new(self, name: str, data: bytes) -> bool:
        self._take()
        return bool(self._store.put_new(name, data))

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        self._take()
        return bool(self._store.put_stream(name, chunks))

    def _take(self) -> None:
        if not self._room:
            raise StoreError("store-full", "There is no space left in the store.")
        self._room -= 1

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)


@pytest.fixture(autouse=True)
def small_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archiving, "FIRST_TURN", 3)
    monkeypatch.setattr(archiving, "TURN", 6)


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    made = Office(tmp_path)
    yield made
    made.close()


@pytest.fixture
def cabinet(tmp_path: Path) -> Iterator[Cabinet]:
    made = Cabinet(tmp_path)
    yield made
    made.close()


def filled_up[T: Office](
    office: T, plan: RestorePlan, work: Path
) -> Iterator[tuple[T, RestoreOutcome]]:
    """The run, with a vault that is full after 0, 2, 4 … writes, and its end with more space."""
    for room in range(0, MOST_WRITES, STEP):
        other = office.copied(work / str(room))
        other.reopen(NarrowStore(other.store, room))  # type: ignore[arg-type]
        stopped = None
        try:
            other.run(plan)
        except StoreError as error:
            stopped = error.code
        if stopped is None:
            assert room, "a run writes to the vault"
            return
        assert stopped == "store-full"
        nothing_lost(other)
        other.reopen()
        yield other, other.run(plan)
    raise AssertionError("the run needs too many writes")


def nothing_lost(office: Office) -> None:
    """Each record that left has its copy in the vault."""
    newest = office.vault.at(
        office.oid, office.vault.commits(office.oid)[-1].number, forgotten=True
    )
    for letter, table in TABLES.items():
        stored = {
            name
            for read in (newest.scan, newest.scan_deleted)
            for name in read(table, columns=["Name"]).read_all()["Name"].to_pylist()
        }
        expected = {f"{letter}{number}" for number in range(5)}
        assert expected <= office.names(table) | stored, "records are lost"


def test_an_archive_whose_vault_is_full_stops_and_goes_on(office: Office, tmp_path: Path) -> None:
    runs = 0
    for other, done in filled_up(office, office.archive_plan(), tmp_path):
        runs += 1
        assert archived(done) == EACH
        assert done.whole
        assert other.names() == NEW
        kinds = [commit.kind for commit in other.vault.commits(other.oid)]
        assert kinds.count(CommitKind.ARCHIVE) == 1
        assert {tuple(other.ops(table, f"{letter}0")) for letter, table in TABLES.items()} == {
            ("U", "A")
        }
    assert runs > 3


@pytest.mark.full
@pytest.mark.parametrize("emptied", [False, True])
def test_an_undo_whose_vault_is_full_doubles_no_record(
    office: Office, tmp_path: Path, emptied: bool
) -> None:
    let_undelete(office)
    before = office.names()
    done = office.archive()
    if emptied:
        office.platform.purge_bin()
    office.night()
    runs = 0
    for other, back in filled_up(office, office.undo(done.run), tmp_path):
        runs += 1
        assert back.whole
        assert other.names() == before
        assert sum(len(other.live(table)) for table in TABLES.values()) == len(before)
    assert runs > 3


@pytest.mark.full
def test_new_files_are_not_doubled_when_the_vault_is_full(cabinet: Cabinet, tmp_path: Path) -> None:
    before = cabinet.state()
    runs = 0
    for other, done in filled_up(cabinet, cabinet.files_plan(), tmp_path):
        runs += 1
        assert done.whole
        assert other.state() == freed(before)
    assert runs > 3


def test_without_the_permission_in_the_middle_groups_stay_whole_and_are_named(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, calls = office.platform.delete, iter(range(100))

    def lost(table: str, record: str, *, by: str) -> None:
        if next(calls) >= 2:
            raise RowRefused("INSUFFICIENT_ACCESS_OR_READONLY", "insufficient access rights")
        delete(table, record, by=by)

    monkeypatch.setattr(office.platform, "delete", lost)
    done = office.archive()
    assert archived(done) == {"Account": 1, "Contact": 1, "Paper": 1}
    assert len(stayed(done)) == 9
    assert not done.whole
    monkeypatch.undo()
    nothing_lost(office)
    office.night()
    assert archived(office.archive()) == {"Account": 3, "Contact": 3, "Paper": 3}
    assert office.names() == NEW


@pytest.mark.parametrize("deletions", range(6))
def test_a_user_who_may_not_delete_any_more_stops_the_run_and_it_goes_on(
    office: Office, monkeypatch: pytest.MonkeyPatch, deletions: int
) -> None:
    write, calls = office.writer.write, iter(range(100))

    def refused(op: WriteOp, *args: Any, **more: Any) -> Any:
        if op is WriteOp.DELETE and next(calls) >= deletions:
            raise NotAllowed("write-refused", "The user may not use the API.")
        return write(op, *args, **more)

    plan = office.archive_plan()
    monkeypatch.setattr(office.writer, "write", refused)
    with pytest.raises(NotAllowed):
        office.run(plan)
    nothing_lost(office)
    monkeypatch.setattr(office.writer, "write", write)
    assert archived(office.run(plan)) == EACH
    assert office.names() == NEW
