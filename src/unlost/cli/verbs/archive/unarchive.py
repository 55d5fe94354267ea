"""unlost unarchive: plan to bring archived records back."""

from pathlib import Path
from typing import Annotated

import typer

from unlost.cli.answer import answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home, OrgName
from unlost.cli.plan_options import Adopt, twin_policy
from unlost.cli.verbs.restores.undo import show_undo


def unarchive(
    org: OrgName,
    what: Annotated[
        list[str],
        typer.Argument(metavar="RUN|TABLE/ID…", help="An archive run, or archived records."),
    ],
    *,
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Plan file to write.")],
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="TABLE/ID",
            help="Do not bring this record back, also if it is related; repeatable.",
        ),
    ] = None,
    adopt: Adopt = False,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Plan to bring archived records back. Nothing is written to the org.

    The same as `unlost undo` for a run, and as `unlost restore plan` for records: a record comes back
    with everything related to it. Exit code 3 if some cannot.
    """
    with opened(home) as application:
        from unlost.app.actions.restores.restore_plan import PlanRequest, make_plan
        from unlost.cli.progress import shown_progress

        is_run = len(what) == 1 and "/" not in what[0]
        request = PlanRequest(
            org,
            () if is_run else tuple(what),
            undo=what[0] if is_run else "",
            without=tuple(without or ()),
            twins=twin_policy(adopt=adopt),
        )
        with shown_progress(application.clock) as observer:
            result = make_plan(application, request, out, observer=observer)
    run = request.undo
    answer(result, as_json=json, show=lambda out, result: show_undo(out, result, run=run))
    return ExitCode.FINDINGS if result.summary.blocked else ExitCode.OK
