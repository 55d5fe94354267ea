"""End nights of archive policies that have no run yet."""

from unlost.app.compose import Application
from unlost.catalog.runs.archive_nights import (
    claim_night,
    end_before_run,
    open_archive_nights,
)
from unlost.catalog.runs.plans import PlanState, drop_plan, find_plan
from unlost.catalog.runs.runs import find_run
from unlost.model.message import Message
from unlost.model.saved_policy import ArchiveNight, ArchiveNightState


def drop_nights(app: Application, policy: int) -> None:
    """End the nights of a policy that have no run yet, and discard their plans."""
    for night in open_archive_nights(policy=policy):
        if night.state.is_before_run:
            drop_night(app, night)


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
