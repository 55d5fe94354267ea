"""What becomes of rows that a census does not have: three states, and a second look by id.

Deleted is confirmed by the source, inferred from a census, or not visible. Inference is allowed
only where the rights did not change and the loss is not unusual; else the rows stay as they are
and are marked as hidden, and an alert says so.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from unlost.engine.backup.census import CensusResult
from unlost.engine.backup.lookup import (
    Batch,
    LookupReason,
    LookupResult,
    look_up,
    spilled_batches,
    tombstones,
)
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import BackupSession, ReadFailure
from unlost.engine.backup.vanished import bury, look_for_hidden
from unlost.model.snapshot import Added, Visibility


class DeleteVerdict(StrEnum):
    """What is believed of rows that neither the census nor a look by id found."""

    DELETED = "deleted"
    NOT_VISIBLE = "not-visible"  # the rights changed: nothing can be inferred
    UNUSUAL = "unusual"  # too many at once to be believed


@dataclass(frozen=True, slots=True)
class ResolvedDeletes:
    """What a census led to. ``hidden`` rows were marked as such tonight.

    ``shown``: rows that were hidden, and are so no more, for they are deleted.
    """

    reads: tuple[ReadResult, ...] = ()
    pieces: tuple[Added, ...] = ()
    fate: DeleteVerdict = DeleteVerdict.DELETED
    hidden: int = 0
    shown: int = 0
    failure: ReadFailure | None = None


def fate(*, trusted: bool, missing: int, live_count: int, policy: BackupPolicy) -> DeleteVerdict:
    """What is believed of ``missing`` rows of a table of ``held``."""
    if not trusted:
        return DeleteVerdict.NOT_VISIBLE
    if policy.allows_loss(missing=missing, live_count=live_count):
        return DeleteVerdict.DELETED
    return DeleteVerdict.UNUSUAL


def resolve(session: BackupSession, census: CensusResult) -> ResolvedDeletes:
    """Read what the census has and the vault has not; decide about what it has not."""
    table = census.table
    fetched = look_up(session, spilled_batches(session, table, LookupReason.UNREAD, census.unread))
    live_count = _live_count(session, table)
    plan = session.table(table)
    lost = spilled_batches(session, table, LookupReason.LOST, census.lost)
    if census.lost.rows > session.policy.lookup_limit:
        missing: Iterator[Batch] = lost
        believed = fate(
            trusted=plan.trusted,
            missing=census.lost.rows,
            live_count=live_count,
            policy=session.policy,
        )
        looked: list[LookupResult] = []
    else:
        looked = look_up(session, lost)
        ids = tuple(key for lookup_result in looked for key in lookup_result.missing)
        missing = iter([Batch(table, LookupReason.LOST, 0, ids)] if ids else [])
        believed = fate(
            trusted=plan.trusted, missing=len(ids), live_count=live_count, policy=session.policy
        )
    vanished = look_for_hidden(session, census, live_count=live_count)
    every = (*fetched, *looked, *vanished.looked)
    failure = next(
        (lookup_result.failure for lookup_result in every if lookup_result.failure is not None),
        None,
    )
    reads = tuple(lookup_result.read for lookup_result in every if lookup_result.read is not None)
    if failure is not None:
        return ResolvedDeletes(reads, failure=failure)
    pieces, gone = _act(session, missing, believed, census)
    buried = bury(session, vanished, census)
    return ResolvedDeletes(
        reads,
        (*pieces, *buried),
        believed,
        gone if believed is not DeleteVerdict.DELETED else 0,
        len(vanished.gone),
    )


def _live_count(session: BackupSession, table: str) -> int:
    state = session.base.tables().get(table) if session.base is not None else None
    return state.held if state is not None else 0


def _act(
    session: BackupSession, missing: Iterator[Batch], believed: DeleteVerdict, census: CensusResult
) -> tuple[tuple[Added, ...], int]:
    def act(batch: Batch) -> Added:
        if believed is DeleteVerdict.DELETED:
            return tombstones(session, batch, census.at)
        return session.commit.mark(batch.table, visibility=Visibility.HIDDEN, records=batch.ids)

    pieces: list[Added] = []
    gone = 0
    for batch in missing:
        gone += len(batch.ids)
        pieces += session.runner.map(
            f"resolve/{believed.value}", act, [batch], key=lambda b: b.key, result=Added
        )
    return tuple(pieces), gone
