"""The room in an org's recycle bin, as of a backup.

A bin that is full lets its oldest records go. So an archive can take away other people's chance to
undelete a record with its id.
"""

from collections.abc import Iterator, Sequence
from types import MappingProxyType

import numpy as np
import polars as pl

from unlost.engine.restore.journal.archives import ArchiveRuns
from unlost.engine.storage.mails import frame
from unlost.model.archive import LeavingTable
from unlost.model.archive_effects import BinRoom
from unlost.model.archive_facts import BinRule
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import TableTrait
from unlost.model.vault.snapshot import SnapshotInfo

MEGABYTE = 1 << 20
AT, OP = "at", "op"
_TIME = pl.Datetime("ms", "UTC")
IN_BIN = (Op.DELETED.value, Op.ARCHIVED.value)


def bin_room(
    snapshot: Snapshot,
    rule: BinRule,
    *,
    limit: float,
    leaving: Sequence[LeavingTable],
    commits: Sequence[SnapshotInfo],
    uncommitted: ArchiveRuns = MappingProxyType({}),
) -> BinRoom:
    """The room in the bin for records that leave; ``limit``: bytes of the storage that it goes by.

    ``commits``: of the org, oldest first. ``uncommitted``: the records that archives deleted and did
    not commit yet; the vault has them as live, or as deleted by people.
    """
    tables = [t.name for t in snapshot.schema().tables if t.has(TableTrait.UNDELETE)]
    begin = snapshot.info.as_of - rule.lasts
    before = [commit.number for commit in commits if commit.as_of <= begin]
    parts = [
        rows.filter(pl.col(OP).is_in(IN_BIN) & (pl.col(AT) > begin))
        for rows in _deleted(snapshot, tables, uncommitted, after=max(before, default=0))
    ]
    entered = sum(len(uncommitted.get(table, ())) for table in tables)
    newest = {OP: [Op.ARCHIVED.value] * entered, AT: [snapshot.info.as_of] * entered}
    parts.append(pl.DataFrame(newest, schema={OP: pl.String(), AT: _TIME}))
    nothing = pl.DataFrame(schema={OP: pl.String(), AT: _TIME})
    rows = pl.concat([nothing, *parts]).sort(AT)
    capacity = bin_capacity(rule, limit)
    entering = sum(table.records for table in leaving if table.table in tables)
    pushed = min(len(rows), max(0, len(rows) + entering - capacity)) if entering else 0
    by_others = rows[OP].to_numpy() == Op.DELETED.value
    of_others = np.count_nonzero(by_others[:pushed])
    # Archived records that are older than those of other people leave the bin first.
    first = int(np.argmax(by_others)) if by_others.any() else len(rows)
    free = max(0, capacity - len(rows) + first)
    return BinRoom(capacity, len(rows), entering, pushed, int(of_others), free)


def bin_capacity(rule: BinRule, limit: float) -> int:
    """The records that the bin can have; ``limit``: bytes of the storage that it goes by."""
    return int(limit / MEGABYTE * rule.records_per_megabyte)


def _deleted(
    snapshot: Snapshot, tables: Sequence[str], besides: ArchiveRuns, *, after: int
) -> Iterator[pl.DataFrame]:
    """The operations and times of records that were deleted after a commit, ``besides`` some."""
    states = snapshot.tables()
    columns = ["_u_id", "_u_op", "_u_modified_at", "_u_observed_at"]
    # The last change of an archived record was before the archive: its run observed that it left.
    archived_at = pl.when(pl.col("_u_op").cast(pl.String) == Op.ARCHIVED.value).then(
        "_u_observed_at"
    )
    for table in tables:
        if table in states and states[table].deleted:
            known = list(besides.get(table, ()))
            for batch in snapshot.newer(table, columns, after=after):
                rows = frame(batch).filter(
                    pl.col("_u_op") != Op.STATE.value,
                    pl.col("_u_id").cast(pl.String).is_in(known).not_(),
                )
                yield rows.select(
                    pl.col("_u_op").cast(pl.String).alias(OP),
                    archived_at.otherwise(pl.coalesce("_u_modified_at", "_u_observed_at"))
                    .cast(_TIME)
                    .alias(AT),
                )
