"""Findings of a run in plain words: what is not protected, and how to repair it. Pure."""

from collections.abc import Iterable

from unlost.engine.backup.missing.deletes import DeleteVerdict
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Noun, counted
from unlost.model.source.schema import ColumnTrait, Schema, Table
from unlost.model.vault.snapshot import TableState

GIVE_RIGHT = "Give the backup user access to it, then run a backup. The backup reads it in full."


def table_findings(
    progress: TableProgress, *, hidden_rows: int, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """All findings of one table. ``findings`` are the connector's findings about it."""
    candidates = [
        read_failure(progress),
        deletes_unproved(progress),
        progress.rights,
        _rows_missing(progress),
        _not_compared(progress),
        _rows_differ(progress),
        _row_check_failed(progress),
        _unusual_loss(progress),
        _rows_hidden(progress.plan.table, hidden_rows),
        _columns_hidden(progress.plan.table, findings),
    ]
    pages = [finding for read in progress.reads for finding in read.findings]
    known = [finding for finding in candidates if finding is not None]
    return tuple(dict.fromkeys([*known, *pages, *_files_unread(progress)]))


def _files_unread(progress: TableProgress) -> Iterable[Finding]:
    """The findings of files that no round of this run could read; of each file the last one."""
    unread: dict[tuple[str, str], Finding] = {}
    for result in progress.files:
        for file in result.recovered:
            unread.pop(file, None)
        findings = result.added.findings if result.added is not None else ()
        unread |= {(finding.detail, finding.column or ""): finding for finding in findings}
    return unread.values()


def state_finding(progress: TableProgress) -> Finding | None:
    """The finding that the next run must know of."""
    lost = progress.rights if progress.rights_lost else None
    return read_failure(progress) or lost or deletes_unproved(progress)


def read_failure(progress: TableProgress) -> Finding | None:
    """The finding for a table that could not be read, and whether the vault held it before."""
    failure = progress.failure
    if failure is None:
        return None
    was_stored = progress.before is not None and progress.before.window_start is not None
    return Finding.of(
        FindingKind.TABLE_REFUSED if failure.refused else FindingKind.TABLE_UNREADABLE,
        Severity.GAP,
        "{name} could not be read: {reason} The vault keeps its earlier data."
        if was_stored
        else "{name} could not be read: {reason}",
        "{step}" if failure.next_step else "",
        progress.name,
        detail=failure.code,
        name=_name(progress.plan.table),
        reason=failure.message,
        step=failure.message.step,
    )


def deletes_unproved(progress: TableProgress) -> Finding | None:
    """The finding for a census that was due and could not be taken."""
    failure = progress.unproved
    if failure is None or progress.failure is not None:
        return None
    return Finding.of(
        FindingKind.DELETES_UNPROVED,
        Severity.GAP,
        "Deletions of {name} could not be verified: {reason}",
        "{step}" if failure.next_step else "The next backup tries again.",
        progress.name,
        detail=failure.code,
        name=_name(progress.plan.table),
        reason=failure.message,
        step=failure.message.step,
    )


def table_gone(state: TableState) -> Finding:
    """The finding for a table of the vault that the source no longer describes."""
    return Finding.of(
        FindingKind.TABLE_GONE,
        Severity.GAP,
        "The table {table_name} was backed up before and is no longer visible: it was removed, "
        "renamed, or hidden from the backup user. The vault keeps its {records}.",
        "If it was not removed on purpose, give the backup user access to it.",
        state.table,
        table_name=state.table,
        records=counted(state.alive, Noun.RECORD),
    )


def window_open(rounds: int, policy: BackupPolicy) -> Finding:
    """The finding for a last round that took too long to call the snapshot one moment."""
    minutes = int(policy.stable_window.total_seconds() // 60)
    return Finding.of(
        FindingKind.WINDOW_OPEN,
        Severity.NOTE,
        "After {rounds} rounds of reading changes, the last round still took more than "
        "{minutes}. The next backup contains the changes of that time.",
        rounds=rounds,
        minutes=counted(minutes, Noun.MINUTE),
    )


def general_findings(schema: Schema, *, tables: frozenset[str]) -> tuple[Finding, ...]:
    """Findings that belong to no line of the certificate: of the connector, and of all tables."""
    calculated = _calculated(schema)
    return (
        *(f for f in schema.findings if f.table is None or f.table not in tables),
        *([] if calculated is None else [calculated]),
    )


def _calculated(schema: Schema) -> Finding | None:
    """The note about columns whose values change without a change of their record.

    They make no version of a record, so the vault has them as they were when it was last stored.
    """
    counts = [sum(c.has(ColumnTrait.CALCULATED) for c in table.columns) for table in schema.tables]
    columns, tables = sum(counts), sum(1 for count in counts if count)
    if not columns:
        return None
    return Finding.of(
        FindingKind.VALUES_CALCULATED,
        Severity.NOTE,
        "The org calculates {columns} of {tables}, such as formulas and roll-ups. Their values are "
        "as of the last backup that found their record new or changed.",
        "No action is needed. The org calculates them again for restored records.",
        detail=str(columns),
        columns=counted(columns, Noun.COLUMN),
        tables=counted(tables, Noun.TABLE),
    )


def findings_of(schema: Schema, table: str) -> tuple[Finding, ...]:
    """Findings of the connector about a table."""
    return tuple(finding for finding in schema.findings if finding.table == table)


def _rows_missing(progress: TableProgress) -> Finding | None:
    """The finding for a difference in numbers that no list of ids explains."""
    count, name = progress.unexplained, _name(progress.plan.table)
    if not count:
        return None
    return Finding.of(
        FindingKind.ROWS_MISSING,
        Severity.GAP,
        "The org has {records} of {name} that it did not deliver. They are not protected."
        if count > 0
        else "The vault has {records} of {name} more than the org, and they could not be verified.",
        "Run a full backup: `unlost backup ORG --full`. If the difference stays, report it to the "
        "support of the org.",
        progress.name,
        detail=str(count),
        records=counted(abs(count), Noun.RECORD),
        name=name,
    )


def _not_compared(progress: TableProgress) -> Finding | None:
    """The note for a table of which the source has no number."""
    if progress.failure is not None or progress.live is not None or progress.unproved is not None:
        return None
    failure = progress.uncounted
    if failure is not None:
        return Finding.of(
            FindingKind.NOT_COMPARED,
            Severity.NOTE,
            "The number of {name} could not be compared: {reason}",
            "No action is needed. The next backup compares it.",
            progress.name,
            detail=failure.code,
            name=_name(progress.plan.table),
            reason=failure.message,
        )
    return Finding.of(
        FindingKind.NOT_COMPARED,
        Severity.NOTE,
        "The org does not count {name}, so the number of records was not compared.",
        "No action is needed.",
        progress.name,
        name=_name(progress.plan.table),
    )


def _rows_differ(progress: TableProgress) -> Finding | None:
    """The finding for compared rows that changed although their time of change did not move."""
    if progress.row_check is None or not progress.row_check.differing:
        return None
    count, name = progress.row_check.differing, _name(progress.plan.table)
    return Finding.of(
        FindingKind.ROWS_DIFFER,
        Severity.GAP,
        "{records} of {name} differed from the vault, although the modification time had not "
        "changed. This backup contains the new values. The part that was not compared may "
        "contain more.",
        "Run a full backup, which reads every record again: `unlost backup ORG --full`",
        progress.name,
        detail=str(count),
        records=counted(count, Noun.RECORD),
        name=name,
    )


def _row_check_failed(progress: TableProgress) -> Finding | None:
    failure = progress.row_check.read.failure if progress.row_check is not None else None
    if failure is None:
        return None
    return Finding.of(
        FindingKind.ROWS_DIFFER,
        Severity.NOTE,
        "A part of {name} was due for comparison with the vault, but could not be read: {reason}",
        "No action is needed. The part is due again in a few weeks.",
        progress.name,
        detail=failure.code,
        name=_name(progress.plan.table),
        reason=failure.message,
        step=failure.message.step,
    )


def _unusual_loss(progress: TableProgress) -> Finding | None:
    resolved = progress.resolved
    if resolved is None or resolved.verdict is not DeleteVerdict.UNUSUAL:
        return None
    return Finding.of(
        FindingKind.UNUSUAL_LOSS,
        Severity.GAP,
        "{records} of {name} vanished at the same time. This is unusual, so Unlost keeps their "
        "last state and marks them as not visible.",
        "Find out who removed them. If this was intended, no action is needed.",
        progress.name,
        detail=str(resolved.hidden),
        records=counted(resolved.hidden, Noun.RECORD),
        name=_name(progress.plan.table),
    )


def _rows_hidden(table: Table, count: int) -> Finding | None:
    if count <= 0:
        return None
    return Finding.of(
        FindingKind.ROWS_HIDDEN,
        Severity.GAP,
        "{records} of {name} is in the vault but not visible to the backup user. Changes of it "
        "are not backed up."
        if count == 1
        else "{records} of {name} are in the vault but not visible to the backup user. Changes of "
        "them are not backed up.",
        GIVE_RIGHT,
        table.name,
        detail=str(count),
        records=counted(count, Noun.RECORD),
        name=_name(table),
    )


def _columns_hidden(table: Table, findings: tuple[Finding, ...]) -> Finding | None:
    if not table.hidden or any(f.kind is FindingKind.COLUMN_HIDDEN for f in findings):
        return None
    return Finding.of(
        FindingKind.COLUMN_HIDDEN,
        Severity.GAP,
        "{columns} of {name} is hidden from the backup user: {hidden}."
        if len(table.hidden) == 1
        else "{columns} of {name} are hidden from the backup user: {hidden}.",
        GIVE_RIGHT,
        table.name,
        detail=",".join(table.hidden),
        columns=counted(len(table.hidden), Noun.COLUMN),
        name=_name(table),
        hidden=", ".join(table.hidden),
    )


def _name(table: Table) -> str:
    return table.plural or table.label or table.name
