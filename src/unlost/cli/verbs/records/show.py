"""unlost show: show a record as of a point in time."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.app.backups.moments import LATEST, LIVE
from unlost.app.records.record_text import split_record
from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName, RecordName
from unlost.cli.text import cell, command, many, plain, short, size, when
from unlost.cli.words import fate

if TYPE_CHECKING:
    from unlost.app.actions.records.show import ShownField, ShowResult
    from unlost.app.records.relations.related import RelatedFile, RelatedRecords, RelatedTable
    from unlost.model.vault.snapshot import StoredFile

MOST = 25  # kinds of related records, and files, that are shown
NAMES = 3
NAME = 40


def show(
    org: OrgName,
    record: RecordName,
    *,
    at: Annotated[
        str,
        typer.Option(
            "--at", metavar="WHEN", help="latest, live, a backup number, a date or a time."
        ),
    ] = "latest",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show a record and its related records at a point in time. A deleted record shows its last state."""
    table, record_id = split_record(record)
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.show import show as act

        shown = act(application, org, table, record_id, at=at)
        answer(shown, as_json=json, show=partial(_show, past=at not in (LATEST, LIVE)))
    return ExitCode.OK


def _show(out: Output, result: "ShowResult", *, past: bool) -> None:
    from unlost.cli.grid import grid

    where = "the live org" if result.snapshot is None else f"snapshot {result.snapshot}"
    out.print(f"{result.table_label} {short(result.name or result.record)} ({result.record})")
    out.print(f"  In {where}, as of {when(result.as_of, zone=result.zone)}: {_state(result)}")
    if result.modified_at:
        who = plain(result.modified_by_name or result.modified_by or "")
        by = f" by {who}" if who else ""
        out.print(f"  Last changed {when(result.modified_at, zone=result.zone)}{by}")
    out.print()
    table = grid("Field", "Value")
    for field in result.fields:
        # Empty fields are only counted: tables of a CRM have hundreds of columns.
        if field.unknown or result.values[field.column] is not None:
            table.add_row(_label(field), _value(field, result))
    out.print(table)
    if any(field.calculated for field in result.fields):
        read = when(result.read_at or result.as_of, zone=result.zone)
        out.print(f"Calculated fields are as of {read}: the org changes them without the record.")
    unknown = {field.column for field in result.fields if field.unknown}
    empty = sum(v is None and name not in unknown for name, v in result.values.items())
    if empty:
        out.print(f"{many(empty, 'empty field')} not shown; --json lists all.")
    for file in result.files:
        kind, image = ("Image", file.column) if file.is_image else ("File", "")
        out.print(f"{kind}: {plain(file.name) or file.column} ({size(file.size)})")
        number = result.snapshot if past else None
        out.print(f"  {_file_command(result.org, file, image=image, number=number)}")
    if result.related is not None:
        show_related(out, result, result.related, past=past)


def show_related(
    out: Output, result: "ShowResult", related: "RelatedRecords", *, past: bool
) -> None:
    """Show the counts of related records by table, and files with the commands that save them."""
    from unlost.cli.grid import grid

    at = when(related.as_of, zone=result.zone)
    last = ", the last with the record alive" if related.snapshot != result.snapshot else ""
    out.print()
    if not related.tables and not related.files:
        out.print(f"No record refers to it in snapshot {related.snapshot} ({at}{last}).")
    else:
        out.print(f"Related, in snapshot {related.snapshot} ({at}{last}):")
    if related.tables:
        table = grid(
            "Related", "Records", "Lost since", "Examples", right=("Records", "Lost since")
        )
        for line in related.tables[:MOST]:
            absent = [f"{line.lost:,}"] if line.lost else []
            absent += [f"{line.archived:,} archived"] if line.archived else []
            table.add_row(_kind(line), f"{line.count:,}", ", ".join(absent), _such_as(line))
        out.print(table)
        if len(related.tables) > MOST:
            out.print(f"… and {many(len(related.tables) - MOST, 'more kind')}; --json lists all.")
    for file in related.files[:MOST]:
        archived = ", archived" if file.archived else ""
        name = plain(file.name) or file.record
        out.print(f"File: {name} ({size(file.size)}){_of(file)}{archived}")
        number = related.snapshot if past and not file.archived else None
        out.print(f"  {_file_command(result.org, file, number=number)}")
    hidden_count = related.more_files + max(0, len(related.files) - MOST)
    if hidden_count:
        out.print(f"… and {many(hidden_count, 'more file')}.")
    if related.unsearched:
        names = ", ".join(related.unsearched)
        out.print(f"Not searched, because there are too many records: {names}.")


def _file_command(
    org: str, file: "StoredFile | RelatedFile", *, image: str = "", number: int | None = None
) -> str:
    options = [*(("--image", image) if image else ())]
    if number is not None:
        options += ["--at", str(number)]
    return command("file", org, f"{file.table}/{file.record}", *options, "--out", "FILE")


def _kind(line: "RelatedTable") -> str:
    return f"{plain(line.label)} (by {line.through})" if line.through else plain(line.label)


def _such_as(line: "RelatedTable") -> str:
    names = list(
        dict.fromkeys(
            short(related_record.name, length=NAME)
            for related_record in line.first
            if related_record.name
        )
    )
    return ", ".join(names[:NAMES])


def _of(file: "RelatedFile") -> str:
    return f", by {file.through}" if file.through else ""


def _state(result: "ShowResult") -> str:
    return "alive" if result.alive else fate(result.gone, zone=result.zone)


def _label(field: "ShownField") -> str:
    hidden = " (now hidden from the backup user)" if field.hidden else ""
    calculated = " (calculated)" if field.calculated else ""
    return f"{plain(field.label)}{calculated}{hidden}"


def _value(field: "ShownField", result: "ShowResult") -> str:
    if field.unknown:
        return "unknown: the vault lost it to damage"
    value = cell(result.values[field.column])
    return f"{plain(field.means)} ({value})" if field.means else value
