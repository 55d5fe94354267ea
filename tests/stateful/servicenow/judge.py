"""What must be true after each backup, judged from the instance and its rights alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from stateful.servicenow.desk import ADMIN, ATTACHMENT, LOGS, READ, Desk
from stateful.servicenow.rights import Administrators, Row
from unlost.connectors.servicenow.access.rights import ACLS
from unlost.engine.backup.backup import FinishedBackup
from unlost.engine.records.history import EventKind, history
from unlost.engine.sameness import canonical
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.schema import Column, ColumnTrait, WireKind
from unlost.model.vault.certificate import TableLine

type Key = tuple[str, str]
type Cells = dict[str, str | None]
FAILED = frozenset({
    FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE, FindingKind.TABLE_GONE,
})  # fmt: skip
UNPROVED = frozenset({
    FindingKind.DELETES_UNPROVED, FindingKind.ROWS_MISSING, FindingKind.UNUSUAL_LOSS,
})  # fmt: skip


@dataclass
class Judge:
    """Remembers what the backups saw.

    ``seen``: the cells of a record as a backup last saw them. ``loose``: further values that are
    right until a backup reads the record again: it was changed without a stamp, or a read broke off.
    """

    desk: Desk
    rights: Administrators
    seen: dict[Key, Cells] = field(default_factory=dict)
    loose: dict[Key, list[Row]] = field(default_factory=dict)
    dead: set[Key] = field(default_factory=set)
    broken: set[str] = field(default_factory=set)
    unsettled: set[str] = field(default_factory=set)
    fingerprint: str = ""

    def backup(self, done: FinishedBackup, *, faulty: bool = False) -> None:
        """Check the newest backup; ``faulty``: calls of it were answered wrongly."""
        lines = {line.table: line for line in done.certificate.tables}
        general = done.certificate.findings
        for table in READ:
            line = lines.get(table)
            gaps = _gaps([*(line.findings if line else ()), *general], table)
            self._check_holes(table, line, gaps)
            failed = line is None or any(gap.kind in FAILED for gap in gaps)
            if failed or (faulty and any(gap.kind in UNPROVED for gap in gaps)):
                self._glimpse(table)
                if line is not None:
                    self._check_dead(table)
            else:
                self._check(table, settled=not any(gap.kind in UNPROVED for gap in gaps))
                if table == ATTACHMENT:
                    self.files(gap=any(gap.kind is FindingKind.FILE_UNREADABLE for gap in gaps))
        self.fingerprint = self.rights.fingerprint()

    def _glimpse(self, table: str) -> None:
        """A read that broke off may have brought any visible row."""
        self.unsettled.add(table)
        self.broken.add(table)
        for record, row in self.rights.visible(table).items():
            self.loose.setdefault((table, record), []).append(row)

    # --- gaps --------------------------------------------------------------------------------------

    def _check_holes(self, table: str, line: TableLine | None, gaps: Sequence[Finding]) -> None:
        """Each row and each cell that the user may not see is a gap."""
        existing, visible = self.rights.existing(table), self.rights.visible(table)
        unseen = existing.keys() - visible.keys()
        assert gaps or not unseen, f"{table}: rows are hidden, and no gap says so"
        blind = {name for key, row in visible.items() for name in existing[key].keys() - row}
        named = {gap.column for gap in gaps} | set(line.hidden_columns if line else ())
        whole = [gap for gap in gaps if gap.kind is not FindingKind.COLUMN_HIDDEN]
        assert blind <= named or whole, f"{table}: {blind - named} is hidden, and no gap says so"
        roles = {gap.detail for gap in gaps if gap.kind is FindingKind.PERMISSION_MISSING}
        assert self.rights.admin or roles & {ADMIN, ACLS}, "a role is missing, and no gap says so"
        moved = self.rights.moved(table) & set(self._held(table, []) if line else ())
        assert gaps or not moved, f"{table}: the class of {moved} was changed, and no gap says so"

    # --- rows --------------------------------------------------------------------------------------

    def _check(self, table: str, *, settled: bool) -> None:
        visible, existing = self.rights.visible(table), self.rights.existing(table)
        columns = self._columns(table)
        held = self._held(table, columns)
        if not settled:
            self._leave_partly_hidden(table, visible)
        missed = visible.keys() - held.keys()
        assert not missed, f"{table}: {sorted(missed)} is visible and not in the backup"
        for record, row in visible.items():
            for column in columns:
                self._check_cell(table, record, column, held[record][column.name], row)
        self._check_dead(table)
        self._check_absent(table, held, existing, settled=settled)
        self._remember(table, {record: held[record] for record in visible})
        if settled:
            self.unsettled.discard(table)
        else:
            self.unsettled.add(table)
        self.broken.discard(table)

    def _leave_partly_hidden(self, table: str, visible: dict[str, Row]) -> None:
        """Records with a hidden cell that others show may stay as they were, if a gap says so."""
        shown = set().union(*visible.values())
        for record in [key for key, row in visible.items() if shown - row.keys()]:
            self.loose.setdefault((table, record), []).append(visible.pop(record))

    def _check_cell(
        self, table: str, record: str, column: Column, stored: str | None, row: Row
    ) -> None:
        """A cell is as the instance has it. One that the user may not see is as it was last seen."""
        name, key = column.name, (table, record)
        right = [row[name]] if name in row else [self.seen.get(key, {}).get(name)]
        if name not in row and self.rights.looks_empty:
            right.append(None)
        right += [other[name] for other in self.loose.get(key, ()) if name in other]
        assert any(_alike(column, stored, value) for value in right), (
            f"{table} {record}.{name}: {stored!r} is in the backup, and {right} is right"
        )

    def _check_dead(self, table: str) -> None:
        """What exists is deleted in the backup only if it was before, and no backup saw it since."""
        dead = set(self.desk.dead(table))
        existing = self.rights.existing(table).keys() | self.rights.moved(table)
        wrong = {record for record in dead & existing if (table, record) not in self.dead}
        assert not wrong, f"{table}: {sorted(wrong)} exists, and is deleted in the backup"

    def _check_absent(
        self, table: str, held: Mapping[str, Cells], existing: Mapping[str, Row], *, settled: bool
    ) -> None:
        """What is gone is deleted in the backup, if nothing is hidden, and nothing was before."""
        gone = held.keys() - existing.keys() - self.rights.moved(table)
        calm = settled and table not in self.unsettled
        calm = calm and self.rights.fingerprint() == self.fingerprint and self._sees_all(table)
        if table in LOGS:
            assert not self.desk.dead(table), f"{table}: entries that were dropped are deleted"
        else:
            assert not (gone and calm), f"{table}: {sorted(gone)} is gone, and not deleted"
        strange = {key for key in held.keys() - existing.keys() if not self._was_seen(table, key)}
        assert not strange, f"{table}: {sorted(strange)} was never visible, and is in the backup"

    def _sees_all(self, table: str) -> bool:
        rights = self.rights
        return rights.admin and not (rights.closed or rights.hidden_rows or rights.ruled_rows)

    def _was_seen(self, table: str, record: str) -> bool:
        return (table, record) in self.seen or (table, record) in self.loose

    def _remember(self, table: str, held: Mapping[str, Cells]) -> None:
        for record, cells in held.items():
            self.loose.pop((table, record), None)
            self.seen[table, record] = dict(cells)
        self.dead = {key for key in self.dead if key[0] != table}
        self.dead |= {(table, record) for record in self.desk.dead(table)}

    def _columns(self, table: str) -> list[Column]:
        stored = self.desk.head.schema().table(table)
        return [
            column
            for column in (stored.columns if stored else ())
            if column.kind is not WireKind.BINARY and not column.has(ColumnTrait.VOLATILE)
        ]

    def _held(self, table: str, columns: Sequence[Column]) -> dict[str, Cells]:
        names = [column.name for column in columns]
        rows = self.desk.head.scan(table, columns=names).read_all().to_pylist()
        held = {row["_u_id"]: {name: row[name] for name in names} for row in rows}
        assert len(held) == len(rows), f"{table}: records are doubled"
        return held

    # --- at the end of a life ----------------------------------------------------------------------

    def histories(self) -> None:
        """The history of a record leads from value to value, and tells nothing twice."""
        for table, record in sorted(self.seen):
            state: Cells = {}
            alive = None
            for event in history(self.desk.vault, self.desk.oid, table, record):
                if event.kind in (EventKind.DELETED, EventKind.REVIVED, EventKind.CREATED):
                    lives = event.kind is not EventKind.DELETED
                    assert lives is not alive, f"{table} {record}: {event.kind} twice"
                    alive = lives
                for change in event.fields:
                    self._check_change(table, record, change, state)

    def _check_change(self, table: str, record: str, change: Any, state: Cells) -> None:
        place = f"{table} {record}.{change.column}: {change.old!r} to {change.new!r}"
        assert change.old != change.new, place
        if change.column in state:
            assert state[change.column] == change.old, f"{place}, after {state[change.column]!r}"
        state[change.column] = change.new

    def files(self, *, gap: bool) -> None:
        """Each attachment in the backup has its bytes once; ``gap``: a file could not be read."""
        for record in self._held(ATTACHMENT, []):
            files = self.desk.head.files(ATTACHMENT, [record])
            assert len(files) == 1 or (gap and not files), f"{record} has {len(files)} files"
            for file in files:
                with self.desk.vault.open_file(self.desk.oid, file.blob) as stream:
                    assert stream.read() == self.desk.instance.store.content(record)[1]


def _gaps(findings: Sequence[Finding], table: str) -> list[Finding]:
    """The gaps of a table, and those of the whole instance."""
    return [
        each for each in findings if each.severity is Severity.GAP and each.table in (None, table)
    ]


def _alike(column: Column, stored: str | None, value: str | None) -> bool:
    kind = column.kind
    return (stored and canonical(kind, stored)) == (
        (value or None) and canonical(kind, value or "")
    )
