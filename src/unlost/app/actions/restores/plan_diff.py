"""Compare two restore plans: the typical use is an approved plan and the plan made after it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from unlost.app.access import Where, action, check_org
from unlost.app.actions.restores.kept_plan import read_stored_plan
from unlost.app.actions.restores.restore_plan import PlanFile, load_plan
from unlost.app.compose import Application
from unlost.app.records.table_words import TableWords
from unlost.catalog.orgs.orgs import ProtectedOrg, get_org
from unlost.engine.restore.planning.shown.plan_diff import PlanDifference, plan_difference
from unlost.model.access import Right, Trace
from unlost.model.errors import UsageError
from unlost.model.source.reading import Json
from unlost.model.source.schema import Schema


@dataclass(frozen=True, slots=True)
class ComparedPlans:
    """The difference between two plans of an org. It names columns, and no values.

    ``labels`` are those of its tables, ``columns`` those of its columns, by TABLE.COLUMN.
    """

    org: str
    zone: str
    difference: PlanDifference
    labels: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)


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
    return _compared(app, org, plan_difference(first, second))


@action("restore.diff-stored", Right.RESTORE, trace=Trace.READ, subject=("plan", "other"))
def diff_stored(app: Application, org: str, plan: str, other: str) -> ComparedPlans:
    """Compare two plans of the console, the older one with the newer one.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``).
    """
    known = get_org(org)
    plans = [read_stored_plan(app, known, name) for name in (plan, other)]
    older, newer = sorted(plans, key=attrgetter("made_at"))
    return _compared(app, known, plan_difference(older, newer))


def _compared(app: Application, org: ProtectedOrg, difference: PlanDifference) -> ComparedPlans:
    newest = app.vault.newest_backup(org.oid)
    words = TableWords(newest.schema() if newest is not None else Schema((), ""))
    tables = {line.table for line in difference.counts}
    tables |= {line.table for line in difference.records}
    cells = {
        (line.table, column)
        for line in difference.records
        for column in (*line.columns, *line.typed)
    }
    return ComparedPlans(
        org.name,
        org.identity.zone,
        difference,
        {table: words.label(table) for table in sorted(tables)},
        {f"{table}.{name}": words.column(table, name) for table, name in sorted(cells)},
    )


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
