"""unlost purge: delete unwanted records from an org, behind a verified copy."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.id_files import text_of
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import OnlyTable, PlanFile, WatchedSet
from unlost.cli.verbs.restores.restore import show_new
from unlost.model.errors import UsageError

if TYPE_CHECKING:
    from unlost.app.compose import Application
    from unlost.app.records.lists.queries import ListQuery

app = typer.Typer(
    no_args_is_help=True,
    help="Delete unwanted records from an org; the vault keeps them.",
    rich_markup_mode=None,
)
IdsOrCsv = Annotated[
    Path | None,
    typer.Option(
        "--ids",
        metavar="FILE",
        help="Text file with one id or TABLE/ID on each line, or a CSV file with the column Id.",
    ),
]
SkipUnknown = Annotated[
    bool,
    typer.Option(
        "--skip-unknown", help="Leave lines of --ids out that name no live record of the backup."
    ),
]
FromSearch = Annotated[
    str,
    typer.Option(
        "--search",
        metavar="TEXT",
        help="All live records of --table that a search finds, at most 1,000.",
    ),
]
LoopMail = Annotated[
    str,
    typer.Option(
        "--loop", metavar="ID", help="A mail loop, by its first mail in `unlost storage --loops`."
    ),
]
LoopRecords = Annotated[
    bool,
    typer.Option(
        "--created-records",
        help="With --loop: the records that it created, such as cases, with all that belongs to "
        "them, instead of the mails.",
    ),
]


@app.command("plan")
def plan(
    org: OrgName,
    records: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE/ID…", help="Records to delete.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    ids: IdsOrCsv = None,
    skip_unknown: SkipUnknown = False,
    search: FromSearch = "",
    loop: LoopMail = "",
    created_records: LoopRecords = False,
    watched: WatchedSet = "",
    former_watched: Annotated[str, typer.Option("--set", hidden=True)] = "",
    table: OnlyTable = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to delete records. Nothing is deleted in the org.

    The newest backup has their copies. Notes show which records stay, and why.
    """
    text = text_of(ids) if ids is not None else ""
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        listed = _listed(application, org, text, table, skips_unknown=skip_unknown) if ids else ()
        request = PlanRequest(
            org,
            (*(records or ()), *listed),
            listed=_matches(search, table) if search else None,
            loop=loop,
            loop_records=created_records,
            watched=watched or former_watched,
            table=table,
            purge=True,
        )
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=partial(show_new, verb="purge"))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


@app.command("run")
def run(file: PlanFile, *, home: Home = None, json: AsJson = False) -> ExitCode:
    """Run a purge plan: verify each copy, then delete the record from the org.

    Exit code 3 if a record stayed. The records come back with `unlost undo`.
    """
    from unlost.cli.verbs.restores.restore import run as run_file

    return run_file(file, home=home, json=json)


def _listed(
    application: "Application", org: str, text: str, table: str | None, *, skips_unknown: bool
) -> tuple[str, ...]:
    from unlost.app.actions.restores.purge_list import purged_ids, read_ids

    listed = read_ids(application, org, text, table=table or "")
    return purged_ids(listed, skips_unknown=skips_unknown)


def _matches(search: str, table: str | None) -> "ListQuery":
    from unlost.app.records.lists.queries import ListKind, ListQuery
    from unlost.app.records.search.query import RecordSearch

    if not table:
        raise UsageError(
            "purge-search-table",
            "A purge of a search needs the table of the records.",
            next_step="Name it with `--table`, as in `--table Case`.",
        )
    return ListQuery(ListKind.MATCHES, table, search=RecordSearch(search, table=table))
