"""The port of the write side of an org."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import BinaryIO, Protocol

from unlost.model.org import OrgIdentity
from unlost.model.reading import Rows
from unlost.model.schema import Table
from unlost.model.writing import (
    MissingPermission,
    RecordQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)


class Writer(Protocol):
    """The write side of an org, opened with a credential of its own for one run.

    It keeps nothing and repeats nothing that may have taken effect: a call whose answer was lost
    gives UNKNOWN outcomes, and the engine looks before it tries again.
    """

    def identity(self) -> OrgIdentity:
        """Who this org is."""
        ...

    def server_time(self) -> datetime:
        """The source's clock now (never ours)."""
        ...

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """Permissions that the writing user lacks for these tables; empty if it may do all."""
        ...

    def prepare(self, tables: Sequence[Table]) -> None:
        """RecordQuery up together what these tables need; without it, it is looked up one by one."""
        ...

    def capability(self, table: Table) -> WriteCapability:
        """What may be written to a table."""
        ...

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        """Write rows of one table: one outcome a row, in the same order.

        ``token`` names the call for the org's own log where it has one. Raises LimitReached,
        NotAllowed, AuthExpired, TransientError only where nothing was written by this call.
        Where a capability allows several calls at once, threads call this at the same time.
        """
        ...

    def upload(self, table: Table, row: WriteRow, body: BinaryIO, *, token: str) -> RowOutcome:
        """Create a record whose file is ``body``, streamed."""
        ...

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by the values of these columns; values that nobody has are left out.

        Raises Conflict (``key-not-unique``) where several live records share one.
        """
        ...

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """These live records as the org has them now; ids that are not there are left out."""
        ...

    def fetch_several(self, looks: Sequence[RecordQuery]) -> Sequence[Rows]:
        """What ``fetch`` gives for each of these, in as few calls as the org takes."""
        ...

    def recent(
        self, table: Table, since: datetime, *, columns: Sequence[str], sent: Sequence[WriteRow]
    ) -> Rows:
        """Records of the table that this user made since then, by the source's clock.

        ``sent``: the rows whose records are looked for. Where they told when they were first made,
        their records say so too, and no other old record is among the answer.
        Raises SourceRefused where the table does not tell who made a record, or when.
        """
        ...

    def settle(self, table: Table, *, since: datetime) -> None:
        """Return when no call of this user on the table, made since then, can still take effect."""
        ...
