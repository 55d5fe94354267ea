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

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.schema import Column, DeleteRule, Schema, Table, TableTrait

if TYPE_CHECKING:
    from unlost.app.records.archived_rows import ArchivedRows
    from unlost.model.ports.vault import Snapshot

MOST_ROWS = 3_000_000  # rows to search, smaller tables first
MOST_IDS = 10_000  # records of a table whose own references are searched
DEPTH = 3
ID = "_u_id"


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
    are archived. ``only``: these tables are searched, all if it is None.
    """

    snapshot: Snapshot
    deleted: bool = False
    only: frozenset[str] | None = None
    archive: ArchivedRows | None = None
    rows: int = field(default_factory=lambda: MOST_ROWS)
    archive_rows: int = field(default_factory=lambda: MOST_ROWS)
    unsearched: set[str] = field(default_factory=set)
    _known: dict[str, pa.ChunkedArray] = field(default_factory=dict)
    _archived: dict[str, list[pa.Array]] = field(default_factory=dict)

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
        referring_ids = self.direct(starts)
        groups = [group for group in referring_ids if group.table.name not in starts]
        for _ in range(1, DEPTH):
            groups = self._step(self._followed(groups), owned=True)
            referring_ids += groups
        return _merged(referring_ids)

    def direct(self, starts: Mapping[str, pa.Array]) -> list[ReferringIds]:
        """Return the records that refer to any of several themselves, given as ids by table."""
        for table, ids in starts.items():
            self._remember(table, ids)
        return [replace(group, through=None) for group in self._step(starts, owned=False)]

    def _step(self, targets: Mapping[str, pa.Array], *, owned: bool) -> list[ReferringIds]:
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
        for edge in sorted(known, key=lambda known_edge: states[known_edge.table.name].alive):
            if states[edge.table.name].alive > self.rows:
                self.unsearched.add(edge.table.name)
                continue
            self.rows -= states[edge.table.name].alive
            live = list(self._scan(edge, targets))
            groups += [*live, *self._scan_archive(edge, targets, live)]
        return groups

    def _scan(self, edge: ReferenceEdge, targets: Mapping[str, pa.Array]) -> Iterator[ReferringIds]:
        read = _read(edge.table)
        reader = self.snapshot.scan(edge.table.name, columns=read)
        empty = reader.schema.empty_table().select([ID, *read])
        pieces = {target: [empty] for target in edge.columns}
        dead = self.snapshot.scan_deleted(edge.table.name, columns=read) if self.deleted else ()
        for batch in chain(reader, dead):
            rows = pa.Table.from_batches([batch]).select([ID, *read])
            for target, names in edge.columns.items():
                pieces[target].append(rows.filter(_any(rows, names, targets[target])))
        for target, parts in pieces.items():
            rows = self._fresh(edge.table.name, pa.concat_tables(parts))
            if len(rows):
                ids = rows[ID].combine_chunks()
                yield ReferringIds(
                    edge.table, edge.columns[target], target, ids, rows.slice(0, MOST_IDS)
                )

    def _scan_archive(
        self,
        edge: ReferenceEdge,
        targets: Mapping[str, pa.Array],
        live: Sequence[ReferringIds],
    ) -> Iterator[ReferringIds]:
        """Yield archived records, and mark those among the ``live`` ones of the snapshot."""
        name = edge.table.name
        size = self.archive.size(name) if self.archive is not None else 0
        if self.archive is None or not size:
            return
        if size > self.archive_rows:
            self.unsearched.add(name)
            return
        self.archive_rows -= size
        read = _read(edge.table)
        pieces: dict[str, list[pa.Table]] = {target: [] for target in edge.columns}
        marked = pa.chunked_array([group.ids for group in live], pa.string())
        for rows in self.archive.rows(name, read):
            self._mark(name, rows[ID].filter(pc.is_in(rows[ID], value_set=marked)))
            for target, names in edge.columns.items():
                pieces[target].append(rows.filter(_any(rows, names, targets[target])))
        for target, parts in pieces.items():
            rows = self._fresh(name, pa.concat_tables(parts)) if parts else pa.table({ID: []})
            rows = self.archive.unreplaced(name, rows)
            if len(rows):
                ids, cells = rows[ID].combine_chunks(), rows.select([ID, *read])
                self._mark(name, rows[ID])
                yield ReferringIds(
                    edge.table, edge.columns[target], target, ids, cells.slice(0, MOST_IDS)
                )

    def _mark(self, table: str, ids: pa.ChunkedArray) -> None:
        self._archived.setdefault(table, []).extend(ids.chunks)

    def _fresh(self, table: str, rows: pa.Table) -> pa.Table:
        """Return the rows not seen before, and remember them."""
        if table in self._known:
            rows = rows.filter(pc.invert(pc.is_in(rows[ID], value_set=self._known[table])))
        self._remember(table, rows[ID].combine_chunks())
        return rows

    def _remember(self, table: str, ids: pa.Array) -> None:
        before = self._known[table].chunks if table in self._known else []
        self._known[table] = pa.chunked_array([*before, ids], pa.string())

    def _followed(self, groups: Iterable[ReferringIds]) -> dict[str, pa.Array]:
        """Return the ids to continue from, by table, within the limits."""
        targets: dict[str, pa.Array] = {}
        for group in groups:
            name = group.table.name
            ids = pa.concat_arrays([targets[name], group.ids]) if name in targets else group.ids
            if len(ids) > MOST_IDS:
                self.unsearched.add(name)
            targets[name] = ids.slice(0, MOST_IDS)
        return targets


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
        pa.concat_tables([ids.cells, other.cells]).slice(0, MOST_IDS),
    )


@dataclass(frozen=True, slots=True)
class ReferenceEdge:
    """A table and its reference columns, by the table that they refer to."""

    table: Table
    columns: Mapping[str, tuple[str, ...]]


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
            target: tuple(
                column.name for column in table.columns if _points(column, target, owned=owned)
            )
            for target in targets
        }
        pointing = {target: names for target, names in sorted(columns.items()) if names}
        if pointing:
            edges.append(ReferenceEdge(table, pointing))
    return edges


def _points(column: Column, target: str, *, owned: bool) -> bool:
    reference = column.reference
    if reference is None or target not in reference.tables:
        return False
    return not owned or reference.rule is DeleteRule.CASCADE


def _read(table: Table) -> list[str]:
    """Return the columns to read of a table: its name and its references."""
    references = [column.name for column in table.columns if column.reference]
    named = [table.name_column] if table.name_column else []
    return list(dict.fromkeys([*named, *references]))


def _any(rows: pa.Table, names: Sequence[str], ids: pa.Array) -> pa.ChunkedArray:
    mask = pc.is_in(rows[names[0]], value_set=ids)
    for name in names[1:]:
        mask = pc.or_(mask, pc.is_in(rows[name], value_set=ids))
    return mask


def other_references(group: ReferringIds, schema: Schema) -> Iterator[tuple[str, list[str]]]:
    """Yield the other reference columns of a group, with the tables that they refer to."""
    for column in group.table.columns:
        if column.reference is None or column.name in group.columns:
            continue
        tables = [
            name
            for name in column.reference.tables
            if (table := schema.table(name)) and not table.has(TableTrait.CONFIGURATION)
        ]
        if tables:
            yield column.name, tables
