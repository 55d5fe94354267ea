"""A table for export: its columns, their names, and their form as texts or values.

All rows that leave the vault for other programs pass ``TableSource.batches``: datasets, SQL and
exports read nothing else.
"""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from functools import cached_property

import pyarrow as pa

from unlost.model.errors import NotFound
from unlost.model.ports.vault import Snapshot
from unlost.model.source.schema import Schema, WireKind
from unlost.model.vault.snapshot import EVERY_ID, IdSpan
from unlost.outside.types import type_of, typed
from unlost.vault.layout.parallel import ahead

MILLISECONDS = pa.timestamp("ms", tz="UTC")
SYSTEM_TYPES = {
    "_u_id": pa.string(),
    "_u_op": pa.string(),
    "_u_snap": pa.int64(),
    "_u_valid_to": pa.int64(),
    "_u_observed_at": MILLISECONDS,
    "_u_modified_at": MILLISECONDS,
    "_u_modified_by": pa.string(),
}
OF_RECORDS = ("_u_id", "_u_snap", "_u_observed_at", "_u_modified_at", "_u_modified_by")
OF_VERSIONS = tuple(SYSTEM_TYPES)


class TableContent(StrEnum):
    """The meaning of a table's rows."""

    RECORDS = "records"  # the records alive at the snapshot, one row each
    VERSIONS = "versions"  # every version up to it


@dataclass(frozen=True, slots=True)
class OutColumn:
    """An exported column: ``inside`` is the vault's name, ``kind`` None for a system column."""

    name: str
    inside: str
    kind: WireKind | None


@dataclass(frozen=True)
class TableSource:
    """A table of a snapshot, to be exported.

    ``misfits`` counts, by column, texts that were no value of its type and became null.
    """

    snapshot: Snapshot
    table: str
    columns: tuple[OutColumn, ...]
    what: TableContent = TableContent.RECORDS
    as_values: bool = False
    misfits: dict[str, int] = field(default_factory=dict, compare=False)
    lock: threading.Lock = field(default_factory=threading.Lock, compare=False)

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types."""
        return pa.schema([pa.field(column.name, self._type(column)) for column in self.columns])

    @cached_property
    def _by_name(self) -> dict[str, OutColumn]:
        return {column.name: column for column in self.columns}

    def batches(
        self, names: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> Iterator[pa.RecordBatch]:
        """Rows in the order of their ids with these columns, in bounded batches.

        At least one column must be named.
        """
        inside = [self._by_name[name].inside for name in names]
        read = self.snapshot.read if self.what is TableContent.RECORDS else self.snapshot.versions
        yield from ahead(
            lambda batch: self.as_text(batch, names), read(self.table, inside, within=within)
        )

    def as_text(self, rows: pa.RecordBatch, names: Sequence[str]) -> pa.RecordBatch:
        """Convert rows of the vault (its names, texts) to their exported form.

        The one place to withhold rows from other programs: no later code looks at rows.
        """
        columns = [self._told(rows.column(self._by_name[name].inside), name) for name in names]
        schema = pa.schema([self.schema.field(name) for name in names])
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def lost(self) -> int:
        """The number of values of live records that are null because damage destroyed them.

        Reads no record if the snapshot has nothing salvaged.
        """
        return sum(self.lost_of(rows.column("_u_id").to_pylist()) for rows in self._live())

    def lost_of(self, ids: Sequence[str]) -> int:
        """The number of lost values of these records alone."""
        names = {column.inside for column in self.columns}
        unread = self.snapshot.unread(self.table, ids).values()
        return sum(len(columns & names) for columns in unread)

    def _live(self) -> Iterator[pa.Table]:
        return self.snapshot.live_ids(self.table) if self.snapshot.salvaged else iter(())

    def _told(self, column: pa.Array, name: str) -> pa.Array:
        kind = self._by_name[name].kind
        if kind is None or not self.as_values:
            return column
        values = typed(column, kind)
        lost = values.null_count - column.null_count
        if lost:
            with self.lock:
                self.misfits[name] = self.misfits.get(name, 0) + lost
        return values

    def _type(self, column: OutColumn) -> pa.DataType:
        if column.kind is None:
            return SYSTEM_TYPES[column.inside]
        return type_of(column.kind) if self.as_values else pa.string()


def table_source(
    snapshot: Snapshot,
    table: str,
    *,
    what: TableContent = TableContent.RECORDS,
    as_values: bool = False,
    caseless: bool = False,
) -> TableSource:
    """A table to export; raises NotFound (``table-unknown``).

    ``caseless``: the reader treats names as equal that differ only by case, so the later of two
    equal names gets a number.
    """
    described = snapshot.schema().table(table)
    kinds = {column.name: column.kind for column in described.columns} if described else {}
    system = OF_RECORDS if what is TableContent.RECORDS else OF_VERSIONS
    inside = snapshot.columns(table)
    names = distinct([*inside, *system]) if caseless else [*inside, *system]
    columns = tuple(
        OutColumn(name, own_name, kinds.get(own_name, WireKind.TEXT) if at < len(inside) else None)
        for at, (name, own_name) in enumerate(zip(names, [*inside, *system], strict=True))
    )
    return TableSource(snapshot, table, columns, what, as_values)


def distinct(names: Sequence[str]) -> list[str]:
    """Make names differ by more than case: the later of two equal names ends in ``_2``, ``_3``…"""
    taken = {name.lower() for name in names}
    used: set[str] = set()
    names_so_far = []
    for name in names:
        number, candidate = 1, name
        while candidate.lower() in used or (number > 1 and candidate.lower() in taken):
            number += 1
            candidate = f"{name}_{number}"
        used.add(candidate.lower())
        names_so_far.append(candidate)
    return names_so_far


def table_called(schema: Schema, stored_names: Sequence[str], name: str) -> str:
    """Find a table by its name in any case; raises NotFound (``table-unknown``)."""
    known = list(dict.fromkeys([*(table.name for table in schema.tables), *stored_names]))
    if name in known:
        return name
    same = [candidate for candidate in known if candidate.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(name, known, n=3, cutoff=0.5)
    raise NotFound(
        "table-unknown",
        "This backup has no table {name!r}.",
        next_step="Did you mean {near}?"
        if near
        else "List the tables with `unlost certificate ORG`.",
        near=" or ".join(near),
        name=name,
    )


def columns_called(source: TableSource, names: Sequence[str]) -> list[str]:
    """Check names of columns and return them; raises NotFound (``column-unknown``)."""
    known = source.schema.names
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3, cutoff=0.5)
            raise NotFound(
                "column-unknown",
                "“{table}” has no column “{name}” in snapshot {number}.",
                next_step="Did you mean {near}?"
                if near
                else "Column names are case-sensitive. Write them as in the source.",
                near=" or ".join(near),
                table=source.table,
                name=name,
                number=source.snapshot.info.number,
            )
    return list(names)
