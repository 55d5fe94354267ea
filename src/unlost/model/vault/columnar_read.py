"""Columnar reading of tables for exports and other programs: a part of the port ``Snapshot``.

See docs/adr/0021.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from unlost.model.vault.snapshot import EVERY_ID, IdSpan


class ReadByColumns(Protocol):
    """Tables of a snapshot, of which only the requested columns are read."""

    def columns(self, table: str) -> Sequence[str]:
        """List the source columns that ``scan`` returns; raises NotFound (``table-unknown``)."""
        ...

    @property
    def salvaged(self) -> bool:
        """True if anything was ever salvaged here; otherwise ``unread`` is always empty."""
        ...

    def unread(self, table: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """Return, by record, the columns whose values the vault has lost, if there are any.

        ``get`` and ``scan`` return nulls there, as for empty cells.
        """
        ...

    def spans(self, table: str, *, rows: int) -> Sequence[IdSpan]:
        """Split the ids of a table into spans of about ``rows`` versions, in order; never empty."""
        ...

    def read(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """Read live records by id, with only these columns (source columns or system columns).

        Reads no other column, so that the cost depends on the requested ones.
        """
        ...

    def versions(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """Read all versions up to this snapshot, by id and age, with only these columns.

        ``_u_valid_to`` may be requested too: the number of the commit that brought the next
        version, null for the last one. An observation that equals the one before is not a version.
        """
        ...

    def newer(self, table: str, columns: Sequence[str], *, after: int) -> pa.RecordBatchReader:
        """Read the newest version, live or deleted, of records that changed after ``after``."""
        ...
