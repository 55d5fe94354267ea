"""Compare two restore plans: the typical use is an approved plan and the plan made after it."""

from dataclasses import dataclass

from unlost.app.access import Where, action, check_org
from unlost.app.actions.restores.kept_plan import read_stored_plan
from unlost.app.actions.restores.restore_plan import PlanFile, load_plan
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.restore.planning.plan_diff import PlanDifference, plan_difference
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.source.reading import Json


@dataclass(frozen=True, slots=True)
class ComparedPlans:
    """The difference between two plans of an org. It names columns, and no values."""

    org: str
    zone: str
    difference: PlanDifference


def _audited(compared: ComparedPlans) -> dict[str, Json]:
    difference = compared.difference
    return {"org": compared.org, "old": difference.old.digest, "new": difference.new.digest}


@action("restore.diff", Right.RESTORE, trace=Trace.READ, where=Where.ITSELF, detail=_audited)
def diff_files(app: Application, old: PlanFile, new: PlanFile) -> ComparedPlans:
    """Compare two plan files. Raises UsageError (``plans-of-two-orgs``), and as ``show_plan``."""
    first, org = load_plan(app, old)
    check_org(app, Right.RESTORE, org.name)
    second, other = load_plan(app, new)
    check_same_org(org.name, other.name)
    return ComparedPlans(org.name, org.identity.zone, plan_difference(first, second))


@action("restore.diff-stored", Right.RESTORE, trace=Trace.READ, subject=("plan", "other"))
def diff_stored(app: Application, org: str, plan: str, other: str) -> ComparedPlans:
    """Compare two plans of the console; ``other`` is the newer one.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``).
    """
    known = get_org(org)
    first, second = (read_stored_plan(app, known, name) for name in (plan, other))
    return ComparedPlans(org, known.identity.zone, plan_difference(first, second))


def check_same_org(old: str, new: str) -> None:
    """Raise UsageError (``plans-of-two-orgs``) for plans of two orgs, given by name."""
    if old != new:
        raise UsageError(
            "plans-of-two-orgs",
            "The plans are for two orgs, {old} and {new}.",
            next_step="Compare two plans for the same org.",
            old=old,
            new=new,
        )
