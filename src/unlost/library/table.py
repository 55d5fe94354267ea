"""A table of a snapshot, for programs: datasets, frames, batches, partitions."""

from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.compute as pc

from unlost.library.opening import VaultOpening
from unlost.library.partition import Partition
from unlost.library.rows import ReadableRows
from unlost.outside.dataset import TableDataset
from unlost.outside.source import TableContent, TableSource, table_source

PARTITION_ROWS = 250_000


@dataclass(frozen=True)
class ReadableTable(ReadableRows):
    """The records of a table that were alive at a snapshot, or all their versions (``history``).

    Columns are the source's, verbatim text (with ``typed=True`` values, see
    ``docs/reference/python.md``), followed by the columns that Unlost adds, which begin with
    ``_u_``.
    """

    _opening: VaultOpening
    _org: str
    _source: TableSource

    @property
    def name(self) -> str:
        """The table's name in the source."""
        return self._source.table

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns."""
        return self._source.schema

    def __repr__(self) -> str:
        number = self._source.snapshot.info.number
        return f"Table({self.name!r}, snapshot {number}, {self._source.what})"

    def history(self) -> "ReadableTable":
        """All versions up to the snapshot, one row each, by id and age.

        ``_u_op`` is U for a state and D, P, M or A for an end; ``_u_snap`` is the snapshot that
        added the version, ``_u_valid_to`` the snapshot that added the next version, or null.
        """
        source = self._source
        history_source = table_source(
            source.snapshot, source.table, what=TableContent.VERSIONS, as_values=source.as_values
        )
        return replace(self, _source=history_source)

    def dataset(self) -> TableDataset:
        """The table as a pyarrow dataset, read anew with each use."""
        return TableDataset(self._source)

    def partitions(self, *, rows: int = PARTITION_ROWS) -> list[Partition]:
        """The table in parts of about this many rows, each of which another process can read.

        They are plain values that can be pickled: see ``Partition`` for their content.
        """
        source = self._source
        return [
            Partition(
                self._opening,
                self._org,
                source.snapshot.info.number,
                source.table,
                what=source.what,
                as_values=source.as_values,
                within=span,
            )
            for span in source.snapshot.spans(source.table, rows=rows)
        ]

    def count(self, where: pc.Expression | None = None) -> int:
        """The number of rows, or of rows that pass a filter."""
        return self._scanner(None, where).count_rows()

    @property
    def misfits(self) -> dict[str, int]:
        """By column, the number of texts read so far that fitted no type and became null."""
        return dict(self._source.misfits)

    @property
    def lost(self) -> int:
        """The number of values of live records that are null because damage destroyed them."""
        return self._source.lost()
