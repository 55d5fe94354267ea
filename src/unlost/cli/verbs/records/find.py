"""unlost find: search by number, name, e-mail, phone or id."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import command, short
from unlost.cli.words import fate

if TYPE_CHECKING:
    from rich.console import Console

    from unlost.app.actions.records.find import FindResult


def find(
    text: Annotated[
        str,
        typer.Argument(
            metavar="TEXT", help="Number, name, e-mail, phone or id, or the start of one."
        ),
    ],
    *,
    org: Annotated[
        str | None, typer.Option("--org", metavar="NAME", help="Search this org only.")
    ] = None,
    former: Annotated[
        bool,
        typer.Option(
            "--former",
            help="Search former values too. This takes longer: it reads all versions of each record "
            "that ever had one of the words.",
        ),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Find records, live or deleted."""
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.find import find as act

        answer(act(application, text, org=org, former=former), as_json=json, show=_show)
    return ExitCode.OK


def _show(out: "Console", result: "FindResult") -> None:
    if not result.hits:
        where = ", ".join(result.searched) or "no org: there is no backup yet"
        out.print(f"Nothing found for {short(result.text)!r} (searched {where}).")
        return
    for hit in result.hits:
        out.print(
            f"{hit.table_label} {short(hit.name or hit.record)}: {fate(hit.gone, zone=hit.zone)}"
        )
        mark = " (former value)" if hit.former else ""
        out.print(f"  {hit.column_label}: {short(hit.value)}{mark}")
        if hit.restored_as:
            out.print(f"  Restored as {hit.restored_as}")
        out.print(f"  {command('history', hit.org, f'{hit.table}/{hit.record}')}")
