"""What a parked restore reports: how much of its plan is restored, and how much is missing."""

from unit.engine.restore.atelier import Atelier
from unlost.engine.restore.values.outcome import ParkedRestore
from unlost.model.errors import LimitReached
from unlost.model.plan import Action, RestorePlan
from unlost.model.source.writing import Identity


def parked(atelier: Atelier, plan: RestorePlan) -> ParkedRestore:
    outcome = atelier.try_restore(plan)
    assert isinstance(outcome, ParkedRestore)
    assert outcome.message.args["done"] == outcome.done
    assert outcome.message.args["count"] == outcome.done + outcome.open
    return outcome


def test_a_restore_that_parked_at_once_counted_all_its_undeletes_as_restored(
    atelier: Atelier,
) -> None:
    binned = [atelier.make("Account", name) for name in ("Ann", "Ben", "Cid")]
    atelier.night()
    for record in binned:
        atelier.platform.delete("Account", record, by="U2")
    atelier.allow("Account", identity=Identity.UNDELETE)
    plan = atelier.plan_of(*(("Account", record) for record in binned))
    assert {step.action for step in plan.steps} == {Action.UNDELETE}
    spent = LimitReached("calls-spent", "No calls are left today.")
    atelier.writer.faults.plant("write", spent, table="Account")
    outcome = parked(atelier, plan)
    assert (outcome.done, outcome.open) == (0, 3)
    assert "0 of 3 records are restored; 3 are missing." in outcome.message.sentence
    assert atelier.restore(plan).whole


def test_a_parked_restore_counted_live_records_that_it_had_yet_to_update(atelier: Atelier) -> None:
    changed, same = atelier.make("Account", "Candy", Number="007"), atelier.make("Account", "Same")
    contact = atelier.make("Contact", "Ann")
    atelier.night()
    atelier.org.update("Account", changed, {"Number": "9"})
    atelier.lose("Contact", contact)
    plan = atelier.plan_of(("Account", changed), ("Account", same), ("Contact", contact))
    assert Action.UNCHANGED in {step.action for step in plan.steps}
    spent = LimitReached("calls-spent", "No calls are left today.")
    atelier.writer.faults.plant("write", spent, table="Account")
    outcome = parked(atelier, plan)
    assert (outcome.done, outcome.open) == (1, 1)  # the contact is created, the account is not set
    assert atelier.restore(plan).whole


def test_a_record_that_still_lacks_its_late_references_counts_as_missing(atelier: Atelier) -> None:
    team = atelier.make("Team", "Blue")
    player = atelier.make("Player", "Ann", Team=team)
    atelier.org.update("Team", team, {"Lead": player})
    atelier.night()
    atelier.lose("Player", player)
    atelier.lose("Team", team)
    plan = atelier.plan_of(("Team", team))
    late = [step for step in plan.steps if step.late]
    assert late
    spent = LimitReached("calls-spent", "No calls are left today.")
    atelier.writer.faults.plant("write", spent, table=late[0].table, after=1)
    outcome = parked(atelier, plan)
    assert (outcome.done, outcome.open) == (len(plan.steps) - len(late), len(late))
    assert atelier.restore(plan).whole
