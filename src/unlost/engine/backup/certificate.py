"""The certificate: everything that a run proved, in one value and one sentence. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from unlost.engine.backup.counts import TableCounts
from unlost.engine.backup.findings import findings_of, table_findings
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.certificate import Certificate, TableLine, Verdict
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.org import OrgIdentity
from unlost.model.quota import Quota
from unlost.model.schema import Schema, Table
from unlost.model.snapshot import TableState

LOST = (FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE, FindingKind.TABLE_GONE)
NAMED = 5  # tables that a sentence names
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def table_line(
    account: TableProgress,
    tally: TableCounts,
    schema: Schema,
    *,
    hidden_rows: int,
    dangling: int,
    before: TableLine | None,
) -> TableLine:
    """A table's line; ``before`` is its line in the last certificate.

    ``files`` and ``file_bytes`` cover all files of the table in the vault.
    """
    table = account.plan.table
    findings = findings_of(schema, table.name)
    return TableLine(
        table.name,
        table.label,
        table.strategy,
        account.live,
        tally.alive,
        tally.created,
        tally.changed,
        tally.deleted,
        account.full,
        account.start,
        account.end,
        (before.files if before else 0) + sum(result.fresh for result in account.files),
        (before.file_bytes if before else 0) + sum(result.grown for result in account.files),
        table.hidden,
        hidden_rows,
        dangling,
        (*findings, *table_findings(account, hidden_rows=hidden_rows, findings=findings)),
    )


def gone_line(
    state: TableState, table: Table | None, finding: Finding, before: TableLine | None
) -> TableLine:
    """The line of a table that is no longer described: nothing changed."""
    plain = TableLine(
        state.table,
        table.label if table is not None else "",
        "",
        None,
        state.alive,
        0,
        0,
        0,
        full=False,
        window_start=state.window_start,
        window_end=state.window_end,
        findings=(finding,),
    )
    if before is None:
        return plain
    return replace(plain, files=before.files, file_bytes=before.file_bytes)


def certificate(
    *,
    org: OrgIdentity,
    run: str,
    as_of: datetime,
    started: datetime,
    finished: datetime,
    lines: Sequence[TableLine],
    findings: Sequence[Finding],
    quotas: Sequence[Quota],
    rounds: int,
) -> Certificate:
    """The certificate of a run; a finding that is a gap changes its verdict."""
    all_findings = [*findings, *(finding for line in lines for finding in line.findings)]
    gaps = [finding for finding in all_findings if finding.severity is Severity.GAP]
    return Certificate(
        org,
        run,
        as_of,
        started,
        finished,
        tuple(lines),
        tuple(findings),
        tuple(quotas),
        Verdict.GAPS if gaps else Verdict.COMPLETE,
        sentence(lines, gaps),
        rounds,
        sum(line.files for line in lines),
        sum(line.file_bytes for line in lines),
    )


def sentence(lines: Sequence[TableLine], gaps: Sequence[Finding]) -> str:
    """The summary of a certificate for people who read nothing else."""
    live_count = sum(line.stored for line in lines)
    files, size = sum(line.files for line in lines), sum(line.file_bytes for line in lines)
    what = f"{many(live_count, 'record')} of {many(len(lines), 'table')}"
    if files:
        what += f" and {many(files, 'file')} ({human_bytes(size)})"
    if not gaps:
        return f"Complete: {what} are in the vault."
    lost = sum(gap.kind in LOST for gap in gaps)
    first = f" {many(lost, 'table')} could not be read." if lost else ""
    return (
        f"Not everything is protected: {what} are in the vault, "
        f"but there {'is' if len(gaps) == 1 else 'are'} {many(len(gaps), 'gap')}."
        f"{first} {gaps[0].sentence}"
    )


def sentence_of_part(proof: Certificate, *, night: int, whole: bool) -> str:
    """The summary of a certificate of a few tables; ``whole``: the one of ``night`` has no gaps."""
    lines = [line for line in proof.tables if not line.carried]
    names = ", ".join(line.table for line in lines[:NAMED])
    more = f" and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    created, changed, deleted = (
        sum(getattr(line, what) for line in lines) for what in ("created", "changed", "deleted")
    )
    counts = f"{created:,} created, {changed:,} changed, {deleted:,} deleted"
    parts = [
        f"Between two nights: {names}{more} read, {counts}. All others are as in backup {night}.",
        *(
            finding.sentence
            for finding in proof.findings
            if finding.kind is FindingKind.LEFT_TO_NIGHT
        ),
    ]
    gaps = [
        finding for line in lines for finding in line.findings if finding.severity is Severity.GAP
    ]
    if gaps:
        parts.append(f"Not everything is protected: {gaps[0].sentence}")
    elif not whole:
        parts.append(f"The certificate of backup {night} names gaps.")
    return " ".join(parts)


def human_bytes(size: float) -> str:
    """A size for people, in units of a thousand."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"


def many(count: int, word: str) -> str:
    """A number of things: `1 table`, `1,200 tables`."""
    return f"{count:,} {word}{'' if count == 1 else 's'}"
