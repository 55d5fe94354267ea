"""Records that lost a merge: undeleted, with the children that the merge moved."""

import pytest

from unit.engine.restore.atelier import codes, note_of, step_of
from unit.engine.restore.clients import DOUBLE, KEPT, ORDER, Merged
from unit.engine.restore.workshop import endings
from unlost.engine.records.history import EventKind, history
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action
from unlost.model.source.writing import WriteOp


@pytest.fixture
def shop(tmp_path) -> Merged:
    made = Merged(tmp_path)
    made.clients()
    return made


def winners(shop: Merged, record: str = DOUBLE) -> list[str | None]:
    """The winners that the history names, deletion after deletion."""
    events = history(shop.vault, shop.oid, "Client", record)
    return [event.merged_into for event in events if event.kind is EventKind.DELETED]


@pytest.mark.parametrize("seen", [True, False])
def test_children_move_back_to_an_undeleted_loser(shop: Merged, seen: bool) -> None:
    shop.merge()
    if seen:
        shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    lost, child = step_of(plan, DOUBLE), step_of(plan, ORDER)
    assert (lost.action, lost.notes) == (Action.UNDELETE, ("was-merged",))
    assert (child.action, child.columns, child.notes) == (
        Action.UPDATE,
        ("Client",),
        ("moves-back",),
    )
    assert note_of(plan, "moves-back").count == 1
    shop.restore(plan)
    assert shop.live("Order")[ORDER]["Client"] == DOUBLE
    assert shop.live("Client")[DOUBLE]["Winner"] is None
    assert set(shop.live("Client")) == {KEPT, DOUBLE}


def test_children_stay_with_the_winner_without_related_records(shop: Merged) -> None:
    shop.merge()
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), related=RelatedPolicy.NONE)
    assert [step.record for step in plan.steps] == [DOUBLE]
    assert note_of(plan, "was-merged").count == 1
    shop.restore(plan)
    assert shop.live("Order")[ORDER]["Client"] == KEPT


def test_children_move_back_to_a_loser_that_left_the_bin(shop: Merged) -> None:
    shop.merge()
    shop.night()
    shop.platform.purge_bin()
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    lost = step_of(plan, DOUBLE)
    assert (lost.action, lost.notes) == (Action.CREATE, ("was-merged",))
    outcome = shop.restore(plan)
    assert endings(outcome)[DOUBLE] is Ending.CREATED
    anew, _ = shop.named("Client", DOUBLE)
    assert shop.live("Order")[ORDER]["Client"] == anew
    assert winners(shop) == [KEPT]


def test_a_loser_that_cannot_be_restored_has_no_word_about_its_merge(shop: Merged) -> None:
    shop.allow("Client", ops=frozenset({WriteOp.UPDATE}))
    shop.merge()
    assert step_of(shop.plan_of(("Client", DOUBLE)), DOUBLE).notes == ("create-not-allowed",)


def test_children_come_back_through_a_chain_of_merges(shop: Merged) -> None:
    shop.org.create("Client", {"Name": "top"}, record="Cli-top")
    shop.merge()
    shop.night()
    shop.merge("Cli-top", KEPT)
    shop.night()
    assert shop.live("Order")[ORDER]["Client"] == "Cli-top"
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, ORDER).notes == ("moves-back",)


def test_a_child_that_moved_on_after_the_merge_stays_there(shop: Merged) -> None:
    shop.org.create("Client", {"Name": "other"}, record="Cli-other")
    shop.merge()
    shop.org.update("Order", ORDER, {"Client": "Cli-other"})
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, ORDER).notes == ("moved-since",)


def test_a_child_whose_reference_cannot_be_set_stays_with_the_winner(shop: Merged) -> None:
    shop.allow("Order", changeable=frozenset({"Name"}))
    shop.merge()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, ORDER).notes == ("moved-since",)
    assert "moves-back" not in codes(plan)


def test_the_org_moves_what_it_created_itself(shop: Merged) -> None:
    shop.allow("Order", changeable=frozenset({"Name"}), by_product_when=(("Name", "Truffles"),))
    shop.merge()
    child = step_of(shop.plan_of(("Client", DOUBLE)), ORDER)
    assert (child.action, child.notes) == (Action.UNCHANGED, ())


def test_the_history_of_a_loser_names_the_winner_once(shop: Merged) -> None:
    shop.merge()
    shop.night()
    assert winners(shop) == [KEPT]
    (event,) = [
        event
        for event in history(shop.vault, shop.oid, "Client", DOUBLE)
        if event.kind is EventKind.DELETED
    ]
    assert event.by == "U2"
    shop.platform.purge_bin()
    shop.night()
    assert winners(shop) == [KEPT]


def test_a_loser_that_came_back_and_was_deleted_is_merged_no_more(shop: Merged) -> None:
    shop.merge()
    shop.night()
    shop.platform.undelete("Client", DOUBLE, by="U2")
    shop.night()
    shop.platform.delete("Client", DOUBLE, by="U2")
    shop.night()
    assert winners(shop) == [KEPT, None]
    assert winners(shop, KEPT) == []


def test_a_plain_deletion_names_no_winner(shop: Merged) -> None:
    shop.platform.delete("Client", KEPT, by="U2")
    shop.night()
    assert winners(shop, KEPT) == [None]
    assert step_of(shop.plan_of(("Client", KEPT)), KEPT).notes == ()
