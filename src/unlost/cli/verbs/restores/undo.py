"""unlost undo: plan to take a restore back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import Adopt, RunName, twin_policy
from unlost.cli.text import plain
from unlost.cli.verbs.restores.restore import show_new
from unlost.model.runs.exclusion import RunKind

if TYPE_CHECKING:
    from unlost.app.actions.restores.restore_plan import PlanResult

Without = Annotated[
    list[str] | None,
    typer.Option(
        "--without",
        metavar="TABLE/ID",
        help="Leave this record as it is, by its id in the org; repeatable.",
    ),
]


def undo(
    org: OrgName,
    run: RunName,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    without: Without = None,
    adopt: Adopt = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to take a restore, an archive or a purge back. Nothing is written to the org.

    Of an archive or a purge, --without names records by their ids in the backups. Exit code 3 if some records
    cannot be put back.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        left_out = tuple(without or ())
        request = PlanRequest(org, undo=run, without=left_out, twins=twin_policy(adopt=adopt))
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=lambda out, result: show_undo(out, result, run=run))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


def show_undo(out: Output, result: "PlanResult", *, run: str) -> None:
    """Show a new plan that takes a run back. ``run``: empty for another plan."""
    if run.startswith(RunKind.ARCHIVE):
        out.print(f"Undo of {plain(run)}:")
    show_new(out, result)
