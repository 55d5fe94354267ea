"""Archives follow references that name their table, and lists; a key leads nowhere."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import actions
from unit.engine.restore.test_named_records import Desk
from unit.engine.restore.workshop import endings
from unlost.engine.archive.graph import collect
from unlost.engine.archive.planning import ArchiveRequest, plan_archive
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.running.session import RestorePorts
from unlost.engine.restore.values.outcome import Ending, RestoreOutcome
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.errors import UsageError
from unlost.model.plan import RestorePlan
from unlost.model.source.writing import Identity

BROKEN = Condition("Name", Comparison.IS, ("Broken",))
INCIDENTS = ArchivePolicy("incidents", "Incident", (BROKEN,))
USERS = ArchivePolicy("people", "User", (Condition("Login", Comparison.IS, ("ann",)),))


class OldDesk(Desk):
    """A desk whose records an archive takes away."""

    def restore_ports(self) -> RestorePorts:
        return replace(super().restore_ports(), source=self.source)

    def archive_plan(self, policy: ArchivePolicy) -> RestorePlan:
        self.plans += 1
        self.clock.advance(hours=2)
        plan_id = f"a-{self.plans}"
        return plan_archive(self.oid, self.planning(), ArchiveRequest(policy), plan_id=plan_id)

    def run(self, plan: RestorePlan) -> RestoreOutcome:
        outcome = self.try_restore(plan)
        assert isinstance(outcome, RestoreOutcome), outcome
        return outcome


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[OldDesk]:
    made = OldDesk(tmp_path)
    for table in ("Incident", "Problem", "Note", "User"):
        made.allow(table, identity=Identity.UNDELETE)
    yield made
    made.writer.faults.assert_met()
    made.close()


def test_a_note_goes_with_the_record_of_the_table_that_it_names(desk: OldDesk) -> None:
    incident = desk.make("Incident", "Broken")
    problem = desk.make("Problem", "Cause")
    mine = desk.make("Note", "Mine", Document=incident, Kind="Incident")
    family = desk.make("Note", "Family", Document=incident, Kind="Work")
    desk.make("Note", "Other", Document=problem, Kind="Problem")
    desk.night()
    plan = desk.archive_plan(INCIDENTS)
    assert set(actions(plan)) == {incident, mine, family}
    outcome = desk.run(plan)
    assert set(endings(outcome).values()) == {Ending.ARCHIVED}
    assert set(desk.live("Incident")) == set()
    assert desk.restore(desk.undo(run_of(plan))).whole
    assert desk.live("Note")[mine]["Document"] == incident


def test_an_id_in_a_table_that_the_row_does_not_name_is_another_record(desk: OldDesk) -> None:
    incident = desk.make("Incident", "Broken")
    other = desk.make("Note", "Other")
    desk.org.update("Note", other, {"Document": incident, "Kind": "Problem"}, by="U2")
    desk.night()
    graph = collect(desk.head, INCIDENTS, now=desk.clock.now())
    assert {name: list(rows["id"]) for name, rows in graph.members.tables.items()} == {
        "Incident": [incident]
    }


def test_a_list_loses_a_record_that_is_archived_and_gets_it_back(desk: OldDesk) -> None:
    incident = desk.make("Incident", "Broken", Watchers=f"{desk.ann},{desk.bob}", Opener="ann")
    desk.night()
    graph = collect(desk.head, USERS, now=desk.clock.now())
    assert [(each.table, each.column) for each in graph.emptied] == [("Incident", "Watchers")]
    plan = desk.archive_plan(USERS)
    assert set(actions(plan)) == {desk.ann}
    assert endings(desk.run(plan)) == {desk.ann: Ending.ARCHIVED}
    cells = desk.live("Incident")[incident]
    assert (cells["Watchers"], cells["Opener"]) == (desk.bob, "ann")
    desk.night()
    assert desk.restore(desk.undo(run_of(plan))).whole
    assert desk.ann in desk.live("User")
    assert desk.live("Incident")[incident]["Watchers"] == f"{desk.ann},{desk.bob}"


def test_a_branch_on_a_list_takes_each_record_that_lists_one(desk: OldDesk) -> None:
    listed = desk.make("Incident", "Listed", Watchers=f"{desk.bob},{desk.ann}")
    desk.make("Incident", "Apart", Watchers=desk.bob)
    desk.night()
    branch = ArchiveBranch("Incident", "Watchers", BranchRule.TAKE)
    plan = desk.archive_plan(replace(USERS, branches=(branch,)))
    assert set(actions(plan)) == {desk.ann, listed}


def test_a_branch_on_a_key_is_refused(desk: OldDesk) -> None:
    desk.night()
    branch = ArchiveBranch("Incident", "Opener", BranchRule.TAKE)
    with pytest.raises(UsageError) as caught:
        desk.archive_plan(replace(USERS, branches=(branch,)))
    assert caught.value.code == "archive-reference"
