"""What a restore says at its end: every difference is named, and nothing that is gone is called there."""

from typing import Any

import pytest

from unit.engine.restore.atelier import LINK, Atelier, actions, step_of
from unit.engine.restore.test_edits import planned, typed
from unit.engine.restore.workshop import TEXT, endings, of
from unlost.engine.restore.journal.log import RestoreLog
from unlost.engine.restore.planning.plan import RelatedPolicy, plan_again
from unlost.engine.restore.running import readback
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.cells import digest
from unlost.engine.restore.values.edits import NO_EDITS, Edits
from unlost.engine.restore.values.outcome import Difference, Ending
from unlost.model.plan import Action, PlanLink, RecordKey
from unlost.model.source.schema import Reference
from unlost.model.source.writing import (
    NOT_IN_BIN,
    Birth,
    ByProduct,
    Identity,
    NeverColumn,
    NeverReason,
)
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused


def test_a_file_that_was_replaced_is_not_called_unchanged_without_a_word(atelier: Atelier) -> None:
    paper = atelier.org.attach("Paper", "recipe", b"cocoa")
    atelier.night()
    atelier.org.replace_file("Paper", paper, b"milk!")
    atelier.night()
    outcome = atelier.restore(atelier.plan_of(("Paper", paper), at=1))
    told = of(outcome, paper)
    assert (told.ending, told.code) == (Ending.SKIPPED, "restore-skipped")
    assert "another file in the org than in the backup" in told.sentence


def test_an_unchanged_record_that_was_lost_since_the_plan_is_not_called_there(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Candy")
    atelier.night()
    plan = atelier.plan_of(("Account", account))
    atelier.lose("Account", account)
    told = of(atelier.restore(plan), account)
    assert told.ending is Ending.CONFLICT
    assert "no longer live" in told.sentence


def test_a_reference_that_the_plan_left_empty_is_named(atelier: Atelier) -> None:
    account = atelier.make("Account", "Candy")
    contact = atelier.make("Contact", "Ann", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Contact", contact), related=RelatedPolicy.NONE)
    told = of(atelier.restore(plan), contact)
    assert told.differences == (Difference("Account", "link-lost", f"Account/{account}"),)


def test_a_related_record_is_judged_by_what_was_set_alone(atelier: Atelier) -> None:
    account = atelier.make("Account", "Candy")
    memo = atelier.make("Memo", "call", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.org.update("Memo", memo, {"Name": "renamed since"})
    told = of(atelier.restore(atelier.plan_of(("Account", account))), memo)
    assert told.ending is Ending.UPDATED
    assert told.differences == ()


# --- one record, several lives --------------------------------------------------------------------


class Reborn:
    """An account that came back under a new id, and was lost again with it."""

    def __init__(self, shop: Atelier) -> None:
        self.first = shop.make("Account", "Candy")
        self.contact = shop.make("Contact", "Ann", Account=self.first)
        shop.night()
        shop.lose("Account", self.first)
        shop.restore(shop.plan_of(("Account", self.first), related=RelatedPolicy.NONE))
        self.second, _ = shop.named("Account", "Candy")
        shop.night()
        shop.lose("Account", self.second)
        shop.night()


def test_a_record_chosen_under_two_of_its_ids_comes_back_once(atelier: Atelier) -> None:
    reborn = Reborn(atelier)
    plan = atelier.plan_of(("Account", reborn.first), ("Account", reborn.second))
    assert atelier.restore(plan).whole
    assert len(atelier.live("Account")) == 1


def test_a_parent_known_by_its_first_id_comes_back_once(atelier: Atelier) -> None:
    reborn = Reborn(atelier)
    plan = atelier.plan_of(("Account", reborn.second), ("Contact", reborn.contact))
    outcome = atelier.restore(plan)
    assert outcome.whole
    account, _ = atelier.named("Account", "Candy")
    assert atelier.named("Contact", "Ann")[1]["Account"] == account
    assert of(outcome, reborn.contact).differences == ()


def test_a_reference_to_one_of_two_records_that_became_one_leads_to_it(atelier: Atelier) -> None:
    """Both were restored with one key, so that one record stands for them; it is lost again."""
    atelier.platform.unique.append(("Account", ("Number",)))
    first = atelier.make("Account", "Candy", Number="1")
    contact = atelier.make("Contact", "Ann", Account=first)
    atelier.night()
    atelier.lose("Account", first)
    second = atelier.make("Account", "Candy", Number="1")
    atelier.night()
    atelier.lose("Account", second)
    for record in (first, second):
        atelier.restore(atelier.plan_of(("Account", record), related=RelatedPolicy.NONE))
    third, _ = atelier.named("Account", "Candy")
    atelier.lose("Account", third)
    atelier.night()
    plan = atelier.plan_of(("Account", second), ("Contact", contact))
    assert plan.links == (PlanLink("Account", first, second),)
    outcome = atelier.restore(plan)
    assert outcome.whole
    account, _ = atelier.named("Account", "Candy")
    assert atelier.named("Contact", "Ann")[1]["Account"] == account
    assert of(outcome, contact).differences == ()


def test_the_life_of_a_chosen_record_is_not_given_to_another_with_its_key(atelier: Atelier) -> None:
    atelier.platform.unique.append(("Account", ("Number",)))
    first = atelier.make("Account", "Candy", Number="1")
    atelier.night()
    atelier.lose("Account", first)
    second = atelier.make("Account", "Sweets", Number="1")
    atelier.night()
    atelier.lose("Account", second)
    atelier.night()
    atelier.restore(atelier.plan_of(("Account", second), related=RelatedPolicy.NONE))
    plan = atelier.plan_of(("Account", first), ("Account", second))
    assert actions(plan) == {first: Action.SKIP, second: Action.UNCHANGED}
    atelier.restore(plan)
    assert [one["Name"] for one in atelier.live("Account").values()] == ["Sweets"]


# --- two at once ----------------------------------------------------------------------------------


def test_an_older_life_that_somebody_took_out_of_the_bin_is_not_brought_back_again(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Candy")
    atelier.night()
    atelier.lose("Account", account)
    for _ in range(2):
        atelier.restore(atelier.plan_of(("Account", account)))
        life, _ = atelier.named("Account", "Candy")
        atelier.platform.delete("Account", life, by="U2")
    atelier.platform.purge("Account", life)
    slow = atelier.plan_of(("Account", account))
    assert actions(slow) == {account: Action.CREATE}
    (older,) = atelier.org.tables["Account"].records
    atelier.platform.undelete("Account", older, by="U2")
    told = of(atelier.restore(slow), account)
    assert (told.ending, told.live) == (Ending.CONFLICT, older)
    assert list(atelier.live("Account")) == [older]


def test_an_older_life_that_the_bin_gave_back_stands_for_a_newer_one_that_is_lost(
    atelier: Atelier,
) -> None:
    atelier.allow("Account", identity=Identity.UNDELETE)
    atelier.allow("Contact", identity=Identity.UNDELETE)
    account, other = atelier.make("Account", "Candy"), atelier.make("Account", "Sweets")
    contact = atelier.make("Contact", "Ann", Account=account)
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    moved = Edits({RecordKey("Contact", contact): {"Account": other}})
    atelier.restore(planned(atelier, moved, ("Contact", contact), related=RelatedPolicy.NONE))
    (anew,) = atelier.live("Contact")
    atelier.night()
    atelier.org.undelete("Account", account)
    atelier.org.undelete("Contact", contact)
    atelier.lose("Contact", anew)
    plan = atelier.plan_of(("Contact", anew))
    assert step_of(plan, anew).live == contact
    assert atelier.restore(plan).whole
    assert list(atelier.live("Contact")) == [contact]


def test_what_another_restore_brought_back_since_the_plan_is_not_brought_back_again(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Candy")
    contact = atelier.make("Contact", "Ann", Account=account)
    other = atelier.make("Contact", "Bob", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    slow = atelier.plan_of(("Account", account))
    atelier.restore(
        atelier.plan_of(("Account", account), ("Contact", contact), related=RelatedPolicy.NONE)
    )
    live, _ = atelier.named("Account", "Candy")
    outcome = atelier.restore(slow)
    told = of(outcome, account)
    assert (told.ending, told.live) == (Ending.CONFLICT, live)
    assert "by another user" in told.sentence
    assert of(outcome, other).ending is Ending.CREATED
    assert [cells["Account"] for cells in atelier.live("Contact").values()] == [live, live]


def test_what_came_back_in_another_restore_and_was_lost_again_does_come_back(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Candy")
    atelier.night()
    atelier.lose("Account", account)
    slow = atelier.plan_of(("Account", account))
    atelier.restore(atelier.plan_of(("Account", account)))
    atelier.lose("Account", atelier.named("Account", "Candy")[0])
    assert atelier.restore(slow).whole
    assert len(atelier.live("Account")) == 1


def test_a_reference_that_the_bin_gave_back_is_no_change_by_others(atelier: Atelier) -> None:
    parent = atelier.make("Account", "Mother")
    account = atelier.make("Account", "Candy", Number="007", Parent=parent)
    atelier.night()
    atelier.org.update("Account", account, {"Number": "9"})
    atelier.platform.delete("Account", parent, by="U2")
    atelier.allow("Account", identity=Identity.UNDELETE)
    outcome = atelier.restore(atelier.plan_of(("Account", parent), ("Account", account)))
    assert of(outcome, account).ending is Ending.UPDATED
    assert atelier.live("Account")[account]["Number"] == "007"


def test_a_life_in_between_leads_to_the_record_of_today(atelier: Atelier) -> None:
    reborn = Reborn(atelier)
    atelier.restore(atelier.plan_of(("Account", reborn.first)))
    third, _ = atelier.named("Account", "Candy")
    plan = atelier.plan_of(("Account", reborn.second))
    assert (step_of(plan, reborn.second).action, step_of(plan, reborn.second).live) == (
        Action.UNCHANGED,
        third,
    )


def test_an_undelete_whose_answer_was_lost_is_seen_to_have_acted(atelier: Atelier) -> None:
    account = atelier.make("Account", "Candy")
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    atelier.allow("Account", identity=Identity.UNDELETE)
    atelier.writer.faults.plant("written", ReplyLost(), table="Account")
    outcome = atelier.restore(atelier.plan_of(("Account", account)))
    assert of(outcome, account).ending is Ending.UNDELETED
    assert atelier.writes() == [("undelete", "Account", 1)]


def test_a_record_that_does_not_leave_the_bin_comes_back_as_a_new_one(atelier: Atelier) -> None:
    """The org shows it in the bin, and refuses to let it out: its other master went after it."""
    atelier.allow("Account", identity=Identity.UNDELETE)
    account, other = atelier.make("Account", "Candy"), atelier.make("Account", "Other")
    atelier.night()
    atelier.lose("Account", other)
    atelier.platform.delete("Account", account, by="U2")
    plan = atelier.plan_of(("Account", account), ("Account", other))
    atelier.writer.faults.plant("row", RowRefused("UNDELETE_FAILED", "not in the recycle bin"))
    outcome = atelier.restore(plan)
    told = of(outcome, account)
    assert (told.ending, told.live, told.code) == (Ending.FAILED, None, NOT_IN_BIN)
    log = RestoreLog(atelier.vault.journal(atelier.oid, run_of(plan)))
    key = RecordKey("Account", account)
    assert log.unbinned == {key}
    again = plan_again(plan, {key}, atelier.planning(), plan_id="again", unbinned=log.unbinned)
    assert actions(again) == {account: Action.CREATE}
    assert atelier.restore(again).whole
    assert sorted(one["Name"] or "" for one in atelier.live("Account").values()) == [
        "Candy",
        "Other",
    ]


def test_what_refers_to_a_record_that_stays_in_the_bin_comes_back_without_it(
    atelier: Atelier,
) -> None:
    atelier.allow("Account", identity=Identity.UNDELETE)
    account = atelier.make("Account", "Candy")
    there, lost = (atelier.make("Memo", name, About=account) for name in ("there", "lost"))
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    atelier.platform.update("Memo", there, {"Name": "changed"}, by="U2")
    atelier.lose("Memo", lost)
    atelier.platform.delete("Account", atelier.make("Account", "Other"), by="U2")
    plan = atelier.plan_of(("Account", account), ("Memo", there), ("Memo", lost))
    atelier.writer.faults.plant("row", RowRefused("UNDELETE_FAILED", "not in the recycle bin"))
    outcome = atelier.restore(plan)
    assert endings(outcome) == {
        account: Ending.FAILED,
        there: Ending.UPDATED,
        lost: Ending.CREATED,
    }
    for memo in (there, lost):
        assert of(outcome, memo).differences == (
            Difference("About", "link-lost", f"Account/{account}"),
        )
    assert [one["About"] for one in atelier.live("Memo").values()] == [None, None]


def test_a_link_that_the_bin_gave_back_elsewhere_is_no_change_of_somebodys(
    atelier: Atelier,
) -> None:
    atelier.allow("Account", identity=Identity.UNDELETE)
    first, second = atelier.make("Account", "Candy"), atelier.make("Account", "Sweets")
    memo = atelier.make("Memo", "Call", About=first)
    atelier.night()
    atelier.platform.update("Memo", memo, {"About": second}, by="U2")
    atelier.lose("Account", first)
    atelier.platform.delete("Account", second, by="U2")
    plan = atelier.plan_of(("Account", first), ("Account", second), ("Memo", memo), at=1)
    outcome = atelier.restore(plan)
    assert outcome.whole, outcome
    anew, _ = atelier.named("Account", "Candy")
    assert atelier.named("Memo", "Call")[1]["About"] == anew


def test_a_record_that_left_the_bin_by_now_is_taken_as_it_is(atelier: Atelier) -> None:
    account = atelier.make("Account", "Candy")
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    plan = atelier.plan_of(("Account", account))
    atelier.org.undelete("Account", account)
    key = RecordKey("Account", account)
    again = plan_again(plan, {key}, atelier.planning(), plan_id="again", unbinned={key})
    assert actions(again) == {account: Action.UNCHANGED}


def test_a_by_product_that_nobody_made_is_not_called_there(atelier: Atelier) -> None:
    atelier.allow("Memo", birth=Birth.BY_PRODUCT, ops=frozenset())
    memo = atelier.make("Memo", "by itself")
    atelier.night()
    atelier.lose("Memo", memo)
    outcome = atelier.restore(atelier.plan_of(("Memo", memo)))
    told = of(outcome, memo)
    assert (told.ending, told.live, told.code) == (Ending.FAILED, None, "restore-not-made")


def test_what_the_org_sets_on_a_by_product_is_named(atelier: Atelier) -> None:
    atelier.org.add_table(
        "Mail", {"Name": TEXT, "Memo": LINK}, references={"Memo": Reference(("Memo",))}
    )
    atelier.allow("Mail", by_products=(ByProduct("Memo", "Memo"),))
    atelier.allow("Memo", birth=Birth.BY_PRODUCT, ops=frozenset())
    memo = atelier.make("Memo", "as it was")
    mail = atelier.make("Mail", "hello", Memo=memo)
    atelier.night()
    atelier.lose("Mail", mail)
    atelier.lose("Memo", memo)
    told = of(atelier.restore(atelier.plan_of(("Mail", mail), ("Memo", memo))), memo)
    assert told.ending is Ending.BY_PRODUCT
    assert told.differences == (Difference("Name", "by-platform"),)


def test_a_masked_value_of_a_secret_column_is_named(atelier: Atelier) -> None:
    capability = atelier.platform.capability("Account")
    settable = capability.settable - {"Number"}
    never = (*capability.never, NeverColumn("Number", NeverReason.SECRET))
    atelier.allow("Account", never=never, settable=settable, changeable=settable)
    account = atelier.make("Account", "Candy", Number="*****")
    atelier.night()
    atelier.lose("Account", account)
    told = of(atelier.restore(atelier.plan_of(("Account", account))), account)
    assert told.ending is Ending.CREATED
    assert told.differences == (Difference("Number", "secret"),)


def test_a_reference_of_a_live_record_that_cannot_be_set_again_is_named(atelier: Atelier) -> None:
    capability = atelier.platform.capability("Memo")
    account = atelier.make("Account", "Candy")
    memo = atelier.make("Memo", "about it", About=account)
    atelier.night()
    atelier.lose("Account", account)
    atelier.allow("Memo", changeable=capability.changeable - {"About"})
    outcome = atelier.restore(atelier.plan_of(("Account", account)))
    told = of(outcome, memo)
    assert told.ending is Ending.UNCHANGED
    assert told.differences == (Difference("About", "link-lost", f"Account/{account}"),)


def test_a_detail_in_the_bin_comes_out_with_a_master_that_has_a_new_id(atelier: Atelier) -> None:
    reborn = Reborn(atelier)
    atelier.restore(atelier.plan_of(("Account", reborn.first), ("Contact", reborn.contact)))
    account, _ = atelier.named("Account", "Candy")
    contact, _ = atelier.named("Contact", "Ann")
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    for table in ("Account", "Contact"):
        atelier.allow(table, identity=Identity.UNDELETE)
    keys = (("Account", reborn.first), ("Contact", reborn.contact))
    outcome = atelier.restore(atelier.plan_of(*keys, at=1))
    assert {one.ending for one in outcome.records} == {Ending.UNDELETED}
    assert (list(atelier.live("Account")), list(atelier.live("Contact"))) == ([account], [contact])


# --- how the org is asked -------------------------------------------------------------------------


def test_what_is_too_much_for_the_memory_is_read_apart(
    atelier: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles: list[int] = []
    several = atelier.writer.fetch_several

    def counted(looks: Any) -> Any:
        bundles.append(len(looks))
        return several(looks)

    account = atelier.make("Account", "Candy")
    contact = atelier.make("Contact", "Ann", Account=account)
    atelier.night()
    atelier.lose("Account", account)
    monkeypatch.setattr(atelier.writer, "fetch_several", counted)
    first = atelier.plan_of(("Account", account), ("Contact", contact))
    assert atelier.restore(first).whole
    assert bundles == [2]
    atelier.lose("Account", atelier.named("Account", "Candy")[0])
    monkeypatch.setattr(readback, "CELLS", 1)
    assert atelier.restore(atelier.plan_of(("Account", account), ("Contact", contact))).whole
    assert bundles == [2, 1, 1]


def test_what_must_be_as_the_plan_saw_it_is_looked_at_right_before_its_call(
    atelier: Atelier,
) -> None:
    atelier.allow("Account", rows_per_call=1)
    records = [atelier.make("Account", f"A{n}", Number="1") for n in range(4)]
    atelier.night()
    for record in records:
        atelier.org.update("Account", record, {"Number": "2"})
    schema = atelier.head.schema().table("Account")
    assert schema is not None
    expect = digest(schema, {"Number": "2"})
    steps = [
        atelier.step(
            "Account", record, Action.UPDATE, live=record, columns=("Number",),
            expect=expect if place % 2 else None,
        )
        for place, record in enumerate(records)
    ]  # fmt: skip
    atelier.writer.calls.clear()
    assert atelier.restore(atelier.plan(*steps)).whole
    told = [(call, rows) for call, _, rows in atelier.writer.calls if call in ("fetch", "update")]
    assert told == [
        ("fetch", 2), ("update", 1), ("update", 1), ("fetch", 1), ("update", 1), ("fetch", 1),
        ("update", 1), ("fetch", 4),
    ]  # fmt: skip


def test_what_was_empty_comes_back_empty_where_the_org_has_a_default(atelier: Atelier) -> None:
    atelier.allow("Account", defaulted=frozenset({"Number", "Parent"}))
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    outcome = atelier.restore(atelier.plan_of(("Account", account)))
    assert of(outcome, account).differences == ()
    (cells,) = atelier.live("Account").values()
    assert (cells.get("Number"), cells.get("Parent")) == (None, None)
    assert actions(atelier.plan_of(("Account", account))) == {account: Action.UNCHANGED}


def test_what_the_org_fills_though_it_was_told_to_be_empty_is_named_and_not_doubled(
    atelier: Atelier,
) -> None:
    account = atelier.make("Account", "Zotter")
    atelier.night()
    atelier.lose("Account", account)
    plan = atelier.plan_of(("Account", account))
    atelier.allow("Account", defaulted=frozenset({"Number"}))
    atelier.platform.stubborn = True
    atelier.writer.faults.plant("written", ReplyLost(), table="Account")
    outcome = atelier.restore(plan)
    assert [one.column for one in of(outcome, account).differences] == ["Number"]
    assert len(atelier.live("Account")) == 1


def test_a_reference_that_the_org_sets_again_though_it_was_typed_empty_is_told(
    atelier: Atelier,
) -> None:
    atelier.allow("Account", identity=Identity.UNDELETE)
    account = atelier.make("Account", "Zotter")
    memo = atelier.make("Memo", "m", About=account)
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")  # the memo's reference is emptied
    plan = planned(atelier, typed("Memo", memo, About=None), ("Account", account))
    assert actions(plan) == {account: Action.UNDELETE, memo: Action.UNCHANGED}
    outcome = atelier.restore(plan)
    assert atelier.live("Memo")[memo]["About"] == account
    assert [one.column for one in of(outcome, memo).differences] == ["About"]


def test_a_reference_that_an_older_life_took_back_from_the_bin_is_no_change_of_somebodys(
    atelier: Atelier,
) -> None:
    for table in ("Account", "Contact"):
        atelier.allow(table, identity=Identity.UNDELETE)
    account, other = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    contact = atelier.make("Contact", "Ann", Account=account)
    memo = atelier.make("Memo", "m", About=contact)
    atelier.night()
    atelier.platform.delete("Account", account, by="U2")
    edits = typed("Contact", contact, Account=other)
    atelier.restore(planned(atelier, edits, ("Contact", contact), related=RelatedPolicy.NONE))
    (anew,) = atelier.live("Contact")
    plan = atelier.plan_of(("Contact", contact))
    assert actions(plan) == {
        account: Action.UNDELETE,
        contact: Action.UPDATE,
        memo: Action.UPDATE,
    }
    outcome = atelier.restore(plan)
    assert set(atelier.live("Contact")) == {anew, contact}  # the bin gave the older life back too
    assert of(outcome, memo).ending is Ending.UPDATED
    assert atelier.live("Memo")[memo]["About"] == anew


def test_a_reference_that_was_emptied_is_not_set_again_where_another_is_to_be_named(
    atelier: Atelier,
) -> None:
    account, other = atelier.make("Account", "Zotter"), atelier.make("Account", "Lindt")
    memo = atelier.make("Memo", "m", About=account)
    atelier.night()
    atelier.lose("Account", account)
    edits = Edits(instead={RecordKey("Account", account): other})
    plan = planned(atelier, edits, ("Account", account))
    assert actions(plan) == {account: Action.CREATE, memo: Action.UNCHANGED}
    assert atelier.restore(plan).whole
    assert atelier.live("Memo")[memo]["About"] is None
    relinked = planned(atelier, NO_EDITS, ("Account", account))
    assert step_of(relinked, memo).columns == ("About",)
