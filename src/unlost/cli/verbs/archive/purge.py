"""unlost purge: delete unwanted records from an org, behind a verified copy."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.id_files import IdsFile, listed_records
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import OnlyTable, PlanFile
from unlost.cli.verbs.restores.restore import show_new

app = typer.Typer(
    no_args_is_help=True,
    help="Delete unwanted records from an org; the vault keeps them.",
    rich_markup_mode=None,
)


@app.command("plan")
def plan(
    org: OrgName,
    records: Annotated[
        list[str] | None, typer.Argument(metavar="TABLE/ID…", help="Records to delete.")
    ] = None,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    ids: IdsFile = None,
    loop: Annotated[
        str,
        typer.Option(
            "--loop",
            metavar="ID",
            help="A mail loop, by its first mail in `unlost storage --loops`.",
        ),
    ] = "",
    watched: Annotated[
        str, typer.Option("--set", metavar="NAME", help="The records of a watched set.")
    ] = "",
    table: OnlyTable = None,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to delete records. Nothing is deleted in the org.

    The newest backup has their copies. Notes show which records stay, and why.
    """
    listed = [*(records or ()), *(listed_records(ids, table=table) if ids is not None else ())]
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        request = PlanRequest(
            org, tuple(listed), loop=loop, watched=watched, table=table, purge=True
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
