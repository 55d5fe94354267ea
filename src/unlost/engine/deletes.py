"""What becomes of rows that a census does not have: three states, and a second look by id.

Deleted is confirmed by the source, inferred from a census, or not visible. Inference is allowed
only where the rights did not change and the loss is not unusual; else the rows stay as they are
and are marked as hidden, and an alert says so.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import pyarrow as pa

from unlost.engine.census import Census
from unlost.engine.notes import Notes, ReadResult
from unlost.engine.policy import BackupPolicy
from unlost.engine.session import Failure, Session, SourceBroke, judged, source_errors
from unlost.engine.spill import Spilled, batches
from unlost.model.progress import Phase
from unlost.model.reading import Op, Page, Rows
from unlost.model.snapshot import Added, Visibility


class Fate(StrEnum):
    """What is believed of rows that neither the census nor a look by id found."""

    DELETED = "deleted"
    NOT_VISIBLE = "not-visible"  # the rights changed: nothing can be inferred
    UNUSUAL = "unusual"  # too many at once to be believed


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look by ids found: a JSON value. ``missing`` ids were not returned."""

    read: ReadResult | None = None
    missing: tuple[str, ...] = ()
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a census led to. ``hidden`` rows were marked as such tonight."""

    reads: tuple[ReadResult, ...] = ()
    pieces: tuple[Added, ...] = ()
    fate: Fate = Fate.DELETED
    hidden: int = 0
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class _Batch:
    table: str
    kind: str
    at: int
    ids: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.table}/{self.kind}/{self.at}"


def fate(*, trusted: bool, missing: int, held: int, policy: BackupPolicy) -> Fate:
    """What is believed of ``missing`` rows of a table of ``held``."""
    if not trusted:
        return Fate.NOT_VISIBLE
    if policy.allows_loss(missing=missing, held=held):
        return Fate.DELETED
    return Fate.UNUSUAL


def resolve(session: Session, census: Census) -> Resolved:
    """Read what the census has and the vault has not; decide about what it has not."""
    table = census.table
    fetched = _look(session, table, "unread", census.unread)
    held = _held(session, table)
    plan = session.table(table)
    if census.lost.rows > session.policy.lookup_limit:
        missing: Iterator[_Batch] = _cut(session, table, "lost", census.lost)
        believed = fate(
            trusted=plan.trusted, missing=census.lost.rows, held=held, policy=session.policy
        )
        looked: list[Looked] = []
    else:
        looked = _look(session, table, "lost", census.lost)
        ids = tuple(key for look in looked for key in look.missing)
        missing = iter([_Batch(table, "missing", 0, ids)] if ids else [])
        believed = fate(trusted=plan.trusted, missing=len(ids), held=held, policy=session.policy)
    failure = next((look.failure for look in (*fetched, *looked) if look.failure), None)
    reads = tuple(look.read for look in (*fetched, *looked) if look.read is not None)
    if failure is not None:
        return Resolved(reads, failure=failure)
    pieces, gone = _act(session, missing, believed, census)
    return Resolved(reads, pieces, believed, gone if believed is not Fate.DELETED else 0)


def _held(session: Session, table: str) -> int:
    state = session.base.tables().get(table) if session.base is not None else None
    return state.held if state is not None else 0


def _look(session: Session, table: str, kind: str, spilled: Spilled) -> list[Looked]:
    looked: list[Looked] = []
    turn: list[_Batch] = []
    for batch in _cut(session, table, kind, spilled):
        turn.append(batch)
        if len(turn) == session.policy.reads_at_once:
            looked += _look_at(session, turn)
            turn = []
    return looked + _look_at(session, turn)


def _look_at(session: Session, turn: Sequence[_Batch]) -> list[Looked]:
    return session.runner.map(
        "look", lambda b: _look_up(session, b), turn, key=lambda b: b.key, result=Looked
    )


def _look_up(session: Session, batch: _Batch) -> Looked:
    plan = session.table(batch.table)
    notes = Notes(session, batch.table, f"look/{batch.key}", Phase.CENSUS)
    found: set[str] = set()

    def noted(pages: Iterator[Page]) -> Iterator[Rows]:
        for rows in notes.passing(pages):
            found.update(rows.ids.to_pylist())
            yield rows

    try:
        with source_errors():
            pages = session.source.read_ids(plan.table, batch.ids)
        added = session.commit.add(batch.table, noted(pages), carry=plan.carry)
    except SourceBroke as broke:
        return Looked(failure=judged(broke, session.source))
    missing = tuple(key for key in batch.ids if key not in found) if batch.kind == "lost" else ()
    return Looked(notes.close(added), missing)


def _act(
    session: Session, missing: Iterator[_Batch], believed: Fate, census: Census
) -> tuple[tuple[Added, ...], int]:
    def act(batch: _Batch) -> Added:
        if believed is Fate.DELETED:
            return _tombstones(session, batch, census.at)
        return session.commit.mark(batch.table, visibility=Visibility.HIDDEN, records=batch.ids)

    pieces: list[Added] = []
    gone = 0
    for batch in missing:
        gone += len(batch.ids)
        pieces += session.runner.map(
            f"resolve/{believed.value}", act, [batch], key=lambda b: b.key, result=Added
        )
    return tuple(pieces), gone


def _tombstones(session: Session, batch: _Batch, at: datetime) -> Added:
    count = len(batch.ids)
    rows = Rows(
        pa.array(batch.ids, pa.string()),
        pa.array([Op.MISSING.value] * count, pa.string()),
        pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        pa.nulls(count, pa.string()),
        None,
        at,
    )
    return session.commit.add(batch.table, [rows])


def _cut(session: Session, table: str, kind: str, spilled: Spilled) -> Iterator[_Batch]:
    size, count = session.policy.lookup_batch, 0
    for rows in batches(session.folder, spilled):
        for at in range(0, rows.num_rows, size):
            ids = rows.column("id").slice(at, size).to_pylist()
            yield _Batch(table, kind, count, tuple(ids))
            count += 1
