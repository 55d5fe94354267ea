"""What belongs to a lost record: up, down, sideways, over circles, and no further."""

import pytest

from unit.engine.restore.atelier import (
    LINK,
    Atelier,
    actions,
    codes,
    note_of,
    step_of,
)
from unit.engine.restore.workshop import TEXT
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.model.errors import SourceRefused
from unlost.model.plan import Action, ActionReason, NoteWeight
from unlost.model.source.schema import DeleteRule, Reference, TableTrait
from unlost.model.source.writing import Birth


def test_details_come_back_with_their_master(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    role = atelier.make("Role", "Buyer", Account=account, Contact=contact)
    other = atelier.make("Contact", "Else")
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == dict.fromkeys([account, contact, role], Action.CREATE)
    assert other not in actions(plan)
    assert [step.level for step in plan.steps] == [0, 1, 2]
    assert [step.why for step in plan.steps] == [
        ActionReason.SELECTED,
        ActionReason.CHILD,
        ActionReason.CHILD,
    ]
    assert step_of(plan, contact).because == f"Account/{account}"
    assert plan.snapshot == 1
    assert {step.snapshot for step in plan.steps} == {1}


def test_a_reference_that_the_loss_emptied_is_set_again(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "Call back", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    assert atelier.live("Memo")[memo]["About"] is None
    step = step_of(atelier.plan_of(("Account", account)), memo)
    assert step.action is Action.UPDATE
    assert step.columns == ("About",)
    assert step.live == memo
    assert step.expect is not None


def test_a_child_that_moved_elsewhere_stays_there(atelier: Atelier) -> None:
    account, other = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    memo = atelier.make("Memo", "Call back", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.org.update("Memo", memo, {"About": other})
    plan = atelier.plan_of(("Account", account))
    assert step_of(plan, memo).action is Action.UNCHANGED
    assert step_of(plan, memo).notes == ("moved-since",)
    assert note_of(plan, "moved-since").count == 1


def test_a_child_that_still_points_to_the_lost_record_is_linked_to_the_new_one(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "Call back", About=account)
    atelier.night()
    atelier.org.purge("Account", account)  # nothing is emptied
    step = step_of(atelier.plan_of(("Account", account)), memo)
    assert step.action is Action.UPDATE
    assert step.columns == ("About",)


def test_a_link_that_may_not_be_changed_is_named(atelier: Atelier) -> None:
    atelier.allow("Memo", changeable=frozenset({"Name"}))
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "Call back", About=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    assert step_of(plan, memo).action is Action.UNCHANGED
    assert note_of(plan, "column-fixed").table == "Memo"


def test_other_references_of_a_live_child_are_no_matter(atelier: Atelier) -> None:
    atelier.org.add_table(
        "Note",
        {"Name": TEXT, "One": LINK, "Two": LINK},
        references=dict.fromkeys(("One", "Two"), Reference(("Account",), DeleteRule.SET_NULL)),
    )
    lost, live = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    note = atelier.make("Note", "n", One=lost, Two=live)
    atelier.night()
    atelier.lose("Account", lost)
    atelier.org.update("Note", note, {"Two": None})
    assert step_of(atelier.plan_of(("Account", lost)), note).columns == ("One",)


def test_a_child_of_what_cannot_come_back_stays_as_it_is(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "Call back", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.platform.required.add(("Account", "Number"))
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP, memo: Action.UNCHANGED}


def test_what_hangs_on_a_live_child_is_left_alone(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    below = atelier.make("Account", "Zotter Shop", Parent=account)
    memo = atelier.make("Memo", "Of the shop", About=below)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.CREATE, below: Action.UPDATE}
    assert memo not in actions(plan)


def test_lost_parents_come_back_and_theirs_too_but_not_their_other_children(
    atelier: Atelier,
) -> None:
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter", Parent=top)
    contact = atelier.make("Contact", "Ines", Account=account)
    sister = atelier.make("Contact", "Ida", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Account", top)
    atelier.night()
    plan = atelier.plan_of(("Contact", contact))
    assert actions(plan) == dict.fromkeys([top, account, contact], Action.CREATE)
    assert sister not in actions(plan)
    assert step_of(plan, top).why is ActionReason.PARENT
    assert step_of(plan, top).because == f"Account/{account}"
    assert [step.record for step in plan.steps] == [top, account, contact]


def test_parents_that_live_are_no_part_of_the_plan(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Contact", contact)
    assert actions(atelier.plan_of(("Contact", contact))) == {contact: Action.CREATE}


def test_a_junction_brings_its_other_side(atelier: Atelier) -> None:
    one, two = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    contact = atelier.make("Contact", "Ines", Account=two)
    role = atelier.make("Role", "Adviser", Account=one, Contact=contact)
    aside = atelier.make("Memo", "Of Ines", About=contact)
    atelier.night()
    atelier.lose("Account", one)
    atelier.lose("Contact", contact)
    plan = atelier.plan_of(("Account", one))
    assert actions(plan) == dict.fromkeys([one, contact, role], Action.CREATE)
    assert step_of(plan, contact).why is ActionReason.PARENT
    assert aside not in actions(plan)


def test_a_parent_that_turns_out_to_be_a_child_brings_its_children(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    aside = atelier.make("Memo", "Of Ines", About=contact)
    memo = atelier.make("Memo", "First", About=contact)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Memo", memo)
    plan = atelier.plan_of(("Memo", memo), ("Account", account))
    assert step_of(plan, contact).why is ActionReason.CHILD
    assert actions(plan)[aside] is Action.UPDATE


def test_a_parent_of_a_later_round_becomes_a_child_too(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    shop = atelier.make("Account", "Shop", Parent=account)
    counter = atelier.make("Account", "Counter", Parent=shop)
    memo = atelier.make("Memo", "Of the counter", About=counter)
    paper = atelier.make("Paper", "Plan", Account=counter)
    atelier.night()
    for record in (counter, shop, account):
        atelier.lose("Account", record)
    atelier.lose("Memo", memo)
    plan = atelier.plan_of(("Memo", memo), ("Account", account))
    assert step_of(plan, counter).why is ActionReason.CHILD
    assert actions(plan)[paper] is Action.UPDATE
    assert len(plan.steps) == 5


def test_a_hierarchy_has_a_level_a_step(atelier: Atelier) -> None:
    chain = [atelier.make("Account", "0")]
    for name in "123":
        chain.append(atelier.make("Account", name, Parent=chain[-1]))
    atelier.night()
    for record in reversed(chain):
        atelier.lose("Account", record)
    plan = atelier.plan_of(("Account", chain[0]))
    assert [(step.record, step.level) for step in plan.steps] == [
        (record, at) for at, record in enumerate(chain)
    ]
    assert not any(step.late for step in plan.steps)


def test_a_record_that_points_to_itself_is_set_late(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.org.update("Account", account, {"Parent": account})
    atelier.night()
    atelier.org.purge("Account", account)
    step = step_of(atelier.plan_of(("Account", account)), account)
    assert step.action is Action.CREATE
    assert step.late == ("Parent",)


def test_a_circle_of_two_tables_is_closed_late(atelier: Atelier) -> None:
    team = atelier.make("Team", "Reds")
    lead = atelier.make("Player", "Ada", Team=team)
    other = atelier.make("Player", "Bob", Team=team)
    atelier.org.update("Team", team, {"Lead": lead})
    atelier.night()
    for table, record in (("Player", lead), ("Player", other), ("Team", team)):
        atelier.org.purge(table, record)
    plan = atelier.plan_of(("Team", team))
    assert actions(plan) == dict.fromkeys([team, lead, other], Action.CREATE)
    late = {step.record: step.late for step in plan.steps if step.late}
    assert late in ({team: ("Lead",)}, {lead: ("Team",)})


def test_a_reference_to_one_of_several_tables_finds_the_right_one(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    memos = [atelier.make("Memo", "a", About=account), atelier.make("Memo", "c", About=contact)]
    atelier.night()
    for memo in memos:
        atelier.lose("Memo", memo)
    atelier.lose("Account", account)
    plan = atelier.plan_of(*(("Memo", memo) for memo in memos))
    assert step_of(plan, account).table == "Account"
    assert step_of(plan, contact).table == "Contact"
    assert step_of(plan, contact).level < step_of(plan, memos[1]).level


def test_without_what_is_related_lost_parents_are_named(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    memo = atelier.make("Memo", "Call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Contact", contact), related=RelatedPolicy.NONE)
    assert actions(plan) == {contact: Action.CREATE}
    assert step_of(plan, contact).edits == {"Account": None}
    note = note_of(plan, "parent-missing")
    assert (note.weight, note.column, note.count) == (NoteWeight.WARNING, "Account", 1)
    assert not plan.related
    assert memo not in actions(plan)


def test_without_what_is_related_a_required_parent_blocks(atelier: Atelier) -> None:
    atelier.platform.required.add(("Contact", "Account"))
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Contact", contact), related=RelatedPolicy.NONE)
    assert actions(plan) == {contact: Action.SKIP}
    assert note_of(plan, "parent-required").weight is NoteWeight.BLOCK
    assert actions(atelier.plan_of(("Contact", contact))) == {
        account: Action.CREATE,
        contact: Action.CREATE,
    }


def test_what_needs_a_blocked_record_is_blocked_too(atelier: Atelier) -> None:
    atelier.platform.required |= {
        ("Contact", "Account"),
        ("Role", "Contact"),
        ("Account", "Number"),
    }
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    role = atelier.make("Role", "Buyer", Contact=contact)
    memo = atelier.make("Memo", "About Ines", About=contact)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Memo", memo)
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {
        account: Action.SKIP,
        contact: Action.SKIP,
        role: Action.SKIP,
        memo: Action.CREATE,
    }
    assert step_of(plan, memo).edits == {"About": None}
    assert step_of(plan, account).notes == ("value-missing",)
    assert step_of(plan, role).notes == ("parent-required",)


def test_a_parent_that_no_backup_has_is_missing(atelier: Atelier) -> None:
    contact = atelier.make("Contact", "Ines", Account="Acc999999999")
    atelier.night()
    atelier.lose("Contact", contact)
    plan = atelier.plan_of(("Contact", contact))
    assert step_of(plan, contact).edits == {"Account": None}


def test_a_parent_that_was_lost_before_its_child_comes_back_as_it_last_was(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.org.purge("Account", account)
    atelier.night()
    atelier.lose("Contact", contact)
    atelier.night()
    plan = atelier.plan_of(("Contact", contact))
    assert step_of(plan, account).snapshot == 1
    assert step_of(plan, contact).snapshot == 2
    assert plan.snapshot == 2


def test_records_that_went_at_different_times_come_back_from_different_nights(
    atelier: Atelier,
) -> None:
    one, two = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    contact = atelier.make("Contact", "Ines", Account=one)
    atelier.night()
    atelier.org.update("Contact", contact, {"Account": two})
    atelier.lose("Account", one)
    atelier.night()
    atelier.lose("Account", two)
    atelier.night()
    plan = atelier.plan_of(("Account", one), ("Account", two))
    assert step_of(plan, one).snapshot == 1
    assert step_of(plan, two).snapshot == 2
    assert step_of(plan, contact).snapshot == 2
    assert step_of(plan, contact).because == f"Account/{two}"


def test_a_chosen_record_stays_chosen_though_another_brought_it_first(atelier: Atelier) -> None:
    one = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=one)
    memo = atelier.make("Memo", "Old", About=contact)
    atelier.night()
    atelier.lose("Memo", memo)
    atelier.night()
    again = atelier.make("Memo", "New", About=contact)
    atelier.night()
    atelier.lose("Account", one)
    plan = atelier.plan_of(("Memo", memo), ("Account", one), ("Contact", contact))
    assert step_of(plan, contact).why is ActionReason.SELECTED
    assert step_of(plan, again).why is ActionReason.CHILD
    assert step_of(plan, memo).snapshot == 1


def test_a_chosen_record_that_is_met_on_the_way_brings_what_belonged_to_it_then(
    atelier: Atelier,
) -> None:
    first = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=first)
    atelier.night()
    atelier.lose("Account", first)
    atelier.restore(atelier.plan_of(("Account", first), related=RelatedPolicy.NONE))
    second, _ = atelier.named("Account", "Zotter")
    memo = atelier.make("Memo", "Call", About=second)
    atelier.night()
    atelier.lose("Memo", memo)
    atelier.lose("Account", second)
    plan = atelier.plan_of(("Account", first), ("Memo", memo))
    assert contact in actions(plan), "it belonged to the account in the first backup"
    assert atelier.restore(plan).whole
    account, _ = atelier.named("Account", "Zotter")
    assert atelier.named("Contact", "Ines")[1]["Account"] == account
    assert atelier.named("Memo", "Call")[1]["About"] == account


def test_configuration_and_histories_are_named_once_a_table(atelier: Atelier) -> None:
    atelier.org.add_table(
        "Setting",
        {"Name": TEXT, "Account": LINK},
        references={"Account": Reference(("Account",), DeleteRule.CASCADE)},
        traits=frozenset({*atelier.org.tables["Account"].traits, TableTrait.CONFIGURATION}),
    )
    atelier.org.add_table(
        "Trace",
        {"Name": TEXT, "Account": LINK},
        references={"Account": Reference(("Account",), DeleteRule.CASCADE)},
    )
    atelier.allow("Trace", birth=Birth.NEVER)
    atelier.org.add_table(
        "Closed",
        {"Name": TEXT, "Account": LINK, "Second": LINK},
        references={
            "Account": Reference(("Account",), DeleteRule.CASCADE),
            "Second": Reference(("Account",), DeleteRule.CASCADE),
        },
    )
    atelier.allow("Closed", ops=frozenset(), reason="the licence does not allow it.")
    account = atelier.make("Account", "Zotter")
    for _ in range(3):
        atelier.make("Setting", "s", Account=account)
        atelier.make("Trace", "t", Account=account)
    closed = atelier.make("Closed", "c", Account=account, Second=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    # What the write user may not write is named one by one: the restore is not whole without it.
    assert actions(plan) == {account: Action.CREATE, closed: Action.SKIP}
    assert note_of(plan, "table-configuration").count == 3
    assert note_of(plan, "table-never").count == 3
    assert note_of(plan, "create-not-allowed").count == 1
    assert "licence" in note_of(plan, "create-not-allowed").sentence


def test_a_table_that_the_org_has_no_more_is_named(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.org.purge("Account", account)
    atelier.org.tables["Contact"].dropped = True
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.CREATE}
    assert note_of(plan, "table-gone").table == "Contact"


def test_a_parent_in_a_table_that_cannot_be_asked_is_taken_to_be_there(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Contact", contact)
    atelier.writer.faults.plant("fetch", SourceRefused("no", "no"), table="Account")
    plan = atelier.plan_of(("Contact", contact))
    assert step_of(plan, contact).edits == {}
    assert note_of(plan, "parents-unknown").table == "Account"


def test_a_parent_of_a_table_that_the_org_does_not_have_is_taken_to_be_there(
    atelier: Atelier,
) -> None:
    atelier.org.add_table(
        "Note",
        {"Name": TEXT, "Owner": LINK, "Group": LINK},
        references={"Owner": Reference(("Ghost",)), "Group": Reference(("Ghost", "Spirit"))},
    )
    note = atelier.make("Note", "n", Owner="G1", Group="G2")
    atelier.night()
    atelier.lose("Note", note)
    plan = atelier.plan_of(("Note", note))
    assert step_of(plan, note).edits == {}
    notes = [each for each in plan.notes if each.code == "parents-unknown"]
    assert {each.table for each in notes} == {"Ghost", "Spirit"}


def test_a_restore_emptied_a_reference_whose_record_was_in_an_excluded_table(
    atelier: Atelier,
) -> None:
    references = {"About": Reference(("Account", "Ghost")), "Of": Reference(("Account", "Note"))}
    atelier.org.add_table("Note", {"Name": TEXT, "About": LINK, "Of": LINK}, references=references)
    note = atelier.make("Note", "n", About="G1", Of="G2")
    atelier.night()
    atelier.lose("Note", note)
    plan = atelier.plan_of(("Note", note))
    assert step_of(plan, note).edits == {"Of": None}  # it was in no table
    assert note_of(plan, "parents-unknown").table == "Ghost"


def lost_note(atelier: Atelier) -> str:
    """A lost record that may name one of a table which the org has only since the backup."""
    references = {"About": Reference(("Account", "Late"))}
    atelier.org.add_table("Note", {"Name": TEXT, "About": LINK}, references=references)
    note = atelier.make("Note", "n", About="L1")
    atelier.night()
    atelier.org.add_table("Late", {"Name": TEXT})
    atelier.lose("Note", note)
    return note


def test_a_parent_in_a_table_that_refuses_a_question_is_taken_to_be_there(
    atelier: Atelier,
) -> None:
    note = lost_note(atelier)
    assert step_of(atelier.plan_of(("Note", note)), note).edits == {"About": None}
    atelier.writer.faults.plant("fetch", SourceRefused("no", "no"), table="Late")
    plan = atelier.plan_of(("Note", note))
    assert step_of(plan, note).edits == {}
    assert note_of(plan, "parents-unknown").table == "Late"


def test_a_parent_that_only_the_org_knows_is_found_there(atelier: Atelier) -> None:
    note = lost_note(atelier)
    atelier.org.create("Late", {"Name": "l"}, record="L1")
    plan = atelier.plan_of(("Note", note))
    assert step_of(plan, note).edits == {}
    assert codes(plan) == {"new-id", "authors-new"}


@pytest.mark.parametrize("budget", [0, 1 << 20])
def test_references_that_do_not_fit_into_memory_are_read_again(
    atelier: Atelier, budget: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unlost.engine.restore.planning.graph.children.KEPT_BYTES", budget)
    chain = [atelier.make("Account", "0")]
    for at in range(9):
        chain.append(atelier.make("Account", str(at), Parent=chain[-1]))
    atelier.night()
    for record in reversed(chain):
        atelier.lose("Account", record)
    assert len(atelier.plan_of(("Account", chain[0])).steps) == 10


def test_records_that_need_one_another_first_are_stuck_and_named(atelier: Atelier) -> None:
    atelier.platform.required |= {("Team", "Lead"), ("Player", "Team"), ("Account", "Parent")}
    team = atelier.make("Team", "Reds")
    lead = atelier.make("Player", "Ada", Team=team)
    fan = atelier.make("Player", "Fan", Team=team)
    atelier.org.update("Team", team, {"Lead": lead})
    account = atelier.make("Account", "Zotter")
    atelier.org.update("Account", account, {"Parent": account})
    atelier.night()
    for table, record in (("Team", team), ("Player", lead), ("Player", fan)):
        atelier.org.purge(table, record)
    atelier.org.purge("Account", account)
    plan = atelier.plan_of(("Team", team), ("Account", account))
    assert set(actions(plan).values()) == {Action.SKIP}
    assert note_of(plan, "circle-required", "Team").weight is NoteWeight.BLOCK
    assert step_of(plan, account).notes == ("circle-required",)
    assert step_of(plan, fan).notes == ("parent-required",)


def test_a_reference_to_nothing_in_particular_is_a_value(atelier: Atelier) -> None:
    atelier.org.add_table("Note", {"Name": TEXT, "Any": LINK}, references={"Any": Reference(())})
    note = atelier.make("Note", "n", Any="somewhere")
    atelier.night()
    atelier.lose("Note", note)
    plan = atelier.plan_of(("Note", note))
    assert actions(plan) == {note: Action.CREATE}
    assert step_of(plan, note).edits == {}
