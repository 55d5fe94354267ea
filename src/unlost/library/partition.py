"""A part of a table that another process reads by itself."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from unlost.library.opening import Opening, opened
from unlost.model.snapshot import EVERY_ID, IdSpan
from unlost.outside.dataset import TableDataset, TableScanner
from unlost.outside.source import What, columns_called, table_source

if TYPE_CHECKING:
    import polars as pl


@dataclass(frozen=True, slots=True)
class Partition:
    """Records of a span of ids. Pickle it, send it, and call it there.

    A pickle holds the path of the vault, the way in (a path; or the passphrase, where the vault was
    opened with one), the vault's id of the org, the names of table and columns, and two record ids
    between which it lies. It never holds a key. Each process opens the vault once.
    """

    opening: Opening
    org: str
    snapshot: int
    table: str
    what: What = What.RECORDS
    as_values: bool = False
    within: IdSpan = EVERY_ID

    def dataset(self) -> TableDataset:
        """The part as a pyarrow dataset."""
        snapshot = opened(self.opening).at(self.org, self.snapshot)
        source = table_source(snapshot, self.table, what=self.what, as_values=self.as_values)
        return TableDataset(source, within=self.within)

    def batches(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> Iterator[pa.RecordBatch]:
        """The rows in bounded batches."""
        return iter(self._scanner(columns, where).to_reader())

    def to_arrow(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> pa.Table:
        """The rows at once."""
        return self._scanner(columns, where).to_table()

    def to_polars(
        self, columns: Sequence[str] | None = None, where: pc.Expression | None = None
    ) -> "pl.DataFrame":
        """The rows at once, as a polars frame."""
        import polars as pl

        frame = pl.from_arrow(self.to_arrow(columns, where))
        assert isinstance(frame, pl.DataFrame)
        return frame

    def _scanner(self, columns: Sequence[str] | None, where: pc.Expression | None) -> TableScanner:
        dataset = self.dataset()
        names = None if columns is None else columns_called(dataset.source, columns)
        return dataset.scanner(names, where)
