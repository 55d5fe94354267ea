"""The certificate: everything that a run proved, in one value and one sentence. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from unlost.engine.backup.counts import TableCounts
from unlost.engine.backup.findings import findings_of, table_findings
from unlost.engine.backup.stored_files import FileTotals
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message, Noun, counted, joined, message
from unlost.model.org import OrgIdentity
from unlost.model.source.quota import Quota
from unlost.model.source.schema import Schema, Table
from unlost.model.vault.certificate import Certificate, TableLine, Verdict
from unlost.model.vault.snapshot import TableState

LOST = (FindingKind.TABLE_REFUSED, FindingKind.TABLE_UNREADABLE, FindingKind.TABLE_GONE)
NAMED = 5  # tables that a sentence names
UNITS = ("bytes", "kB", "MB", "GB", "TB")


def table_line(
    progress: TableProgress,
    tally: TableCounts,
    schema: Schema,
    *,
    hidden_rows: int,
    dangling: int,
    missing_files: tuple[Finding, ...],
    before: FileTotals,
) -> TableLine:
    """A table's line; ``before`` are its files in the vault before this run.

    ``missing_files`` are findings of earlier backups that still hold.
    ``files`` and ``file_bytes`` cover all files of the table in the vault.
    """
    table = progress.plan.table
    findings = findings_of(schema, table.name)
    return TableLine(
        table.name,
        table.label,
        table.strategy,
        progress.live,
        tally.alive,
        tally.created,
        tally.changed,
        tally.deleted,
        progress.full,
        progress.start,
        progress.end,
        before.files + sum(result.fresh for result in progress.files),
        before.bytes + sum(result.grown for result in progress.files),
        table.hidden,
        hidden_rows,
        dangling,
        (
            *findings,
            *table_findings(progress, hidden_rows=hidden_rows, findings=findings),
            *missing_files,
        ),
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
    text = verdict_text(lines, gaps)
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
        text.sentence,
        rounds,
        sum(line.files for line in lines),
        sum(line.file_bytes for line in lines),
        template=text.template,
        args=text.args,
    )


def verdict_text(lines: Sequence[TableLine], gaps: Sequence[Finding]) -> Message:
    """The summary of a certificate for people who read nothing else."""
    stored = _stored(lines)
    if not gaps:
        return message(Verdict.COMPLETE.value, "Complete: the vault has {stored}.", stored=stored)
    lost = sum(gap.kind in LOST for gap in gaps)
    return message(
        Verdict.GAPS.value,
        "Incomplete, with {gaps}: the vault has {stored}, but {tables} could not be read. {why}"
        if lost
        else "Incomplete, with {gaps}: the vault has {stored}. {why}",
        gaps=counted(len(gaps), Noun.GAP),
        stored=stored,
        tables=counted(lost, Noun.TABLE),
        why=gaps[0].message,
    )


def _stored(lines: Sequence[TableLine]) -> Message:
    files = sum(line.files for line in lines)
    return message(
        "",
        "{records} of {tables} and {files} ({size})" if files else "{records} of {tables}",
        records=counted(sum(line.stored for line in lines), Noun.RECORD),
        tables=counted(len(lines), Noun.TABLE),
        files=counted(files, Noun.FILE),
        size=human_bytes(sum(line.file_bytes for line in lines)),
    )


def text_of_part(certificate: Certificate, *, night: int, whole: bool) -> Message:
    """The summary of a certificate of a few tables; ``whole``: the one of ``night`` has no gaps."""
    deferred = [f for f in certificate.findings if f.kind is FindingKind.LEFT_TO_NIGHT]
    gaps = [f for line in certificate.tables for f in line.findings if _is_new_gap(line, f)]
    parts = [_read_between(certificate, night=night), *(finding.message for finding in deferred)]
    if gaps:
        parts.append(message("", "Not everything is protected: {why}", why=gaps[0].message))
    elif not whole:
        parts.append(message("", "The certificate of backup {number} lists gaps.", number=night))
    return joined(certificate.verdict.value, parts)


def _read_between(certificate: Certificate, *, night: int) -> Message:
    lines = [line for line in certificate.tables if not line.carried]
    more = len(lines) - NAMED
    return message(
        "",
        "Hourly backup of {tables} and {more} more: {created:,} created, {changed:,} changed, "
        "{deleted:,} deleted. All other tables are as in backup {number}."
        if more > 0
        else "Hourly backup of {tables}: {created:,} created, {changed:,} changed, {deleted:,} "
        "deleted. All other tables are as in backup {number}.",
        tables=", ".join(line.table for line in lines[:NAMED]),
        more=more,
        created=sum(line.created for line in lines),
        changed=sum(line.changed for line in lines),
        deleted=sum(line.deleted for line in lines),
        number=night,
    )


def _is_new_gap(line: TableLine, finding: Finding) -> bool:
    return not line.carried and finding.severity is Severity.GAP


def human_bytes(size: float) -> str:
    """A size for people, in units of a thousand."""
    for unit in UNITS[:-1]:
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} {UNITS[-1]}"
