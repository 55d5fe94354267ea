"""Records that an archive took out of an org, read from the newest commit.

A backup does not list them, because they are no longer live. Their last state is in the commit of
the archive, so only commits since the first archive are read, and of these only narrow columns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import CommitKind, Lineage

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot, VaultReader

ID, OP, SNAP = "_u_id", "_u_op", "_u_snap"
FETCH = 1_000  # ids per lookup


@dataclass(frozen=True, slots=True)
class ArchivedRows:
    """The archived records of the org with the oid ``org``.

    ``head`` is its newest commit, ``first`` the number of its first archive.
    """

    vault: VaultReader
    org: str
    head: Snapshot
    first: int

    def size(self, table: str) -> int:
        """Return the number of records to read of a table; 0 if it has no archived ones."""
        state = self.head.tables().get(table)
        return state.alive + state.deleted if state is not None and state.deleted else 0

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield ids, commits and last values of archived records, in bounded tables.

        Columns that the newest commit does not have are null.
        """
        known = frozenset(self.head.columns(table))
        read = [name for name in columns if name in known]
        for batch in self.head.newer(table, [ID, OP, SNAP, *read], after=self.first - 1):
            rows = _archived(pa.Table.from_batches([batch]))
            empty = pa.nulls(len(rows), pa.string())
            cells = [rows[name] if name in known else empty for name in columns]
            yield pa.table([rows[ID], rows[SNAP].cast(pa.int64()), *cells], schema=_schema(columns))

    def among(self, table: str, ids: Sequence[str]) -> frozenset[str]:
        """Return the ids of these records that are archived, and were not restored since."""
        if not self.size(table):
            return frozenset()
        parts = [
            self.unreplaced(
                table, _archived(self.head.get(table, ids[at : at + FETCH], columns=[]))
            )
            for at in range(0, len(ids), FETCH)
        ]
        return frozenset(record for part in parts for record in part[ID].to_pylist())

    def unreplaced(self, table: str, rows: pa.Table) -> pa.Table:
        """Return archived ``rows`` without those that were later restored under another id."""
        if not len(rows):
            return rows
        # A few records are looked up; for many, reading all rows of the lineage is cheaper.
        named = rows[ID].to_pylist() if len(rows) <= FETCH else ()
        return _without(rows, self._restored(table, named))

    def current(self, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """Yield as ``rows`` does, without records that were later restored under another id."""
        if self.size(table):
            restored = self._restored(table, ())
            yield from (_without(rows, restored) for rows in self.rows(table, columns))

    def _restored(self, table: str, records: Sequence[str]) -> Mapping[str, int]:
        """Return the commits that restored records under another id; of all without ``records``."""
        lineages = _within(self.vault.lineage(self.org, table=table, records=records), self.org)
        return {row.old: row.since for row in lineages}

    def every_id(self, table: str, record: str) -> Sequence[str]:
        """Return all ids that a record had, the named one first: a restore may give a new one."""
        ids = [record]
        fresh = ids
        while fresh:
            rows = [
                *self.vault.lineage(self.org, table=table, records=fresh),
                *self.vault.lineage(self.org, table=table, lives=fresh),
            ]
            linked = dict.fromkeys(
                record_id for row in _within(rows, self.org) for record_id in (row.old, row.live)
            )
            fresh = [record_id for record_id in linked if record_id not in ids]
            ids = [*ids, *fresh]
        return ids


def archived_records(app: Application, org: ProtectedOrg) -> ArchivedRows | None:
    """Return the archived records of an org; None if nothing was ever archived there."""
    commits = app.vault.commits(org.oid)
    first = next((info.number for info in commits if info.kind is CommitKind.ARCHIVE), None)
    if first is None:
        return None
    head = app.vault.at(org.oid, commits[-1].number, forgotten=True)
    return ArchivedRows(app.vault, org.oid, head, first)


def _without(rows: pa.Table, restored: Mapping[str, int]) -> pa.Table:
    """Return the rows of records that were not ``restored`` after they were archived."""
    if not restored:
        return rows
    ids = pa.array(restored.keys(), pa.string())
    since = pa.array(restored.values(), pa.int64()).take(pc.index_in(rows[ID], value_set=ids))
    later = pc.greater(since, rows[SNAP].cast(pa.int64()))
    return rows.filter(pc.invert(pc.fill_null(later, fill_value=False)))


def _within(rows: Sequence[Lineage], org: str) -> Iterator[Lineage]:
    """Yield the rows of records that were restored in their own org under another id."""
    return (row for row in rows if row.target == org and row.old != row.live)


def _schema(columns: Sequence[str]) -> pa.Schema:
    """Return the schema of archived rows: ids are never null, as in reads of live records."""
    cells = [pa.field(name, pa.string()) for name in columns]
    return pa.schema([pa.field(ID, pa.string(), nullable=False), (SNAP, pa.int64()), *cells])


def _archived(rows: pa.Table) -> pa.Table:
    """Return the rows whose newest state is archived, with their ids as text."""
    archived = rows.filter(pc.equal(rows[OP].cast(pa.string()), Op.ARCHIVED.value))
    at = archived.schema.get_field_index(ID)
    return archived.set_column(at, ID, archived[ID].cast(pa.string()))
