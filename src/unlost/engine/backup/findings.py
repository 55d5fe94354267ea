"""Findings of a run in plain words: what is not protected, and how to repair it. Pure."""

from unlost.engine.backup.deletes import DeleteVerdict
from unlost.engine.backup.policy import BackupPolicy
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.schema import Schema, Table
from unlost.model.snapshot import TableState

GIVE_RIGHT = "Give the backup user the right to see it, then run a backup: it is read in full."


def table_findings(
    account: TableProgress, *, hidden_rows: int, findings: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """All findings of one table. ``findings`` are the connector's findings about it."""
    candidates = [
        read_failure(account),
        deletes_unproved(account),
        _rows_differ(account),
        _audit_failed(account),
        _unusual_loss(account),
        _rows_hidden(account.plan.table, hidden_rows),
        _columns_hidden(account.plan.table, findings),
    ]
    pages = [finding for read in account.reads for finding in read.findings]
    files = [f for result in account.files if result.added for f in result.added.findings]
    return tuple(dict.fromkeys([*(f for f in candidates if f is not None), *pages, *files]))


def state_finding(account: TableProgress) -> Finding | None:
    """The finding that the next run must know of."""
    return read_failure(account) or deletes_unproved(account)


def read_failure(account: TableProgress) -> Finding | None:
    """The finding for a table that could not be read, and whether the vault held it before."""
    failure = account.failure
    if failure is None:
        return None
    was_stored = account.before is not None and account.before.window_start is not None
    was = " It was backed up before; the vault keeps what it had." if was_stored else ""
    return Finding.of(
        FindingKind.TABLE_REFUSED if failure.refused else FindingKind.TABLE_UNREADABLE,
        Severity.GAP,
        "{name} could not be read: {sentence_text}{was}",
        failure.next_step,
        account.name,
        detail=failure.code,
        name=_name(account.plan.table),
        sentence_text=failure.sentence,
        was=was,
    )


def deletes_unproved(account: TableProgress) -> Finding | None:
    """The finding for a census that was due and could not be taken."""
    failure = account.unproved
    if failure is None or account.failure is not None:
        return None
    return Finding.of(
        FindingKind.DELETES_UNPROVED,
        Severity.GAP,
        "Whether records of {name} vanished could not be proved: {sentence_text}",
        failure.next_step or "The next backup tries again.",
        account.name,
        detail=failure.code,
        name=_name(account.plan.table),
        sentence_text=failure.sentence,
    )


def table_gone(state: TableState) -> Finding:
    """The finding for a table of the vault that the source no longer describes."""
    return Finding.of(
        FindingKind.TABLE_GONE,
        Severity.GAP,
        "The table {table_name} was backed up before and is not there any more: it was removed, "
        "renamed, or hidden from the backup user. The vault keeps its {alive} records.",
        "If it was not removed on purpose, give the backup user the right to see it.",
        state.table,
        table_name=state.table,
        alive=state.alive,
    )


def window_open(rounds: int, policy: BackupPolicy) -> Finding:
    """The finding for a last look that took too long to call the snapshot one moment."""
    minutes = int(policy.calm_window.total_seconds() // 60)
    return Finding.of(
        FindingKind.WINDOW_OPEN,
        Severity.NOTE,
        "After {rounds} looks at changes the last one still took more than {minutes} minutes; "
        "what changed meanwhile is in the next backup.",
        rounds=rounds,
        minutes=minutes,
    )


def general_findings(schema: Schema, *, tables: frozenset[str]) -> tuple[Finding, ...]:
    """Findings of the connector that belong to no line of the certificate."""
    return tuple(f for f in schema.findings if f.table is None or f.table not in tables)


def findings_of(schema: Schema, table: str) -> tuple[Finding, ...]:
    """Findings of the connector about a table."""
    return tuple(finding for finding in schema.findings if finding.table == table)


def _rows_differ(account: TableProgress) -> Finding | None:
    """The finding for compared rows that changed although their time of change did not move."""
    if account.audit is None or not account.audit.differing:
        return None
    count, name = account.audit.differing, _name(account.plan.table)
    return Finding.of(
        FindingKind.ROWS_DIFFER,
        Severity.GAP,
        "{count} records of {name} were not as the vault had them, though their time of change "
        "did not move. They are in this backup; in the part that was not compared there may be "
        "more.",
        "Run a backup with --full: it reads every record again.",
        account.name,
        detail=str(count),
        count=count,
        name=name,
    )


def _audit_failed(account: TableProgress) -> Finding | None:
    failure = account.audit.read.failure if account.audit is not None else None
    if failure is None:
        return None
    return Finding.of(
        FindingKind.ROWS_DIFFER,
        Severity.NOTE,
        "A part of {name} was to be compared with the vault, and could not "
        "be read: {sentence_text}",
        "Nothing to do: it has its turn again in some weeks.",
        account.name,
        detail=failure.code,
        name=_name(account.plan.table),
        sentence_text=failure.sentence,
    )


def _unusual_loss(account: TableProgress) -> Finding | None:
    resolved = account.resolved
    if resolved is None or resolved.fate is not DeleteVerdict.UNUSUAL:
        return None
    return Finding.of(
        FindingKind.UNUSUAL_LOSS,
        Severity.GAP,
        "{hidden} records of {name} vanished at once. That is "
        "unusual, so they are kept as they were and marked as not visible.",
        "Find out who removed them. If it was meant, nothing needs to be done.",
        account.name,
        detail=str(resolved.hidden),
        hidden=resolved.hidden,
        name=_name(account.plan.table),
    )


def _rows_hidden(table: Table, count: int) -> Finding | None:
    if count <= 0:
        return None
    return Finding.of(
        FindingKind.ROWS_HIDDEN,
        Severity.GAP,
        "{count} records of {name} are in the vault and not visible to the backup user; "
        "changes of them are not seen.",
        GIVE_RIGHT,
        table.name,
        detail=str(count),
        count=count,
        name=_name(table),
    )


def _columns_hidden(table: Table, findings: tuple[Finding, ...]) -> Finding | None:
    if not table.hidden or any(f.kind is FindingKind.COLUMN_HIDDEN for f in findings):
        return None
    return Finding.of(
        FindingKind.COLUMN_HIDDEN,
        Severity.GAP,
        "{count} columns of {name} are hidden from the backup user: {hidden}.",
        GIVE_RIGHT,
        table.name,
        detail=",".join(table.hidden),
        count=len(table.hidden),
        name=_name(table),
        hidden=", ".join(table.hidden),
    )


def _name(table: Table) -> str:
    return table.plural or table.label or table.name
