"""unlost backup: back up an org."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when

if TYPE_CHECKING:
    from unlost.app.actions.backups.backup import BackupResult

MOST = 5


def backup(
    name: OrgName,
    *,
    full: Annotated[
        bool, typer.Option("--full", help="Read everything again, not only what changed.")
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Back up an org, or resume an interrupted backup.

    Exit code 3 if the backup has open gaps.
    """
    with opened(home) as application:
        from unlost.app.actions.backups.backup import backup as act
        from unlost.app.vault.home_copy import after_run
        from unlost.cli.progress import shown_progress

        with shown_progress(application.clock) as observer:
            result = act(application, name, full=full, observer=observer)
        # The service copies the home on its own; a command has to do it itself.
        after_run(application)
    answer(result, as_json=json, show=_show)
    return ExitCode.FINDINGS if _open(result) else ExitCode.OK


def _show(out: Output, result: "BackupResult") -> None:
    counts = result.counts
    again = " (an interrupted run was finished)" if result.resumed else ""
    out.print(f"Snapshot {result.snapshot} of {result.org} {_headline(result)}{again}.")
    out.print(f"  As of    {when(result.as_of, zone=result.zone)}")
    out.print(f"  Stored   {_stored_counts(result)}")
    out.print(
        f"  Changes  {counts.created + counts.revived:,} created, {counts.changed:,} changed, "
        f"{counts.deleted:,} deleted"
    )
    out.print(f"  Added    {size(result.bytes_added)} in {_lasted(result)}")
    out.print(f"  Head     {result.head[:12]}")
    out.print(f"  Verdict  {plain(result.sentence)}")
    for finding in result.findings[: min(_open(result), MOST)]:
        out.print(f"    - {plain(finding.sentence)}")
    if result.accepted:
        out.print(f"Accepted gaps: {result.accepted}. See them with: unlost gaps list {result.org}")
    if result.findings:
        out.print(f"Full certificate: unlost certificate {result.org}")


def _open(result: "BackupResult") -> int:
    """Return the number of open gaps."""
    return len(result.findings) - result.accepted


def _headline(result: "BackupResult") -> str:
    """Say that a snapshot is safe only if it is complete and not empty."""
    gaps = many(_open(result), "open gap")
    if _open(result):
        return f"is stored, with {gaps}" if result.records else f"has no records, and {gaps}"
    return "is safe" if result.records else "is complete, but has no records"


def _stored_counts(result: "BackupResult") -> str:
    files = f"{many(result.files, 'file')} ({size(result.file_bytes)})"
    return f"{many(result.records, 'record')} in {many(result.tables, 'table')}, {files}"


def _lasted(result: "BackupResult") -> str:
    seconds = (result.finished - result.started).total_seconds()
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{seconds:.1f} s"
