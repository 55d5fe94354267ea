"""unlost audit: show, export and verify the audit log."""

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain, when

if TYPE_CHECKING:
    from unlost.app.actions.people.audit import AuditPage
    from unlost.catalog.people.audit import AuditProof

app = typer.Typer(
    help="Show, export and verify the audit log.", no_args_is_help=True, rich_markup_mode=None
)


@app.command("list")
def list_audit_events(
    *,
    org: Annotated[
        str | None, typer.Option("--org", metavar="ORG", help="Only entries about this org.")
    ] = None,
    actor: Annotated[
        str | None, typer.Option("--actor", metavar="NAME", help="Only entries of this person.")
    ] = None,
    before: Annotated[
        int | None,
        typer.Option("--before", metavar="NUMBER", help="Only entries older than this one."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List the newest audit entries: changes, and reads of record data."""
    with opened(home) as application:
        from unlost.app.actions.people.audit import list_events

        page = list_events(application, org=org, actor=actor, before=before)
        answer(page, as_json=json, show=_show_list)
    return ExitCode.OK


@app.command("export")
def export(*, home: Home = None) -> ExitCode:
    """Export all audit entries to standard output, one JSON object per line, oldest first."""
    import msgspec

    with opened(home) as application:
        from unlost.app.actions.people.audit import export as act

        # Streamed, as years of entries may not fit into memory.
        for entry in act(application):
            sys.stdout.write(msgspec.json.encode(entry).decode() + "\n")
    return ExitCode.OK


@app.command("verify")
def verify(*, home: Home = None, json: AsJson = False) -> ExitCode:
    """Verify that each audit entry has the hash of the entry before it."""
    with opened(home) as application:
        from unlost.app.actions.people.audit import verify as act

        answer(act(application), as_json=json, show=_show_proof)
    return ExitCode.OK


def _show_list(out: Output, result: "AuditPage") -> None:
    from unlost.cli.grid import grid

    if not result.entries:
        out.print("No entries.")
        return
    table = grid("Number", "When", "Who", "Action", "Org", "Subject", "Outcome", right=("Number",))
    for entry in result.entries:
        event = entry.deed
        table.add_row(
            str(entry.number),
            when(event.at),
            f"{event.actor} ({event.kind.value})",
            event.act,
            event.org,
            plain(event.subject),
            event.outcome,
        )
    out.print(table)
    if result.more is not None:
        out.print(f"Older entries: unlost audit list --before {result.more}")


def _show_proof(out: Output, proof: "AuditProof") -> None:
    out.print(
        f"The audit log is complete: {many(proof.rows, 'entry', 'entries')}. Its head is {proof.digest[:12]}."
    )
