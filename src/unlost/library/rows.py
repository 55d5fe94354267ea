"""The reading methods that a table and its partitions share: batches, a table, a frame."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.outside.dataset import TableDataset, TableScanner
from unlost.outside.source import columns_called

if TYPE_CHECKING:
    import polars as pl


class ReadableRows(ABC):
    """Rows of a dataset; subclasses create the dataset."""

    __slots__ = ()

    @abstractmethod
    def dataset(self) -> TableDataset:
        """The rows as a pyarrow dataset, read anew with each use.

        DuckDB and polars (``scan_pyarrow_dataset``) pass it the columns and filters that they need.
        """

    def batches(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """Bounded batches of rows, ordered by ``_u_id``; raises NotFound (``column-unknown``)."""
        return iter(self._scanner(columns, where).to_reader())

    def to_arrow(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table:
        """All rows as an Arrow table in memory."""
        return self._scanner(columns, where).to_table()

    def to_polars(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> "pl.DataFrame":
        """All rows as a polars frame in memory."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow(columns, where))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def _scanner(self, columns: Sequence[str] | None, where: pc.Expression | None) -> TableScanner:
        dataset = self.dataset()
        names = None if columns is None else columns_called(dataset.source, columns)
        return dataset.scanner(names, where)
