"""Hidden rows that are gone by now, and the conditions under which they count as deleted.

A hidden row is absent from every census, so its absence means nothing, unless the user again has
all rights under which the vault read the row: then it would be listed. If a lookup by its id does
not find it either, it is gone like any other, within the same breaker. A row that was read with
other rights stays hidden, since its state is unknowable.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.missing.cascades import DeletedParents
from unlost.engine.backup.missing.census import CensusResult
from unlost.engine.backup.missing.lookup import (
    Batch,
    LookupReason,
    LookupResult,
    batched,
    look_up,
    temp_id_batches,
    tombstones,
)
from unlost.engine.backup.rights import lost_grants
from unlost.engine.backup.session import BackupSession
from unlost.model.vault.snapshot import Added, Visibility


@dataclass(frozen=True, slots=True)
class VanishedRows:
    """The result of a lookup of hidden rows that the census lacks."""

    lookups: tuple[LookupResult, ...] = ()

    @property
    def gone(self) -> tuple[str, ...]:
        """Ids that were not found."""
        return tuple(key for lookup_result in self.lookups for key in lookup_result.missing)


def look_for_hidden(
    session: BackupSession, census: CensusResult, parents: DeletedParents, *, live_count: int
) -> VanishedRows:
    """Look up hidden rows that would be visible if they still existed.

    Looks up none if there are more than the breaker allows in a table of ``live_count`` rows,
    without those that went with their parents.
    """
    ids: list[str] = []
    missing = 0
    for batch in temp_id_batches(session, census.table, LookupReason.HIDDEN, census.vanished):
        seen = _seen_under_these_rights(session, batch)
        ids += seen
        missing += parents.unexplained(census.table, seen)
        # Checked while collecting: no calls are spent on a loss that is not believed anyway.
        if not session.policy.allows_loss(missing=missing, live_count=live_count):
            return VanishedRows()
    return VanishedRows(
        tuple(look_up(session, batched(session, census.table, LookupReason.HIDDEN, ids)))
    )


def add_tombstones_and_unhide(
    session: BackupSession, vanished: VanishedRows, census: CensusResult
) -> list[Added]:
    """Add tombstones for the rows that were not found, and unhide them."""
    gone = list(batched(session, census.table, LookupReason.HIDDEN, vanished.gone))

    def shown(batch: Batch) -> Added:
        return session.commit.mark(batch.table, visibility=Visibility.VISIBLE, records=batch.ids)

    return [
        *session.runner.map(
            "bury",
            lambda batch: tombstones(session, batch, census.at),
            gone,
            key=lambda batch: batch.key,
            result=Added,
        ),
        *session.runner.map("bury/mark", shown, gone, key=lambda batch: batch.key, result=Added),
    ]


def _seen_under_these_rights(session: BackupSession, batch: Batch) -> Sequence[str]:
    """The ids whose vault version was read with no more than the present rights."""
    assert session.newest is not None
    rows = session.newest.get(batch.table, batch.ids, columns=[])
    today = session.table(batch.table).grants
    numbers = pc.unique(rows["_u_snap"]).to_pylist()
    same = [n for n in numbers if not lost_grants(session.rights(n, batch.table), today)]
    seen = rows.filter(pc.is_in(rows["_u_snap"], value_set=pa.array(same, pa.int64())))
    ids: list[str] = seen["_u_id"].to_pylist()
    return ids
