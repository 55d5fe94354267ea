"""Live records that took the unique value of a lost one: adopted only if nothing is overwritten."""

import pytest

from unit.engine.restore.atelier import Atelier, actions, note_of, step_of
from unit.engine.restore.workshop import endings, of
from unlost.engine.restore.planning.plan import plan_again
from unlost.engine.restore.planning.shown.summary import summary
from unlost.engine.restore.values.outcome import Difference, Ending
from unlost.model.plan import (
    Action,
    EmptyReference,
    LiveTwin,
    NoteWeight,
    RecordKey,
    TwinPolicy,
)
from unlost.model.source.writing import Identity, WriteOp
from unlost.testing.platform import without


@pytest.fixture
def taken(atelier: Atelier) -> Atelier:
    """An org in which account numbers are unique."""
    atelier.platform.unique.append(("Account", ("Number",)))
    return atelier


def lost_account(taken: Atelier) -> str:
    account = taken.make("Account", "Zotter", Number="1")
    taken.night()
    taken.lose("Account", account)
    return account


def test_a_live_record_that_took_a_unique_value_is_not_overwritten_unasked(taken: Atelier) -> None:
    account = lost_account(taken)
    newer = taken.make("Account", "Another firm", Number="1")
    plan = taken.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP}
    assert step_of(plan, account).live is None
    assert plan.twins == (LiveTwin("Account", account, newer),)
    assert summary(plan).twins == plan.twins
    told = note_of(plan, "newer-twin")
    assert (told.weight, told.count) == (NoteWeight.BLOCK, 1)
    assert "--adopt" in told.next_step
    outcome = taken.restore(plan)
    assert not outcome.whole
    assert of(outcome, account).ending is Ending.SKIPPED
    assert f"Account/{newer}" in of(outcome, account).sentence
    assert "--adopt" in of(outcome, account).next_step
    assert taken.live("Account")[newer]["Name"] == "Another firm"


def test_a_live_record_is_overwritten_when_it_is_asked_for(taken: Atelier) -> None:
    account = lost_account(taken)
    newer = taken.make("Account", "Another firm", Number="1")
    first = taken.plan_of(("Account", account))
    taken.restore(first)
    failed = {RecordKey("Account", account)}
    again = plan_again(first, failed, taken.planning(), plan_id="again", twins=TwinPolicy.ADOPT)
    assert step_of(again, account).live == newer
    outcome = taken.restore(again)
    assert endings(outcome) == {account: Ending.ADOPTED}
    assert taken.live("Account")[newer]["Name"] == "Zotter"


def test_children_are_not_linked_to_a_live_record_that_may_be_another(taken: Atelier) -> None:
    account = taken.make("Account", "Zotter", Number="1")
    contact = taken.make("Contact", "Ines", Account=account)
    memo = taken.make("Memo", "Call", About=account)
    taken.night()
    taken.lose("Account", account)
    taken.make("Account", "Another firm", Number="1")
    plan = taken.plan_of(("Account", account))
    assert actions(plan) == {
        account: Action.SKIP,
        contact: Action.CREATE,
        memo: Action.UNCHANGED,
    }
    assert set(plan.empty) == {
        EmptyReference("Contact", contact, "Account", f"Account/{account}"),
        EmptyReference("Memo", memo, "About", f"Account/{account}"),
    }
    outcome = taken.restore(plan)
    assert taken.live("Memo")[memo]["About"] is None
    assert of(outcome, memo).differences == (
        Difference("About", "link-lost", f"Account/{account}"),
    )


def test_a_live_record_whose_reference_alone_would_change_is_left_alone(taken: Atelier) -> None:
    parent, other = taken.make("Account", "Holding"), taken.make("Account", "Other holding")
    account = taken.make("Account", "Zotter", Number="1", Parent=parent)
    taken.night()
    taken.lose("Account", account)
    newer = taken.make("Account", "Zotter", Number="1", Parent=other)
    assert actions(taken.plan_of(("Account", account))) == {account: Action.SKIP}
    taken.org.update("Account", newer, {"Parent": parent})
    assert actions(taken.plan_of(("Account", account))) == {account: Action.ADOPT}


def test_a_live_record_with_a_reference_that_was_empty_is_left_alone(taken: Atelier) -> None:
    parent = taken.make("Account", "Holding")
    account = lost_account(taken)
    taken.make("Account", "Zotter", Number="1", Parent=parent)
    assert actions(taken.plan_of(("Account", account))) == {account: Action.SKIP}


def test_a_live_record_that_may_not_be_changed_is_adopted_unasked(taken: Atelier) -> None:
    account = lost_account(taken)
    newer = taken.make("Account", "Another firm", Number="1")
    capability = taken.platform.capability("Account")
    taken.platform.allow(without(capability, WriteOp.UPDATE))
    plan = taken.plan_of(("Account", account))
    assert (step_of(plan, account).action, step_of(plan, account).live) == (Action.ADOPT, newer)
    taken.restore(plan)
    assert taken.live("Account")[newer]["Name"] == "Another firm"


def test_a_record_in_the_bin_whose_value_was_taken_stays_there(taken: Atelier) -> None:
    taken.allow("Account", identity=Identity.UNDELETE)
    account = taken.make("Account", "Zotter", Number="1")
    taken.night()
    taken.platform.delete("Account", account, by="U2")
    newer = taken.make("Account", "Another firm", Number="1")
    plan = taken.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP}
    taken.restore(plan)
    assert set(taken.live("Account")) == {newer}
