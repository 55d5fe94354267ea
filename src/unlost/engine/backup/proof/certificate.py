"""The certificate: everything that a run proved, in one value and one sentence. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from unlost.engine.backup.counts import TableCounts
from unlost.engine.backup.proof.findings import findings_of, table_findings
from unlost.engine.backup.proof.stored_files import FileTotals
from unlost.engine.backup.proof.verdict import verdict_text
from unlost.engine.backup.table_progress import TableProgress
from unlost.model.finding import Finding, Severity
from unlost.model.org import OrgIdentity
from unlost.model.source.quota import Quota
from unlost.model.source.schema import Schema, Table
from unlost.model.vault.certificate import Certificate, TableLine, Verdict
from unlost.model.vault.snapshot import TableState


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
