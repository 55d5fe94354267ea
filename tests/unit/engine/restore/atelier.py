"""A workshop of which restores are planned: every kind of table that a plan must understand."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from unit.engine.restore.workshop import TEXT, Workshop
from unlost.engine.restore.planning.left_out import NOTHING, LeftOut
from unlost.engine.restore.planning.plan import PlanPorts, RelatedPolicy, plan_restore
from unlost.engine.restore.planning.undo import plan_undo
from unlost.engine.restore.running.session import RestorePorts
from unlost.model.plan import (
    Action,
    PlanNote,
    PlanStep,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
)
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import WriteCapability
from unlost.model.storage import StorageRule

LINK = WireKind.REFERENCE


class Atelier(Workshop):
    """A workshop with a junction, a circle of two tables, and planning."""

    def __init__(self, work: Path, **options: Any) -> None:
        super().__init__(work, **options)
        self.org.add_table(
            "Role",
            {"Name": TEXT, "Account": LINK, "Contact": LINK},
            references={
                "Account": Reference(("Account",), DeleteRule.CASCADE),
                "Contact": Reference(("Contact",), DeleteRule.CASCADE),
            },
        )
        self.org.add_table(
            "Team",
            {"Name": TEXT, "Lead": LINK},
            references={"Lead": Reference(("Player",), DeleteRule.SET_NULL)},
        )
        self.org.add_table(
            "Player",
            {"Name": TEXT, "Team": LINK},
            references={"Team": Reference(("Team",), DeleteRule.SET_NULL)},
        )
        self.plans = 0
        self.rules: Mapping[str, StorageRule] = {}
        self.shared: tuple[SharedFile, ...] = ()

    def planning(self) -> PlanPorts:
        return PlanPorts(
            source=self.source,
            writer=self.writer,
            vault=self.vault,
            clock=self.clock,
            observer=self.observer,
            rules=self.rules,
            shared=self.shared,
        )

    def restore_ports(self) -> RestorePorts:
        return replace(super().restore_ports(), shared=self.shared)

    def plan_of(
        self,
        *records: tuple[str, str],
        at: int | None = None,
        related: RelatedPolicy = RelatedPolicy.ALL,
        twins: TwinPolicy = TwinPolicy.KEEP,
    ) -> RestorePlan:
        """A plan for single records."""
        keys = tuple(RecordKey(table, record) for table, record in records)
        selection = Selection(SelectionKind.RECORDS, keys)
        return self.planned(selection, at=at, related=related, twins=twins)

    def undo(self, run: str, *, left_out: LeftOut = NOTHING) -> RestorePlan:
        """A plan that takes a run back."""
        self.plans += 1
        plan_id = f"undo-{self.plans}"
        return plan_undo(self.oid, self.planning(), run, left_out=left_out, plan_id=plan_id)

    def plan_lost(self, after: int, until: int, table: str | None = None) -> RestorePlan:
        selection = Selection(SelectionKind.LOST, after=after, until=until, table=table)
        return self.planned(selection)

    def plan_changed(self, after: int, until: int, table: str, *columns: str) -> RestorePlan:
        return self.planned(
            Selection(SelectionKind.CHANGED, after=after, until=until, table=table, columns=columns)
        )

    def planned(
        self,
        selection: Selection,
        *,
        at: int | None = None,
        related: RelatedPolicy = RelatedPolicy.ALL,
        twins: TwinPolicy = TwinPolicy.KEEP,
    ) -> RestorePlan:
        self.plans += 1
        return plan_restore(
            self.oid,
            self.planning(),
            selection,
            related=related,
            at=at,
            twins=twins,
            plan_id=f"plan-{self.plans}",
        )

    def allow(self, table: str, **changes: Any) -> WriteCapability:
        """Change what may be written to a table."""
        capability = replace(self.platform.capability(table), **changes)
        self.platform.allow(capability)
        return capability


def actions(plan: RestorePlan) -> dict[str, Action]:
    """Action by record."""
    return {step.record: step.action for step in plan.steps}


def step_of(plan: RestorePlan, record: str) -> PlanStep:
    (found,) = [step for step in plan.steps if step.record == record]
    return found


def note_of(plan: RestorePlan, code: str, table: str | None = None) -> PlanNote:
    (found,) = [n for n in plan.notes if n.code == code and table in (None, n.table)]
    return found


def codes(plan: RestorePlan) -> set[str]:
    return {note.code for note in plan.notes}
