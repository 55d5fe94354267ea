"""unlost list: list records of a table, or write them to a file."""

import builtins
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import cell, many, plain
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.actions.records.list_download import SavedList
    from unlost.app.actions.records.record_list import ListPage
    from unlost.app.records.lists.queries import ListQuery
    from unlost.app.records.lists.record_lists import ListedRecord

FORMATS = ("csv", "json", "zip")


RelatedTo = Annotated[
    str,
    typer.Option("--related-to", metavar="TABLE/ID", help="The records that refer to this record."),
]
Through = Annotated[
    str,
    typer.Option(
        "--through", metavar="T", help="Records that refer to related records of this table."
    ),
]
OnlyArchived = Annotated[
    bool,
    typer.Option(
        "--archived", help="Only archived ones: all of the table, or those of --related-to."
    ),
]
ByRun = Annotated[
    str, typer.Option("--run", metavar="RUN", help="With --archived: by this archive run.")
]


def list(  # noqa: A001 (the verb has this name)
    org: OrgName,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="The table of the records.")],
    *,
    related_to: RelatedTo = "",
    through: Through = "",
    archived: OnlyArchived = False,
    run: ByRun = "",
    search: Annotated[
        str, typer.Option("--search", metavar="TEXT", help="The records with this text.")
    ] = "",
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="WHEN",
            help="latest, a backup number, a date or a time, with --related-to.",
        ),
    ] = "",
    column: Annotated[
        builtins.list[str] | None,
        typer.Option("--column", metavar="C", help="Show this column; repeatable."),
    ] = None,
    sort: Annotated[str, typer.Option("--sort", metavar="C", help="Sort by this column.")] = "",
    descending: Annotated[bool, typer.Option("--descending", help="Sort downwards.")] = False,
    start: Annotated[int, typer.Option("--start", help="Skip this many records.")] = 0,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Write all records to this file instead."),
    ] = None,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="With --out: csv, json (an object a line), or zip (CSV, and the files).",
        ),
    ] = "csv",
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """List records that are related to a record, match a search or are archived, or save them.

    Archived records of --related-to are included, with their last values. An existing file is never
    overwritten.
    """
    if form not in FORMATS:
        raise typer.BadParameter("choose csv, json or zip", param_hint="--format")
    with opened(home, for_reading=True) as application:
        from unlost.app.actions.records.list_download import ListForm, save_list
        from unlost.app.actions.records.record_list import record_list
        from unlost.app.records.lists.downloads import ListView

        query = _query(table, related_to, through, search, at, archived=archived, run=run)
        view = ListView(tuple(column or ()), sort, descending=descending, start=start)
        if out is None:
            page = record_list(application, org, query, view)
            answer(page, as_json=json, show=_show_page)
        else:
            saved = save_list(application, org, query, view, form=ListForm(form), out=out)
            answer(saved, as_json=json, show=_show_saved)
    return ExitCode.OK


def _query(
    table: str, related_to: str, through: str, search: str, at: str, *, archived: bool, run: str
) -> "ListQuery":
    from unlost.app.records.lists.queries import ListKind, ListQuery
    from unlost.app.records.relations.related import RelatedState
    from unlost.app.records.search.query import RecordSearch

    if archived and not (related_to or search):
        return ListQuery(ListKind.ARCHIVED, table, run=run)
    if bool(related_to) == bool(search):
        raise UsageError(
            "list-unclear",
            "Name the records by one of --related-to, --search and --archived.",
            next_step="For all records of a table, use `unlost export`.",
        )
    if search:
        return ListQuery(ListKind.MATCHES, table, search=RecordSearch(search, table=table))
    state = RelatedState.ARCHIVED if archived else RelatedState.ANY
    return ListQuery(ListKind.RELATED, table, of=related_to, through=through, at=at, state=state)


def _show_page(out: Output, page: "ListPage") -> None:
    from unlost.cli.grid import grid

    out.print(f"{plain(page.table_label)}: {many(page.total, 'record')}")
    table = grid("Record", "Id", *(column.label for column in page.columns), "State")
    for record in page.records:
        values = [plain(value.means) or cell(value.value) for value in record.values]
        table.add_row(plain(record.name), record.record, *values, _state(record))
    out.print(table)
    rest = page.total - page.start - len(page.records)
    if rest > 0:
        out.print(f"… and {many(rest, 'more record')}; --out writes all.")


def _state(record: "ListedRecord") -> str:
    if record.archived:
        return "archived"
    return "alive" if record.alive else "lost"


def _show_saved(out: Output, saved: "SavedList") -> None:
    out.print(f"{plain(saved.table_label)}: {many(saved.records, 'record')} in {saved.out}, unencrypted.")  # fmt: skip
    if saved.form.value == "zip":
        out.print("files.csv in it lists the files. missing.csv names files that are missing.")
