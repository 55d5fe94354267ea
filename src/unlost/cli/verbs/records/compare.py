"""unlost compare: show the differences between two backups, or between a backup and now."""

from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import command, many, plain, short, when
from unlost.cli.words import changed_field, telling

if TYPE_CHECKING:
    from unlost.app.actions.records.compare import CompareResult, ComparisonSide, RecordChange

MOST = 50  # records shown; --json has more
FIELDS = 8


def compare(
    org: OrgName,
    one: Annotated[
        str, typer.Argument(metavar="A", help="latest, live, a backup number, a date or a time.")
    ],
    other: Annotated[str, typer.Argument(metavar="B", help="The other side, in the same form.")],
    *,
    table: Annotated[
        str | None,
        typer.Option("--table", metavar="T", help="Show the records and fields of this table."),
    ] = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Compare two backups, or a backup with the org as it is now."""
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.compare import compare as act

        answer(act(application, org, one, other, table=table), as_json=json, show=_show)
    return ExitCode.OK


def _show(out: Output, result: "CompareResult") -> None:
    old, new = _named(result.old, result.zone), _named(result.new, result.zone)
    out.print(f"{result.org}: from {old} to {new}")
    for table in result.unread:
        out.print(f"{table.table} could not be compared: {plain(table.sentence)}")
    if not result.tables:
        out.print("No other differences." if result.unread else "No differences.")
        return
    out.print()
    _show_tables(out, result)
    for row in result.rows[:MOST]:
        _show_row(out, row)
    hidden_count = result.more + max(0, len(result.rows) - MOST)
    if hidden_count:
        out.print(f"… and {many(hidden_count, 'more record')}; --json lists up to 1,000.")
    for run in dict.fromkeys(row.archive_run for row in result.rows if row.archive_run):
        out.print()
        back = command("unarchive", result.org, run, "--out", "plan.json")
        out.print(f"Bring the archived records back: {back}")
    if result.table is None:
        first = result.tables[0].table
        sides = [_typed(side) for side in (result.old, result.new)]
        out.print()
        out.print(f"Record by record: {command('compare', result.org, *sides, '--table', first)}")


def _named(side: "ComparisonSide", zone: str) -> str:
    at = when(side.as_of, zone=zone)
    return f"the live org ({at})" if side.snapshot is None else f"snapshot {side.snapshot} ({at})"


def _typed(side: "ComparisonSide") -> str:
    return "live" if side.snapshot is None else str(side.snapshot)


def _show_tables(out: Output, result: "CompareResult") -> None:
    from unlost.cli.grid import grid

    archived = any(line.archived for line in result.tables)
    numbers = ("Created", "Changed", "Deleted", "Undeleted", *(["Archived"] if archived else []))
    table = grid("Table", *numbers, right=numbers)
    for line in result.tables:
        counts = [line.created, line.changed, line.deleted, line.revived]
        counts += [line.archived] if archived else []
        table.add_row(line.table, *[f"{count:,}" if count else "" for count in counts])
    out.print(table)


def _show_row(out: Output, row: "RecordChange") -> None:
    word = "undeleted" if row.change == "revived" else row.change.value
    word += f" by {row.archive_run}" if row.archive_run else ""
    word += f", restored as {plain(row.restored_as)}" if row.restored_as else ""
    name = f" {short(row.name)}" if row.name else ""
    out.print()
    out.print(f"{plain(row.record)}{name}: {word}")
    if row.change in {"changed", "revived"}:
        fields = telling(row.changes)
        for field in fields[:FIELDS]:
            out.print(f"    {changed_field(field)}")
        if len(fields) > FIELDS:
            out.print(f"    … and {many(len(fields) - FIELDS, 'more field')}")
