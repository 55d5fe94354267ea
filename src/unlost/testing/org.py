"""An org in memory: people edit, delete and purge, and administrators change its schema.

It knows nothing of backups. ``unlost.testing.source.MemorySource`` reads it as a connector would.
"""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import partial

from unlost.model.finding import Finding
from unlost.model.org import OrgIdentity, OrgKind
from unlost.model.ports.system import Clock
from unlost.model.source.schema import (
    ChangeLog,
    Column,
    ColumnTrait,
    FileColumn,
    Reference,
    Remarks,
    TableTrait,
    WireKind,
)
from unlost.testing.images import address, hosted

BIN_DAYS = 15
ALL_TRAITS = frozenset(
    {
        TableTrait.INCREMENTAL,
        TableTrait.REPORTS_DELETES,
        TableTrait.CENSUS,
        TableTrait.ROW_CHECK,
    }
)
SYSTEM = (
    Column("Id", WireKind.ID),
    Column("Modified", WireKind.INSTANT, traits=frozenset({ColumnTrait.VOLATILE})),
    Column("ModifiedBy", WireKind.REFERENCE, traits=frozenset({ColumnTrait.VOLATILE})),
)
FILE_COLUMNS = (
    Column("Body", WireKind.BINARY),
    Column("BodySize", WireKind.INTEGER),
    Column("BodyDigest", WireKind.TEXT),
)


@dataclass(slots=True)
class MemoryRecord:
    """A record: live, or in the bin (``deleted``)."""

    cells: dict[str, str | None]
    modified: datetime
    by: str
    deleted: bool = False


@dataclass(slots=True)
class MemoryTable:
    """A table: its columns, its records, and the source's own list of purged ids."""

    name: str
    columns: dict[str, Column]
    traits: frozenset[TableTrait] = ALL_TRAITS
    records: dict[str, MemoryRecord] = field(default_factory=dict)
    purged: list[tuple[datetime, str]] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    images: dict[tuple[str, str], bytes] = field(default_factory=dict)
    image_columns: tuple[str, ...] = ()
    logged: bool = False
    refused: bool = False
    dropped: bool = False
    has_files: bool = False
    grants: set[str] = field(default_factory=set)
    merged_into: str | None = None
    remarks: Remarks | None = None

    @property
    def change_log(self) -> ChangeLog | None:
        """The change log of this table, if it has one."""
        if not self.logged:
            return None
        return ChangeLog(
            self.name + "History", "RecordId", "Field", "Old", "New", "Modified", "ModifiedBy"
        )

    @property
    def file_columns(self) -> tuple[FileColumn, ...]:
        """The columns whose bytes are files."""
        if not self.has_files:
            return ()
        return (FileColumn("Body", "BodySize", "BodyDigest", "Name"),)


@dataclass(slots=True)
class UncommittedChange:
    """A change that has its timestamp and is not visible yet."""

    at: datetime
    table: str
    record: str
    apply: Callable[[], None]


class MemoryOrg:
    """A tenant. Every change is stamped with the clock's present; methods are for one thread."""

    def __init__(self, clock: Clock, *, tenant: str = "T-1", label: str = "Memory") -> None:
        self.clock = clock
        self.identity = OrgIdentity("memory", tenant, OrgKind.SANDBOX, label)
        self.tables: dict[str, MemoryTable] = {}
        self.hidden_columns: set[tuple[str, str]] = set()
        self.hidden_rows: set[tuple[str, str]] = set()
        self.unshared_rows: set[tuple[str, str]] = set()
        self.findings: list[Finding] = []
        self._uncommitted: list[UncommittedChange] = []
        self._made = 0
        self.lock = threading.RLock()

    # --- shape -----------------------------------------------------------------------------------

    def add_table(
        self,
        name: str,
        columns: dict[str, WireKind],
        *,
        traits: frozenset[TableTrait] = ALL_TRAITS,
        volatile: frozenset[str] = frozenset(),
        references: dict[str, Reference] | None = None,
        logged: bool = False,
        files: bool = False,
        merged_into: str | None = None,
        images: tuple[str, ...] = (),
    ) -> MemoryTable:
        """Add a table; ``logged`` adds a table that records its changes.

        ``merged_into``: the column that names the record into which a deleted one was merged.
        ``images``: columns with texts that show images.
        """
        system_columns = [
            Column(
                column,
                kind,
                traits=_traits(column, column in volatile),
                reference=(references or {}).get(column),
            )
            for column, kind in columns.items()
        ]
        every = (*SYSTEM, *system_columns, *(FILE_COLUMNS if files else ()))
        table = MemoryTable(
            name,
            {c.name: c for c in every},
            traits,
            logged=logged,
            has_files=files,
            merged_into=merged_into,
            image_columns=images,
        )
        self.tables[name] = table
        if logged:
            log = ("RecordId", "Field", "Old", "New")
            self.add_table(name + "History", dict.fromkeys(log, WireKind.TEXT))
        return table

    def add_column(
        self, table: str, column: str, kind: WireKind = WireKind.TEXT, *, value: str | None = None
    ) -> None:
        """Add a column with ``value`` in every record; modification times stay the same."""
        memory_table = self.tables[table]
        memory_table.columns[column] = Column(column, kind)
        for record in memory_table.records.values():
            record.cells[column] = value

    def drop_column(self, table: str, column: str) -> None:
        """Remove a column with its values."""
        memory_table = self.tables[table]
        del memory_table.columns[column]
        for record in memory_table.records.values():
            record.cells.pop(column, None)

    def retype_column(self, table: str, column: str, kind: WireKind, value: str | None) -> None:
        """Give a column another type, and every record ``value``; no modification time moves."""
        self.drop_column(table, column)
        self.add_column(table, column, kind, value=value)

    def hide_column(self, table: str, column: str) -> None:
        """Take the right to see a column."""
        self.hidden_columns.add((table, column))

    def show_column(self, table: str, column: str) -> None:
        """Give the right to see a column."""
        self.hidden_columns.discard((table, column))

    def hide_row(self, table: str, record: str) -> None:
        """Take the right to see a record."""
        self.hidden_rows.add((table, record))

    def show_row(self, table: str, record: str) -> None:
        """Give the right to see a record."""
        self.hidden_rows.discard((table, record))

    @property
    def fingerprint(self) -> str:
        """A text that changes with the rights, except ``unshared_rows``, which a source misses."""
        rights = (sorted(self.hidden_columns), sorted(self.hidden_rows))
        return hashlib.sha256(repr(rights).encode()).hexdigest()[:16]

    # --- records ---------------------------------------------------------------------------------

    def create(
        self,
        table: str,
        cells: dict[str, str | None],
        *,
        by: str = "U1",
        record: str | None = None,
        commit_after: float = 0,
    ) -> str:
        """Create a record and return its id."""
        self._made += 1
        new_id = record or f"{table[:3]}{self._made:09d}"
        stamp = self.clock.now()
        full = {**dict.fromkeys(self._own(table)), **cells, "Id": new_id}

        def apply() -> None:
            self.tables[table].records[new_id] = MemoryRecord(full, stamp, by)

        self._commit(table, new_id, apply, commit_after)
        return new_id

    def update(
        self,
        table: str,
        record: str,
        cells: dict[str, str | None],
        *,
        by: str = "U1",
        commit_after: float = 0,
    ) -> None:
        """Change cells of a live record; others see the change after ``commit_after`` seconds."""
        self.settle(record=record)
        stamp = self.clock.now()

        def apply() -> None:
            memory_record = self.tables[table].records[record]
            self._log(table, record, memory_record.cells, cells, stamp, by)
            memory_record.cells.update(cells)
            memory_record.modified, memory_record.by = stamp, by

        self._commit(table, record, apply, commit_after)

    def delete(self, table: str, record: str, *, by: str = "U1") -> None:
        """Put a record into the bin."""
        self.settle(record=record)
        memory_record = self.tables[table].records[record]
        memory_record.deleted, memory_record.modified, memory_record.by = True, self.clock.now(), by

    def undelete(self, table: str, record: str, *, by: str = "U1") -> None:
        """Take a record out of the bin."""
        memory_record = self.tables[table].records[record]
        memory_record.deleted, memory_record.modified, memory_record.by = (
            False,
            self.clock.now(),
            by,
        )

    def purge(self, table: str, record: str) -> None:
        """Remove a record permanently; the source lists its id for some days."""
        self.settle(record=record)
        memory_table = self.tables[table]
        del memory_table.records[record]
        memory_table.files.pop(record, None)
        for key in [key for key in memory_table.images if key[0] == record]:
            del memory_table.images[key]
        # A source lists only deletions of records that the user could see.
        if (table, record) not in self.hidden_rows | self.unshared_rows:
            memory_table.purged.append((self.clock.now(), record))

    def attach(self, table: str, name: str, body: bytes) -> str:
        """Create a record that is a file."""
        new_id = self.create(table, {"Name": name, **file_cells(body)})
        self.tables[table].files[new_id] = body
        return new_id

    def replace_file(self, table: str, record: str, body: bytes) -> None:
        """Give a file other bytes."""
        self.update(table, record, dict(file_cells(body)))
        self.tables[table].files[record] = body

    def paste(self, table: str, record: str, column: str, content: bytes) -> str:
        """Add an image to a text, and return its name."""
        image = self._keep_image(table, record, content)
        before = self.tables[table].records[record].cells.get(column) or ""
        self.update(table, record, {column: f"{before} {address(record, image)}"})
        return image

    def host_images(self, table: str, record: str) -> None:
        """Store the images that came within texts, and name them there."""
        memory_table = self.tables[table]
        cells = memory_table.records[record].cells
        for column in memory_table.image_columns:
            if text := cells.get(column):
                keep = partial(self._keep_image, table, record)
                cells[column] = hosted(text, record, keep)

    def _keep_image(self, table: str, record: str, content: bytes) -> str:
        self._made += 1
        image = f"Img{self._made:09d}"
        self.tables[table].images[record, image] = content
        return image

    # --- what the user sees ----------------------------------------------------------------------

    def settle(self, *, record: str | None = None) -> None:
        """Make due changes visible; of ``record`` all of them, since locks keep edits in order."""
        now = self.clock.now()
        with self.lock:
            due = [c for c in self._uncommitted if c.at <= now or c.record == record]
            self._uncommitted = [c for c in self._uncommitted if c not in due]
            for change in due:
                change.apply()

    def visible(self, table: str) -> dict[str, MemoryRecord]:
        """The records that the reading user may see, including the bin, by id."""
        self.settle()
        blind = self.hidden_rows | self.unshared_rows
        hidden = {column for owner, column in self.hidden_columns if owner == table}
        return {
            key: replace(record, cells={c: v for c, v in record.cells.items() if c not in hidden})
            for key, record in sorted(self.tables[table].records.items())
            if (table, key) not in blind
        }

    @property
    def oldest_purge(self) -> datetime:
        """The time since which the source lists purged ids."""
        return self.clock.now() - timedelta(days=BIN_DAYS)

    def listed_purges(self, table: str, since: datetime | None) -> list[str]:
        """Ids that the source still lists as purged, and that do not exist again."""
        floor = max(since, self.oldest_purge) if since else self.oldest_purge
        memory_table = self.tables[table]
        return sorted(
            {r for at, r in memory_table.purged if at >= floor and r not in memory_table.records}
        )

    def _own(self, table: str) -> list[str]:
        system = {column.name for column in SYSTEM} | {"Body"}
        return [name for name in self.tables[table].columns if name not in system]

    def _commit(self, table: str, record: str, apply: Callable[[], None], after: float) -> None:
        if after <= 0:
            apply()
            return
        due = self.clock.now() + timedelta(seconds=after)
        self._uncommitted.append(UncommittedChange(due, table, record, apply))

    def _log(
        self,
        table: str,
        record: str,
        before: dict[str, str | None],
        after: dict[str, str | None],
        stamp: datetime,
        by: str,
    ) -> None:
        memory_table = self.tables[table]
        log = memory_table.change_log
        if log is None:
            return
        for column, value in after.items():
            if not _alike(memory_table.columns[column].kind, before.get(column), value):
                self._made += 1
                log_id = f"HIS{self._made:09d}"
                cells = {
                    "Id": log_id,
                    "RecordId": record,
                    "Field": column,
                    "Old": before.get(column),
                    "New": value,
                }
                self.tables[log.table].records[log_id] = MemoryRecord(cells, stamp, by)


def _alike(kind: WireKind, old: str | None, other: str | None) -> bool:
    """True if an org sees no change: a number written differently is the same number."""
    if old is None or other is None:
        return old == other
    return _canonical(kind, old) == _canonical(kind, other)


def _canonical(kind: WireKind, text: str) -> str:
    """The same text for all texts that mean the same value of this kind."""
    try:
        if kind in (WireKind.DECIMAL, WireKind.INTEGER):
            return str(Decimal(text).normalize())
        if kind is WireKind.INSTANT:
            return datetime.fromisoformat(text).astimezone(UTC).isoformat(timespec="milliseconds")
    except (InvalidOperation, ValueError):
        return text
    return text.lower() if kind is WireKind.BOOLEAN else text


def file_cells(body: bytes) -> dict[str, str | None]:
    """The cells that describe a record's file."""
    return {
        "BodySize": str(len(body)),
        "BodyDigest": hashlib.md5(body, usedforsecurity=False).hexdigest(),
    }


def _traits(column: str, volatile: bool) -> frozenset[ColumnTrait]:  # noqa: FBT001
    name = {ColumnTrait.NAME} if column == "Name" else set[ColumnTrait]()
    return frozenset(name | ({ColumnTrait.VOLATILE} if volatile else set()))
