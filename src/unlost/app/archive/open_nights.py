"""End nights of archive policies that have no run yet."""

from unlost.app.compose import Application
from unlost.catalog.runs.archive_nights import end_night, open_archive_nights
from unlost.catalog.runs.plans import PlanState, drop_plan, find_plan
from unlost.model.message import Message
from unlost.model.saved_policy import ArchiveNight, ArchiveNightState


def drop_nights(app: Application, policy: int) -> None:
    """End the nights of a policy that have no run yet, and discard their plans."""
    for night in open_archive_nights(policy=policy):
        if night.state.is_before_run:
            drop_night(app, night)


def drop_night(app: Application, night: ArchiveNight, *, why: Message | None = None) -> None:
    """End a night without a run, and discard its plan."""
    discard_plan_of(night)
    end_night(night.id, ArchiveNightState.DROPPED, at=app.clock.now(), error=why)


def discard_plan_of(night: ArchiveNight) -> None:
    """Discard the plan of a night, unless it became a run."""
    plan = find_plan(night.plan) if night.plan else None
    if plan is not None and plan.state is not PlanState.RUN:
        drop_plan(plan.id)
