"""unlost status: show how well each org is protected, why, and what to do."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from unlost.cli.answer import Output, answer
from unlost.cli.exits import ExitCode
from unlost.cli.opening import opened
from unlost.cli.options import AsJson, Home
from unlost.cli.text import many, plain, when
from unlost.model.errors import NotFound
from unlost.model.status import OrgStatus

if TYPE_CHECKING:
    from unlost.app.actions.alerts.overview import OrgState, Overview
    from unlost.app.health.going import GoingRun

FINE = frozenset({OrgStatus.PROTECTED, OrgStatus.RETIRED, OrgStatus.NO_BACKUP})


def status(
    org: Annotated[
        str | None, typer.Argument(metavar="[ORG]", help="Name of the org; default: all orgs.")
    ] = None,
    *,
    home: Home = None,
    json: AsJson = False,
) -> ExitCode:
    """Show the status of each org, with the reason and the next step.

    Exit code 3 if an org is Incomplete, At risk or Failed.
    """
    with opened(home) as application:
        from unlost.app.actions.alerts.overview import overview

        result = _only(overview(application), org)
    answer(result, as_json=json, show=_show)
    fine = all(state.status in FINE for state in result.orgs)
    return ExitCode.OK if fine else ExitCode.FINDINGS


def _only(result: "Overview", org: str | None) -> "Overview":
    if org is None:
        return result
    chosen = tuple(state for state in result.orgs if state.name == org)
    if not chosen:
        known = ", ".join(state.name for state in result.orgs)
        raise NotFound(
            "org-unknown",
            "There is no org named {org!r} in this home.",
            next_step="Use one of: {known}." if known else "Add one with `unlost org add`.",
            org=org,
            known=known,
        )
    return replace(result, orgs=chosen)


def _show(out: Output, result: "Overview") -> None:
    if not result.orgs:
        out.print("There are no orgs. Add one with `unlost org add`.")
    for state in result.orgs:
        _show_org(out, state)


def _show_org(out: Output, state: "OrgState") -> None:
    out.print(f"{plain(state.name)}: {state.status.word}")
    for reason in state.reasons:
        out.print(f"  {plain(reason.sentence)}")
        if reason.next_step:
            out.print(f"    {plain(reason.next_step)}")
    last = when(state.last.as_of, zone=state.zone) if state.last is not None else "none yet"
    coming = when(state.next, zone=state.zone) if state.next is not None else "not scheduled"
    out.print(f"  Last backup: {last}. Next: {coming}.")
    if state.losses:
        out.print(f"  {many(state.losses, 'open loss', 'open losses')}: unlost losses list")
    for going in state.going:
        out.print(f"  {_going(going, state.zone)}")


def _going(going: "GoingRun", zone: str) -> str:
    share = f", {going.share:.0%}" if going.share is not None else ""
    if going.share is None and going.tables is not None:
        share = f", {going.tables.done:,} of {many(going.tables.total, 'table')} read"
    end = f", expected to end {when(going.ends_at, zone=zone)}" if going.ends_at else ""
    late = ", takes longer than usual" if going.late else ""
    kind = "purge" if going.purge else going.kind.value
    return f"{kind} {going.id}: {going.state.value}{share}{end}{late}"
