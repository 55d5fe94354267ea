"""The preview of a plan in the console: its groups, the people, and the mass changes behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.actions.alerts.mass_changes import MassChangeLine, column_repairs
from unlost.app.actions.restores.changed_again import ChangedAgainRecords, changed_again
from unlost.app.actions.restores.edit_plan import PlanPeople, people_of
from unlost.app.actions.restores.kept_plan import read_stored_plan
from unlost.app.actions.restores.newer_values import NewerRecords, newer_records
from unlost.app.actions.restores.plan_groups import GROUPS, GroupLines, groups_of
from unlost.app.backups.moments import newest_backup
from unlost.app.compose import Application
from unlost.app.paging import check_page
from unlost.catalog.orgs.orgs import get_org
from unlost.engine.restore.planning.shown.groups import shared_columns
from unlost.model.access import Right, Trace
from unlost.model.plan import RestorePlan, SelectionKind


@dataclass(frozen=True, slots=True)
class PlanPreview:
    """The parts of a preview that are read when it is shown.

    ``people``: None if the plan refers to no people. ``repairs``: mass changes that hit the selected
    records and more, and whose columns can be put back in all of them. ``newer``: records that keep
    values from after the damage; None if there are none. ``again``: records
    that changed more than once between the two compared backups. ``zone``: that of the org.
    """

    groups: GroupLines
    people: PlanPeople | None
    repairs: tuple[MassChangeLine, ...]
    newer: NewerRecords | None = None
    again: ChangedAgainRecords | None = None
    zone: str = "UTC"


@action("restore.preview", Right.RESTORE, trace=Trace.READ, subject=("plan",))
def plan_preview(app: Application, org: str, plan: str, *, start: int = 0) -> PlanPreview:
    """Show the groups of a plan from number ``start`` on, the people, and better repairs.

    Raises NotFound (``plan-unknown``), Conflict (``plan-not-made``), NotAllowed (``not-permitted``)
    for an actor who may not see every column.
    """
    check_page(start=start, most=GROUPS)
    known = get_org(org)
    restore_plan = read_stored_plan(app, known, plan)
    has_people = bool(restore_plan.choices.holders)
    return PlanPreview(
        groups_of(app, known, restore_plan, plan=plan, start=start),
        people_of(app, known, restore_plan, plan=plan) if has_people else None,
        tuple(_repairs(app, org, restore_plan)),
        newer_records(app.vault, known, restore_plan, newest=newest_backup(app.vault, known)),
        changed_again(app.vault, known, restore_plan),
        known.identity.zone,
    )


def _repairs(app: Application, org: str, plan: RestorePlan) -> Iterator[MassChangeLine]:
    """Yield the mass changes that hit the selected records and more, after the restored state."""
    if plan.selection.kind is not SelectionKind.RECORDS:
        return
    for shared in shared_columns(plan.steps):
        for line in column_repairs(app, org, shared.table).changes:
            larger = line.change.column == shared.column and line.change.count > shared.count
            if larger and line.before >= plan.snapshot:
                yield line
