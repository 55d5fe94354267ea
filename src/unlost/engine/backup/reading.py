"""Reading tables: tasks of all tables side by side, each result stored when it is done.

While the source works on its own job (``Wait``), no worker is occupied: the run asks again at the
time that the source named, and reads other tasks meanwhile. A table whose reading was interrupted
is planned once more.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import pyarrow as pa

from unlost.engine.backup.row_observer import ReadResult, RowObserver
from unlost.engine.backup.session import (
    BackupSession,
    ReadFailure,
    SourceFailed,
    failure_of,
    source_errors,
)
from unlost.model.ports.vault import Snapshot
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.reading import Cursor, Page, ReadTask, Ready, RowCheckPart

ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class SavedTask:
    """A ReadTask as a step's result stores it."""

    table: str
    kind: str
    full: bool
    state: dict[str, Any] = field(default_factory=dict)

    def task(self) -> ReadTask:
        """Convert back to a ReadTask."""
        return ReadTask(self.table, self.kind, self.full, self.state)


@dataclass(frozen=True, slots=True)
class PlannedReads:
    """The tasks of a table, or the reason why there are none."""

    tasks: tuple[SavedTask, ...] = ()
    failure: ReadFailure | None = None


@dataclass(frozen=True, slots=True)
class ReadProgress:
    """The state of a task: it waits ``until``, became ``ready`` tasks, was read, or failed."""

    until: datetime | None = None
    waiting: SavedTask | None = None
    ready: tuple[SavedTask, ...] = ()
    read: ReadResult | None = None
    failure: ReadFailure | None = None


@dataclass(frozen=True, slots=True)
class TableRequest:
    """A table to be read from ``since`` (None: all of it), or the unchanged rows of a ``part``.

    ``nightly``: the cursor of the last nightly backup, if this is the first read of the next one.
    """

    table: str
    since: Cursor | None
    part: RowCheckPart | None = None
    nightly: Cursor | None = None


@dataclass(frozen=True, slots=True)
class ReadRound:
    """A round of reads, with its name among the run's steps.

    ``most_bytes``: reading of a task stops after this many bytes (None: at its end).
    """

    name: str
    phase: Phase
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class TableRound:
    """A table's part of one round, in the order in which results count.

    ``again``: results of a second plan after the first one was interrupted.
    """

    table: str
    results: tuple[ReadResult, ...]
    full: bool
    failure: ReadFailure | None = None
    again: tuple[ReadResult, ...] = ()


@dataclass(frozen=True, slots=True)
class _Unit:
    """A task in progress: ``path`` orders it, ``polls`` counts its polls."""

    path: str
    task: SavedTask
    ready: bool = False
    polls: int = 0
    until: datetime | None = None

    @property
    def key(self) -> str:
        return f"{self.task.table}/{self.path}" + ("" if self.ready else f"?{self.polls}")


def read_tables(
    session: BackupSession, requests: Sequence[TableRequest], read_round: ReadRound
) -> dict[str, TableRound]:
    """Read all ``requests`` in one round."""
    reads: dict[str, TableRound] = {}
    table_requests = list(requests)
    for attempt in range(ATTEMPTS):
        name = f"{read_round.name}/{attempt}"
        for read in _attempt(session, table_requests, replace(read_round, name=name)):
            before = reads.get(read.table)
            reads[read.table] = read if before is None else _join_rounds(before, read)
        table_requests = [r for r in table_requests if _may_retry(reads[r.table].failure)]
        if not table_requests:
            break
    _report_done(session, read_round, [name for name, read in reads.items() if read.failure])
    return reads


def _report_done(session: BackupSession, read_round: ReadRound, tables: Iterable[str]) -> None:
    """Report that the first read of these tables is over, in success or failure."""
    if read_round.phase is Phase.READ:
        for table in sorted(tables):
            session.ports.observer.progress(Progress(Phase.READ, table, done=True))


def _join_rounds(before: TableRound, read: TableRound) -> TableRound:
    return TableRound(read.table, before.results, read.full, read.failure, read.results)


def _may_retry(failure: ReadFailure | None) -> bool:
    return failure is not None and not failure.refused


def _attempt(
    session: BackupSession, requests: Sequence[TableRequest], read_round: ReadRound
) -> list[TableRound]:
    plans = session.runner.map(
        f"{read_round.name}/plan",
        lambda request: _planned(session, request),
        requests,
        key=lambda request: request.table,
        result=PlannedReads,
    )
    units = [_Unit(f"{at:05d}", task) for plan in plans for at, task in enumerate(plan.tasks)]
    pairs = zip(requests, plans, strict=True)
    unchanged = [request.table for request, plan in pairs if not (plan.tasks or plan.failure)]
    _report_done(session, read_round, unchanged)
    results, failures = _drive(session, units, read_round)
    return [
        TableRound(
            request.table,
            tuple(results[key] for key in sorted(results) if key[0] == request.table),
            request.since is None or any(task.full for task in plan.tasks),
            plan.failure or failures.get(request.table),
        )
        for request, plan in zip(requests, plans, strict=True)
    ]


def _planned(session: BackupSession, request: TableRequest) -> PlannedReads:
    try:
        with source_errors():
            tasks = _tasks(session, request)
    except SourceFailed as broke:
        return PlannedReads(failure=failure_of(broke, session.source))
    return PlannedReads(tuple(_saved(task) for task in tasks))


def _tasks(session: BackupSession, request: TableRequest) -> Sequence[ReadTask]:
    table, source, newest = session.table(request.table).table, session.source, session.newest
    if request.part is None:
        return source.plan_reads(table, request.since, nightly=request.nightly)
    assert request.since is not None
    assert newest is not None
    return source.plan_row_check(
        table, request.since, request.part, stored=lambda: _stored_ids(newest, request.table)
    )


def _stored_ids(newest: Snapshot, table: str) -> Iterator[pa.Array]:
    for rows in newest.live_ids(table):
        yield rows["_u_id"].cast(pa.string())


def _drive(
    session: BackupSession, units: list[_Unit], read_round: ReadRound
) -> tuple[dict[tuple[str, str], ReadResult], dict[str, ReadFailure]]:
    """Advance all units to their end, a few at a time."""
    results: dict[tuple[str, str], ReadResult] = {}
    failures: dict[str, ReadFailure] = {}
    while units := [unit for unit in units if unit.task.table not in failures]:
        now = session.ports.clock.now()
        due = [unit for unit in units if unit.until is None or unit.until <= now]
        if not due:
            session.runner.sleep_until(min(unit.until for unit in units if unit.until is not None))
            continue
        turn = _next_units(session, due, f"{read_round.name}/read")
        steps = session.runner.map(
            f"{read_round.name}/read",
            lambda unit: _advance(session, unit, read_round),
            turn,
            key=lambda unit: unit.key,
            result=ReadProgress,
        )
        # A resumed run must know the buffered rows of the first process before it adds more.
        session.commit.recall(step.read.added for step in steps if step.read is not None)
        units = [unit for unit in units if unit not in turn]
        for unit, step in zip(turn, steps, strict=True):
            if step.failure is not None:
                failures[unit.task.table] = step.failure
            if step.read is not None:
                results[unit.task.table, unit.path] = step.read
            units = [*_followers(unit, step), *units]
        read = {unit.task.table for unit in turn} - {unit.task.table for unit in units}
        _report_done(session, read_round, read - failures.keys())
    return results, failures


def _next_units(session: BackupSession, due: Sequence[_Unit], name: str) -> list[_Unit]:
    """The units of the next turn; finished ones first, since later reads need their rows."""
    turn = due[: session.policy.reads_at_once]
    done = [unit for unit in turn if session.runner.is_done(name, unit.key)]
    return done or list(turn)


def _followers(unit: _Unit, step: ReadProgress) -> list[_Unit]:
    if step.waiting is not None:
        return [_Unit(unit.path, step.waiting, polls=unit.polls + 1, until=step.until)]
    return [_Unit(f"{unit.path}.{at:05d}", task, ready=True) for at, task in enumerate(step.ready)]


def _advance(session: BackupSession, unit: _Unit, read_round: ReadRound) -> ReadProgress:
    try:
        if unit.ready:
            return ReadProgress(read=_read(session, unit, read_round))
        with source_errors():
            state = session.source.prepare(unit.task.task())
    except SourceFailed as broke:
        return ReadProgress(failure=failure_of(broke, session.source))
    if isinstance(state, Ready):
        return ReadProgress(ready=tuple(_saved(task) for task in state.tasks))
    return ReadProgress(until=state.until, waiting=_saved(state.task))


def _read(session: BackupSession, unit: _Unit, read_round: ReadRound) -> ReadResult:
    plan = session.table(unit.task.table)
    notes = RowObserver(session, plan.table.name, f"{read_round.name}/{unit.key}", read_round.phase)
    with source_errors():
        pages = session.source.read(unit.task.task())
    wanted = pages if read_round.most_bytes is None else _pages_up_to(pages, read_round.most_bytes)
    added = session.commit.add_few(plan.table.name, notes.passing(wanted), carry=plan.carry)
    return notes.close(added)


def _pages_up_to(pages: Iterator[Page], most: int) -> Iterator[Page]:
    """The pages until they have delivered ``most`` bytes."""
    passed = 0
    for page in pages:
        yield page
        passed += page.proof.bytes
        if passed >= most:
            return


def _saved(task: ReadTask) -> SavedTask:
    return SavedTask(task.table, task.kind, task.full, dict(task.state))
