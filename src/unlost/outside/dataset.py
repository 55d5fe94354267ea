"""A table as a pyarrow dataset, which DuckDB, polars, Dask and pyarrow itself read.

Their column lists and filters reach the vault: only the named columns are decrypted, and if a
filter leaves few records, the other columns of only these are read. Keys stay here. See
docs/adr/0021.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from unlost.model.errors import UsageError
from unlost.model.vault.snapshot import EVERY_ID, IdSpan
from unlost.outside.source import TableContent, TableSource

ID = "_u_id"
# look up records one by one if at most 1 in FEW passes: each costs its whole row group
FEW = 16_384
WIDE = 4  # number of further columns from which it pays to evaluate the filter first


class TableDataset(ds.Dataset):  # type: ignore[misc]  # pyarrow has no types
    """One table of one snapshot. Reads anew with each use."""

    def __init__(self, source: TableSource, *, within: IdSpan = EVERY_ID) -> None:
        # pyarrow's class has no constructor; the methods that would call C++ are replaced below.
        self.source = source
        self._within = within

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self.source.schema

    @property
    def partition_expression(self) -> pc.Expression:
        """True: nothing is known about all rows."""
        return pc.scalar(True)  # noqa: FBT003 (a value)

    def scanner(
        self,
        columns: Sequence[str] | Mapping[str, pc.Expression] | None = None,
        filter: pc.Expression | None = None,  # noqa: A002 (pyarrow's word)
        **_: Any,
    ) -> "TableScanner":
        """A scanner of these columns of the rows that pass a filter."""
        return TableScanner(self.source, columns, filter, self._within)

    def get_fragments(self, filter: pc.Expression | None = None) -> Iterator[Any]:  # noqa: A002, ARG002
        """Raise UsageError: a segment means nothing without the segments below it."""
        raise _no_fragments()

    def __reduce__(self) -> Any:
        raise TypeError(
            "a dataset contains an open vault; pass its partitions() to other processes"
        )

    def __repr__(self) -> str:
        return f"TableDataset({self.source.table}, snapshot {self.source.snapshot.info.number})"


class TableScanner(ds.Scanner):  # type: ignore[misc]
    """Reads a table once, batch by batch."""

    def __init__(
        self,
        source: TableSource,
        columns: Sequence[str] | Mapping[str, pc.Expression] | None,
        where: pc.Expression | None,
        within: IdSpan,
    ) -> None:
        self._source, self._where, self._within = source, where, within
        self._made = columns if isinstance(columns, Mapping) else None
        self._names = list(source.schema.names if columns is None or self._made else columns)

    @property
    def dataset_schema(self) -> pa.Schema:
        """The schema of the whole table."""
        return self._source.schema

    @property
    def projected_schema(self) -> pa.Schema:
        """The schema of the rows read."""
        if self._made is not None:
            empty = self._source.schema.empty_table()
            schema: pa.Schema = ds.dataset(empty).scanner(columns=dict(self._made)).projected_schema
            return schema
        return pa.schema([self._source.schema.field(name) for name in self._names])

    def to_reader(self) -> pa.RecordBatchReader:
        """The batches as a stream."""
        return pa.RecordBatchReader.from_batches(self.projected_schema, self._batches())

    def to_table(self) -> pa.Table:
        """All rows in memory."""
        return self.to_reader().read_all()

    def to_batches(self) -> Iterator[pa.RecordBatch]:
        """The rows, batch by batch."""
        return iter(self.to_reader())

    def scan_batches(self) -> Iterator[ds.TaggedRecordBatch]:
        """Raise UsageError: batches are not assigned to fragments."""
        raise _no_fragments()

    def count_rows(self) -> int:
        """The number of rows that pass the filter."""
        needed = referenced(self._where, self._source.schema) or [ID]
        scanner = TableScanner(self._source, needed, self._where, self._within)
        return sum(len(batch) for batch in scanner.to_reader())

    def head(self, num_rows: int) -> pa.Table:
        """The first rows."""
        batches: list[pa.RecordBatch] = []
        remaining = num_rows
        for batch in self._batches():
            batches.append(batch.slice(0, remaining))
            remaining -= len(batches[-1])
            if remaining <= 0:
                break
        return pa.Table.from_batches(batches, schema=self.projected_schema)

    def take(self, indices: Any, **_: Any) -> pa.Table:
        """Rows by their positions."""
        return self.to_table().take(indices)

    def _batches(self) -> Iterator[pa.RecordBatch]:
        if self._made is None:
            return self._plain()
        return _projected(self._plain(), dict(self._made), self.projected_schema)

    def _plain(self) -> Iterator[pa.RecordBatch]:
        names = self._names
        if self._where is None:
            if names:
                return self._source.batches(names, within=self._within)
            return _bare(self._source.batches([ID], within=self._within))
        columns_filtered = referenced(self._where, self._source.schema)
        beside = [name for name in names if name not in columns_filtered]
        if self._source.what is TableContent.RECORDS and len(beside) >= WIDE:
            return self._looked_up(columns_filtered or [ID])
        read = list(dict.fromkeys((*names, *columns_filtered))) or [ID]
        return self._passing(self._source.batches(read, within=self._within))

    def _passing(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The rows that pass the filter, with the wanted columns."""
        for batch in batches:
            rows = pa.Table.from_batches([batch]).filter(self._where)
            if len(rows):
                yield from rows.select(self._names).to_batches()

    def _looked_up(self, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """The rows that pass the filter, evaluated first: most columns are not part of it."""
        read = list(dict.fromkeys((ID, *names)))
        last: str | None = None
        for batch in self._source.batches(read, within=self._within):
            rows = pa.Table.from_batches([batch]).filter(self._where)
            low = self._within.low if last is None else f"{last}\0"  # the next id that can be
            last = batch.column(ID)[-1].as_py()
            if not len(rows):
                continue
            if len(rows) * FEW <= len(batch):
                yield from self._records(rows.column(ID).to_pylist())
            else:
                span = IdSpan(low, f"{last}\0")
                every = list(dict.fromkeys((*self._names, *names)))
                yield from self._passing(self._source.batches(every, within=span))

    def _records(self, ids: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Records by their ids."""
        source = self._source
        inside = {
            column.inside for column in source.columns if column.name in self._names and column.kind
        }
        rows = source.snapshot.get(source.table, ids, columns=sorted(inside)).combine_chunks()
        for batch in rows.to_batches():
            yield source.as_text(batch, self._names)


def referenced(where: pc.Expression | None, schema: pa.Schema) -> list[str]:
    """The columns that a filter uses; pyarrow does not expose them.

    Columns whose name occurs in the filter's text are tried: without a column that it uses, a
    filter cannot be bound.
    """
    if where is None:
        return []
    text, empty = str(where), schema.empty_table()
    named = [name for name in schema.names if name in text]
    return [
        name for name in named if not _binds(where, empty.select([n for n in named if n != name]))
    ]


def _binds(where: pc.Expression, rows: pa.Table) -> bool:
    try:
        ds.dataset(rows).scanner(columns=[], filter=where)
    except pa.ArrowInvalid:
        return False
    return True


def _bare(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """As many rows, without columns: for readers that only count."""
    for batch in batches:
        yield batch.select([])


def _projected(
    batches: Iterator[pa.RecordBatch], columns: dict[str, pc.Expression], schema: pa.Schema
) -> Iterator[pa.RecordBatch]:
    """Columns that are computed from others."""
    for batch in batches:
        rows = ds.dataset(pa.Table.from_batches([batch])).scanner(columns=columns).to_table()
        yield from rows.cast(schema).to_batches()


def _no_fragments() -> UsageError:
    return UsageError(
        "dataset-no-fragments",
        "A table of a vault has no fragments that can be read separately.",
        next_step="Read parts of it with partitions(), or all of it with its batches.",
    )
