"""unlost certificate: show the certificate of a backup and its gaps."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when
from unlost.model.finding import Severity

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from unlost.app.actions.backups.certificate import SnapshotCertificate
    from unlost.model.finding import Finding
    from unlost.model.gaps import AcceptedGap
    from unlost.model.source.quota import Quota
    from unlost.model.vault.certificate import Certificate, TableLine

MOST_TABLES = 25  # as many as fit on a screen
MOST_FINDINGS = 12


def certificate(
    name: OrgName,
    at: Annotated[
        str, typer.Argument(metavar="SNAPSHOT", help="latest, a backup number, a date or a time.")
    ] = "latest",
    *,
    full: Annotated[bool, typer.Option("--full", help="Print all tables, gaps and notes.")] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the certificate of a backup. Exit code 3 if it has open gaps."""
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.backups.certificate import certificate as act

        result = act(application, name, at=at)
    answer(
        result,
        as_json=json,
        show=lambda out, snapshot_certificate: _show(out, snapshot_certificate, everything=full),
    )
    return ExitCode.OK if result.complete else ExitCode.FINDINGS


def _show(out: Output, result: "SnapshotCertificate", *, everything: bool) -> None:
    proof = result.certificate
    out.print(f"Certificate of {result.org}, snapshot {result.snapshot}")
    out.print(f"  Org      {plain(proof.org.label) or proof.org.tenant} ({proof.org.kind})")
    out.print(f"  As of    {when(proof.as_of, zone=result.zone)}")
    # An hourly backup certifies its own tables only.
    if proof.rests_on is not None:
        out.print(
            f"  Only     {many(len(proof.tables), 'table')} read since the last nightly backup"
        )
    if result.rests_on is not None:
        out.print(f"           all others: unlost certificate {result.org} {result.rests_on}")
    out.print(f"  Verdict  {plain(result.verdict.sentence)}")
    out.print(f"  Stored   {_stored_counts(proof)}")
    out.print(f"  Head     {result.head[:12]}")
    for line in _storage_use(proof.quotas):
        out.print(f"  {line}")
    out.print()
    _show_tables(out, result, everything=everything)
    missing = f"Open ({many(len(result.open_gaps), 'gap')}):"
    _show_findings(out, missing, result.open_gaps, everything=everything)
    _show_accepted(out, result)
    _show_findings(out, "Notes:", result.notes, everything=everything)


def _stored_counts(proof: "Certificate") -> str:
    records = sum(line.stored for line in proof.tables)
    return (
        f"{many(records, 'record')} in {many(len(proof.tables), 'table')}, "
        f"{many(proof.files, 'file')} ({size(proof.file_bytes)})"
    )


def _storage_use(quotas: "Sequence[Quota]") -> list[str]:
    return [
        f"{quota.name:<8} {quota.share:.0%} used of {size(quota.limit)}"
        for quota in quotas
        if quota.is_storage and quota.limit
    ]


def _show_tables(out: Output, result: "SnapshotCertificate", *, everything: bool) -> None:
    """Print the tables: differing ones first, then those with gaps, changed ones, and by size."""
    ranked = sorted(result.certificate.tables, key=_rank)
    shown = ranked if everything else ranked[:MOST_TABLES]
    out.print(_table(shown, result.accepted))
    if len(shown) < len(ranked):
        rest = sum(line.stored for line in ranked[len(shown) :])
        more = many(len(ranked) - len(shown), "more table")
        out.print(f"… {more} with {many(rest, 'record')}; --full prints them.")


def _rank(line: "TableLine") -> tuple[bool, bool, bool, int, str]:
    moved = bool(line.created or line.changed or line.deleted)
    return (not line.differs, not _gaps(line), not moved, -line.stored, line.table)


def _table(lines: "Sequence[TableLine]", accepted: "Sequence[AcceptedGap]") -> "Table":
    from unlost.cli.grid import grid

    numbers = ("In the org", "Stored", "Created", "Changed", "Deleted", "Files")
    table = grid("Table", *numbers, "Read", "Missing", right=numbers)
    for line in lines:
        table.add_row(
            line.table,
            "?" if line.live is None else f"{line.live:,}",
            f"{line.stored:,}",
            *[f"{count:,}" if count else "" for count in _changes(line)],
            _read(line),
            _missing(line, accepted),
        )
    return table


def _read(line: "TableLine") -> str:
    if line.carried:
        return "earlier"
    return "all" if line.full else "changes"


def _missing(line: "TableLine", accepted: "Sequence[AcceptedGap]") -> str:
    from unlost.model.gaps import gap_counts, open_gaps

    gaps = _gaps(line)
    still_open = len(open_gaps(gaps, accepted))
    parts = [f"differs by {line.difference:+,}"] if line.differs else []
    if gaps:
        parts.append(gap_counts(still_open, accepted=len(gaps) - still_open).sentence)
    return ", ".join(parts)


def _gaps(line: "TableLine") -> "list[Finding]":
    """Return the gaps of a table; notes do not count."""
    return [finding for finding in line.findings if finding.severity is Severity.GAP]


def _changes(line: "TableLine") -> tuple[int, ...]:
    return (line.created, line.changed, line.deleted, line.files)


def _show_accepted(out: Output, result: "SnapshotCertificate") -> None:
    if result.accepted:
        out.print()
        out.print(f"Accepted ({many(len(result.accepted), 'gap')}):")
    for accepted in result.accepted:
        out.print(f"  - {plain(accepted.gap.sentence)}")
        at = when(accepted.at, zone=result.zone)
        out.print(f"    Accepted by {plain(accepted.by)} on {at}: {plain(accepted.reason)}")


def _show_findings(
    out: Output, title: str, findings: "Sequence[Finding]", *, everything: bool
) -> None:
    if not findings:
        return
    out.print()
    out.print(title)
    shown = findings if everything else findings[:MOST_FINDINGS]
    for finding in shown:
        out.print(f"  - {plain(finding.sentence)}")
        if finding.next_step:
            out.print(f"    {plain(finding.next_step)}")
    if len(shown) < len(findings):
        out.print(f"  … {len(findings) - len(shown):,} more; --full prints them.")
