"""Records that refer to a record, directly or through others: a search against the references.

All records that refer to the record itself are found; further ones only if they would be deleted
with the record that they refer to:

    Account <── Case            refers to the record: always found
              <── EmailMessage  deleted with the case: found
                <── Attachment  deleted with the e-mail: found, ``DEPTH`` is reached
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.storage.chunks import in_chunks
from unlost.model.named_records import names_ids, read_columns
from unlost.model.source.schema import Column, DeleteRule, Schema, Table, TableTrait

if TYPE_CHECKING:
    from unlost.app.records.archived.archived_rows import ArchivedRows
    from unlost.model.ports.vault import Snapshot

MOST_ROWS = 3_000_000  # live rows to search, smaller tables first
# Live rows to search for archived records that belong to them: narrow columns of few tables.
MOST_LIVE_ROWS = 30_000_000
MOST_FOLLOWED = 1_000_000  # records of a table whose own references are searched
MOST_IDS = 10_000  # records of a group whose cells are returned
CHUNK = 500_000  # rows that are compared together: each comparison first hashes all targets
DEPTH = 3
ID, SNAP = "_u_id", "_u_snap"


@dataclass(frozen=True, slots=True)
class ReferringIds:
    """Ids of a table that refer to others by ``columns``; to those of ``through`` if not None.

    ``cells`` has ``_u_id``, the name and the references of the first of them.
    """

    table: Table
    columns: tuple[str, ...]
    through: str | None
    ids: pa.Array
    cells: pa.Table


@dataclass(slots=True)
class ReferenceSearch:
    """A search for the records that refer to a record.

    ``deleted`` also finds deleted records, by their last known state; ``archive`` also those that
    are archived, however large their table is. ``only_archived``: live records are read only where
    archived ones may belong to them. ``only``: these tables are searched, all if it is None.
    ``most_cells``: the records of a group whose cells are returned. ``unsearched``: tables of which
    not all live records were searched or followed.
    """

    snapshot: Snapshot
    deleted: bool = False
    only: frozenset[str] | None = None
    archive: ArchivedRows | None = None
    only_archived: bool = False
    most_cells: int = field(default_factory=lambda: MOST_IDS)
    rows: int = field(init=False)
    unsearched: set[str] = field(default_factory=set)
    _known: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    _archived: dict[str, list[pa.Array]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.rows = MOST_LIVE_ROWS if self.only_archived else MOST_ROWS

    def around(self, table: Table, record: str) -> list[ReferringIds]:
        """Return the records around a record, nearer ones first, each record once.

        Records of the same table, such as a branch of a customer, are not followed further. With an
        ``archive``, the record has all of its ids.
        """
        ids = self.archive.every_id(table.name, record) if self.archive is not None else [record]
        return self.around_several({table.name: pa.array(ids, pa.string())})

    def archived(self, table: str) -> pa.ChunkedArray:
        """Return the ids among the records of a table that are archived now."""
        return pa.chunked_array(self._archived.get(table, ()), pa.string())

    def around_several(self, starts: Mapping[str, pa.Array]) -> list[ReferringIds]:
        """Return the records around several, given as ids by table."""
        referring_ids = self.direct(starts, steps=DEPTH)
        groups = [group for group in referring_ids if group.table.name not in starts]
        for steps in range(DEPTH - 1, 0, -1):
            groups = self._step(self._followed(groups), steps, owned=True)
            referring_ids += groups
        return _merged(referring_ids)

    def direct(self, starts: Mapping[str, pa.Array], *, steps: int = 1) -> list[ReferringIds]:
        """Return the records that refer to any of several themselves, given as ids by table.

        ``steps``: how many steps the search has from here.
        """
        for table, ids in starts.items():
            self._remember(table, ids)
        return [replace(group, through=None) for group in self._step(starts, steps, owned=False)]

    def _step(
        self, targets: Mapping[str, pa.Array], steps: int, *, owned: bool
    ) -> list[ReferringIds]:
        """Return the new records that refer to any of ``targets``, given as ids by table."""
        states = self.snapshot.tables()
        edges = _edges(self.snapshot.schema(), frozenset(targets), owned=owned)
        known = [
            reference_edge
            for reference_edge in edges
            if reference_edge.table.name in states
            and (states[reference_edge.table.name].alive or self.archive is not None)
            and (self.only is None or reference_edge.table.name in self.only)
        ]
        groups: list[ReferringIds] = []
        searched = self._tables_to_search(steps)
        for edge in sorted(known, key=lambda known_edge: states[known_edge.table.name].alive):
            live: list[ReferringIds] = []
            if searched is None or edge.table.name in searched:
                live = self._live(edge, targets, states[edge.table.name].alive)
            groups += [*live, *self._scan_archive(edge, targets, live)]
        return groups

    def _tables_to_search(self, steps: int) -> frozenset[str] | None:
        """Return the tables whose live records are read; None for all of them."""
        if not self.only_archived:
            return None
        archived = (name for name in self.snapshot.tables() if self._has_archived(name))
        return _owners(self.snapshot.schema(), frozenset(archived), steps=steps - 1)

    def _has_archived(self, table: str) -> bool:
        return self.archive is not None and self.archive.size(table) > 0

    def _live(
        self, edge: ReferenceEdge, targets: Mapping[str, pa.Array], rows: int
    ) -> list[ReferringIds]:
        """Return the live records of a table, within the limit of rows."""
        if rows > self.rows:
            self.unsearched.add(edge.table.name)
            return []
        self.rows -= rows
        return list(self._scan(edge, targets))

    def _scan(self, edge: ReferenceEdge, targets: Mapping[str, pa.Array]) -> Iterator[ReferringIds]:
        read = _read(edge.table)
        reader = self.snapshot.scan(edge.table.name, columns=read)
        dead = self.snapshot.scan_deleted(edge.table.name, columns=read) if self.deleted else ()
        batches = (batch.select([ID, *read]) for batch in chain(reader, dead))
        parts = in_chunks(batches, rows=CHUNK)
        for target, matches in _matches(parts, edge, targets, most=self.most_cells).items():
            yield from self._group(edge, target, matches, matches.ids())

    def _scan_archive(
        self,
        edge: ReferenceEdge,
        targets: Mapping[str, pa.Array],
        live: Sequence[ReferringIds],
    ) -> Iterator[ReferringIds]:
        """Yield archived records, and mark those among the ``live`` ones of the snapshot."""
        name = edge.table.name
        if self.archive is None or not self._has_archived(name):
            return
        read = _read(edge.table)
        marked = pa.chunked_array([group.ids for group in live], pa.string())

        def parts(archive: ArchivedRows) -> Iterator[pa.Table]:
            batches = (batch for rows in archive.rows(name, read) for batch in rows.to_batches())
            for rows in in_chunks(batches, rows=CHUNK):
                if len(marked):
                    self._mark(name, rows[ID].filter(pc.is_in(rows[ID], value_set=marked)))
                yield rows

        most = self.most_cells
        for target, matches in _matches(parts(self.archive), edge, targets, most=most).items():
            rows = self.archive.unreplaced(name, matches.rows())
            for group in self._group(edge, target, matches, rows[ID]):
                self._mark(name, pa.chunked_array([group.ids]))
                yield group

    def _group(
        self, edge: ReferenceEdge, target: str, matches: _Matches, ids: pa.ChunkedArray
    ) -> Iterator[ReferringIds]:
        """Yield a group of the ids that were not seen before, if there are any."""
        fresh = self._fresh(edge.table.name, ids)
        if len(fresh):
            cells = matches.cells().select([ID, *_read(edge.table)])
            cells = cells.filter(pc.is_in(cells[ID], value_set=fresh))
            columns = tuple(column.name for column in edge.columns[target])
            yield ReferringIds(edge.table, columns, target, fresh, cells)

    def _mark(self, table: str, ids: pa.ChunkedArray) -> None:
        self._archived.setdefault(table, []).extend(ids.chunks)

    def _fresh(self, table: str, ids: pa.ChunkedArray) -> pa.Array:
        """Return the ids not seen before, and remember them."""
        if table in self._known:
            ids = ids.filter(pc.invert(pc.is_in(ids, value_set=self._known[table])))
        fresh = ids.combine_chunks()
        self._remember(table, fresh)
        return fresh

    def _remember(self, table: str, ids: pa.Array) -> None:
        before = self._known[table].chunks if table in self._known else []
        self._known[table] = pa.chunked_array([*before, ids], pa.string())

    def _followed(self, groups: Iterable[ReferringIds]) -> dict[str, pa.Array]:
        """Return the ids to continue from, by table, within the limits."""
        targets: dict[str, pa.Array] = {}
        for group in groups:
            name = group.table.name
            ids = pa.concat_arrays([targets[name], group.ids]) if name in targets else group.ids
            if len(ids) > MOST_FOLLOWED:
                self.unsearched.add(name)
            targets[name] = ids.slice(0, MOST_FOLLOWED)
        return targets


@dataclass(slots=True)
class _Matches:
    """Rows that match, of which the cells of the first ``most`` are stored."""

    most: int
    _rows: list[pa.Table] = field(default_factory=list)
    _cells: list[pa.Table] = field(default_factory=list)
    _stored: int = 0

    def add(self, rows: pa.Table) -> None:
        """Add rows of one schema, that has ``_u_id`` and perhaps ``_u_snap``."""
        if len(rows) or not self._rows:
            narrow = [name for name in (ID, SNAP) if name in rows.column_names]
            self._rows.append(rows.select(narrow))
            first = rows.slice(0, self.most - self._stored)
            self._cells.append(first)
            self._stored += len(first)

    def rows(self) -> pa.Table:
        """Return all rows with their ids and commits."""
        return pa.concat_tables(self._rows)

    def ids(self) -> pa.ChunkedArray:
        """Return the ids of all rows."""
        return self.rows()[ID]

    def cells(self) -> pa.Table:
        """Return the first rows with all cells."""
        return pa.concat_tables(self._cells)


def _matches(
    parts: Iterable[pa.Table],
    edge: ReferenceEdge,
    targets: Mapping[str, pa.Array],
    *,
    most: int,
) -> Mapping[str, _Matches]:
    """Return the rows that refer to each target, read part by part; none without any part."""
    by_target: dict[str, _Matches] = {}
    for rows in parts:
        for target, columns in edge.columns.items():
            matches = by_target.setdefault(target, _Matches(most))
            matches.add(rows.filter(_any(rows, columns, target, targets[target])))
    return by_target


def _merged(groups: Iterable[ReferringIds]) -> list[ReferringIds]:
    """Merge the groups of a table that were found through the same table at any distance."""
    merged: dict[tuple[str, str | None], ReferringIds] = {}
    for group in groups:
        key = (group.table.name, group.through)
        before = merged.get(key)
        merged[key] = group if before is None else _both(before, group)
    return list(merged.values())


def _both(ids: ReferringIds, other: ReferringIds) -> ReferringIds:
    return ReferringIds(
        ids.table,
        tuple(dict.fromkeys((*ids.columns, *other.columns))),
        ids.through,
        pa.concat_arrays([ids.ids, other.ids]),
        pa.concat_tables([ids.cells, other.cells]),
    )


@dataclass(frozen=True, slots=True)
class ReferenceEdge:
    """A table and its reference columns, by the table that they refer to."""

    table: Table
    columns: Mapping[str, tuple[Column, ...]]


def _edges(schema: Schema, targets: frozenset[str], *, owned: bool) -> list[ReferenceEdge]:
    """Return the tables that refer to ``targets``; ``owned`` limits them to cascading references.

    Set-up data and the source's own change logs do not belong to a record.
    """
    logs = {table.change_log.table for table in schema.tables if table.change_log}
    edges = []
    for table in schema.tables:
        if table.name in logs or table.has(TableTrait.CONFIGURATION):
            continue
        columns = {
            target: tuple(c for c in table.columns if _points(c, target, owned=owned))
            for target in targets
        }
        pointing = {target: names for target, names in sorted(columns.items()) if names}
        if pointing:
            edges.append(ReferenceEdge(table, pointing))
    return edges


def _owners(schema: Schema, tables: frozenset[str], *, steps: int) -> frozenset[str]:
    """Return the tables with whose records those of ``tables`` would be deleted, in some steps."""
    owners: frozenset[str] = frozenset()
    for _ in range(steps):
        rest = [schema.table(name) for name in tables | owners]
        owners |= {
            target
            for table in rest
            if table is not None
            for column in table.columns
            if column.reference and column.reference.rule is DeleteRule.CASCADE
            for target in column.reference.tables
        }
    return owners


def _points(column: Column, target: str, *, owned: bool) -> bool:
    reference = column.reference
    if reference is None or not names_ids(column) or target not in reference.tables:
        return False
    return not owned or reference.rule is DeleteRule.CASCADE


def _read(table: Table) -> list[str]:
    """Return the columns to read of a table: its name and its references."""
    references = read_columns(table, (column for column in table.columns if column.reference))
    named = [table.name_column] if table.name_column else []
    return list(dict.fromkeys([*named, *references]))


def _any(rows: pa.Table, columns: Sequence[Column], target: str, ids: pa.Array) -> pa.ChunkedArray:
    mask = _naming(rows, columns[0], target, ids)
    for column in columns[1:]:
        mask = pc.or_(mask, _naming(rows, column, target, ids))
    return mask


def _naming(
    rows: pa.Table, column: Column, target: str, ids: pa.Array
) -> pa.ChunkedArray | pa.Array:
    """Return true for the rows in which a column names one of these records."""
    if column.reference is not None and column.reference.is_plain:
        return pc.is_in(rows[column.name], value_set=ids)
    from unlost.engine.named_rows import AT, by_id, naming_rows  # needs Polars

    pairs = naming_rows(rows, column, by_id(target, ids))
    return pc.is_in(pa.array(np.arange(len(rows), dtype=np.uint32)), value_set=pairs[AT].to_arrow())


def other_references(group: ReferringIds, schema: Schema) -> Iterator[tuple[str, list[str]]]:
    """Yield the other reference columns of a group, with the tables that they refer to."""
    for column in group.table.columns:
        if column.reference is None or column.name in group.columns:
            continue
        if not column.reference.holds_one_id:
            continue
        tables = [
            name
            for name in column.reference.tables
            if (table := schema.table(name)) and not table.has(TableTrait.CONFIGURATION)
        ]
        if tables:
            yield column.name, tables
