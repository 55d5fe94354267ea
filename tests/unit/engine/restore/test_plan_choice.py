"""What becomes of each record, by what the org has of it now."""

from collections.abc import Iterator, Sequence

import pytest

from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import endings
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_again
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.outcome import Ending
from unlost.model.errors import NotFound
from unlost.model.plan import (
    Action,
    NoteWeight,
    PlanLink,
    RecordKey,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
)
from unlost.model.source.reading import Page, ReadTask
from unlost.model.source.schema import Table, WireKind
from unlost.model.source.writing import (
    Identity,
    LateColumn,
    WriteOp,
)
from unlost.testing.platform import without

BIN = {"identity": Identity.UNDELETE}


def binned(atelier: Atelier, *tables: str) -> None:
    """Let records of these tables come out of the bin with their ids."""
    for table in tables:
        atelier.allow(table, **BIN)


# --- in the bin -----------------------------------------------------------------------------------


def test_what_is_in_the_bin_comes_out_of_it(atelier: Atelier) -> None:
    binned(atelier, "Account", "Contact")
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    atelier.night()
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.UNDELETE, contact: Action.UNDELETE}
    assert [(step.record, step.level, step.live) for step in plan.steps] == [
        (account, 0, account),
        (contact, 1, contact),
    ]
    assert step_of(plan, contact).notes == ("by-cascade",)
    assert note_of(plan, "bin-brings-details").weight is NoteWeight.NOTE
    assert "new-id" not in codes(plan)


def test_what_changed_before_it_went_into_the_bin_is_put_back(atelier: Atelier) -> None:
    binned(atelier, "Account")
    account = atelier.make("Account", "Zotter", Number="1")
    atelier.night()
    atelier.org.update("Account", account, {"Number": "spoilt"})
    atelier.platform.delete("Account", account, by="U2")
    step = step_of(atelier.plan_of(("Account", account)), account)
    assert step.action is Action.UNDELETE
    assert step.columns == ("Number",)
    shape = atelier.source.discover().table("Account")
    assert step.expect == digest(shape, {"Number": "spoilt"})


def test_a_bin_that_gives_nothing_back_is_as_good_as_none(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    assert actions(atelier.plan_of(("Account", account))) == {account: Action.CREATE}
    binned(atelier, "Account")
    atelier.platform.allow(without(atelier.platform.capability("Account"), WriteOp.UNDELETE))
    assert actions(atelier.plan_of(("Account", account))) == {account: Action.CREATE}


def test_a_detail_whose_master_is_gone_for_ever_is_made_anew(atelier: Atelier) -> None:
    binned(atelier, "Account", "Contact")
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    atelier.org.purge("Account", account)
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.CREATE, contact: Action.CREATE}
    alone = atelier.plan_of(("Contact", contact), related=RelatedPolicy.NONE)
    assert actions(alone) == {contact: Action.CREATE}


def test_a_column_that_changed_cannot_be_put_back_without_the_right_to_update(
    atelier: Atelier,
) -> None:
    binned(atelier, "Account")
    atelier.platform.allow(without(atelier.platform.capability("Account"), WriteOp.UPDATE))
    account = atelier.make("Account", "Zotter", Number="1")
    atelier.night()
    atelier.org.update("Account", account, {"Number": "spoilt"})
    live = atelier.plan_of(("Account", account))
    assert actions(live) == {account: Action.SKIP}
    assert step_of(live, account).live == account
    assert note_of(live, "update-not-allowed").weight is NoteWeight.BLOCK
    atelier.platform.delete("Account", account, by="U2")
    step = step_of(atelier.plan_of(("Account", account)), account)
    assert (step.action, step.columns) == (Action.UNDELETE, ())
    assert step.notes == ("update-not-allowed",)


def test_what_may_not_be_created_is_skipped(atelier: Atelier) -> None:
    atelier.platform.allow(without(atelier.platform.capability("Account"), WriteOp.CREATE))
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP}
    assert "create-not-allowed" in codes(plan)


# --- live -----------------------------------------------------------------------------------------


def test_a_live_record_that_is_chosen_is_put_back(atelier: Atelier) -> None:
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter", Number="1", Parent=top)
    atelier.night()
    atelier.org.update("Account", account, {"Number": None, "Parent": None})
    atelier.night()
    plan = atelier.plan_of(("Account", account), at=1)
    step = step_of(plan, account)
    assert (step.action, step.columns, step.live) == (
        Action.UPDATE,
        ("Number", "Parent"),
        account,
    )
    assert step.expect == digest(atelier.source.discover().table("Account"), {})
    atelier.restore(plan)
    assert atelier.live("Account")[account]["Number"] == "1"
    assert atelier.live("Account")[account]["Parent"] == top
    again = atelier.plan_of(("Account", account), at=1)
    assert actions(again) == {account: Action.UNCHANGED}


def test_a_value_that_was_not_there_is_cleared_unless_it_is_needed(atelier: Atelier) -> None:
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.org.update("Account", account, {"Number": "7", "Parent": top})
    assert step_of(atelier.plan_of(("Account", account)), account).columns == ("Number", "Parent")
    atelier.platform.required |= {("Account", "Number"), ("Account", "Parent")}
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.UNCHANGED}
    assert note_of(plan, "value-needed").count == 1


def test_what_can_be_set_on_create_alone_stays(atelier: Atelier) -> None:
    atelier.allow("Account", changeable=frozenset({"Name"}))
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter", Number="1", Parent=top)
    atelier.night()
    atelier.org.update("Account", account, {"Number": "2"})
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.UNCHANGED}
    assert note_of(plan, "column-fixed").weight is NoteWeight.WARNING
    atelier.org.update("Account", account, {"Number": "1", "Parent": None})
    assert "column-fixed" in codes(atelier.plan_of(("Account", account)))


def test_a_live_record_whose_lost_parent_comes_with_it(atelier: Atelier) -> None:
    top = atelier.make("Account", "Holding")
    account = atelier.make("Account", "Zotter", Parent=top)
    aside = atelier.make("Account", "Aside", Parent=top)
    atelier.night()
    atelier.lose("Account", top)
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {top: Action.CREATE, account: Action.UPDATE}
    assert step_of(plan, account).columns == ("Parent",)
    assert aside not in actions(plan)
    alone = atelier.plan_of(("Account", account), related=RelatedPolicy.NONE)
    assert actions(alone) == {account: Action.UNCHANGED}
    assert note_of(alone, "parent-missing").column == "Parent"


def test_columns_that_the_org_no_longer_has_are_named(atelier: Atelier) -> None:
    atelier.org.add_column("Account", "Old", value="x")
    atelier.org.add_column("Account", "Older", value=None)
    account = atelier.make("Account", "Zotter", Old="y", Older=None)
    atelier.night()
    atelier.org.drop_column("Account", "Old")
    atelier.org.drop_column("Account", "Older")
    atelier.lose("Account", account)
    note = note_of(atelier.plan_of(("Account", account)), "column-gone")
    assert (note.column, note.count) == ("Old", 1)


# --- twins and earlier restores -------------------------------------------------------------------


def numbered(atelier: Atelier) -> str:
    """An account with a unique number, lost."""
    atelier.platform.unique.append(("Account", ("Number",)))
    account = atelier.make("Account", "Zotter", Number="1")
    atelier.night()
    atelier.lose("Account", account)
    return account


def test_a_live_twin_with_the_same_unique_value_is_adopted(atelier: Atelier) -> None:
    account = numbered(atelier)
    twin = atelier.make("Account", "Zotter again", Number="1")
    plan = atelier.plan_of(("Account", account), twins=TwinPolicy.ADOPT)
    step = step_of(plan, account)
    assert (step.action, step.live, step.columns) == (Action.ADOPT, twin, ("Name",))
    assert note_of(plan, "adopts-twin").weight is NoteWeight.WARNING
    outcome = atelier.restore(plan)
    assert endings(outcome) == {account: Ending.ADOPTED}
    assert atelier.live("Account")[twin]["Name"] == "Zotter"
    again = atelier.plan_of(("Account", account))
    assert (step_of(again, account).action, step_of(again, account).live) == (
        Action.UNCHANGED,
        twin,
    )


def test_children_of_a_twin_are_linked_to_it(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    account = atelier.make("Account", "Zotter", Number="1")
    memo = atelier.make("Memo", "Call", About=account)
    done = atelier.make("Memo", "Done", About=account)
    atelier.night()
    atelier.lose("Account", account)
    twin = atelier.make("Account", "Zotter", Number="1")
    atelier.org.update("Memo", done, {"About": twin})
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {
        account: Action.ADOPT,
        memo: Action.UPDATE,
        done: Action.UNCHANGED,
    }


def test_a_key_of_a_reference_is_asked_as_the_org_has_it_now(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Role", ("Account", "Contact")))
    one = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines")
    role = atelier.make("Role", "Buyer", Account=one, Contact=contact)
    atelier.night()
    atelier.lose("Role", role)
    twin = atelier.make("Role", "Seller", Account=one, Contact=contact)
    step = step_of(atelier.plan_of(("Role", role), twins=TwinPolicy.ADOPT), role)
    assert (step.action, step.live) == (Action.ADOPT, twin)
    atelier.lose("Contact", contact)
    assert step_of(atelier.plan_of(("Role", role)), role).action is Action.CREATE
    live = atelier.plan_of(("Role", role), ("Account", one))
    assert step_of(live, role).action is Action.CREATE


def test_a_record_of_its_own_that_took_the_key_is_no_twin(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    account = atelier.make("Account", "Zotter", Number="1")
    other = atelier.make("Account", "Lindt", Number="2")
    atelier.night()
    atelier.lose("Account", account)
    atelier.org.update("Account", other, {"Number": "1"})
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP}
    assert note_of(plan, "key-taken").weight is NoteWeight.BLOCK


def test_a_record_of_its_own_that_came_back_with_the_key_is_no_twin(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    one = atelier.make("Account", "Zotter", Number="1")
    other = atelier.make("Account", "Lindt", Number="2")
    atelier.night()
    atelier.org.update("Account", one, {"Number": "3"})
    atelier.org.update("Account", other, {"Number": "1"})
    atelier.night()
    for record in (one, other):
        atelier.lose("Account", record)
    atelier.restore(atelier.plan_of(("Account", one), at=1))
    plan = atelier.plan_of(("Account", other))
    assert actions(plan) == {other: Action.SKIP}
    assert note_of(plan, "key-taken").weight is NoteWeight.BLOCK


def test_a_key_that_several_live_records_share_blocks_that_record_alone(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    lost = [atelier.make("Account", name, Number=name) for name in "abcde"]
    atelier.night()
    for record in lost:
        atelier.lose("Account", record)
    atelier.make("Account", "one", Number="c")
    atelier.make("Account", "two", Number="c")
    twin = atelier.make("Account", "three", Number="e")
    plan = atelier.plan_of(*(("Account", record) for record in lost), twins=TwinPolicy.ADOPT)
    expected = dict.fromkeys(lost, Action.CREATE)
    assert actions(plan) == {**expected, lost[2]: Action.SKIP, lost[4]: Action.ADOPT}
    assert step_of(plan, lost[4]).live == twin
    assert note_of(plan, "key-not-unique").count == 1


def test_of_two_lost_records_with_one_key_only_one_comes_back(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    first = atelier.make("Account", "first", Number="1")
    atelier.night()
    atelier.lose("Account", first)
    second = atelier.make("Account", "second", Number="1")
    atelier.night()
    atelier.lose("Account", second)
    atelier.night()
    plan = atelier.plan_of(("Account", first), ("Account", second))
    assert sorted(actions(plan).values()) == [Action.CREATE, Action.SKIP]
    assert note_of(plan, "key-taken").count == 1


def test_a_twin_that_the_reading_user_does_not_see_is_not_touched(atelier: Atelier) -> None:
    account = numbered(atelier)
    twin = atelier.make("Account", "Hidden", Number="1")
    ids = atelier.source.read_ids
    atelier.source.read_ids = lambda table, keys: ids(table, [k for k in keys if k != twin])
    plan = atelier.plan_of(("Account", account))
    assert actions(plan) == {account: Action.SKIP}
    assert "key-taken" in codes(plan)


def test_restoring_twice_changes_nothing(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    memo = atelier.make("Memo", "Call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    atelier.restore(atelier.plan_of(("Account", account)))
    again = atelier.plan_of(("Account", account))
    assert set(actions(again).values()) == {Action.UNCHANGED}
    assert set(actions(again)) == {account, contact, memo}
    assert step_of(again, account).live not in (None, account)
    before = atelier.live("Contact")
    atelier.restore(again)
    assert atelier.live("Contact") == before


def test_a_record_that_came_back_and_was_lost_again_comes_back_once_more(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    atelier.restore(atelier.plan_of(("Account", account)))
    second, _ = atelier.named("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", second)
    atelier.night()
    for record in (account, second):
        plan = atelier.plan_of(("Account", record))
        assert step_of(plan, record).action is Action.CREATE
        assert len(plan.steps) == 2
    atelier.restore(plan)
    third, _ = atelier.named("Account", "Zotter")
    for record in (account, second):
        step = step_of(atelier.plan_of(("Account", record)), record)
        assert (step.action, step.live) == (Action.UNCHANGED, third)
    assert contact not in atelier.live("Contact")


def test_a_reference_to_a_record_that_came_back_follows_it(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    paper = atelier.make("Memo", "Call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    atelier.restore(atelier.plan_of(("Account", account), related=RelatedPolicy.NONE))
    live, _ = atelier.named("Account", "Zotter")
    plan = atelier.plan_of(("Contact", contact))
    assert actions(plan) == {contact: Action.CREATE}
    assert plan.links == (PlanLink("Account", account, live),)
    atelier.restore(plan)
    assert atelier.named("Contact", "Ines")[1]["Account"] == live
    relinked = atelier.plan_of(("Account", account))
    assert step_of(relinked, paper).columns == ("About",)


def test_a_parent_that_is_there_under_its_old_id_again_is_taken(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    atelier.restore(atelier.plan_of(("Account", account), related=RelatedPolicy.NONE))
    live, _ = atelier.named("Account", "Zotter")
    atelier.lose("Account", live)
    atelier.org.create("Account", {"Name": "Zotter"}, record=account)
    plan = atelier.plan_of(("Contact", contact))
    assert plan.links == (PlanLink("Account", account, account),)
    atelier.restore(plan)
    assert atelier.named("Contact", "Ines")[1]["Account"] == account


def test_what_failed_is_planned_again_and_nothing_else_of_it(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    memos = [atelier.make("Memo", name, About=account) for name in "abc"]
    atelier.night()
    atelier.lose("Account", account)
    other = atelier.make("Account", "Lindt")
    first = atelier.plan_of(("Account", account))
    atelier.restore(atelier.plan_of(("Account", account), related=RelatedPolicy.NONE))
    live, _ = atelier.named("Account", "Zotter")
    atelier.org.update("Memo", memos[0], {"Name": "renamed"})
    atelier.org.update("Memo", memos[1], {"About": other})
    keys = {RecordKey("Memo", memo) for memo in memos[:2]}
    again = plan_again(first, keys, atelier.planning(), plan_id="again")
    assert {step.key for step in again.steps} == keys
    assert step_of(again, memos[0]).columns == ("About",)
    assert step_of(again, memos[1]).notes == ("changed-since",)
    atelier.restore(again)
    assert atelier.live("Memo")[memos[0]]["About"] == live
    assert atelier.live("Memo")[memos[0]]["Name"] == "renamed"
    assert atelier.live("Memo")[memos[1]]["About"] == other


def test_a_record_that_failed_is_planned_again_in_the_state_of_then(atelier: Atelier) -> None:
    account = atelier.make("Account", "first")
    atelier.night()
    atelier.org.update("Account", account, {"Name": "second"})
    atelier.night()
    atelier.lose("Account", account)
    first = atelier.plan_of(("Account", account), at=1)
    again = plan_again(first, {RecordKey("Account", account)}, atelier.planning(), plan_id="again")
    assert step_of(again, account) == step_of(first, account)


def test_what_failed_of_a_change_is_planned_again_by_its_columns(atelier: Atelier) -> None:
    made = spoilt(atelier)
    first = atelier.plan_changed(1, 2, "Account", "Number")
    atelier.org.update("Account", made[1], {"Number": "newer"})
    keys = {RecordKey("Account", record) for record in made[:2]}
    again = plan_again(first, keys, atelier.planning(), plan_id="again")
    assert actions(again) == {made[0]: Action.UPDATE, made[1]: Action.UNCHANGED}
    assert step_of(again, made[0]).columns == ("Number",)


def chosen(atelier: Atelier, record: str, *columns: str, at: int | None = None) -> RestorePlan:
    key = RecordKey("Account", record)
    selection = Selection(SelectionKind.RECORDS, (key,), columns=columns)
    return atelier.planned(selection, at=at, related=RelatedPolicy.NONE)


def test_one_column_of_a_record_is_put_back_whatever_the_org_has_now(atelier: Atelier) -> None:
    account = atelier.make("Account", "first", Number="1")
    atelier.night()
    atelier.org.update("Account", account, {"Name": "second", "Number": "2"})
    atelier.night()
    atelier.org.update("Account", account, {"Number": "3"})
    plan = chosen(atelier, account, "Number", at=1)
    assert step_of(plan, account).columns == ("Number",)
    assert step_of(plan, account).notes == ()
    again = plan_again(plan, {RecordKey("Account", account)}, atelier.planning(), plan_id="again")
    assert step_of(again, account) == step_of(plan, account)
    atelier.restore(plan)
    assert atelier.live("Account")[account]["Number"] == "1"
    assert atelier.live("Account")[account]["Name"] == "second"


def test_one_column_of_a_lost_record_is_not_put_back(atelier: Atelier) -> None:
    account = atelier.make("Account", "first", Number="1")
    atelier.night()
    atelier.lose("Account", account)
    plan = chosen(atelier, account, "Number", at=1)
    assert actions(plan) == {account: Action.SKIP}
    assert step_of(plan, account).notes == ("lost-since",)


# --- between two backups --------------------------------------------------------------------------


def spoilt(atelier: Atelier) -> list[str]:
    """Accounts whose numbers were spoilt between backup 1 and 2."""
    made = [atelier.make("Account", name, Number=name) for name in "abcd"]
    atelier.night()
    for record in made[:3]:
        atelier.org.update("Account", record, {"Number": "spoilt", "Name": "other"})
    atelier.night()
    return made


def test_columns_that_changed_are_put_back_alone(atelier: Atelier) -> None:
    made = spoilt(atelier)
    plan = atelier.plan_changed(1, 2, "Account", "Number")
    assert actions(plan) == dict.fromkeys(made[:3], Action.UPDATE)
    assert {step.columns for step in plan.steps} == {("Number",)}
    atelier.restore(plan)
    numbers = [atelier.live("Account")[record]["Number"] for record in made]
    assert numbers == ["a", "b", "c", "d"]
    assert atelier.live("Account")[made[0]]["Name"] == "other"


def test_what_was_changed_again_since_is_left_alone(atelier: Atelier) -> None:
    made = spoilt(atelier)
    atelier.org.update("Account", made[0], {"Number": "newer"})
    atelier.org.update("Account", made[1], {"Number": "b"})
    plan = atelier.plan_changed(1, 2, "Account", "Number")
    assert actions(plan) == {
        made[0]: Action.UNCHANGED,
        made[1]: Action.UNCHANGED,
        made[2]: Action.UPDATE,
    }
    assert step_of(plan, made[0]).notes == ("changed-since",)
    assert note_of(plan, "changed-since").count == 1


def test_what_was_lost_since_is_named(atelier: Atelier) -> None:
    made = spoilt(atelier)
    atelier.lose("Account", made[0])
    binned(atelier, "Account")
    atelier.platform.delete("Account", made[1], by="U2")
    plan = atelier.plan_changed(1, 2, "Account", "Number")
    assert [actions(plan)[record] for record in made[:3]] == [
        Action.SKIP,
        Action.SKIP,
        Action.UPDATE,
    ]
    assert note_of(plan, "lost-since").count == 2


def test_references_that_changed_are_put_back_and_bring_their_records(atelier: Atelier) -> None:
    top = atelier.make("Account", "Holding")
    made = [atelier.make("Account", name, Parent=top) for name in "ab"]
    atelier.night()
    atelier.lose("Account", top)
    other = atelier.make("Account", "Other")
    atelier.night()
    atelier.org.update("Account", made[1], {"Parent": other})
    plan = atelier.plan_changed(1, 2, "Account", "Parent")
    assert actions(plan) == {
        top: Action.CREATE,
        made[0]: Action.UPDATE,
        made[1]: Action.UNCHANGED,
    }
    assert step_of(plan, made[0]).columns == ("Parent",)


def test_everything_lost_between_two_backups(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    contact = atelier.make("Contact", "Ines", Account=account)
    memo = atelier.make("Memo", "Call", About=account)
    atelier.night()
    short = atelier.make("Memo", "Short", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Memo", short)
    atelier.lose("Memo", memo)
    atelier.night()
    plan = atelier.plan_lost(1, 3)
    assert actions(plan) == dict.fromkeys([account, contact, memo], Action.CREATE)
    one = atelier.plan_lost(1, 3, "Memo")
    assert actions(one) == dict.fromkeys([account, memo], Action.CREATE)
    late = atelier.plan_lost(2, 3)
    assert actions(late)[short] is Action.CREATE


def test_what_came_and_went_between_two_backups_is_not_lost(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.night()
    short = atelier.make("Memo", "Short", About=account)
    atelier.night()
    atelier.lose("Memo", short)
    atelier.lose("Account", account)
    atelier.night()
    plan = atelier.plan_lost(1, 3)
    assert actions(plan) == {account: Action.CREATE}


def test_another_night_names_another_state(atelier: Atelier) -> None:
    account = atelier.make("Account", "first")
    atelier.night()
    atelier.org.update("Account", account, {"Name": "second"})
    atelier.night()
    atelier.lose("Account", account)
    atelier.night()
    assert step_of(atelier.plan_of(("Account", account)), account).version == 2
    assert step_of(atelier.plan_of(("Account", account), at=1), account).version == 1
    with pytest.raises(NotFound) as caught:
        atelier.plan_of(("Account", account), at=3)
    assert caught.value.code == "restore-not-alive"


def test_what_changed_elsewhere_is_not_put_back(atelier: Atelier) -> None:
    made = spoilt(atelier)
    atelier.org.update("Account", made[3], {"Name": "other"})
    atelier.night()
    assert made[3] not in actions(atelier.plan_changed(1, 3, "Account", "Number"))


def test_a_record_that_the_source_knows_by_its_id_alone_is_gone(atelier: Atelier) -> None:
    binned(atelier, "Account")
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.org.purge("Account", account)
    source = atelier.source

    def told(table: Table, ids: Sequence[str]) -> Iterator[Page]:
        yield from source.read(ReadTask(table.name, "purged", False, {"since": None}))

    source.read_ids = told
    assert actions(atelier.plan_of(("Account", account))) == {account: Action.CREATE}


def test_a_record_without_a_value_for_its_key_has_no_twin(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    atelier.make("Account", "Other")
    assert actions(atelier.plan_of(("Account", account))) == {account: Action.CREATE}


# --- files and late columns -----------------------------------------------------------------------


def test_a_file_that_the_vault_does_not_hold_blocks_its_record(atelier: Atelier) -> None:
    held = atelier.org.attach("Paper", "held", b"1234")
    empty = atelier.make("Paper", "without")
    atelier.night()
    lost = atelier.make("Paper", "lost", BodySize="9")
    atelier.org.tables["Paper"].files[lost] = b"other"
    atelier.org.update("Paper", lost, {"BodyDigest": "wrong"})
    atelier.night()
    for record in (held, empty, lost):
        atelier.lose("Paper", record)
    plan = atelier.plan_of(*(("Paper", record) for record in (held, empty, lost)))
    assert actions(plan) == {held: Action.CREATE, empty: Action.CREATE, lost: Action.SKIP}
    assert note_of(plan, "file-missing").count == 1
    assert plan.estimate.file_bytes == 4


def test_what_the_capability_sets_late_makes_no_level(atelier: Atelier) -> None:
    atelier.org.add_column("Account", "State", WireKind.TEXT)
    atelier.platform.required.add(("Account", "State"))
    atelier.allow("Account", late=(LateColumn("State", "draft"), LateColumn("Parent")))
    top = atelier.make("Account", "Holding", State="done")
    account = atelier.make("Account", "Zotter", State="draft", Parent=top)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Account", top)
    plan = atelier.plan_of(("Account", top))
    assert {step.level for step in plan.steps} == {0}
    assert plan.estimate.calls == 1 + 1 + 2
