"""Check the health of home, vault and orgs, and repair what needs no decision."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from unlost.app.access import Where, action
from unlost.app.compose import Application
from unlost.app.health.health import HealthCheck, HealthState, RepairableCheck
from unlost.app.health.home import home_checks
from unlost.app.health.orgs import org_checks
from unlost.catalog.orgs.orgs import serving_orgs
from unlost.model.access import Right, Trace
from unlost.model.errors import UnlostError
from unlost.model.message import message


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All checks, ordered so that each depends only on earlier ones."""

    checks: tuple[HealthCheck, ...]

    @property
    def worst(self) -> HealthState:
        """The worst state that was not repaired."""
        health_states = {check.health for check in self.checks if not check.repaired}
        return next(
            (state for state in (HealthState.BAD, HealthState.WARNING) if state in health_states),
            HealthState.GOOD,
        )


@action("home.doctor", Right.MANAGE, trace=Trace.WRITE, where=Where.HOME)
def doctor(app: Application, *, ask: bool = True, repair: bool = False) -> Diagnosis:
    """Run all health checks. ``ask`` also calls the orgs; ``repair`` repairs what can be repaired."""
    return Diagnosis(
        tuple(
            _done(repairable) if repair else repairable.check
            for repairable in _checks(app, ask=ask)
        )
    )


def _checks(app: Application, *, ask: bool) -> Iterator[RepairableCheck]:
    yield from home_checks(app)
    for org in serving_orgs():
        yield from org_checks(app, org, ask=ask)


def _done(repairable: RepairableCheck) -> HealthCheck:
    if repairable.repair is None:
        return repairable.check
    try:
        repairable.repair()
    except (UnlostError, OSError) as error:
        return _unrepaired(repairable.check, error)
    return replace(repairable.check, repaired=True)


def _unrepaired(check: HealthCheck, error: UnlostError | OSError) -> HealthCheck:
    text = message(
        check.name,
        "{problem} The repair failed: {reason}",
        next_step="{step}",
        problem=check.message,
        reason=error.message if isinstance(error, UnlostError) else str(error),
        step=check.message.step,
    )
    return HealthCheck.of(check.name, check.health, text, repairable=True)
