"""Tables that keep ids: a record that is gone for good is created with the id that it had."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unit.engine.restore.undone_shop import org_of
from unit.engine.restore.workshop import endings, of
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.engine.restore.running.compared import LINK_LOST, TARGET_MISSING
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.note_code import NoteCode
from unlost.engine.restore.values.outcome import Ending
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.errors import SourceRefused
from unlost.model.plan import PLAN_FORMAT, Action, RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.source.reading import Op
from unlost.model.source.writing import ID_NOT_KEPT, Identity, MatchKey
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

IDS_NOT_KEPT = "restore-ids-not-kept"


class Candy:
    """An account with a contact and a memo, lost for good."""

    def __init__(self, shop: Atelier) -> None:
        self.shop = shop
        self.account = shop.make("Account", "Candy", Number="007")
        self.contact = shop.make("Contact", "Ann", Account=self.account)
        self.memo = shop.make("Memo", "Call", About=self.account)
        self.before = org_of(shop)
        shop.night()
        shop.lose("Account", self.account)
        shop.night()

    def plan(self) -> RestorePlan:
        return self.shop.plan_of(("Account", self.account))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Atelier]:
    """An org in which every table keeps ids."""
    made = Atelier(tmp_path)
    made.platform.keeps_ids = set(made.org.tables)
    yield made
    made.writer.faults.assert_met()
    made.close()


def lineage(shop: Atelier) -> dict[str, str]:
    return {row.old: row.live for row in shop.vault.lineage(shop.oid)}


def two_accounts(shop: Atelier) -> tuple[str, str, RestorePlan]:
    """Two lost accounts, each created in a call of its own, and their plan."""
    first, second = shop.make("Account", "First"), shop.make("Account", "Second")
    shop.night()
    shop.lose("Account", first)
    shop.lose("Account", second)
    shop.night()
    shop.allow("Account", rows_per_call=1)
    return first, second, shop.plan_of(("Account", first), ("Account", second))


# --- plans ----------------------------------------------------------------------------------------


def test_a_record_with_its_old_id_was_planned_and_told_to_have_a_new_one(shop: Atelier) -> None:
    candy = Candy(shop)
    plan = candy.plan()
    assert actions(plan) == {
        candy.account: Action.RECREATE,
        candy.contact: Action.RECREATE,
        candy.memo: Action.UPDATE,
    }
    assert "new-id" not in codes(plan)
    assert note_of(plan, "authors-new").count == 2
    assert step_of(plan, candy.account).live is None
    outcome = shop.restore(plan)
    assert endings(outcome) == {
        candy.account: Ending.RECREATED,
        candy.contact: Ending.RECREATED,
        candy.memo: Ending.UPDATED,
    }
    assert outcome.whole
    assert org_of(shop) == candy.before


def test_a_live_child_whose_reference_was_right_was_planned_as_an_update(shop: Atelier) -> None:
    shop.platform.leaves_links = True
    candy = Candy(shop)
    plan = candy.plan()
    assert actions(plan)[candy.memo] is Action.UNCHANGED
    assert shop.restore(plan).whole
    assert [call for call in shop.writes() if call[0] == "update"] == []
    assert org_of(shop) == candy.before


def test_a_reference_that_a_live_child_kept_was_called_lost(shop: Atelier) -> None:
    """Its parent could not be created. The reference still names it."""
    shop.platform.leaves_links = True
    candy = Candy(shop)
    shop.writer.faults.plant("row", RowRefused("REFUSED", "Not today."), table="Account")
    outcome = shop.restore(candy.plan())
    assert of(outcome, candy.account).ending is Ending.FAILED
    (difference,) = of(outcome, candy.memo).differences
    assert (difference.column, difference.reason) == ("About", TARGET_MISSING)
    assert difference.target == ""
    assert shop.live("Memo")[candy.memo]["About"] == candy.account
    (empty,) = of(outcome, candy.contact).differences  # it was created without the reference
    assert empty.reason == LINK_LOST


def test_a_reference_that_the_org_emptied_is_still_called_lost(shop: Atelier) -> None:
    candy = Candy(shop)
    shop.writer.faults.plant("row", RowRefused("REFUSED", "Not today."), table="Account")
    outcome = shop.restore(candy.plan())
    (difference,) = of(outcome, candy.memo).differences
    assert difference.reason == LINK_LOST


def test_a_selected_child_that_keeps_its_reference_was_said_to_have_an_empty_one(
    shop: Atelier,
) -> None:
    shop.platform.leaves_links = True
    candy = Candy(shop)
    plan = shop.plan_of(("Memo", candy.memo), related=RelatedPolicy.NONE)
    assert plan.empty == ()
    assert note_of(plan, NoteCode.NAMES_MISSING).count == 1
    assert NoteCode.PARENT_MISSING not in codes(plan)
    assert shop.restore(plan).whole


def test_a_record_leaves_the_bin_while_it_is_there_and_is_created_again_after_that(
    shop: Atelier,
) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    shop.allow("Account", identity=Identity.UNDELETE)
    shop.platform.delete("Account", account, by="U2")
    assert actions(shop.plan_of(("Account", account))) == {account: Action.UNDELETE}
    shop.platform.purge_bin()
    assert actions(shop.plan_of(("Account", account))) == {account: Action.RECREATE}


def test_a_detail_that_cannot_leave_the_bin_is_created_with_its_id(shop: Atelier) -> None:
    """Its other master is gone for good, and comes back with another id."""
    account, contact = shop.make("Account", "Candy"), shop.make("Contact", "Ann")
    role = shop.make("Role", "buyer", Account=account, Contact=contact)
    shop.night()
    for table in ("Account", "Contact", "Role"):
        shop.allow(table, identity=Identity.UNDELETE, keeps_id=table != "Account")
    shop.platform.delete("Role", role, by="U2")
    shop.platform.delete("Account", account, by="U2")
    shop.platform.purge("Account", account)
    plan = shop.plan_of(("Role", role))
    assert actions(plan) == {account: Action.CREATE, role: Action.RECREATE}
    assert "new id" not in note_of(plan, NoteCode.LEFT_IN_BIN).sentence
    assert shop.restore(plan).whole
    assert shop.live("Role")[role]["Account"] == shop.named("Account", "Candy")[0]


def test_a_copy_beside_a_record_has_a_new_id(shop: Atelier) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    keys = (RecordKey("Account", account),)
    plan = shop.planned(Selection(SelectionKind.CORRECTION, keys, beside=True))
    assert actions(plan) == {account: Action.CREATE}
    assert shop.restore(plan).whole
    assert len(shop.live("Account")) == 2


def test_without_the_right_to_create_the_record_is_skipped(shop: Atelier) -> None:
    candy = Candy(shop)
    shop.allow("Account", ops=frozenset())
    plan = candy.plan()
    assert actions(plan)[candy.account] is Action.SKIP
    assert NoteCode.CREATE_NOT_ALLOWED in codes(plan)


def test_only_a_plan_that_creates_with_former_ids_has_the_new_format(shop: Atelier) -> None:
    """Earlier releases read all other plans, and name this one as newer."""
    candy = Candy(shop)
    plan = candy.plan()
    assert plan.format == PLAN_FORMAT == 3
    assert read_plan(write_plan(plan)) == plan
    shop.platform.keeps_ids.clear()
    assert candy.plan().format == 2


def test_records_that_refer_to_one_another_come_back_in_two_passes(shop: Atelier) -> None:
    """The org accepts no reference to a record that is not there yet."""
    team = shop.make("Team", "Reds")
    player = shop.make("Player", "Ann", Team=team)
    shop.org.update("Team", team, {"Lead": player})
    before = org_of(shop)
    shop.night()
    shop.lose("Team", team)
    shop.lose("Player", player)
    outcome = shop.restore(shop.plan_of(("Team", team)))
    assert {*endings(outcome).values()} == {Ending.RECREATED}
    assert org_of(shop) == before


def test_the_vault_sees_one_record_that_was_deleted_and_is_back(shop: Atelier) -> None:
    candy = Candy(shop)
    shop.restore(candy.plan())
    shop.night()
    versions = shop.vault.history(shop.oid, "Account", candy.account)
    assert [version.op for version in versions] == [Op.STATE, Op.PURGED, Op.STATE]
    assert lineage(shop) == {}
    assert actions(candy.plan())[candy.account] is Action.UNCHANGED


def test_a_file_comes_back_with_the_id_of_its_record(shop: Atelier) -> None:
    paper = shop.org.attach("Paper", "Recipe", b"cocoa")
    shop.night()
    shop.lose("Paper", paper)
    assert shop.restore(shop.plan_of(("Paper", paper))).whole
    assert shop.org.tables["Paper"].files == {paper: b"cocoa"}


def test_the_id_column_is_never_sent_as_a_value(shop: Atelier) -> None:
    """A connector that lists it among its columns created with the former id by accident."""
    account = shop.make("Account", "Candy")
    shop.night()
    shop.lose("Account", account)
    usual = shop.platform.capability("Account")
    shop.platform.allow(replace(usual, keeps_id=False, settable=usual.settable | {"Id"}))
    plan = shop.plan_of(("Account", account))
    assert actions(plan) == {account: Action.CREATE}
    assert endings(shop.restore(plan)) == {account: Ending.CREATED}
    assert account not in shop.live("Account")


# --- an org that does not keep the id -------------------------------------------------------------


def test_where_the_org_does_not_keep_an_id_no_further_record_is_created(shop: Atelier) -> None:
    first, second, plan = two_accounts(shop)
    shop.platform.ignores_ids = {"Account"}
    outcome = shop.restore(plan)
    assert endings(outcome) == {first: Ending.CREATED, second: Ending.FAILED}
    (live,) = shop.live("Account")
    told = of(outcome, first)
    assert (told.live, told.code) == (live, ID_NOT_KEPT)
    assert f"Account/{first}" in told.sentence
    assert live in told.sentence
    assert "restore retry" in told.next_step
    assert of(outcome, second).code == IDS_NOT_KEPT
    assert lineage(shop) == {first: live}


def test_a_record_whose_id_was_not_kept_is_known_and_can_be_undone(shop: Atelier) -> None:
    first, _, plan = two_accounts(shop)
    shop.platform.ignores_ids = {"Account"}
    shop.restore(plan)
    (live,) = shop.live("Account")
    assert actions(shop.plan_of(("Account", first))) == {first: Action.UNCHANGED}
    undo = shop.undo(run_of(plan))
    assert actions(undo) == {live: Action.DELETE}
    shop.restore(undo)
    assert shop.live("Account") == {}


def test_a_child_of_a_record_whose_id_was_not_kept_refers_to_the_new_one(shop: Atelier) -> None:
    candy = Candy(shop)
    shop.platform.ignores_ids = {"Account"}
    outcome = shop.restore(candy.plan())
    (live,) = shop.live("Account")
    assert of(outcome, candy.account).ending is Ending.CREATED
    assert shop.live("Contact")[candy.contact]["Account"] == live
    assert shop.live("Memo")[candy.memo]["About"] == live


def test_a_resumed_run_remembers_that_ids_are_not_kept(shop: Atelier) -> None:
    first, second, plan = two_accounts(shop)
    shop.platform.ignores_ids = {"Account"}
    shop.writer.faults.plant("fetch", SourceRefused("refused", "Not now."), after=1)
    with pytest.raises(SourceRefused):
        shop.restore(plan)
    outcome = shop.restore(plan)
    assert endings(outcome) == {first: Ending.CREATED, second: Ending.FAILED}
    assert len(shop.live("Account")) == 1


def test_calls_side_by_side_stop_when_ids_are_not_kept(shop: Atelier) -> None:
    records = [shop.make("Account", f"Account {at}") for at in range(9)]
    shop.night()
    for record in records:
        shop.lose("Account", record)
    shop.allow("Account", rows_per_call=1, calls_at_once=2)
    shop.platform.ignores_ids = {"Account"}
    outcome = shop.restore(shop.plan_of(*(("Account", record) for record in records)))
    created = [one for one in outcome.records if one.ending is Ending.CREATED]
    assert 1 <= len(created) <= 4
    assert {one.code for one in created} == {ID_NOT_KEPT}
    assert len(shop.live("Account")) == len(created)
    rest = {one.code for one in outcome.records if one.ending is not Ending.CREATED}
    assert rest == {IDS_NOT_KEPT}


def test_a_file_whose_record_gets_another_id_is_named_too(shop: Atelier) -> None:
    paper = shop.org.attach("Paper", "Recipe", b"cocoa")
    shop.night()
    shop.lose("Paper", paper)
    shop.platform.ignores_ids = {"Paper"}
    outcome = shop.restore(shop.plan_of(("Paper", paper)))
    assert of(outcome, paper).code == ID_NOT_KEPT
    assert list(shop.org.tables["Paper"].files.values()) == [b"cocoa"]


# --- lost answers ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("moment", "looks"), [("written", 0), ("write", 1)])
def test_a_lost_answer_is_cleared_up_by_the_id(shop: Atelier, moment: str, looks: int) -> None:
    candy = Candy(shop)
    shop.writer.faults.plant(moment, ReplyLost(), table="Account")
    assert shop.restore(candy.plan()).whole
    assert org_of(shop) == candy.before
    assert len([call for call in shop.writer.calls if call[0] == "recent"]) == looks


@pytest.mark.parametrize("moment", ["upload", "uploaded"])
def test_a_file_whose_answer_was_lost_is_there_once(shop: Atelier, moment: str) -> None:
    paper = shop.org.attach("Paper", "Recipe", b"cocoa")
    shop.night()
    shop.lose("Paper", paper)
    shop.writer.faults.plant(moment, ReplyLost())
    assert shop.restore(shop.plan_of(("Paper", paper))).whole
    assert shop.org.tables["Paper"].files == {paper: b"cocoa"}


@pytest.mark.parametrize("keyed", [True, False])
def test_a_record_with_another_id_whose_answer_was_lost_is_not_created_twice(
    shop: Atelier, keyed: bool
) -> None:
    account = shop.make("Account", "Candy", Number="007")
    shop.night()
    shop.lose("Account", account)
    if keyed:
        shop.allow("Account", keys=(MatchKey(("Number",)),))
    plan = shop.plan_of(("Account", account))
    shop.platform.ignores_ids = {"Account"}
    shop.writer.faults.plant("written", ReplyLost())
    outcome = shop.restore(plan)
    (live,) = shop.live("Account")
    assert of(outcome, account).live == live
    assert of(outcome, account).code == ID_NOT_KEPT


def test_of_two_equal_rows_the_one_that_was_not_written_is_sent_again(shop: Atelier) -> None:
    """The record of the other one has the same values, and the id that the other one asked for."""
    records = [shop.make("Account", "Same") for _ in range(2)]
    shop.night()
    for record in records:
        shop.lose("Account", record)
    shop.writer.faults.plant("row", RowRefused("LOCKED", "by a test"), after=1)
    shop.writer.faults.plant("written", ReplyLost())
    plan = shop.plan_of(*(("Account", record) for record in records))
    assert shop.restore(plan).whole
    assert {*shop.live("Account")} == {*records}


# --- live records with the id ---------------------------------------------------------------------


def by_hand(shop: Atelier, account: str) -> None:
    """Somebody creates a record with this id."""
    shop.platform.recreate("Account", account, {"Name": "By hand"}, by="U9")


def test_a_record_that_others_created_after_the_plan_is_left_alone(shop: Atelier) -> None:
    candy = Candy(shop)
    plan = candy.plan()
    by_hand(shop, candy.account)
    outcome = shop.restore(plan)
    told = of(outcome, candy.account)
    assert (told.ending, told.live) == (Ending.CONFLICT, candy.account)
    assert shop.live("Account")[candy.account]["Name"] == "By hand"
    assert shop.live("Contact")[candy.contact]["Account"] == candy.account


def test_a_record_that_others_created_during_the_run_is_left_alone(
    shop: Atelier, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, plan = two_accounts(shop)
    real = shop.platform.recreate

    def recreate(table: str, record: str, cells: dict[str, str | None], *, by: str) -> str:
        made = real(table, record, cells, by=by)
        real(table, second, {"Name": "By hand"}, by="U9")
        return made

    monkeypatch.setattr(shop.platform, "recreate", recreate)
    outcome = shop.restore(plan)
    assert endings(outcome) == {first: Ending.RECREATED, second: Ending.CONFLICT}
    assert shop.live("Account")[second]["Name"] == "By hand"


def test_a_record_that_is_hidden_from_the_write_user_is_neither_doubled_nor_changed(
    shop: Atelier,
) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    shop.org.delete("Account", account)
    shop.night()
    shop.org.undelete("Account", account)
    shop.org.update("Account", account, {"Name": "Hidden"})
    shop.org.hide_row("Account", account)
    outcome = shop.restore(shop.plan_of(("Account", account)))
    told = of(outcome, account)
    assert (told.ending, told.code) == (Ending.FAILED, "write-refused")
    assert "exists already" in told.sentence
    shop.org.show_row("Account", account)
    assert [cells["Name"] for cells in shop.live("Account").values()] == ["Hidden"]


# --- undo -----------------------------------------------------------------------------------------


def test_an_undo_deletes_the_record_and_its_undo_creates_it_with_the_same_id(
    shop: Atelier,
) -> None:
    candy = Candy(shop)
    plan = candy.plan()
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    assert actions(undo)[candy.account] is Action.DELETE
    shop.restore(undo)
    assert candy.account not in shop.live("Account")
    shop.platform.purge_bin()
    redo = shop.undo(run_of(undo))
    assert actions(redo) == {
        candy.account: Action.RECREATE,
        candy.contact: Action.RECREATE,
        candy.memo: Action.UPDATE,
    }
    assert redo.estimate.data_bytes >= 0
    assert redo.format == PLAN_FORMAT
    outcome = shop.restore(redo)
    assert endings(outcome)[candy.account] is Ending.RECREATED
    assert org_of(shop) == candy.before
    assert lineage(shop) == {}


def test_a_reference_that_was_there_before_the_restore_does_not_keep_an_undo_from_deleting(
    shop: Atelier,
) -> None:
    shop.platform.leaves_links = True
    candy = Candy(shop)
    before = org_of(shop)
    plan = candy.plan()
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    assert actions(undo)[candy.account] is Action.DELETE
    shop.restore(undo)
    assert org_of(shop) == before


def test_a_new_reference_keeps_a_recreated_record_from_being_deleted(shop: Atelier) -> None:
    shop.platform.leaves_links = True
    candy = Candy(shop)
    plan = candy.plan()
    shop.restore(plan)
    shop.make("Memo", "Another call", About=candy.account)
    assert actions(shop.undo(run_of(plan)))[candy.account] is Action.SKIP


def test_a_record_that_had_two_ids_comes_back_with_that_of_the_chosen_backup(
    shop: Atelier,
) -> None:
    """The org did not keep ids at first."""
    account = shop.make("Account", "Candy")
    shop.night()
    shop.lose("Account", account)
    shop.platform.keeps_ids.discard("Account")
    shop.restore(shop.plan_of(("Account", account)))
    (second,) = shop.live("Account")
    shop.night()
    shop.lose("Account", second)
    shop.night()
    shop.platform.keeps_ids.add("Account")
    plan = shop.plan_of(("Account", account))
    assert shop.restore(plan).whole
    (live,) = shop.live("Account")
    assert live == plan.steps[0].record
    for record in (account, second):
        assert {*actions(shop.plan_of(("Account", record))).values()} == {Action.UNCHANGED}
