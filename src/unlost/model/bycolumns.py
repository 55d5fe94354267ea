"""Reading a table for other programs: the part of the port ``Snapshot`` that ways out stand on."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import pyarrow as pa

from unlost.model.snapshot import EVERY_ID, IdSpan


class ReadByColumns(Protocol):
    """Tables of a snapshot, of which only what is asked for is read."""

    def columns(self, table: str) -> Sequence[str]:
        """Source columns that ``scan`` gives; raises NotFound (``table-unknown``)."""
        ...

    @property
    def salvaged(self) -> bool:
        """True if anything was ever salvaged here: else ``unread`` has nothing to tell."""
        ...

    def unread(self, table: str, ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
        """By record the columns of which the vault does not know any more what it had, where there are any.

        ``get`` and ``scan`` give nulls there, as they do for what is empty.
        """
        ...

    def spans(self, table: str, *, rows: int) -> Sequence[IdSpan]:
        """The ids of a table in spans of about this many versions, in order; never none."""
        ...

    def read(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """Live records with these columns alone, source columns or system columns, by id.

        Costs what its columns cost: no other one is read.
        """
        ...

    def versions(
        self, table: str, columns: Sequence[str], *, within: IdSpan = EVERY_ID
    ) -> pa.RecordBatchReader:
        """All versions up to this snapshot, by id and age, with these columns alone.

        ``_u_valid_to`` may be asked for too: the number of the commit that brought the next
        version, null in the last one. Observations that say the same as the one before are none.
        """
        ...

    def newer(self, table: str, columns: Sequence[str], *, after: int) -> pa.RecordBatchReader:
        """The newest version, dead or alive, of each record that a commit behind ``after`` touched."""
        ...
