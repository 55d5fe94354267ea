"""End nights of archive policies whose archive did not begin to write."""

from unlost.app.compose import Application
from unlost.app.restores.approvals import is_begun
from unlost.catalog.orgs.orgs import get_org
from unlost.catalog.runs.archive_nights import (
    claim_night,
    end_before_run,
    end_night,
    open_archive_nights,
)
from unlost.catalog.runs.plans import PlanState, drop_plan, find_plan
from unlost.catalog.runs.queued_restores import asker_of_restore, drop_restore
from unlost.catalog.runs.runs import find_run
from unlost.model.errors import UnlostError
from unlost.model.message import Message
from unlost.model.runs.jobs import RunCommand
from unlost.model.saved_policy import ArchiveNight, ArchiveNightState, SavedPolicy


def drop_nights(app: Application, saved: SavedPolicy) -> None:
    """End the nights of a policy whose archive did not begin to write. Runs of people go on.

    ``saved``: the policy as it was when its nights began.
    """
    for night in open_archive_nights(policy=saved.id):
        if night.state.is_before_run:
            drop_night(app, night)
        elif _is_queued_for(saved, night.run) and _gives_way(app, night):
            end_night(night.id, ArchiveNightState.DROPPED, at=app.clock.now())


def _gives_way(app: Application, night: ArchiveNight) -> bool:
    """Give up a run as ``gives_way`` does; one whose journal cannot be read goes on."""
    try:
        return gives_way(app, night)
    except UnlostError:
        return False


def gives_way(app: Application, night: ArchiveNight) -> bool:
    """Give up the run of a night that did not begin to write, and that no person paused."""
    run = find_run(night.run)
    is_paused = run is not None and run.wish is RunCommand.PAUSE
    if is_paused or is_begun(app, get_org(night.org), night.run):
        return False
    return drop_restore(night.run, at=app.clock.now())


def _is_queued_for(saved: SavedPolicy, run: str) -> bool:
    """Return True if the schedule handed a run over, for its owner, and the run is not over."""
    known = find_run(run)
    if known is None or known.state.over:
        return False
    return asker_of_restore(run).name == (saved.owner if saved.account else "")


def drop_night(app: Application, night: ArchiveNight, *, why: Message | None = None) -> bool:
    """End a night that has no run, and discard its plan. Return False if its plan already runs."""
    return end_without_run(app, night, ArchiveNightState.DROPPED, why=why)


def end_without_run(
    app: Application, night: ArchiveNight, state: ArchiveNightState, *, why: Message | None
) -> bool:
    """End a night in a state, unless its plan runs: then the night follows the run, and it is false.

    The night ends first: from then on no process hands its plan over.
    """
    plan = find_plan(night.plan) if night.plan else None
    # A person ran it. Without a run, its process died after it had written the journal.
    if plan is not None and plan.state is PlanState.RUN and find_run(plan.run) is not None:
        claim_night(night.id, run=plan.run)
        return False
    if not end_before_run(night.id, state, at=app.clock.now(), error=why):
        return False
    if plan is not None:
        drop_plan(plan.id)
    return True
