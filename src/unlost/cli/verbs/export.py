"""unlost export: tables of a backup as files for other programs."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, when
from unlost.cli.verbs.sql import Audience, ForWhom, check_audience
from unlost.outside.formats import ExportFormat

if TYPE_CHECKING:
    from rich.console import Console

    from unlost.app.actions.export import ExportResult


def export(
    org: OrgName,
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, outside the vault.")],
    *,
    form: Annotated[ExportFormat, typer.Option("--format", help="How tables are written.")],
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="T", help="Only this table; may be repeated."),
    ] = None,
    as_of: Annotated[
        str, typer.Option("--as-of", metavar="WHEN", help="latest, a number, a date or an instant.")
    ] = "latest",
    typed: Annotated[
        bool, typer.Option("--typed", help="Numbers, dates and so on instead of verbatim texts.")
    ] = False,
    history: Annotated[
        bool, typer.Option("--history", help="All versions instead of the records of the backup.")
    ] = False,
    audience: ForWhom = Audience.PROGRAMS,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Write tables of a backup into a folder, in clear text.

    A folder of Delta tables is carried on: a later backup becomes a new version with what changed.
    """
    check_audience(audience, csv=form is ExportFormat.CSV)
    with opened(home) as application:
        from unlost.app.actions.export import ExportWish
        from unlost.app.actions.export import export as act

        people = audience is Audience.PEOPLE
        wish = ExportWish(form, tuple(table or ()), as_of, typed, history, people)
        answer(act(application, org, wish, out=out), as_json=json, show=_show)
    return ExitCode.OK


def _show(out: "Console", result: "ExportResult") -> None:
    from unlost.cli.grid import grid

    at = when(result.as_of, zone=result.zone)
    out.print(
        f"Snapshot {result.snapshot} of {result.org} ({at}) is in {result.out}, in clear text."
    )
    delta = result.form is ExportFormat.DELTA
    heads = ("Table", "Rows", *(("Version",) if delta else ()), "File")
    table = grid(*heads, right={"Rows", "Version"})
    for one in result.tables:
        version = (str(one.version),) if delta else ()
        table.add_row(plain(one.table), f"{one.rows:,}", *version, plain(one.path))
    out.print(table)
    misfits = sum(one.misfits for one in result.tables)
    if misfits:
        out.print(f"{many(misfits, 'value')} fitted no type and left as null; without --typed they are texts.")  # fmt: skip
    if result.form is ExportFormat.CSV:
        changed = sum(one.changed for one in result.tables)
        out.print(
            f"For people: {many(changed, 'cell')} got an apostrophe, so that no spreadsheet runs them."
            if result.people
            else "Cells are verbatim: for a spreadsheet, which may run some, add --for people."
        )
