"""unlost hold: manage legal holds, which keep data from being forgotten or erased."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import plain, when

if TYPE_CHECKING:
    from unlost.app.actions.retention.holds import HoldLine, Holds
    from unlost.model.vault.retention import Hold, HoldTarget

app = typer.Typer(
    no_args_is_help=True, help="Manage legal holds, which keep data from being forgotten or erased."
)

Table = Annotated[str, typer.Option("--table", metavar="T", help="All records of a table.")]
Record = Annotated[str, typer.Option("--record", metavar="TABLE/ID", help="One record.")]
Backup = Annotated[int | None, typer.Option("--backup", metavar="N", help="The backup number N.")]
Whole = Annotated[bool, typer.Option("--org", help="The entire org.")]


@app.command("list")
def every(org: OrgName, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """List the legal holds of an org."""
    with opened(home) as application:
        from unlost.app.actions.retention.holds import holds as act

        answer(act(application, org), as_json=json, show=_show)
    return ExitCode.OK


@app.command("set")
def change(
    org: OrgName,
    *,
    table: Table = "",
    record: Record = "",
    backup: Backup = None,
    whole: Whole = False,
    reason: Annotated[
        str, typer.Option("--reason", metavar="TEXT", help="Reason for the legal hold.")
    ] = "",
    until: Annotated[
        str,
        typer.Option(
            "--until",
            metavar="DATE",
            help="Last day of the legal hold. Without it, the hold lasts until it is lifted.",
        ),
    ] = "",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Put a table, a record, a backup, or the whole org under legal hold.

    Data under legal hold is neither forgotten nor erased.
    """
    with opened(home) as application:
        from unlost.app.actions.retention.holds import HoldRequest
        from unlost.app.actions.retention.holds import hold as act

        request = HoldRequest(
            table=table, record=record, night=backup, everything=whole, reason=reason, until=until
        )
        answer(act(application, org, request), as_json=json, show=_show)
    return ExitCode.OK


@app.command("lift")
def lift(
    org: OrgName,
    *,
    table: Table = "",
    record: Record = "",
    backup: Backup = None,
    whole: Whole = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Lift a legal hold. The data can be forgotten and erased again."""
    with opened(home) as application:
        from unlost.app.actions.retention.holds import HoldRequest
        from unlost.app.actions.retention.holds import lift as act

        request = HoldRequest(table=table, record=record, night=backup, everything=whole)
        answer(act(application, org, request), as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "Holds") -> None:
    if not result.holds:
        out.print(f"{result.org} has no legal holds.")
    for line in result.holds:
        out.print(f"{line_of(line.hold, zone=result.zone)}{_since(line, zone=result.zone)}")


def _since(line: "HoldLine", *, zone: str) -> str:
    over = "" if line.lasts else ", expired"
    return f", since {when(line.set_at, zone=zone)}{over}" if line.set_at else over


def line_of(hold: "Hold", *, zone: str) -> str:
    """Describe a legal hold on one line."""
    until = f"until {when(hold.until, zone=zone)}" if hold.until else "until it is lifted"
    by = f" by {plain(hold.by)}" if hold.by else ""
    why = f" ({plain(hold.reason)})" if hold.reason else ""
    return f"{_thing(hold.thing)} is under legal hold{by} {until}{why}"


def _thing(thing: "HoldTarget") -> str:
    words = {
        "org": "the entire org",
        "table": f"table {plain(thing.table)}",
        "record": f"record {plain(thing.table)}/{plain(thing.record)}",
        "night": f"backup {thing.backup}",
    }
    return words[thing.scope.value]
