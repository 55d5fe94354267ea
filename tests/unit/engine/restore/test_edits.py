"""Values that people type over what was, and whom references name instead."""

from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, note_of, step_of
from unit.engine.restore.workshop import endings, of
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_again, plan_restore
from unlost.engine.restore.planning.shown.summary import TypedRecord, summary
from unlost.engine.restore.values.edits import (
    NO_EDITS,
    Edits,
    edits_of,
    merged,
    typed_text,
    why_not,
)
from unlost.engine.restore.values.outcome import Difference, Ending
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.errors import UsageError
from unlost.model.plan import (
    Action,
    ActionReason,
    Holder,
    RecordKey,
    ReferenceOverride,
    RestorePlan,
    Selection,
    SelectionKind,
    TwinPolicy,
    TypedOverride,
    TypedValue,
)
from unlost.model.source.schema import Column, DeleteRule, Reference, WireKind
from unlost.model.source.writing import ByProduct, Identity, NeverColumn, NeverReason, WriteOp
from unlost.testing.platform import RowRefused


def typed(table: str, record: str, **values: str | None) -> Edits:
    return Edits({RecordKey(table, record): values})


def instead(table: str, record: str, live: str) -> Edits:
    return Edits(instead={RecordKey(table, record): live})


def planned(shop: Atelier, edits: Edits, *records: tuple[str, str], **more: Any) -> RestorePlan:
    keys = tuple(RecordKey(table, record) for table, record in records)
    selection = Selection(SelectionKind.RECORDS, keys)
    shop.plans += 1
    return plan_restore(
        shop.oid,
        shop.planning(),
        selection,
        edits=edits,
        plan_id=f"plan-{shop.plans}",
        **more,
    )


def again(shop: Atelier, plan: RestorePlan, failed: set[RecordKey], **more: Any) -> RestorePlan:
    return plan_again(plan, failed, shop.planning(), plan_id=f"{plan.id}-try-2", **more)


def refusal(code: str, call: Any, *given: Any, **more: Any) -> UsageError:
    with pytest.raises(UsageError) as caught:
        call(*given, **more)
    assert caught.value.code == code
    assert caught.value.next_step
    return caught.value


class Family:
    """An account and its contact, lost; an owner of both, and another person."""

    def __init__(self, shop: Atelier, *, lost: bool = True) -> None:
        shop.org.add_table("Person", {"Name": WireKind.TEXT})
        for table in ("Account", "Contact", "Memo"):
            columns = shop.org.tables[table].columns
            columns["Owner"] = Column("Owner", LINK, reference=Reference(("Person",)))
            columns["ModifiedBy"] = replace(columns["ModifiedBy"], reference=Reference(("Person",)))
        self.gone, self.here = (shop.make("Person", name) for name in ("Gone", "Here"))
        self.account = shop.make("Account", "Zotter", Number="007", Owner=self.gone)
        self.contact = shop.make("Contact", "Ann", Account=self.account, Owner=self.gone)
        shop.night()
        if lost:
            shop.lose("Account", self.account)


# --- typed values ---------------------------------------------------------------------------------


def test_a_record_comes_back_with_what_was_typed(atelier: Atelier) -> None:
    lost = Family(atelier)
    edits = typed("Account", lost.account, Number="008", Name=None)
    plan = planned(atelier, edits, ("Account", lost.account))
    assert step_of(plan, lost.account).edits == {"Number": "008", "Name": None}
    assert step_of(plan, lost.contact).edits == {}
    assert note_of(plan, "typed").sentence.startswith("1 record of Account will get values")
    outcome = atelier.restore(read_plan(write_plan(plan)))
    assert of(outcome, lost.account).differences == ()
    (cells,) = atelier.live("Account").values()
    assert (cells["Number"], cells.get("Name")) == ("008", None)


def test_the_digest_stays_that_of_the_vault(atelier: Atelier) -> None:
    lost = Family(atelier)
    plain = planned(atelier, NO_EDITS, ("Account", lost.account))
    edited = planned(
        atelier, typed("Account", lost.account, Number="008"), ("Account", lost.account)
    )
    assert step_of(plain, lost.account).digest == step_of(edited, lost.account).digest


def test_a_plan_in_which_nothing_was_typed_reads_as_plans_always_did(atelier: Atelier) -> None:
    lost = Family(atelier)
    plan = planned(atelier, NO_EDITS, ("Account", lost.account))
    assert b'"typed"' not in write_plan(plan)
    bare = replace(plan, choices=type(plan.choices)())
    assert b'"choices"' not in write_plan(bare)


def test_a_live_record_gets_only_what_was_typed_for_it(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter", Number="007")
    contact = atelier.make("Contact", "Ann", Account=account)
    memo = atelier.make("Memo", "m", About=contact)
    atelier.night()
    atelier.lose("Contact", contact)
    atelier.org.update("Memo", memo, {"Name": "newer"})
    plan = planned(atelier, typed("Memo", memo, Name="typed"), ("Contact", contact))
    step = step_of(plan, memo)
    assert (step.action, step.why, step.columns) == (
        Action.UPDATE,
        ActionReason.CHILD,
        ("About", "Name"),
    )
    atelier.restore(plan)
    assert atelier.live("Memo")[memo]["Name"] == "typed"


def test_a_reference_of_a_live_record_that_came_along_is_typed(atelier: Atelier) -> None:
    account, other = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    child = atelier.make("Account", "Child", Parent=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = planned(atelier, typed("Account", child, Parent=other), ("Account", account))
    assert step_of(plan, child).columns == ("Parent",)
    atelier.restore(plan)
    assert atelier.live("Account")[child]["Parent"] == other


def test_what_is_live_as_it_was_typed_is_left_alone(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter", Number="007")
    atelier.night()
    atelier.org.update("Account", account, {"Number": "008"})
    plan = planned(atelier, typed("Account", account, Number="008"), ("Account", account))
    assert actions(plan) == {account: Action.UNCHANGED}
    assert summary(plan).typed == 0


def test_what_was_typed_counts_more_than_what_others_wrote_meanwhile(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter", Number="007")
    atelier.night()
    atelier.org.update("Account", account, {"Number": "wrong", "Name": "wrong"})
    atelier.night()
    atelier.org.update("Account", account, {"Number": "newer"})
    selection = Selection(
        SelectionKind.CHANGED, after=1, until=2, table="Account", columns=("Number",)
    )
    edits = typed("Account", account, Number="008", Name="Typed")
    plan = plan_restore(atelier.oid, atelier.planning(), selection, edits=edits, plan_id="p")
    assert step_of(plan, account).columns == ("Name", "Number")
    outcome = atelier.restore(plan)
    assert of(outcome, account).differences == ()
    assert (
        atelier.live("Account")[account] | {"Number": "008", "Name": "Typed"}
        == atelier.live("Account")[account]
    )


def test_a_value_for_a_column_that_the_org_requires_by_now(atelier: Atelier) -> None:
    lost = Family(atelier)
    atelier.org.add_column("Account", "Region")
    atelier.platform.required.add(("Account", "Region"))
    plan = planned(atelier, NO_EDITS, ("Account", lost.account))
    assert step_of(plan, lost.account).action is Action.SKIP
    plan = planned(atelier, typed("Account", lost.account, Region="EU"), ("Account", lost.account))
    outcome = atelier.restore(plan)
    assert outcome.whole
    (cells,) = atelier.live("Account").values()
    assert cells["Region"] == "EU"


def test_a_column_that_came_later_is_typed_for_one_record_alone(atelier: Atelier) -> None:
    one, other = atelier.make("Account", "a"), atelier.make("Account", "b")
    atelier.night()
    atelier.org.add_column("Account", "Region", value="US")
    atelier.org.add_column("Account", "Agent", LINK)
    columns = atelier.org.tables["Account"].columns
    columns["Agent"] = replace(columns["Agent"], reference=Reference(("Account",)))
    atelier.org.update("Account", other, {"Agent": other})
    edits = typed("Account", one, Region="EU", Agent=other)
    plan = planned(atelier, edits, ("Account", one), ("Account", other))
    assert actions(plan) == {one: Action.UPDATE, other: Action.UNCHANGED}
    atelier.restore(plan)
    assert atelier.live("Account")[one]["Region"] == "EU"
    assert atelier.live("Account")[one]["Agent"] == other
    assert atelier.live("Account")[other]["Region"] == "US"


def test_a_typed_unique_value_is_looked_for_in_the_org(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    lost = Family(atelier)
    twin = atelier.make("Account", "By hand", Number="007")
    plan = planned(atelier, NO_EDITS, ("Account", lost.account), twins=TwinPolicy.ADOPT)
    assert step_of(plan, lost.account).live == twin
    plan = planned(atelier, typed("Account", lost.account, Number="008"), ("Account", lost.account))
    assert step_of(plan, lost.account).action is Action.CREATE


def test_a_record_is_meant_under_each_of_its_ids(atelier: Atelier) -> None:
    lost = Family(atelier)
    first = atelier.restore(planned(atelier, NO_EDITS, ("Account", lost.account)))
    live = of(first, lost.account).live
    assert live is not None
    atelier.night()
    atelier.lose("Account", live)
    plan = planned(atelier, typed("Account", lost.account, Number="9"), ("Account", live))
    assert step_of(plan, live).edits == {"Number": "9"}


# --- references -----------------------------------------------------------------------------------


def test_a_typed_reference_leads_to_a_record_of_the_plan(atelier: Atelier) -> None:
    other = atelier.make("Account", "Lindt")
    lost = Family(atelier)
    atelier.lose("Account", other)
    edits = typed("Contact", lost.contact, Account=other)
    plan = planned(atelier, edits, ("Contact", lost.contact))
    assert set(actions(plan)) == {lost.contact, other}, "its new parent, and not the old one"
    assert atelier.restore(plan).whole
    (contact,) = atelier.live("Contact").values()
    assert contact["Account"] == atelier.named("Account", "Lindt")[0]


def test_a_reference_to_a_record_that_the_vault_never_saw(atelier: Atelier) -> None:
    memo = atelier.make("Memo", "m")
    atelier.night()
    atelier.lose("Memo", memo)
    young = atelier.make("Contact", "young")
    plan = planned(atelier, typed("Memo", memo, About=young), ("Memo", memo))
    assert step_of(plan, memo).edits == {"About": young}
    atelier.restore(plan)
    assert atelier.named("Memo", "m")[1]["About"] == young


def test_a_reference_to_nothing_is_told_as_a_missing_parent(atelier: Atelier) -> None:
    lost = Family(atelier)
    edits = typed("Account", lost.account, Owner="nobody")
    plan = planned(atelier, edits, ("Account", lost.account))
    assert step_of(plan, lost.account).edits == {"Owner": None}
    assert note_of(plan, "parent-missing", "Account").column == "Owner"


def test_a_reference_that_may_lead_to_several_tables_leads_nowhere(atelier: Atelier) -> None:
    memo = atelier.make("Memo", "m")
    atelier.night()
    atelier.lose("Memo", memo)
    plan = planned(atelier, typed("Memo", memo, About="nobody"), ("Memo", memo))
    assert step_of(plan, memo).edits == {"About": None}


def test_a_reference_is_emptied(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "m", About=account)
    atelier.night()
    atelier.lose("Memo", memo)
    plan = planned(atelier, typed("Memo", memo, About=None), ("Memo", memo))
    assert summary(plan).edited == (TypedRecord("Memo", memo, ("About",)),)
    assert summary(plan).columns == ("Memo.About",)
    outcome = atelier.restore(plan)
    assert of(outcome, memo).differences == ()
    assert atelier.named("Memo", "m")[1].get("About") is None


# --- somebody else --------------------------------------------------------------------------------


def test_what_belonged_to_one_belongs_to_another(atelier: Atelier) -> None:
    lost = Family(atelier)
    plan = planned(atelier, instead("Person", lost.gone, lost.here), ("Account", lost.account))
    told = summary(plan)
    assert told.typed == 2
    assert told.holders == (Holder("Person", lost.here, 2),)
    assert step_of(plan, lost.contact).edits == {"Owner": lost.here}
    outcome = atelier.restore(plan)
    assert outcome.whole
    assert atelier.named("Account", "Zotter")[1]["Owner"] == lost.here
    assert atelier.named("Contact", "Ann")[1]["Owner"] == lost.here


def test_those_whom_records_name_are_counted(atelier: Atelier) -> None:
    lost = Family(atelier)
    plan = planned(atelier, NO_EDITS, ("Account", lost.account))
    assert plan.choices.holders == (Holder("Person", lost.gone, 2),)
    settable = {one.table: one.columns for one in plan.choices.settable}
    assert settable["Account"] == ("Name", "Number", "Parent", "Owner")


def test_of_owners_that_may_be_groups_people_alone_are_counted(atelier: Atelier) -> None:
    atelier.org.add_table("Group", {"Name": WireKind.TEXT})
    lost = Family(atelier)
    group = atelier.make("Group", "All")
    columns = atelier.org.tables["Memo"].columns
    columns["Owner"] = replace(columns["Owner"], reference=Reference(("Group", "Person")))
    memos = [atelier.make("Memo", "m", Owner=owner) for owner in (group, lost.gone)]
    atelier.night()
    for memo in memos:
        atelier.lose("Memo", memo)
    plan = planned(atelier, NO_EDITS, *(("Memo", memo) for memo in memos))
    assert plan.choices.holders == (Holder("Person", lost.gone, 1),)
    plan = planned(atelier, instead("Group", group, lost.here), ("Memo", memos[0]))
    assert step_of(plan, memos[0]).edits == {"Owner": lost.here}, "a group can be left too"


def test_a_live_record_that_nobody_chose_keeps_its_owner(atelier: Atelier) -> None:
    lost = Family(atelier)
    memo = atelier.make("Memo", "m", Owner=lost.gone)
    live = atelier.make("Account", "Live", Owner=lost.gone)
    child = atelier.make("Account", "Child", Parent=live, Owner=lost.gone)
    atelier.night()
    atelier.lose("Account", live)
    edits = instead("Person", lost.gone, lost.here)
    plan = planned(atelier, edits, ("Account", live))
    assert step_of(plan, child).edits == {}
    assert step_of(plan, child).columns == ("Parent",)
    failed = {RecordKey("Account", child)}
    assert step_of(again(atelier, plan, failed), child).columns == ("Parent",)
    chosen = planned(atelier, edits, ("Memo", memo))
    assert step_of(chosen, memo).columns == ("Owner",), "this one was chosen"
    assert chosen.choices.holders == (Holder("Person", lost.here, 1),)


def test_who_made_a_record_is_not_given_to_others(atelier: Atelier) -> None:
    lost = Family(atelier)
    usual = atelier.platform.capability("Account")
    atelier.allow("Account", changeable=usual.changeable - {"Owner"})
    plan = planned(atelier, instead("Person", lost.gone, lost.here), ("Account", lost.account))
    assert step_of(plan, lost.account).edits == {}, "set once and never changed: the author"
    assert step_of(plan, lost.contact).edits == {"Owner": lost.here}


def test_a_chosen_column_alone_is_given_to_another(atelier: Atelier) -> None:
    shop = Family(atelier, lost=False)
    changes = {"Owner": shop.here, "Parent": None, "Number": "wrong"}
    atelier.org.update("Account", shop.account, changes)
    atelier.night()
    third = atelier.make("Person", "Third")
    edits = instead("Person", shop.gone, third)
    for column, wanted in (("Owner", ("Owner",)), ("Number", ("Number",))):
        selection = Selection(
            SelectionKind.CHANGED, after=1, until=2, table="Account", columns=(column,)
        )
        plan = plan_restore(
            atelier.oid, atelier.planning(), selection, edits=edits, plan_id=column.lower()
        )
        assert step_of(plan, shop.account).columns == wanted
    atelier.restore(plan)
    assert atelier.live("Account")[shop.account]["Owner"] == shop.here


def test_what_the_org_makes_by_itself_is_given_to_another(atelier: Atelier) -> None:
    lost = Family(atelier, lost=False)
    atelier.org.add_table(
        "Deed",
        {"Name": WireKind.TEXT, "Memo": LINK},
        references={"Memo": Reference(("Memo",), DeleteRule.SET_NULL)},
    )
    memo = atelier.make("Memo", "m", Owner=lost.gone)
    deed = atelier.make("Deed", "d", Memo=memo)
    atelier.allow("Deed", by_products=(ByProduct("Memo", "Memo"),))
    atelier.night()
    atelier.lose("Deed", deed)
    atelier.lose("Memo", memo)
    edits = instead("Person", lost.gone, lost.here)
    plan = planned(atelier, edits, ("Deed", deed), ("Memo", memo))
    assert step_of(plan, memo).action is Action.BY_PRODUCT
    assert "Owner" in step_of(plan, memo).columns
    atelier.restore(plan)
    (cells,) = atelier.live("Memo").values()
    assert cells["Owner"] == lost.here
    atelier.allow("Memo", ops=frozenset({WriteOp.CREATE}))
    atelier.lose("Memo", atelier.named("Memo", "m")[0])
    atelier.lose("Deed", atelier.named("Deed", "d")[0])
    plan = planned(atelier, edits, ("Deed", deed), ("Memo", memo), at=atelier.head.info.number)
    assert step_of(plan, memo).columns == ()
    error = refusal(
        "edit-column-fixed",
        planned,
        atelier,
        typed("Deed", deed, Memo=memo),
        ("Deed", deed),
        at=atelier.head.info.number,
    )
    assert "a record that it creates automatically" in error.sentence


# --- masters in the bin ---------------------------------------------------------------------------


def binned(shop: Atelier) -> tuple[str, str, str]:
    """An account and its contact in the bin, and another account."""
    for table in ("Account", "Contact"):
        shop.allow(table, identity=Identity.UNDELETE)
    account, other = shop.make("Account", "Zotter"), shop.make("Account", "Lindt")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    return account, other, contact


def test_a_detail_leaves_the_bin_after_its_old_master_and_goes_to_the_new_one(
    atelier: Atelier,
) -> None:
    account, other, contact = binned(atelier)
    edits = typed("Contact", contact, Account=other)
    plan = planned(atelier, edits, ("Account", account), ("Contact", contact))
    assert actions(plan) == {account: Action.UNDELETE, contact: Action.UNDELETE}
    assert step_of(plan, contact).level > step_of(plan, account).level
    assert atelier.restore(plan).whole
    assert atelier.live("Contact")[contact]["Account"] == other


def test_a_detail_whose_old_master_stays_in_the_bin_comes_as_a_new_one(atelier: Atelier) -> None:
    _, other, contact = binned(atelier)
    edits = typed("Contact", contact, Account=other)
    plan = planned(atelier, edits, ("Contact", contact))
    assert actions(plan) == {contact: Action.CREATE}
    outcome = atelier.restore(plan)
    assert endings(outcome) == {contact: Ending.CREATED}
    (cells,) = atelier.live("Contact").values()
    assert cells["Account"] == other


def test_a_detail_that_was_deleted_alone_keeps_its_id(atelier: Atelier) -> None:
    account, other, contact = binned(atelier)
    atelier.platform.undelete("Account", account, by="U2")
    atelier.platform.delete("Contact", contact, by="U2")
    plan = planned(atelier, typed("Contact", contact, Account=other), ("Contact", contact))
    assert actions(plan) == {contact: Action.UNDELETE}
    atelier.restore(plan)
    assert atelier.live("Contact")[contact]["Account"] == other


def test_another_reference_of_what_lies_in_the_bin_has_no_say_in_that(atelier: Atelier) -> None:
    account, other, contact = binned(atelier)
    memo = atelier.make("Memo", "m", About=other)
    atelier.allow("Memo", identity=Identity.UNDELETE)
    atelier.night()
    atelier.platform.delete("Memo", memo, by="U2")
    plan = planned(atelier, typed("Memo", memo, About=None, Name="n"), ("Memo", memo))
    assert actions(plan) == {memo: Action.UNDELETE}
    assert step_of(plan, memo).columns == ("About", "Name")
    assert {account, contact} & set(actions(plan)) == set()


def test_a_reference_that_was_emptied_and_that_the_org_sets_again_is_named_and_emptied_next_time(
    atelier: Atelier,
) -> None:
    """It was empty when the plan was made, so that nothing was to do; then its player left the bin."""
    player = atelier.make("Player", "p")
    team = atelier.make("Team", "t", Lead=player)
    atelier.allow("Player", identity=Identity.UNDELETE)
    atelier.night()
    atelier.platform.delete("Player", player, by="U2")
    edits = typed("Team", team, Lead=None)
    plan = planned(atelier, edits, ("Player", player), ("Team", team))
    assert actions(plan) == {player: Action.UNDELETE, team: Action.UNCHANGED}
    outcome = atelier.restore(plan)
    assert of(outcome, team).differences == (Difference("Lead", "not-set"),)
    again = planned(atelier, edits, ("Player", player), ("Team", team))
    assert actions(again) == {player: Action.UNCHANGED, team: Action.UPDATE}
    assert atelier.restore(again).whole
    assert atelier.live("Team")[team]["Lead"] is None


# --- another try ----------------------------------------------------------------------------------


def test_another_try_carries_what_was_typed_and_takes_more(atelier: Atelier) -> None:
    lost = Family(atelier)
    edits = Edits(
        {
            RecordKey("Account", lost.account): {"Number": "008"},
            RecordKey("Contact", lost.contact): {"Name": "Anna"},
        },
        {RecordKey("Person", lost.gone): lost.here},
    )
    plan = planned(atelier, edits, ("Account", lost.account))
    atelier.writer.faults.plant("row", RowRefused("RULE", "No."), table="Contact")
    outcome = atelier.restore(plan)
    assert endings(outcome)[lost.contact] is Ending.FAILED
    third = atelier.make("Person", "Third")
    more = Edits(
        {RecordKey("Contact", lost.contact): {"Owner": third}},
    )
    plan = again(atelier, plan, {RecordKey("Contact", lost.contact)}, edits=more)
    assert step_of(plan, lost.contact).edits == {"Name": "Anna", "Owner": third}
    assert plan.typed == TypedOverride(
        (
            TypedValue("Contact", lost.contact, "Name", "Anna"),
            TypedValue("Contact", lost.contact, "Owner", third),
        ),
        (ReferenceOverride("Person", lost.gone, lost.here),),
    )
    assert atelier.restore(plan).whole
    assert atelier.named("Contact", "Anna")[1]["Owner"] == third


def test_a_reference_that_was_lost_is_not_carried_but_found_again(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter")
    paper = atelier.make("Memo", "m", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Memo", paper)
    plan = planned(
        atelier, typed("Memo", paper, Name="n"), ("Memo", paper), related=RelatedPolicy.NONE
    )
    assert step_of(plan, paper).edits == {"Name": "n", "About": None}
    atelier.writer.faults.plant("row", RowRefused("RULE", "No."), table="Memo")
    atelier.restore(plan)
    atelier.restore(planned(atelier, NO_EDITS, ("Account", account), related=RelatedPolicy.NONE))
    plan = again(atelier, plan, {RecordKey("Memo", paper)})
    assert step_of(plan, paper).edits == {"Name": "n"}
    atelier.restore(plan)
    assert atelier.named("Memo", "n")[1]["About"] == atelier.named("Account", "Zotter")[0]


def test_an_emptied_reference_beside_a_lost_one_is_told_apart(atelier: Atelier) -> None:
    parent, owner = atelier.make("Account", "Top"), atelier.make("Account", "Zotter")
    atelier.org.add_column("Account", "Second", LINK)
    columns = atelier.org.tables["Account"].columns
    columns["Second"] = replace(columns["Second"], reference=Reference(("Account",)))
    account = atelier.make("Account", "Child", Parent=parent, Second=owner)
    atelier.night()
    atelier.lose("Account", account)
    atelier.lose("Account", parent)
    edits = typed("Account", account, Second=None)
    plan = planned(atelier, edits, ("Account", account), related=RelatedPolicy.NONE)
    assert step_of(plan, account).edits == {"Parent": None, "Second": None}
    outcome = atelier.restore(plan)
    assert of(outcome, account).differences == (
        Difference("Parent", "link-lost", f"Account/{parent}"),
    )
    assert summary(plan).edited == (TypedRecord("Account", account, ("Second",)),)


# --- what cannot be typed -------------------------------------------------------------------------


def test_what_is_not_there_or_cannot_be_set_is_refused_before_anything_is_planned(
    atelier: Atelier,
) -> None:
    lost = Family(atelier)
    usual = atelier.platform.capability("Account")
    atelier.allow(
        "Account",
        settable=usual.settable - {"Number", "Parent"},
        changeable=usual.changeable - {"Number", "Parent"},
        never=(NeverColumn("Number", NeverReason.AUTO_NUMBER),),
    )

    def asked(table: str, record: str, **values: str | None) -> Any:
        return atelier, typed(table, record, **values), ("Account", lost.account)

    refusal("edit-column-unknown", planned, *asked("Account", lost.account, Nothing="x"))
    refusal("edit-column-unknown", planned, *asked("Nothing", lost.account, Name="x"))
    error = refusal("edit-column-fixed", planned, *asked("Account", lost.account, Number="x"))
    assert "the org assigns its number" in error.sentence
    error = refusal("edit-column-fixed", planned, *asked("Account", lost.account, Parent="x"))
    assert "does not accept a value" in error.sentence
    refusal("edit-column-fixed", planned, *asked("Account", lost.account, Id="x"))
    refusal("edit-column-fixed", planned, *asked("Account", lost.account, Modified="x"))
    refusal("edit-record-unknown", planned, *asked("Account", "nobody", Name="x"))


def test_a_file_is_no_value(atelier: Atelier) -> None:
    table = atelier.source.discover().table("Paper")
    assert str(why_not(table, atelier.platform.capability("Paper"), "Body")) == "it contains a file"


def test_a_column_that_is_set_once_is_named_on_a_live_record(atelier: Atelier) -> None:
    account = atelier.make("Account", "Zotter", Number="007")
    contact = atelier.make("Contact", "Ann", Account=account)
    memo = atelier.make("Memo", "m", About=contact)
    atelier.night()
    atelier.lose("Contact", contact)
    for table, column in (("Account", "Number"), ("Memo", "Name")):
        usual = atelier.platform.capability(table)
        atelier.allow(table, changeable=usual.changeable - {column})
    plan = planned(atelier, typed("Account", account, Number="8"), ("Account", account))
    assert note_of(plan, "column-fixed")
    plan = planned(atelier, typed("Memo", memo, Name="n"), ("Contact", contact))
    assert "column-fixed" in step_of(plan, memo).notes
    assert step_of(plan, memo).columns == ("About",)


def test_a_record_that_cannot_be_written_has_no_edits(atelier: Atelier) -> None:
    lost = Family(atelier)
    atelier.allow("Account", ops=frozenset({WriteOp.UPDATE}))
    plan = planned(atelier, typed("Account", lost.account, Number="8"), ("Account", lost.account))
    step = step_of(plan, lost.account)
    assert (step.action, step.edits) == (Action.SKIP, {})
    assert "typed" not in step.notes
    assert plan.typed.values[0].value == "8", "another try carries it"


# --- values by their kinds ------------------------------------------------------------------------

BRUSSELS = ZoneInfo("Europe/Brussels")


@pytest.mark.parametrize(
    ("kind", "text", "told"),
    [
        (WireKind.TEXT, " as it is ", " as it is "),
        (WireKind.BOOLEAN, " True ", "true"),
        (WireKind.DECIMAL, "-12.50", "-12.50"),
        (WireKind.DECIMAL, "1.0E7", "1.0E7"),
        (WireKind.INTEGER, " 0012", "0012"),
        (WireKind.DATE, "2026-03-04", "2026-03-04"),
        (WireKind.TIME, "14:30:00.000Z", "14:30:00.000Z"),
        (WireKind.INSTANT, "2026-03-04T14:30", "2026-03-04T13:30:00.000Z"),
        (WireKind.INSTANT, "2026-07-04 14:30", "2026-07-04T12:30:00.000Z"),
        (WireKind.INSTANT, "2026-03-04T14:30:00Z", "2026-03-04T14:30:00.000Z"),
        (WireKind.MULTI, "a;b", "a;b"),
        (WireKind.JSON, '{"a": 1}', '{"a": 1}'),
        (WireKind.REFERENCE, " 001 ", "001"),
    ],
)
def test_a_value_is_read_by_the_kind_of_its_column(kind: WireKind, text: str, told: str) -> None:
    assert typed_text(Column("C", kind), text, zone=BRUSSELS) == told


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (WireKind.BOOLEAN, "yes"),
        (WireKind.DECIMAL, "12,50"),
        (WireKind.DECIMAL, "NaN"),
        (WireKind.DECIMAL, "1_000"),
        (WireKind.DECIMAL, "१२"),
        (WireKind.INTEGER, "1.5"),
        (WireKind.DATE, "4.3.2026"),
        (WireKind.DATE, "2026-02-30"),
        (WireKind.TIME, "25:00"),
        (WireKind.INSTANT, "tomorrow"),
        (WireKind.INSTANT, "0001-01-01T00:00+14:00"),
        (WireKind.JSON, "{"),
        (WireKind.REFERENCE, "0 1"),
        (WireKind.REFERENCE, ""),
        (WireKind.TEXT, "123456"),
    ],
)
def test_what_a_column_cannot_hold_is_refused_and_not_repeated(kind: WireKind, text: str) -> None:
    column = Column("C", kind, label="Column", length=5)
    error = refusal("edit-value-wrong", typed_text, column, text, zone=BRUSSELS)
    assert "Column" in error.sentence
    assert not text or text not in f"{error.sentence} {error.next_step}"


def test_a_wrong_value_is_refused_by_the_plan(atelier: Atelier) -> None:
    atelier.org.add_column("Account", "Since", WireKind.DATE)
    lost = Family(atelier)
    asked = typed("Account", lost.account, Since="soon")
    refusal("edit-value-wrong", planned, atelier, asked, ("Account", lost.account))


def test_edits_are_kept_and_read_again() -> None:
    edits = Edits(
        {RecordKey("B", "2"): {"y": None, "x": "1"}, RecordKey("A", "1"): {"z": "2"}},
        {RecordKey("P", "9"): "8"},
    )
    told = edits.as_plan()
    assert [(one.table, one.column) for one in told.values] == [("A", "z"), ("B", "x"), ("B", "y")]
    assert edits_of(told) == edits
    assert edits_of(told, only=[RecordKey("A", "1")]).values == {RecordKey("A", "1"): {"z": "2"}}
    assert told.emptied == {("B", "2", "y")}
    assert not NO_EDITS.as_plan()
    later = Edits({RecordKey("B", "2"): {"x": "3"}}, {RecordKey("P", "9"): "7"})
    both = merged(edits, later)
    assert both.values[RecordKey("B", "2")] == {"y": None, "x": "3"}
    assert both.instead == {RecordKey("P", "9"): "7"}
