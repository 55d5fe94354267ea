"""The plan of a backup: which tables are read how, and why. Pure: no port is called here."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.rights import RightsHistory, sees_every_row
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Cursor
from unlost.model.source.schema import Column, Schema, Table, TableTrait
from unlost.model.vault.snapshot import TableState

FAILED = frozenset(
    {FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE, FindingKind.TABLE_GONE}
)


class Reason(StrEnum):
    """The reason for reading a table in full, or for listing its ids."""

    REQUESTED = "asked"
    FIRST_SIGHT = "first-sight"
    NO_CURSOR = "no-cursor"
    COLUMN_APPEARED = "column-appeared"
    COLUMN_RETYPED = "column-retyped"
    IMAGES_APPEARED = "images-appeared"
    RIGHTS_CHANGED = "rights-changed"
    MISSED_BEFORE = "missed-before"
    FILES_MISSING = "files-missing"
    DUE = "due"
    DELETES_NOT_REPORTED = "deletes-not-reported"
    OWED = "owed"


@dataclass(frozen=True, slots=True)
class KnownState:
    """The vault's content of an org when a run begins.

    ``rights`` are the rights under which a table was read since its last census, by table.
    ``hidden_columns`` by table; ``missing_files`` are findings about files that could not be read.
    ``nights`` is the number of backups that read every table, ``nightly`` are the cursors of the
    last of them, by table.
    """

    schema: Schema = field(default_factory=lambda: Schema((), ""))
    states: dict[str, TableState] = field(default_factory=dict)
    rights: dict[str, RightsHistory] = field(default_factory=dict)
    hidden_columns: dict[str, frozenset[str]] = field(default_factory=dict)
    missing_files: dict[str, tuple[Finding, ...]] = field(default_factory=dict)
    nights: int = 0
    nightly: dict[str, Cursor] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TablePlan:
    """The way in which one table is read.

    ``table`` is the source's own description; ``carry`` names columns that the user no longer sees.
    ``trusted``: absent rows may count as deleted. ``grants``: the user's rights on it at the
    beginning. ``lists_ids``: the census lists the source's ids;
    otherwise the full read counts as the census. ``nightly``: the cursor of the last nightly
    backup; None in an hourly run, which reads nothing whole because that is regularly due.
    ``missing_files``: the findings about files that earlier backups could not read.
    """

    table: Table
    since: Cursor | None
    reasons: tuple[Reason, ...]
    census: tuple[Reason, ...]
    lists_ids: bool
    trusted: bool
    grants: frozenset[str] = frozenset()
    carry: tuple[str, ...] = ()
    now_hidden: tuple[str, ...] = ()
    now_visible: tuple[str, ...] = ()
    nightly: Cursor | None = None
    missing_files: tuple[Finding, ...] = ()

    @property
    def full(self) -> bool:
        """True if every row is read."""
        return self.since is None


@dataclass(frozen=True, slots=True)
class BackupPlan:
    """All tables of a run; ``schema`` is the snapshot's future schema, including ``gone`` tables.

    ``deferred``: findings for chosen tables that an hourly run does not read.
    """

    tables: tuple[TablePlan, ...]
    gone: tuple[str, ...]
    schema: Schema
    deferred: tuple[Finding, ...] = ()


def plan_backup(
    schema: Schema, known: KnownState, *, now: datetime, policy: BackupPolicy, full: bool = False
) -> BackupPlan:
    """The plan for the source's present schema (``now``: the source's clock)."""
    grants = schema.grants()
    tables = tuple(
        plan_table(t, grants[t.name], known, now, policy, full=full) for t in schema.tables
    )
    described = {table.name for table in schema.tables}
    gone = tuple(name for name in known.states if name not in described)
    stored_tables = [_stored(plan, known) for plan in tables]
    stored_tables += [table for name in gone if (table := known.schema.table(name)) is not None]
    return BackupPlan(tables, gone, replace(schema, tables=tuple(stored_tables)))


def plan_table(
    table: Table,
    grants: frozenset[str],
    known: KnownState,
    now: datetime,
    policy: BackupPolicy,
    *,
    full: bool,
) -> TablePlan:
    """The plan for one table; ``grants``: the user's rights on it now."""
    state = known.states.get(table.name)
    stored = known.schema.table(table.name)
    rights = known.rights.get(table.name, RightsHistory(grants, grants))
    moved = rights.changed(grants)
    reasons = _full_reasons(table, stored, state, known, rights_moved=moved)
    if full:
        reasons = (Reason.REQUESTED, *reasons)
    marked = known.hidden_columns.get(table.name, frozenset())
    hidden = [
        name for name in table.hidden if stored is not None and stored.column(name) is not None
    ]
    return TablePlan(
        table,
        None if reasons or state is None else state.cursor,
        reasons,
        _census_reasons(table, state, reasons, now, policy),
        _lists_ids(table, reasons),
        sees_every_row(grants) and not rights.lost(grants),
        grants,
        tuple(hidden),
        tuple(name for name in hidden if name not in marked),
        tuple(sorted(marked - set(hidden))),
        known.nightly.get(table.name),
        known.missing_files.get(table.name, ()),
    )


def _full_reasons(
    table: Table,
    stored: Table | None,
    state: TableState | None,
    known: KnownState,
    *,
    rights_moved: bool,
) -> tuple[Reason, ...]:
    if stored is None or state is None or state.window_start is None:
        return (Reason.FIRST_SIGHT,)
    reasons = []
    if not table.has(TableTrait.INCREMENTAL) or state.cursor is None:
        reasons.append(Reason.NO_CURSOR)
    if any(_appeared(column, stored) for column in table.columns):
        # A column that appears moves no time of change, so unchanged rows would never get its
        # values.
        reasons.append(Reason.COLUMN_APPEARED)
    if any(_retyped(column, stored) for column in table.columns):
        reasons.append(Reason.COLUMN_RETYPED)
    if not set(stored.image_columns).issuperset(table.image_columns):
        # An earlier release stored no images, or a plain text became a rich one: unchanged rows would
        # never get theirs.
        reasons.append(Reason.IMAGES_APPEARED)
    if rights_moved:
        # Rows that become visible move no time of change either.
        reasons.append(Reason.RIGHTS_CHANGED)
    if state.finding is not None and _must_read_again(state.finding):
        reasons.append(Reason.MISSED_BEFORE)
    if any(not finding.detail for finding in known.missing_files.get(table.name, ())):
        # The records are unknown: the certificate was lost, or a record in it was erased.
        reasons.append(Reason.FILES_MISSING)
    return tuple(reasons)


def _must_read_again(finding: Finding) -> bool:
    lost = finding.kind is FindingKind.RIGHTS_CHANGED and finding.severity is Severity.GAP
    return lost or finding.kind in FAILED


def _appeared(column: Column, table: Table) -> bool:
    return table.column(column.name) is None or column.name in table.hidden


def _retyped(column: Column, table: Table) -> bool:
    before = table.column(column.name)
    return before is not None and before.kind is not column.kind


def _census_reasons(
    table: Table,
    state: TableState | None,
    full: tuple[Reason, ...],
    now: datetime,
    policy: BackupPolicy,
) -> tuple[Reason, ...]:
    """The reasons to list the ids. A full read is a census, since it returns every row."""
    if _is_log(table) or (not full and not table.has(TableTrait.CENSUS)):
        return ()
    reasons = [reason for reason in full if reason is not Reason.NO_CURSOR]
    if not table.has(TableTrait.REPORTS_DELETES):
        reasons.append(Reason.DELETES_NOT_REPORTED)
    finding = state.finding if state is not None else None
    if finding is not None and finding.kind is FindingKind.DELETES_UNPROVED:
        reasons.append(Reason.OWED)
    at = state.census_at if state is not None else None
    if at is None or now - at >= policy.census.interval:
        reasons.append(Reason.DUE)
    return tuple(reasons) or ((Reason.DUE,) if full else ())


def _is_log(table: Table) -> bool:
    """True for records that are only added, until the source drops old ones: these stay in the vault.

    Their absence from a full read is no deletion, as it is none from a read of new ones.
    """
    shows = table.has(TableTrait.CENSUS) or table.has(TableTrait.REPORTS_DELETES)
    return table.has(TableTrait.NEW_ONLY) and not shows


def _lists_ids(table: Table, full: tuple[Reason, ...]) -> bool:
    if not table.has(TableTrait.CENSUS):
        return False
    # A first read has nothing to be compared with, and a table without a cursor is read whole each
    # time: its read is the census.
    return not set(full) & {Reason.FIRST_SIGHT, Reason.NO_CURSOR}


def _stored(plan: TablePlan, known: KnownState) -> Table:
    """The table as the snapshot has it: with the columns whose values are carried forward."""
    table = known.schema.table(plan.table.name)
    carried = [c for name in plan.carry if table is not None and (c := table.column(name))]
    return replace(plan.table, columns=(*plan.table.columns, *carried))
