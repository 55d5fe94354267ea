"""unlost undo: plan to take a restore back."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.text import plain
from unlost.cli.verbs.restores.restore import Adopt, RunName, show_new, twin_policy
from unlost.model.runs.exclusion import RunKind

if TYPE_CHECKING:
    from unlost.app.actions.restores.restore_plan import PlanResult


def undo(
    org: OrgName,
    run: RunName,
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    adopt: Adopt = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to take a restore or an archive back. Nothing is written to the org.

    Exit code 3 if some records cannot be put back.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        with shown_progress(application.clock) as observer:
            request = PlanRequest(org, undo=run, twins=twin_policy(adopt=adopt))
            result = make_plan(application, request, out, observer=observer)
    answer(result, as_json=json, show=lambda out, result: show_undo(out, result, run=run))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK


def show_undo(out: Output, result: "PlanResult", *, run: str) -> None:
    """Show a new plan that takes a run back. ``run``: empty for another plan."""
    if run.startswith(RunKind.ARCHIVE):
        out.print(f"Undo of the archive {plain(run)}:")
    show_new(out, result)
