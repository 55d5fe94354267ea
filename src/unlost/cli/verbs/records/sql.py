"""unlost sql: query snapshots with SQL."""

import sys
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from unlost.cli.answer import Output
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import Home
from unlost.cli.text import many, plain
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.records.sql import SqlAnswer

MOST = 200  # rows shown on a screen
WIDEST = 60  # characters of a cell there


class SqlFormat(StrEnum):
    """Output formats for rows."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


class Audience(StrEnum):
    """The intended readers of a CSV."""

    PROGRAMS = "programs"
    PEOPLE = "people"


ForWhom = Annotated[
    Audience,
    typer.Option(
        "--for",
        help="people: texts that a spreadsheet would run as a formula get an apostrophe (CSV only).",
    ),
]


def sql(
    statement: Annotated[str, typer.Argument(metavar="STATEMENT", help="A SELECT statement.")],
    *,
    as_of: Annotated[
        str,
        typer.Option("--as-of", metavar="WHEN", help="latest, a backup number, a date or a time."),
    ] = "latest",
    form: Annotated[
        SqlFormat, typer.Option("--format", help="Format of the output.")
    ] = SqlFormat.TABLE,
    json: Annotated[bool, typer.Option("--json", help="The same as --format json.")] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="New file for the rows."),
    ] = None,
    audience: ForWhom = Audience.PROGRAMS,
    home: Home = None,
) -> ExitCode:
    """Query backups with SQL: org.table and org.table_history; append _text for verbatim texts.

    Columns have types; a value that does not fit its type becomes null, and is counted. Rows are
    not encrypted.
    """
    form = _one_format(form) if json else form
    check_audience(audience, csv=form is SqlFormat.CSV)
    with opened(home) as application, ExitStack() as stack:
        from unlost.app.actions.records.sql import sql as act

        answer = act(application, statement, stack=stack, as_of=as_of)
        if form is SqlFormat.TABLE:
            if out is not None:
                raise UsageError(
                    "format-needs-none",
                    "The format table cannot be written to a file.",
                    next_step="Use --format csv, json or parquet with --out.",
                )
            _show(answer)
        elif out is not None:
            from unlost.app.actions.records.file import written

            with written(out) as target:
                _write(answer, form, target, audience)
        else:
            _write(answer, form, _stdout(form), audience)
        _show_misfits(answer)
    return ExitCode.OK


def _one_format(form: SqlFormat) -> SqlFormat:
    """Return the JSON format; raises UsageError (``two-formats``) if another was given too."""
    if form not in (SqlFormat.TABLE, SqlFormat.JSON):
        raise UsageError(
            "two-formats",
            "--json and --format {form} are two formats.",
            next_step="Use only one of them.",
            form=form,
        )
    return SqlFormat.JSON


def check_audience(audience: Audience, *, csv: bool) -> None:
    """Raise UsageError (``people-read-csv``): only CSV can contain formulas."""
    if audience is Audience.PEOPLE and not csv:
        raise UsageError(
            "people-read-csv",
            "--for people works only with CSV. Other formats keep texts verbatim.",
            next_step="Leave out --for, or add --format csv.",
        )


def _stdout(form: SqlFormat) -> BinaryIO:
    if form is SqlFormat.PARQUET and sys.stdout.isatty():
        raise UsageError(
            "parquet-needs-file",
            "Parquet cannot be shown on a terminal.",
            next_step="Write it to a file with --out FILE.",
        )
    # The writers encode to UTF-8 themselves, whatever the locale is.
    return sys.stdout.buffer


def _write(answer: "SqlAnswer", form: SqlFormat, out: BinaryIO, audience: Audience) -> None:
    from unlost.outside.rowtext import write_csv, write_lines, write_parquet

    if form is SqlFormat.CSV:
        people = audience is Audience.PEOPLE
        changed = write_csv(answer.rows, answer.rows.schema, out, people=people)
        if changed:
            _note(
                f"{many(changed, 'cell')} got an apostrophe, so that spreadsheets do not run them as "
                "formulas."
            )
    elif form is SqlFormat.JSON:
        write_lines(answer.rows, out)
    else:
        write_parquet(answer.rows, answer.rows.schema, out)
    out.flush()


def _show(answer: "SqlAnswer") -> None:
    from unlost.cli.grid import grid
    from unlost.outside.rowtext import plain as as_texts

    table, shown, more = grid(*map(plain, answer.rows.schema.names)), 0, False
    for batch in answer.rows:
        for cells in zip(*(column.to_pylist() for column in as_texts(batch).columns), strict=True):
            # Read one row more than is shown, to know whether there are others.
            more = shown == MOST
            if more:
                break
            table.add_row(*map(_cell, cells))
            shown += 1
        if more:
            break
    out = Output()
    out.print(table)
    if more:
        out.print(
            f"Only the first {MOST} rows are shown. Use --format csv, json or parquet for all."
        )
    elif not shown:
        out.print("No rows.")


def _cell(value: object) -> str:
    if value is None:
        return "∅"
    text = plain(str(value))
    return text if len(text) <= WIDEST else f"{text[: WIDEST - 1]}…"


def _show_misfits(answer: "SqlAnswer") -> None:
    for column, count in answer.misfits.items():
        _note(f"{many(count, 'value')} of {column} did not fit the type and became null; add _text to the table's name to read them.")  # fmt: skip


def _note(sentence: str) -> None:
    print(plain(sentence), file=sys.stderr)  # noqa: T201
