"""unlost export: export tables of a backup for other programs, or the data of a person."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import many, plain, size, when
from unlost.cli.verbs.records.sql import Audience, ForWhom, check_audience
from unlost.outside.formats import ExportFormat

if TYPE_CHECKING:
    from unlost.app.actions.records.export import ExportResult
    from unlost.app.actions.retention.privacy import PersonData

DEFAULT = "tables"


class _Group(TyperGroup):
    """A group whose default command exports the tables of the org that is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Parse the arguments, with the default command inserted if none is named."""
        # An org may have the name of a command; then `tables` has to be written.
        named = args[:1] and (args[0] in self.commands or args[0] == "--help")
        return super().parse_args(ctx, args if named or not args else [DEFAULT, *args])


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    help="Export tables of a backup, or the data of a person, unencrypted.",
)


@app.command(DEFAULT)
def export(
    org: OrgName,
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="A new folder, outside the vault.")],
    *,
    form: Annotated[ExportFormat, typer.Option("--format", help="Format of the files.")],
    table: Annotated[
        list[str] | None,
        typer.Option("--table", metavar="T", help="Only this table; repeatable."),
    ] = None,
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="WHEN", help="latest, a backup number, a date or a time."),
    ] = "latest",
    typed: Annotated[
        bool, typer.Option("--typed", help="Write numbers, dates and so on as such, not as text.")
    ] = False,
    history: Annotated[
        bool,
        typer.Option("--history", help="Export all versions, not only the records of the backup."),
    ] = False,
    audience: ForWhom = Audience.PROGRAMS,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Export tables of a backup to a folder, unencrypted.

    A folder of Delta tables is continued: a later backup becomes a new version with the changes.

    The word `tables` may be left out: `unlost export ORG FOLDER`.
    """
    check_audience(audience, csv=form is ExportFormat.CSV)
    with opened(home) as application:
        from unlost.app.actions.records.export import ExportRequest
        from unlost.app.actions.records.export import export as act

        people = audience is Audience.PEOPLE
        request = ExportRequest(form, tuple(table or ()), as_of, typed, history, people)
        answer(act(application, org, request, out=out), as_json=json, show=_show)
    return ExitCode.OK


@app.command("person")
def person(
    org: OrgName,
    *,
    record: Annotated[
        list[str],
        typer.Option("--record", metavar="TABLE/ID", help="A record; repeatable."),
    ],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Zip file to write.")],
    related: Annotated[
        bool,
        typer.Option(
            "--related",
            help="Include all records that the org deletes with them, their e-mails and files.",
        ),
    ] = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Export the data of a person to a zip: pages to read, tables, and files.

    Each record includes its earlier versions, with the user and time of each change. An existing
    file is never overwritten.
    """
    with opened(home) as application:
        from unlost.app.actions.retention.privacy import PersonRequest
        from unlost.app.actions.retention.privacy import export_person as act

        request = PersonRequest(tuple(record), related=related)
        answer(act(application, org, request, out=out), as_json=json, show=_show_person)
    return ExitCode.OK


def _show_person(out: Output, data: "PersonData") -> None:
    from unlost.cli.grid import grid

    out.print(f"{data.org}: {many(data.records, 'record')} in {data.out}, unencrypted.")
    table = grid("Table", "Records", right={"Records"})
    for person_table in data.tables:
        table.add_row(plain(person_table.table), f"{person_table.records:,}")
    out.print(table)
    out.print(
        f"It contains {many(data.files, 'file')} ({size(data.file_bytes)}). Open index.html first."
    )
    if data.unknown:
        out.print(f"{many(data.unknown, 'record')} not found in the vault.")
    if data.unsearched:
        names = ", ".join(map(plain, data.unsearched))
        out.print(f"Too large to search for e-mails and files: {names}.")
    out.print("In CSV, texts that a spreadsheet would run as a formula start with an apostrophe.")


def _show(out: Output, result: "ExportResult") -> None:
    from unlost.cli.grid import grid

    at = when(result.as_of, zone=result.zone)
    out.print(f"Snapshot {result.snapshot} of {result.org} ({at}) is in {result.out}, unencrypted.")
    delta = result.form is ExportFormat.DELTA
    heads = ("Table", "Rows", *(("Version",) if delta else ()), "File")
    table = grid(*heads, right={"Rows", "Version"})
    for table_export in result.tables:
        version = (str(table_export.version),) if delta else ()
        table.add_row(
            plain(table_export.table), f"{table_export.rows:,}", *version, plain(table_export.path)
        )
    out.print(table)
    misfits = sum(table.misfits for table in result.tables)
    if misfits:
        out.print(f"{many(misfits, 'value')} did not fit the type and became null; without --typed they are texts.")  # fmt: skip
    lost = sum(table.lost for table in result.tables)
    if lost:
        out.print(f"{many(lost, 'value')} became null, because damage destroyed them. `unlost show` marks them as unknown.")  # fmt: skip
    if result.form is ExportFormat.CSV:
        changed = sum(table.changed for table in result.tables)
        out.print(
            f"{many(changed, 'cell')} got an apostrophe, so that spreadsheets do not run them as formulas."
            if result.people
            else "Cells are verbatim. If a spreadsheet opens the files, add --for people: it may run cells as formulas."
        )
