"""Missing records that went with a deleted parent: the source deletes them, too, without a report.

    night 1   60 files are live, and each has a link to a case
    day       people delete the files; the org deletes the links, and never lists a deleted link
    night 2   60 links are missing together. Their files are deleted: this is no unusual loss

A parent is deleted if the source reported it, or if an earlier backup or an archive says so. A
parent that is only absent proves nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.backup.row_observer import ReadResult
from unlost.engine.backup.session import BackupSession
from unlost.engine.temp_rows import batches
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op
from unlost.model.source.schema import DeleteRule


@dataclass(frozen=True, slots=True)
class DeletedParents:
    """The deleted records that this backup knows. ``reads``: those of this run, by table."""

    session: BackupSession
    reads: Mapping[str, Sequence[ReadResult]]

    def unexplained(self, table: str, ids: Sequence[str]) -> int:
        """The number of these records without a cascading reference to a deleted record."""
        newest = self._newest
        references = _cascading(newest, table)
        if not references:
            return len(ids)
        rows = newest.get(table, ids, columns=list(references))
        with_parent = pa.array([False] * rows.num_rows, pa.bool_())
        for column, targets in references.items():
            values = rows[column].combine_chunks()
            for target in targets:
                dead = self._deleted(target, pc.unique(values).drop_null())
                with_parent = pc.or_(with_parent, pc.is_in(values, value_set=dead))
        return len(ids) - (pc.sum(with_parent).as_py() or 0)

    @property
    def _newest(self) -> Snapshot:
        assert self.session.newest is not None, "only stored records can be missing"
        return self.session.newest

    def _deleted(self, table: str, ids: pa.Array) -> pa.Array:
        """Those of these records that are deleted, by the newest state and by reads of this run."""
        stored = self._newest.get(table, ids.to_pylist(), columns=[])
        _, dead = _lives(stored.select(["_u_id", "_u_op"]))
        for read in self.reads.get(table, ()):
            for batch in batches(self.session.folder, read.seen):
                seen = batch.filter(pc.is_in(batch.column("id"), value_set=ids))
                live, gone = _lives(seen.select(["id", "op"]))
                dead = (dead - live) | gone
        return pa.array(sorted(dead), pa.string())


def _cascading(newest: Snapshot, table: str) -> dict[str, tuple[str, ...]]:
    """The tables of the vault to which cascading references lead, by column."""
    tables = newest.tables()
    return {
        column.name: tuple(name for name in column.reference.tables if name in tables)
        for described in newest.schema().tables
        if described.name == table
        for column in described.columns
        if column.reference is not None and column.reference.rule is DeleteRule.CASCADE
    }


def _lives(rows: pa.Table | pa.RecordBatch) -> tuple[frozenset[str], frozenset[str]]:
    """The ids of live and of deleted records; ``rows`` has ids and ops."""
    live = pc.equal(rows.column(1).cast(pa.string()), Op.STATE.value)
    live_ids, dead_ids = (rows.column(0).filter(mask) for mask in (live, pc.invert(live)))
    return frozenset(live_ids.to_pylist()), frozenset(dead_ids.to_pylist())
