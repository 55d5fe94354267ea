"""Decide about records that a census lacks: deleted, not visible, or an unusual loss.

Three states are distinguished. *Deleted, confirmed*: the source reported it. *Deleted, inferred*:
the census lacks the record, a lookup by its id does not find it either, the user's rights did not
change, and not too many records are missing together. *Not visible*: everything else; the record
stays as it was and is marked as hidden. A lost permission therefore never becomes a deletion:

  the census lacks records that are alive in the vault
    └─ a lookup by id finds some of them    ─► they are read, nothing is lost
    └─ the others:
         rights changed since last census   ─► NOT_VISIBLE  marked as hidden
         more than the breaker allows       ─► UNUSUAL      marked as hidden, with an alert
           (without those that went with their parents: ``cascades``)
         otherwise                          ─► DELETED      tombstones

See docs/explanation/backup.md, "What is deleted".
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from unlost.engine.backup.missing.cascades import DeletedParents
from unlost.engine.backup.missing.census import CensusResult
from unlost.engine.backup.missing.lookup import (
    Batch,
    LookupReason,
    LookupResult,
    look_up,
    temp_id_batches,
    tombstones,
)
from unlost.engine.backup.missing.vanished import (
    VanishedRows,
    add_tombstones_and_unhide,
    look_for_hidden,
)
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import BackupSession, ReadFailure
from unlost.model.vault.snapshot import Added, Visibility


class DeleteVerdict(StrEnum):
    """The verdict on rows that neither the census nor a lookup by id found."""

    DELETED = "deleted"
    NOT_VISIBLE = "not-visible"  # the rights changed: nothing can be inferred
    UNUSUAL = "unusual"  # too many together to be believed


@dataclass(frozen=True, slots=True)
class ResolvedDeletes:
    """The consequences of a census. ``hidden`` rows were marked as hidden by this run.

    ``shown``: rows that were hidden and are not any more, since they are deleted.
    """

    reads: tuple[ReadResult, ...] = ()
    pieces: tuple[Added, ...] = ()
    verdict: DeleteVerdict = DeleteVerdict.DELETED
    hidden: int = 0
    shown: int = 0
    failure: ReadFailure | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """Lookups of the records in which a census and the vault differ.

    ``unread``: only the census has them. ``lost``: it lacks them; None if they are too many to look
    up. ``hidden``: it lacks them, and they were not visible before.
    """

    unread: tuple[LookupResult, ...]
    lost: tuple[LookupResult, ...] | None
    hidden: VanishedRows

    @property
    def lookups(self) -> tuple[LookupResult, ...]:
        """All lookups, in the order in which they count."""
        return (*self.unread, *(self.lost or ()), *self.hidden.lookups)

    @property
    def reads(self) -> tuple[ReadResult, ...]:
        """The records that were found."""
        return tuple(lookup.read for lookup in self.lookups if lookup.read is not None)

    @property
    def failure(self) -> ReadFailure | None:
        """The reason why not all could be looked up."""
        return next((lookup.failure for lookup in self.lookups if lookup.failure), None)

    @property
    def unfound(self) -> tuple[str, ...]:
        """Ids of the census that the source did not deliver."""
        return tuple(key for lookup in self.unread for key in lookup.missing)


def delete_verdict(
    *, trusted: bool, missing: int, live_count: int, policy: BackupPolicy
) -> DeleteVerdict:
    """The verdict on ``missing`` rows of a table with ``live_count`` live rows."""
    if not trusted:
        return DeleteVerdict.NOT_VISIBLE
    if policy.allows_loss(missing=missing, live_count=live_count):
        return DeleteVerdict.DELETED
    return DeleteVerdict.UNUSUAL


def look_for_differences(
    session: BackupSession, census: CensusResult, parents: DeletedParents
) -> Differences:
    """Look up the records that only the census has, and the ones that it lacks."""
    table = census.table
    unread = look_up(session, temp_id_batches(session, table, LookupReason.UNREAD, census.unread))
    # So many lookups would take too many calls: the breaker decides without them.
    lost = (
        look_up(session, temp_id_batches(session, table, LookupReason.LOST, census.lost))
        if census.lost.rows <= session.policy.lookup_limit
        else None
    )
    return Differences(
        tuple(unread),
        tuple(lost) if lost is not None else None,
        look_for_hidden(session, census, parents, live_count=_live_count(session, table)),
    )


def resolve(
    session: BackupSession,
    census: CensusResult,
    differences: Differences,
    parents: DeletedParents,
    *,
    trusted: bool,
) -> ResolvedDeletes:
    """Decide about the records that neither census nor lookup found.

    ``trusted``: the user lost no right on the table since they were seen.
    """
    reads, failure = differences.reads, differences.failure
    if failure is not None:
        # Nothing is decided on a partial lookup: found rows are kept, missing ones stay as they
        # are.
        return ResolvedDeletes(reads, failure=failure)
    missing, count = _missing(session, census, differences.lost)
    live_count = _live_count(session, census.table)
    judged = partial(delete_verdict, trusted=trusted, live_count=live_count, policy=session.policy)
    believed = judged(missing=count)
    if believed is DeleteVerdict.UNUSUAL and differences.lost is not None:
        lost = (lookup.missing for lookup in differences.lost)
        believed = judged(missing=sum(parents.unexplained(census.table, ids) for ids in lost))
    pieces, gone = _apply_verdict(session, missing, believed, census)
    if not trusted:
        return ResolvedDeletes(reads, pieces, believed, gone)
    buried = add_tombstones_and_unhide(session, differences.hidden, census)
    return ResolvedDeletes(
        reads,
        (*pieces, *buried),
        believed,
        gone if believed is not DeleteVerdict.DELETED else 0,
        len(differences.hidden.gone),
    )


def _missing(
    session: BackupSession, census: CensusResult, lookups: Sequence[LookupResult] | None
) -> tuple[Iterator[Batch], int]:
    """The lost records that no lookup found, in batches, and their number."""
    if lookups is None:
        lost = temp_id_batches(session, census.table, LookupReason.LOST, census.lost)
        return lost, census.lost.rows
    ids = tuple(key for lookup in lookups for key in lookup.missing)
    return iter([Batch(census.table, LookupReason.LOST, 0, ids)] if ids else []), len(ids)


def _live_count(session: BackupSession, table: str) -> int:
    state = session.newest.tables().get(table) if session.newest is not None else None
    return state.alive if state is not None else 0


def _apply_verdict(
    session: BackupSession, missing: Iterator[Batch], believed: DeleteVerdict, census: CensusResult
) -> tuple[tuple[Added, ...], int]:
    def apply_to_batch(batch: Batch) -> Added:
        if believed is DeleteVerdict.DELETED:
            return tombstones(session, batch, census.at)
        return session.commit.mark(batch.table, visibility=Visibility.HIDDEN, records=batch.ids)

    pieces: list[Added] = []
    gone = 0
    for batch in missing:
        gone += len(batch.ids)
        pieces += session.runner.map(
            f"resolve/{believed.value}", apply_to_batch, [batch], key=lambda b: b.key, result=Added
        )
    return tuple(pieces), gone
