"""Taking a merge back: the surviving record gets back the values that the merge overwrote."""

from collections.abc import Collection

import pytest

from unit.engine.restore.atelier import LINK, codes, note_of, step_of
from unit.engine.restore.clients import DOUBLE, KEPT, ORDER, Merged
from unit.engine.restore.workshop import TEXT, of
from unlost.engine.restore.planning.plan import LeftOut, RelatedPolicy, plan_again, plan_restore
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import (
    Action,
    ActionReason,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
)
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import WriteOp
from unlost.testing.platform import RowRefused

PHONE, FAX = f"Phone of {KEPT}", f"Fax of {KEPT}"
OF_LOSER = {"Phone": f"Phone of {DOUBLE}", "Fax": f"Fax of {DOUBLE}"}


@pytest.fixture
def shop(tmp_path) -> Merged:
    made = Merged(tmp_path)
    made.clients()
    return made


def without_winner(shop: Merged, plan: RestorePlan, winner: str = KEPT) -> bool:
    """True if the plan does not touch the surviving record."""
    return winner not in {step.record for step in plan.steps if step.columns}


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("purged", [False, True])
def test_the_winner_gets_back_the_values_that_the_merge_overwrote(
    shop: Merged, seen: bool, purged: bool
) -> None:
    shop.merge(**OF_LOSER)
    if seen or purged:
        shop.night()
    if purged:
        shop.platform.purge_bin()
        shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    winner, lost = step_of(plan, KEPT), step_of(plan, DOUBLE)
    assert (winner.action, winner.columns) == (Action.UPDATE, ("Fax", "Phone"))
    assert (winner.why, winner.because) == (ActionReason.WINNER, f"Client/{DOUBLE}")
    assert winner.notes == ("values-back",)
    assert note_of(plan, "values-back").count == 1
    assert lost.notes == ("was-merged",)
    shop.restore(plan)
    assert (shop.of_kept()["Phone"], shop.of_kept()["Fax"]) == (PHONE, FAX)
    assert shop.named("Client", DOUBLE)[1]["Phone"] == OF_LOSER["Phone"]


def test_planning_again_after_an_unmerge_changes_nothing(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.restore(shop.plan_of(("Client", DOUBLE)))
    again = shop.plan_of(("Client", DOUBLE))
    assert {step.action for step in again.steps} == {Action.UNCHANGED}
    assert KEPT not in {step.record for step in again.steps}


def test_an_empty_value_that_the_winner_got_is_filled_again(shop: Merged) -> None:
    shop.org.update("Client", DOUBLE, {"Phone": None})
    shop.night()
    shop.merge(Phone=None)
    shop.night()
    shop.restore(shop.plan_of(("Client", DOUBLE)))
    assert shop.of_kept()["Phone"] == PHONE


def test_the_winner_keeps_its_values_without_related_records(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), related=RelatedPolicy.NONE)
    assert [step.record for step in plan.steps] == [DOUBLE]


def test_the_winner_can_be_left_out(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    selection = Selection(SelectionKind.RECORDS, (RecordKey("Client", DOUBLE),))
    left_out = LeftOut(records=frozenset({RecordKey("Client", KEPT)}))
    plan = plan_restore(shop.oid, shop.planning(), selection, left_out=left_out, plan_id="p")
    assert {step.record for step in plan.steps} == {DOUBLE, ORDER}


def test_a_value_that_changed_again_since_the_merge_stays(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.org.update("Client", KEPT, {"Phone": "new"})
    plan = shop.plan_of(("Client", DOUBLE))
    step = step_of(plan, KEPT)
    assert step.columns == ("Fax",)
    assert set(step.notes) == {"changed-since", "values-back"}
    shop.restore(plan)
    assert (shop.of_kept()["Phone"], shop.of_kept()["Fax"]) == ("new", FAX)


def test_a_value_that_somebody_put_back_is_left_alone(shop: Merged) -> None:
    shop.merge(Phone=OF_LOSER["Phone"])
    shop.night()
    shop.org.update("Client", KEPT, {"Phone": PHONE})
    assert without_winner(shop, shop.plan_of(("Client", DOUBLE)))


def test_a_value_that_became_the_losers_only_after_the_merge_is_left_alone(shop: Merged) -> None:
    shop.merge()
    shop.night()
    shop.org.update("Client", KEPT, {"Phone": OF_LOSER["Phone"]})
    assert without_winner(shop, shop.plan_of(("Client", DOUBLE)))


@pytest.mark.parametrize("seen", [True, False])
def test_a_value_that_is_not_the_losers_is_named_and_stays(shop: Merged, seen: bool) -> None:
    shop.merge(**OF_LOSER, Site="typed by a person")
    if seen:
        shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).columns == ("Fax", "Phone")
    note = note_of(plan, "merge-unclear")
    assert (note.count, note.column) == (1, "Site")
    shop.restore(plan)
    assert shop.of_kept()["Site"] == "typed by a person"


def test_values_that_are_all_unclear_are_named_on_an_unchanged_winner(shop: Merged) -> None:
    shop.merge(Site="typed", Fax="typed")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).action is Action.UNCHANGED
    note = note_of(plan, "merge-unclear")
    assert "Fax, Site" in note.sentence
    assert note.column is None


def test_a_column_that_the_write_user_may_not_set_is_named(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.hide("Fax")
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).columns == ("Phone",)
    assert note_of(plan, "merge-unclear").column == "Fax"


def test_a_value_that_may_be_set_only_on_create_is_named(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    columns = shop.platform.capability("Client").changeable
    shop.allow("Client", changeable=columns - {"Fax"})
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).columns == ("Phone",)
    assert note_of(plan, "merge-unclear").column == "Fax"


def test_the_stamps_of_the_merge_are_no_changes_of_the_winner(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    columns = shop.platform.capability("Client").settable
    shop.allow("Client", settable=columns | {"Modified", "ModifiedBy"})
    assert "merge-unclear" not in codes(shop.plan_of(("Client", DOUBLE)))


def test_nothing_is_compared_where_nothing_may_be_set(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.allow("Client", settable=frozenset(), changeable=frozenset())
    assert KEPT not in {step.record for step in shop.plan_of(("Client", DOUBLE)).steps}


def test_a_winner_stays_as_it_is_if_the_loser_cannot_come_back(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.allow("Client", ops=frozenset({WriteOp.UPDATE}))
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, DOUBLE).action is Action.SKIP
    assert step_of(plan, KEPT).action is Action.UNCHANGED
    assert "values-back" not in codes(plan)


def test_a_winner_that_was_chosen_itself_is_restored_as_chosen(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), ("Client", KEPT))
    assert step_of(plan, KEPT).why is ActionReason.SELECTED
    assert without_winner(shop, plan)


def test_a_winner_that_is_gone_gets_nothing(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    shop.platform.delete("Client", KEPT, by="U2")
    assert KEPT not in {step.record for step in shop.plan_of(("Client", DOUBLE)).steps}
    shop.platform.purge("Client", KEPT)
    assert KEPT not in {step.record for step in shop.plan_of(("Client", DOUBLE)).steps}


def test_a_winner_that_was_born_after_the_backup_has_no_former_values(shop: Merged) -> None:
    shop.client("Cli-born")
    shop.merge("Cli-born", **OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert {step.record for step in plan.steps} == {DOUBLE, ORDER}


def test_a_loser_that_no_backup_saw_alive_is_no_part_of_a_chain(shop: Merged) -> None:
    """The first winner was born and merged away between two backups."""
    shop.client("Cli-between")
    shop.merge("Cli-between", **OF_LOSER)
    shop.merge(KEPT, "Cli-between", **OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert {step.record for step in plan.steps} == {DOUBLE, ORDER}


def test_an_org_that_names_survivors_only_since_the_last_backup_tells_of_no_merge(
    shop: Merged,
) -> None:
    shop.make("Account", "Candy")
    shop.night()
    (account,) = shop.live("Account")
    shop.lose("Account", account)
    shop.org.add_column("Account", "Survivor", LINK)
    shop.org.tables["Account"].merged_into = "Survivor"
    assert step_of(shop.plan_of(("Account", account)), account).action is Action.CREATE


def test_a_winner_that_is_another_life_of_a_chosen_record_is_restored_as_chosen(
    shop: Merged,
) -> None:
    """The lost record came back under a new id, and another one was merged into that."""
    shop.client("Cli-old")
    shop.night()
    shop.lose("Client", "Cli-old")
    shop.night()
    shop.restore(shop.plan_of(("Client", "Cli-old")))
    again, _ = shop.named("Client", "Cli-old")
    shop.night()
    shop.merge(again, **OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), ("Client", "Cli-old"))
    assert step_of(plan, "Cli-old").columns == ("Fax", "Phone")
    assert step_of(plan, "Cli-old").why is ActionReason.SELECTED


# --- several merges -----------------------------------------------------------------------------


def three(shop: Merged) -> None:
    shop.client("Cli-third")
    shop.org.create("Order", {"Name": "Pralines", "Client": "Cli-third"}, record="Ord-3")
    shop.night()


def test_two_losers_give_back_the_values_of_either(shop: Merged) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, Phone=OF_LOSER["Phone"])
    shop.merge(KEPT, "Cli-third", Fax="Fax of Cli-third")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), ("Client", "Cli-third"))
    assert step_of(plan, KEPT).columns == ("Fax", "Phone")
    assert "merge-unclear" not in codes(plan)
    shop.restore(plan)
    assert (shop.of_kept()["Phone"], shop.of_kept()["Fax"]) == (PHONE, FAX)


def test_of_two_losers_the_restored_one_alone_gives_its_value_back(shop: Merged) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, Phone=OF_LOSER["Phone"])
    shop.merge(KEPT, "Cli-third", Fax="Fax of Cli-third")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).columns == ("Phone",)
    assert note_of(plan, "merge-unclear").column == "Fax"


def test_the_values_of_an_earlier_merge_are_named_and_come_back_with_the_next_plan(
    shop: Merged,
) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, Phone=OF_LOSER["Phone"])
    shop.night()
    shop.merge(KEPT, "Cli-third", Fax="Fax of Cli-third")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), ("Client", "Cli-third"))
    assert step_of(plan, KEPT).columns == ("Fax",)
    assert note_of(plan, "merge-unclear").column == "Phone"
    shop.restore(shop.plan_of(("Client", "Cli-third")))
    shop.restore(shop.plan_of(("Client", DOUBLE)))
    assert (shop.of_kept()["Phone"], shop.of_kept()["Fax"]) == (PHONE, FAX)


@pytest.mark.parametrize("night", [True, False])
def test_a_value_that_was_handed_on_to_a_third_record_goes_back_there(
    shop: Merged, night: bool
) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, **OF_LOSER)
    if night:
        shop.night()
    shop.merge("Cli-third", KEPT, Phone=OF_LOSER["Phone"])
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, "Cli-third").columns == ("Phone",)
    assert step_of(plan, ORDER).notes == ("moves-back",)
    shop.restore(plan)
    assert shop.of_kept("Cli-third")["Phone"] == "Phone of Cli-third"
    assert shop.of_kept("Cli-third")["Fax"] == "Fax of Cli-third"


def test_a_second_merge_that_no_backup_saw_is_followed_too(shop: Merged) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, **OF_LOSER)
    shop.night()
    shop.merge("Cli-third", KEPT, Phone=OF_LOSER["Phone"])
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, "Cli-third").columns == ("Phone",)
    assert step_of(plan, ORDER).notes == ("moves-back",)
    shop.restore(plan)
    assert shop.live("Order")[ORDER]["Client"] == DOUBLE


def test_a_chain_is_followed_through_a_winner_that_left_the_bin(shop: Merged) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE, **OF_LOSER)
    shop.night()
    shop.merge("Cli-third", KEPT, Phone=OF_LOSER["Phone"])
    shop.night()
    shop.platform.purge_bin()
    shop.night()
    assert step_of(shop.plan_of(("Client", DOUBLE)), "Cli-third").columns == ("Phone",)


def test_the_own_value_of_the_winner_between_is_not_taken_from_the_third(shop: Merged) -> None:
    three(shop)
    shop.merge(KEPT, DOUBLE)
    shop.night()
    shop.merge("Cli-third", KEPT, Phone=PHONE)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert without_winner(shop, plan, "Cli-third")


def test_records_that_name_one_another_as_winners_have_no_survivor(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.org.tables["Client"].records[KEPT].cells["Winner"] = DOUBLE
    shop.platform.delete("Client", KEPT, by="U2")
    assert {step.record for step in shop.plan_of(("Client", DOUBLE)).steps} == {DOUBLE, ORDER}


def test_a_chain_without_end_is_followed_for_some_merges(
    shop: Merged, monkeypatch: pytest.MonkeyPatch
) -> None:
    three(shop)
    monkeypatch.setattr("unlost.engine.restore.planning.graph.merges.MOST_MERGES", 1)
    shop.merge(KEPT, DOUBLE, **OF_LOSER)
    shop.merge("Cli-third", KEPT, **OF_LOSER)
    shop.night()
    assert without_winner(shop, shop.plan_of(("Client", DOUBLE)), "Cli-third")


# --- references ---------------------------------------------------------------------------------


def families(shop: Merged) -> None:
    """Each client below another one."""
    for key in (KEPT, DOUBLE):
        shop.client(f"Above-{key}")
        shop.org.update("Client", key, {"Parent": f"Above-{key}"})
    shop.night()


def test_a_reference_that_the_winner_took_over_goes_back(shop: Merged) -> None:
    families(shop)
    shop.merge(Parent=f"Above-{DOUBLE}")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, KEPT).columns == ("Parent",)
    shop.restore(plan)
    assert shop.of_kept()["Parent"] == f"Above-{KEPT}"


def test_a_lost_record_that_the_winner_named_before_the_merge_comes_back(shop: Merged) -> None:
    families(shop)
    shop.merge(Parent=f"Above-{DOUBLE}")
    shop.night()
    shop.lose("Client", f"Above-{KEPT}")
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    assert step_of(plan, f"Above-{KEPT}").why is ActionReason.PARENT
    shop.restore(plan)
    above, _ = shop.named("Client", f"Above-{KEPT}")
    assert shop.of_kept()["Parent"] == above


def test_a_winner_below_the_loser_goes_back_below_it_with_its_values(shop: Merged) -> None:
    shop.org.update("Client", KEPT, {"Parent": DOUBLE})
    shop.night()
    shop.merge(**OF_LOSER, Parent=None)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    step = step_of(plan, KEPT)
    assert step.why is ActionReason.CHILD
    assert step.columns == ("Fax", "Parent", "Phone")
    shop.restore(plan)
    kept = shop.of_kept()
    assert (kept["Parent"], kept["Phone"]) == (DOUBLE, PHONE)


def test_a_winner_that_is_planned_as_of_another_backup_keeps_its_values(shop: Merged) -> None:
    shop.org.update("Client", KEPT, {"Parent": DOUBLE})
    shop.night()
    shop.night()
    shop.merge(**OF_LOSER, Parent=None)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE), at=2)
    assert step_of(plan, KEPT).columns == ("Parent",)


# --- after the plan -----------------------------------------------------------------------------


def test_an_edit_between_the_plan_and_its_run_is_a_conflict(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    shop.org.update("Client", KEPT, {"Phone": "new"})
    outcome = shop.restore(plan)
    assert of(outcome, KEPT).ending is Ending.CONFLICT
    assert shop.of_kept()["Phone"] == "new"


def test_an_undo_gives_the_merged_values_and_children_back(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    before = {name: shop.live(name) for name in ("Client", "Order")}
    before = {name: {k: dict(v) for k, v in rows.items()} for name, rows in before.items()}
    plan = shop.plan_of(("Client", DOUBLE))
    shop.restore(plan)
    after = {name: {k: dict(v) for k, v in shop.live(name).items()} for name in before}
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    assert {name: shop.live(name) for name in before} == before
    shop.restore(shop.undo(run_of(undo)))
    assert {name: shop.live(name) for name in before} == after


@pytest.mark.parametrize(("name", "action"), [("direct", Action.DELETE), ("typed", Action.SKIP)])
def test_a_relation_that_moves_with_its_child_does_not_keep_the_loser(
    shop: Merged, name: str, action: Action
) -> None:
    """An undo of an unmerge kept the customer for the sake of its contacts' direct relations."""
    rule = DeleteRule.CASCADE
    shop.org.add_table(
        "Tie",
        {"Name": TEXT, "Client": LINK, "Order": LINK},
        references={"Client": Reference(("Client",), rule), "Order": Reference(("Order",), rule)},
    )
    shop.allow("Tie", by_product_when=(("Name", "direct"),))
    shop.merge(**OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    shop.restore(plan)
    shop.org.create("Tie", {"Name": name, "Client": DOUBLE, "Order": ORDER})
    assert step_of(shop.undo(run_of(plan)), DOUBLE).action is action


def again(shop: Merged, plan: RestorePlan, failed: Collection[str]) -> RestorePlan:
    keys = [step.key for step in plan.steps if step.record in failed]
    return plan_again(plan, keys, shop.planning(), plan_id="again")


@pytest.mark.parametrize("seen", [True, False])
@pytest.mark.parametrize("edited", [False, True])
def test_a_winner_and_a_child_that_failed_are_tried_again(
    shop: Merged, seen: bool, edited: bool
) -> None:
    shop.merge(**OF_LOSER)
    if seen:
        shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Order")
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Client", after=1)
    outcome = shop.restore(plan)
    assert {of(outcome, key).ending for key in (KEPT, ORDER)} == {Ending.FAILED}
    if edited:
        shop.org.update("Client", KEPT, {"Phone": "new"})
    retry = again(shop, plan, {KEPT, ORDER})
    shop.restore(retry)
    assert shop.live("Order")[ORDER]["Client"] == DOUBLE
    assert shop.of_kept()["Phone"] == ("new" if edited else PHONE)
    assert shop.of_kept()["Fax"] == (OF_LOSER["Fax"] if edited else FAX)


def test_a_winner_that_is_gone_by_the_second_try_is_named(shop: Merged) -> None:
    shop.merge(**OF_LOSER)
    shop.night()
    plan = shop.plan_of(("Client", DOUBLE))
    shop.lose("Client", KEPT)
    shop.restore(plan)
    assert step_of(again(shop, plan, {KEPT}), KEPT).notes == ("lost-since",)
