"""Port of the write side of an org.

A writer makes calls and reports outcomes; it keeps no state and repeats nothing that may have had
an effect. The engine announces each call in the journal before it is made, so that a lost answer is
resolved by a search for the effect and never by a second call. See docs/adr/0010 and docs/adr/0019.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from unlost.model.bypass import AutomationList, Bypass, BypassState
    from unlost.model.org import OrgIdentity
    from unlost.model.source.locks import LockList, RecordsByTable
    from unlost.model.source.reading import Rows
    from unlost.model.source.schema import Table
    from unlost.model.source.writing import (
        MissingPermission,
        RecordQuery,
        ReferrerQuery,
        RowOutcome,
        WriteCapability,
        WriteOp,
        WriteRow,
    )


class PlanningAccess(Protocol):
    """The part of the write side that a plan needs; no method writes.

    A writer has it. Without a write user, the connector provides it with the backup user.
    """

    def identity(self) -> OrgIdentity:
        """Return the identity of this org."""
        ...

    def user_id(self) -> str:
        """Return the org's id of the user who signed in."""
        ...

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """List permissions that the writing user lacks for these tables; empty for none.

        Also empty for plans without a write user, whose rights are unknown.
        """
        ...

    def capability(self, table: Table) -> WriteCapability:
        """Return what may be written to a table."""
        ...

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Find live records by the values of these columns; values without a record are omitted.

        Raises Conflict (``key-not-unique``) if several live records share a value.
        """
        ...

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """Read these live records from the org; missing ids are omitted.

        Most calls have up to 2,000 ids, and the connector divides them as the org needs it.
        """
        ...

    def referrers(self, queries: Sequence[ReferrerQuery]) -> Sequence[Rows | None]:
        """Find the live records that refer to others: for each query ids and the column.

        None where the org does not answer the query, for example because the user may not read the
        table. In as few calls as the org allows.
        """
        ...

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """List the active automation that acts when records of these tables are written.

        In a few calls, however many tables there are. Kinds that the user may not list are named.
        """
        ...

    def locks(self, records: RecordsByTable) -> LockList:
        """List the live records among these that the org refuses to change without another step.

        In a few calls. Kinds that the user may not list are named.
        """
        ...

    def bypass(self, bypass: Bypass) -> BypassState:
        """Read the state of a bypass for this user.

        Raises UsageError (``bypass-unknown``) if the org has none of this name, and NotAllowed
        (``bypass-refused``) if this user may not read it.
        """
        ...

    def check_bypass(self, bypass: Bypass) -> None:
        """Raise NotAllowed (``bypass-refused``) if the user is known to be unable to switch it on.

        Raises UsageError (``bypass-unknown``) if the org has none of this name.
        """
        ...

    def check_hard_delete(self) -> None:
        """Raise NotAllowed (``write-no-hard-delete``) if the user is known to lack the right."""
        ...


class Writer(PlanningAccess, Protocol):
    """The write side of an org, opened for one run with a separate credential.

    It keeps nothing, and repeats nothing that may have taken effect: a call whose answer was lost
    returns UNKNOWN outcomes, and the engine checks the org before the next attempt.
    """

    def server_time(self) -> datetime:
        """Return the source's clock now, or ours if that is earlier.

        A restore keeps its records as of this time, which must not lie ahead of the truth.
        """
        ...

    def prepare(self, tables: Sequence[Table]) -> None:
        """Look up together what these tables need; otherwise each is looked up when it is used."""
        ...

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        """Write rows of one table: one outcome for each row, in the same order.

        The outcome of a delete is DONE for a record that is gone already. A hard delete never becomes
        a soft one: without the right, NotAllowed (``write-no-hard-delete``). ``token`` names the call
        for the org's own log, if it has one. Raises LimitReached, NotAllowed, AuthExpired and
        TransientError only if this call wrote nothing. If a capability allows several calls in
        parallel, threads call this at the same time.
        """
        ...

    def upload(self, table: Table, row: WriteRow, body: BinaryIO, *, token: str) -> RowOutcome:
        """Create a record whose file is ``body``, streamed."""
        ...

    def fetch_several(self, queries: Sequence[RecordQuery]) -> Sequence[Rows]:
        """Return what ``fetch`` does for each query, in as few calls as the org allows."""
        ...

    def recent(
        self, table: Table, since: datetime, *, columns: Sequence[str], sent: Sequence[WriteRow]
    ) -> Rows:
        """Read records of the table that this user created since then, by the source's clock.

        ``sent``: the rows whose records are searched. If rows set their original creation date,
        their records have it too, and no other old record is returned. If they may set the user
        who created them (``WriteCapability.audit``), records of other users may be among the answers.
        Raises SourceRefused if the table does not record who created a record, or when.
        """
        ...

    def settle(self, table: Table, *, since: datetime) -> None:
        """Wait until no call of this user on the table, made since then, can still take effect."""
        ...

    def bypass(self, bypass: Bypass, *, user: str = "") -> BypassState:
        """Read the state of a bypass for a user (an id of the org); without one, for this user.

        Raises UsageError (``bypass-unknown``) if the org has none of this name, and NotAllowed
        (``bypass-refused``) if this user may not read it.
        """
        ...

    def set_bypass(self, bypass: Bypass, state: BypassState, *, user: str = "") -> None:
        """Bring a bypass into a state for a user, without one for this user; a no-op if it is in it.

        To switch it on, ``stored`` does not matter. To switch it off, the entry about the user is
        removed unless ``stored``. Raises NotAllowed (``bypass-refused``) if the org refuses, and
        TransientError if the answer was lost: read the state then.
        """
        ...
