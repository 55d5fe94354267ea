"""A part of a table that another process can read on its own."""

from dataclasses import dataclass

from unlost.library.opening import VaultOpening, opened
from unlost.library.rows import ReadableRows
from unlost.model.vault.snapshot import EVERY_ID, IdSpan
from unlost.outside.dataset import TableDataset
from unlost.outside.source import TableContent, table_source


@dataclass(frozen=True, slots=True)
class Partition(ReadableRows):
    """Records of a span of ids. Pickle it, send it, and read it there.

    A pickle holds the path of the vault, the way to open it (a path; or the passphrase, if the
    vault was opened with one), the vault's id of the org, the names of table and columns, and two
    record ids between which it lies. It never holds a key. Each process opens the vault once.
    """

    opening: VaultOpening
    org: str
    snapshot: int
    table: str
    what: TableContent = TableContent.RECORDS
    as_values: bool = False
    within: IdSpan = EVERY_ID

    def dataset(self) -> TableDataset:
        """The part as a pyarrow dataset."""
        snapshot = opened(self.opening).at(self.org, self.snapshot)
        source = table_source(snapshot, self.table, what=self.what, as_values=self.as_values)
        return TableDataset(source, within=self.within)
