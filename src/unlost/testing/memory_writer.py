"""A writer without a network: writes to a MemoryOrg by the rules of its platform."""

import io
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import BinaryIO

import pyarrow as pa

from unlost.model.bypass import (
    Automation,
    AutomationKind,
    AutomationList,
    Bypass,
    BypassState,
)
from unlost.model.errors import Conflict, NotAllowed, UsageError
from unlost.model.named_records import named_records
from unlost.model.org import OrgIdentity
from unlost.model.source.locks import NO_LOCKS, LockList, RecordsByTable
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import (
    DELETE_BLOCKED,
    DELETE_TOO_LARGE,
    NOT_IN_BIN,
    RECORD_LOCKED,
    MissingPermission,
    OutcomeKind,
    RecordQuery,
    ReferrerQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)
from unlost.testing.faults import Faults
from unlost.testing.org import MemoryRecord, file_cells
from unlost.testing.platform import Platform, RowRefused
from unlost.testing.source import cell_text

INSTANT = pa.timestamp("ms", tz="UTC")
FULL = "STORAGE_LIMIT_EXCEEDED"
CODES = {
    FULL: "write-storage-full",
    "UNDELETE_FAILED": NOT_IN_BIN,
    "DELETE_FAILED": DELETE_BLOCKED,
    "ENTITY_IS_LOCKED": RECORD_LOCKED,
    "DELETE_OPERATION_TOO_LARGE": DELETE_TOO_LARGE,
}


class ReplyLost(Exception):
    """Plant it at ``write`` (no effect) or ``written`` (with effect) to lose the answer."""


class MemoryWriter:
    """Writer over a Platform, with scripted faults.

    ``calls`` records the calls. Faults: ``write`` and ``upload`` strike before the effect,
    ``written`` and ``uploaded`` after it; ``row`` strikes before each row, so that a call can take
    effect in part. A planted ``ReplyLost`` gives UNKNOWN outcomes, any other error is raised.
    Refusals with a code in ``retryable`` may be tried again; after ``full_after`` new records the
    org's storage is full. ``bypasses``: the states of the org's bypasses for this user,
    ``other_bypasses`` for other users, by their ids. ``automations`` are active in the org,
    ``unlisted`` kinds of it cannot be listed. ``locked`` records need another step.
    ``may_hard_delete``: this user may delete without the bin.
    """

    def __init__(self, platform: Platform, *, user: str = "restorer") -> None:
        self.platform = platform
        self.org = platform.org
        self.user = user
        self.faults = Faults()
        self.calls: list[tuple[str, str, int]] = []
        self.tokens: list[str] = []
        self.retryable: set[str] = set()
        self.full_after: int | None = None
        self.lacking: tuple[MissingPermission, ...] = ()
        self.bypasses: dict[Bypass, BypassState] = {}
        self.other_bypasses: dict[str, dict[Bypass, BypassState]] = {}
        self.automations: tuple[Automation, ...] = ()
        self.unlisted: tuple[AutomationKind, ...] = ()
        self.locked: LockList = NO_LOCKS
        self.may_hard_delete = True
        self._lock = threading.Lock()

    def identity(self) -> OrgIdentity:
        """The org's identity."""
        return self.org.identity

    def user_id(self) -> str:
        """The user's name."""
        return self.user

    def server_time(self) -> datetime:
        """The org's clock."""
        return self.org.clock.now()

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """The permissions that the test removed, for these tables."""
        names = {table.name for table in tables}
        return [
            permission
            for permission in self.lacking
            if permission.table is None or permission.table in names
        ]

    def capability(self, table: Table) -> WriteCapability:
        """The platform's capability for a table."""
        return self.platform.capability(table.name)

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        """Write rows one after the other, each independently."""
        self.calls.append((op.value, table.name, len(rows)))
        self.tokens.append(token)
        try:
            self.faults.strike("write", table.name)
            if op is WriteOp.HARD_DELETE:
                self.check_hard_delete()
            outcomes = [self._alone(op, table.name, row) for row in rows]
            # After the effect: the rows are written, and only the answer is lost.
            self.faults.strike("written", table.name)
        except ReplyLost:
            return [RowOutcome(row.key, OutcomeKind.UNKNOWN, code="reply-lost") for row in rows]
        return outcomes

    def upload(self, table: Table, row: WriteRow, body: BinaryIO, *, token: str) -> RowOutcome:
        """Create a record with its file."""
        self.calls.append(("upload", table.name, 1))
        self.tokens.append(token)
        try:
            self.faults.strike("upload", table.name)
            whole = replace(row, file=body.read())
            outcome = self._with_file(WriteOp.CREATE, table.name, whole)
            self.faults.strike("uploaded", table.name)
        except ReplyLost:
            return RowOutcome(row.key, OutcomeKind.UNKNOWN, code="reply-lost")
        return outcome

    def prepare(self, tables: Sequence[Table]) -> None:
        """Record the call; nothing needs to be looked up here."""
        self.calls.append(("prepare", "", len(tables)))
        self.faults.strike("prepare", "")

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by these columns."""
        wanted = set(values)
        self.calls.append(("find", table.name, len(wanted)))
        self.faults.strike("find", table.name)
        by_values: dict[tuple[str, ...], str] = {}
        for key, record in self.platform.live(table.name):
            value = tuple(record.cells.get(name) or "" for name in columns)
            if value in wanted:
                if value in by_values:
                    raise Conflict(
                        "key-not-unique", "Two records of {table} share a key.", table=table.name
                    )
                by_values[value] = key
        return by_values

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """Live records as they are now."""
        self.calls.append(("fetch", table.name, len(ids)))
        self.faults.strike("fetch", table.name)
        live = dict(self.platform.live(table.name))
        return self._rows([(key, live[key]) for key in ids if key in live], columns)

    def fetch_several(self, queries: Sequence[RecordQuery]) -> Sequence[Rows]:
        """Fetch them query by query."""
        return [self.fetch(query.table, query.ids, columns=query.columns) for query in queries]

    def referrers(self, queries: Sequence[ReferrerQuery]) -> Sequence[Rows | None]:
        """Live records by what a column refers to, query by query."""
        self.calls.append(("referrers", "", len(queries)))
        self.faults.strike("referrers", "")
        return [self._referring(query) for query in queries]

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """The automation of these tables that the test set up."""
        self.calls.append(("automation", "", len(tables)))
        self.faults.strike("automation", "")
        names = {table.name for table in tables}
        items = tuple(item for item in self.automations if item.table in ("", *names))
        return AutomationList(items, self.unlisted)

    def locks(self, records: RecordsByTable) -> LockList:
        """The locks of these records that the test set up."""
        self.calls.append(("locks", "", sum(len(ids) for ids in records.values())))
        self.faults.strike("locks", "")
        here = [lock for lock in self.locked.locks if lock.record in records.get(lock.table, ())]
        return replace(self.locked, locks=tuple(here))

    def bypass(self, bypass: Bypass, *, user: str = "") -> BypassState:
        """The state of a bypass."""
        self.calls.append(("bypass", bypass.name, 0))
        self.faults.strike("bypass", bypass.name)
        if bypass not in self.bypasses:
            raise UsageError(
                "bypass-unknown",
                "The org has no {bypass}.",
                next_step="Name another one.",
                bypass=bypass,
            )
        return self._bypasses_of(user).get(bypass, BypassState(on=False))

    def check_bypass(self, bypass: Bypass) -> None:
        """Refuse what the test planted at ``check_bypass``."""
        self.calls.append(("check_bypass", bypass.name, 0))
        self.faults.strike("check_bypass", bypass.name)

    def check_hard_delete(self) -> None:
        """Refuse it if the test took the right away."""
        if not self.may_hard_delete:
            raise NotAllowed(
                "write-no-hard-delete",
                "The write user may not delete without the recycle bin.",
                next_step="Grant the right, or use another policy.",
            )

    def set_bypass(self, bypass: Bypass, state: BypassState, *, user: str = "") -> None:
        """Switch a bypass. Faults: ``set_bypass`` before the effect, ``bypass_set`` after it."""
        self.calls.append(("set_bypass", bypass.name, int(state.on)))
        self.faults.strike("set_bypass", bypass.name)
        stored = state.on or state.stored
        self._bypasses_of(user)[bypass] = BypassState(state.on, stored)
        self.faults.strike("bypass_set", bypass.name)

    def _bypasses_of(self, user: str) -> dict[Bypass, BypassState]:
        if user in ("", self.user):
            return self.bypasses
        return self.other_bypasses.setdefault(user, {})

    def _referring(self, query: ReferrerQuery) -> Rows:
        ids, column = set(query.ids), query.table.column(query.column)
        if column is None:
            return self._rows([], [query.column])
        referring = [
            (key, record)
            for key, record in self.platform.live(query.table.name)
            if ids & {named.text for named in named_records(column, record.cells)}
        ]
        return self._rows(referring, [query.column])

    def recent(
        self,
        table: Table,
        since: datetime,
        *,
        columns: Sequence[str],
        sent: Sequence[WriteRow],  # noqa: ARG002
    ) -> Rows:
        """Records that this user created since then; this org knows exactly when."""
        self.calls.append(("recent", table.name, 0))
        self.faults.strike("recent", table.name)
        created = self.platform.created
        rows = [
            (key, record)
            for key, record in self.platform.live(table.name)
            if (birth := created.get((table.name, key)))
            and birth[0] >= since
            and birth[1] == self.user
        ]
        return self._rows(rows, columns)

    def settle(self, table: Table, *, since: datetime) -> None:  # noqa: ARG002
        """Record the call; no write is ever pending here."""
        self.calls.append(("settle", table.name, 0))
        self.faults.strike("settle", table.name)

    # --- inside ------------------------------------------------------------------------------------

    def _alone(self, op: WriteOp, table: str, row: WriteRow) -> RowOutcome:
        with self._lock:
            return self._with_file(op, table, row)

    def _with_file(self, op: WriteOp, table: str, row: WriteRow) -> RowOutcome:
        outcome = self._row(op, table, row)
        if outcome.kind is OutcomeKind.DONE and outcome.id is not None and row.file is not None:
            memory_table = self.org.tables[table]
            memory_table.records[outcome.id].cells.update(file_cells(row.file))
            memory_table.files[outcome.id] = row.file
        return outcome

    def _row(self, op: WriteOp, table: str, row: WriteRow) -> RowOutcome:
        try:
            self.faults.strike("row", table)
            return RowOutcome(row.key, OutcomeKind.DONE, self._act(op, table, row))
        except RowRefused as refused:
            if op.deletes and refused.code == "ENTITY_IS_DELETED":
                return RowOutcome(row.key, OutcomeKind.DONE, row.id)
            return RowOutcome(
                row.key,
                OutcomeKind.FAILED,
                row.id if op is not WriteOp.CREATE else None,
                code=CODES.get(refused.code, "write-refused"),
                native=refused.code,
                sentence=refused.sentence,
                columns=tuple(refused.columns),
                retry=refused.code in {FULL, *self.retryable},
            )

    def _act(self, op: WriteOp, table: str, row: WriteRow) -> str:
        if op is WriteOp.CREATE:
            self._use_storage()
            if row.id is not None:
                return self.platform.recreate(table, row.id, row.cells, by=self.user)
            return self.platform.create(table, row.cells, by=self.user)
        if row.id is None:
            raise RowRefused("MISSING_ARGUMENT", "Id not specified")
        match op:
            case WriteOp.UPDATE:
                self.platform.update(table, row.id, row.cells, by=self.user)
            case WriteOp.UNDELETE:
                self.platform.undelete(table, row.id, by=self.user)
            case WriteOp.DELETE:
                self.platform.delete(table, row.id, by=self.user)
            case WriteOp.HARD_DELETE:
                if row.id not in self.org.tables[table].records:
                    raise RowRefused("ENTITY_IS_DELETED", "entity is deleted")
                self.platform.delete(table, row.id, by=self.user)
                self.platform.purge(table, row.id)
        return row.id

    def _use_storage(self) -> None:
        if self.full_after is None:
            return
        if self.full_after == 0:
            raise RowRefused(FULL, "storage limit exceeded")
        self.full_after -= 1

    def _rows(self, records: list[tuple[str, MemoryRecord]], columns: Sequence[str]) -> Rows:
        cells = {
            name: pa.array([cell_text(name, record) for _, record in records], pa.string())
            for name in columns
        }
        return Rows(
            pa.array([key for key, _ in records], pa.string()),
            pa.array([Op.STATE.value] * len(records), pa.string()),
            pa.array([record.modified for _, record in records], INSTANT),
            pa.array([record.by for _, record in records], pa.string()),
            pa.RecordBatch.from_pydict(cells),
            self.org.clock.now(),
        )


def body_of(data: bytes) -> BinaryIO:
    """A file to upload."""
    return io.BytesIO(data)
