"""Undoing a run: the org is as before, except for what people did since, which is kept and named."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import (
    Restored,
    actions,
    binned,
    codes,
    life,
    org_of,
    restored_circle,
)
from unit.engine.restore.workshop import TEXT, Overwritten, add_editions, endings, of
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.engine.restore.values.plan_file import sealed
from unlost.model.errors import Conflict, IntegrityError, NotFound, UsageError
from unlost.model.plan import Action, TwinPolicy
from unlost.model.source.quota import Quota
from unlost.model.source.schema import DeleteRule, Reference, WireKind
from unlost.model.source.writing import Birth, Gather, WriteCapability, WriteOp
from unlost.model.storage import StorageRule, StorageWeight
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def test_what_a_restore_created_is_deleted_and_references_are_as_before(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    assert actions(plan) == {
        ("Account", Action.DELETE): 1, ("Contact", Action.DELETE): 1, ("Memo", Action.UPDATE): 1,
    }  # fmt: skip
    outcome = shop.restore(plan)
    assert org_of(shop) == restored.before
    assert set(endings(outcome).values()) == {Ending.DELETED, Ending.UPDATED}
    assert outcome.whole


def test_details_are_deleted_with_their_masters(shop: Atelier) -> None:
    """Deleted alone, they could not leave the bin with them."""
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.writer.calls.clear()
    shop.restore(plan)
    deletes = [call for call in shop.writes() if call[0] == WriteOp.DELETE.value]
    assert deletes == [("delete", "Account", 1)]


def test_a_detail_that_may_not_be_deleted_alone_goes_with_its_master(shop: Atelier) -> None:
    restored = Restored(shop)
    allowed = shop.platform.capability
    shop.platform.capability = lambda table: (
        without_delete(allowed(table)) if table == "Contact" else allowed(table)
    )
    shop.restore(shop.undo(restored.run))
    assert org_of(shop) == restored.before


def test_an_edit_of_a_detail_in_between_keeps_its_master(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    contact, _ = shop.named("Contact", "Ann")
    shop.org.update("Contact", contact, {"Name": "Anna"})
    outcome = shop.restore(plan)
    assert of(outcome, contact).ending is Ending.CONFLICT
    assert of(outcome, restored.live).ending is Ending.CONFLICT
    assert shop.live("Contact")[contact]["Name"] == "Anna"


def test_details_of_a_master_that_the_org_does_not_delete_stay_and_say_so(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.writer.faults.plant("row", RowRefused("LOCKED", "It is locked."), table="Account")
    outcome = shop.restore(plan)
    contact, _ = shop.named("Contact", "Ann")
    assert of(outcome, restored.live).ending is Ending.FAILED
    assert of(outcome, contact).code == "undo-stayed"


def test_overwritten_values_come_back(shop: Atelier) -> None:
    overwritten = Overwritten(shop)
    restored = shop.plan_of(("Account", overwritten.account), at=1)
    shop.restore(restored)
    assert shop.live("Account")[overwritten.account]["Number"] == "007"
    shop.restore(shop.undo(run_of(restored)))
    assert shop.live("Account")[overwritten.account]["Number"] == "999"


def test_an_undo_of_an_undo_is_the_repair_again_with_the_same_ids(shop: Atelier) -> None:
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    shop.restore(undo)
    again = shop.undo(run_of(undo))
    assert actions(again) == {
        ("Account", Action.UNDELETE): 1, ("Contact", Action.UNDELETE): 1, ("Memo", Action.UPDATE): 1,
    }  # fmt: skip
    shop.restore(again)
    assert org_of(shop) == restored.after


def test_an_undo_that_brings_records_back_says_whether_they_fit(shop: Atelier) -> None:
    shop.allow("Account", record_bytes=2 << 20)
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    shop.restore(undo)
    shop.source.quota = (Quota("data storage", 0, 10 << 20, "bytes"),)
    again = shop.undo(run_of(undo))
    assert again.estimate.data_bytes >= 2 << 20
    assert "quota-fits" in codes(again)
    assert not codes(undo) & {"quota-fits", "quota-short"}, "a deletion needs no room"


@pytest.mark.parametrize("in_bin", [True, False])
def test_an_undo_counts_no_bytes_of_records_and_files_that_come_back(
    shop: Atelier, in_bin: bool
) -> None:
    weight = StorageWeight("data storage", 2048)
    shop.rules = {"Account": StorageRule((weight,)), "Paper": StorageRule((weight,))}
    account = shop.make("Account", "Zotter")
    paper = shop.org.attach("Paper", "p", b"x" * 1000)
    shop.night()
    shop.lose("Account", account)
    shop.lose("Paper", paper)
    restored = shop.restore(shop.plan_of(("Account", account), ("Paper", paper)))
    undo = shop.undo(restored.run)
    assert (undo.estimate.data_bytes, undo.estimate.file_bytes) == (0, 0)
    shop.restore(undo)
    if not in_bin:
        shop.platform.purge_bin()
    again = shop.undo(run_of(undo)).estimate
    assert (again.data_bytes, again.file_bytes) == (4096, 1000)


def test_an_undo_of_an_undo_creates_anew_what_the_bin_forgot(shop: Atelier) -> None:
    restored = Restored(shop)
    undo = shop.undo(restored.run)
    shop.restore(undo)
    shop.platform.purge_bin()
    shop.restore(shop.undo(run_of(undo)))
    account, cells = shop.named("Account", "Candy")
    assert account != restored.live
    assert cells["Number"] == "007"
    assert shop.named("Contact", "Ann")[1]["Account"] == account
    assert shop.live("Memo")[restored.memo]["About"] == account
    assert life(shop, restored.account) == account


def test_a_record_that_was_taken_back_stands_for_the_lost_one_no_more(shop: Atelier) -> None:
    restored = Restored(shop)
    assert life(shop, restored.account) == restored.live
    undo = shop.undo(restored.run)
    shop.restore(undo)
    assert life(shop, restored.account) == restored.account
    shop.restore(shop.undo(run_of(undo)))
    assert life(shop, restored.account) == restored.live


def test_the_lost_record_can_be_restored_again_after_an_undo(shop: Atelier) -> None:
    restored = Restored(shop)
    shop.restore(shop.undo(restored.run))
    shop.platform.purge_bin()
    shop.night()
    shop.restore(shop.plan_of(("Account", restored.account)))
    account, _ = shop.named("Account", "Candy")
    assert shop.live("Memo")[restored.memo]["About"] == account
    assert life(shop, restored.account) == account


def test_what_left_the_bin_goes_back_into_it_with_its_details(shop: Atelier) -> None:
    binned(shop, "Account", "Contact")
    account = shop.make("Account", "Candy", Number="007")
    shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    before = org_of(shop)
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    assert {step.action for step in undo.steps} == {Action.DELETE}
    assert len(undo.steps) == 2, "the contact left the bin with its account"
    shop.restore(undo)
    assert org_of(shop) == before


def test_the_history_of_a_record_that_left_the_bin_does_not_keep_it(shop: Atelier) -> None:
    """An undo kept an undeleted customer because rows of its field history referred to it."""
    binned(shop, "Account")
    to_account = Reference(("Account",), DeleteRule.CASCADE)
    shop.org.add_table(
        "AccountLog",
        {"Name": TEXT, "Account": WireKind.REFERENCE},
        references={"Account": to_account},
    )
    shop.platform.allow(replace(shop.platform.capability("AccountLog"), birth=Birth.NEVER))
    account = shop.make("Account", "Candy")
    shop.make("AccountLog", "changed", Account=account)
    shop.night()
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    assert len(shop.live("AccountLog")) == 1
    shop.restore(shop.undo(run_of(plan)))
    assert shop.live("Account") == {}


def test_what_somebody_else_brought_back_is_no_effect_of_the_run(shop: Atelier) -> None:
    binned(shop, "Account")
    accounts = [shop.make("Account", name) for name in ("Candy", "Sweets")]
    shop.night()
    for account in accounts:
        shop.platform.delete("Account", account, by="U2")
    shop.night()
    plan = shop.plan_of(*(("Account", account) for account in accounts))
    shop.platform.undelete("Account", accounts[0], by="U2")
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    assert [step.record for step in undo.steps] == accounts[1:]


def test_a_live_twin_gets_its_own_values_back_and_stands_for_the_lost_one_no_more(
    shop: Atelier,
) -> None:
    shop.platform.unique.append(("Account", ("Number",)))
    lost = shop.make("Account", "Candy", Number="007")
    shop.night()
    shop.lose("Account", lost)
    shop.night()
    twin = shop.make("Account", "Candies", Number="007")
    plan = shop.plan_of(("Account", lost), twins=TwinPolicy.ADOPT)
    shop.restore(plan)
    assert shop.live("Account")[twin]["Name"] == "Candy"
    assert life(shop, lost) == twin
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    assert shop.live("Account")[twin]["Name"] == "Candies"
    assert life(shop, lost) == lost
    shop.restore(shop.undo(run_of(undo)))
    assert life(shop, lost) == twin


def test_by_products_go_with_what_the_run_created(shop: Atelier) -> None:
    add_editions(shop)
    document = shop.make("Document", "plan")
    edition = shop.make("Edition", "one", Document=document)
    shop.night()
    shop.lose("Edition", edition)
    shop.lose("Document", document)
    shop.night()
    plan = shop.plan_of(("Edition", edition))
    shop.restore(plan)
    assert len(shop.live("Document")) == 1
    shop.restore(shop.undo(run_of(plan)))
    assert (shop.live("Edition"), shop.live("Document")) == ({}, {})


def test_records_that_the_run_created_and_that_refer_loosely_go_too(shop: Atelier) -> None:
    account = shop.make("Account", "Candy")
    memo = shop.make("Memo", "Call", About=account)
    shop.night()
    shop.lose("Memo", memo)
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account), ("Memo", memo))
    shop.restore(plan)
    shop.restore(shop.undo(run_of(plan)))
    assert (shop.live("Account"), shop.live("Memo")) == ({}, {})


def test_a_plan_that_is_not_of_this_journal_is_refused(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    steps = tuple(replace(step, digest="0" * 32) for step in plan.steps)
    with pytest.raises(IntegrityError) as wrong:
        shop.try_restore(sealed(replace(plan, steps=steps)))
    assert wrong.value.code == "restore-version-moved"


@pytest.mark.parametrize(
    "changes",
    [
        {"by_product_when": (("Name", "direct"),)},
        {},
    ],
)
def test_a_row_that_goes_with_its_master_alone_is_not_deleted_where_that_stays(
    shop: Atelier, changes: dict[str, tuple[tuple[str, str], ...]]
) -> None:
    """The org refused to delete the direct relation of a contact that stayed."""
    account = shop.make("Account", "Candy")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.make("Role", "direct", Account=account, Contact=contact)
    shop.night()
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    shop.allow("Role", **changes)
    if not changes:
        shop.allow("Contact", gathers=(Gather("Roles", "Role", "Contact", "Account"),))
    live, _ = shop.named("Account", "Candy")
    ann, _ = shop.named("Contact", "Ann")
    for table, record in (("Account", live), ("Contact", ann)):
        shop.org.update(table, record, {"Name": "edited"})
    undo = shop.undo(run_of(plan))
    (role,) = [step for step in undo.steps if step.table == "Role"]
    assert role.notes == ("delete-not-allowed",)


def test_records_that_refer_to_each_other_are_both_deleted(shop: Atelier) -> None:
    """The first delete emptied a reference of the second record, which then counted as edited."""
    plan = restored_circle(shop)
    assert shop.restore(shop.undo(run_of(plan))).whole
    assert (shop.live("Team"), shop.live("Player")) == ({}, {})


# --- what cannot be undone ----------------------------------------------------------------------


def test_a_run_that_wrote_nothing_and_one_that_is_unknown_are_refused(shop: Atelier) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    with pytest.raises(UsageError) as nothing:
        shop.undo(run_of(plan))
    assert nothing.value.code == "undo-nothing"
    with pytest.raises(NotFound) as unknown:
        shop.undo("restore-nobody")
    assert unknown.value.code == "run-unknown"


def test_a_run_that_stopped_within_a_call_is_resumed_first(shop: Atelier) -> None:
    lost = Restored(shop)
    account = shop.make("Account", "Sweets")
    shop.night()
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.writer.faults.plant("written", KeyboardInterrupt(), table="Account")
    with pytest.raises(KeyboardInterrupt):
        shop.try_restore(plan)
    with pytest.raises(Conflict) as unanswered:
        shop.undo(run_of(plan))
    assert unanswered.value.code == "undo-unanswered"
    shop.restore(plan)
    shop.restore(shop.undo(run_of(plan)))
    assert org_of(shop) == lost.after


def test_without_the_right_to_delete_the_records_stay(shop: Atelier) -> None:
    restored = Restored(shop)
    allowed = shop.platform.capability
    shop.platform.capability = lambda table: without_delete(allowed(table))
    plan = shop.undo(restored.run)
    assert "delete-not-allowed" in codes(plan)
    assert not any(step.action is Action.DELETE for step in plan.steps)


def without_delete(capability: WriteCapability) -> WriteCapability:
    return replace(capability, ops=capability.ops - {WriteOp.DELETE})


# --- crashes and lost answers -------------------------------------------------------------------


@pytest.mark.parametrize("moment", ["write", "written"])
@pytest.mark.parametrize("table", ["Account", "Memo"])
def test_a_lost_answer_is_resolved(shop: Atelier, table: str, moment: str) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.writer.faults.plant(moment, ReplyLost(), table=table)
    shop.restore(plan)
    assert org_of(shop) == restored.before


@pytest.mark.parametrize("moment", ["write", "written"])
@pytest.mark.parametrize("table", ["Account", "Memo"])
def test_a_crash_at_a_call_is_resumed(shop: Atelier, table: str, moment: str) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.writer.faults.plant(moment, KeyboardInterrupt(), table=table)
    with pytest.raises(KeyboardInterrupt):
        shop.try_restore(plan)
    outcome = shop.restore(plan)
    assert org_of(shop) == restored.before
    assert outcome.whole


@pytest.mark.parametrize("after", range(6))
@pytest.mark.parametrize("call", ["fetch", "write", "written"])
def test_a_crash_at_any_call_is_resumed_and_can_be_undone(
    shop: Atelier, call: str, after: int
) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run)
    shop.writer.faults.plant(call, KeyboardInterrupt(), after=after)
    with suppress(KeyboardInterrupt):
        shop.try_restore(plan)
    shop.writer.faults.planted.clear()
    shop.restore(plan)
    assert org_of(shop) == restored.before
    shop.restore(shop.undo(run_of(plan)))
    assert org_of(shop) == restored.after


# --- a record that an undo took away, and the one that it stood for -------------------------------


def taken_away(shop: Atelier) -> tuple[str, str]:
    """A lost account, and the one that a restore created for it and an undo deleted."""
    restored = Restored(shop)
    shop.night()
    shop.restore(shop.undo(restored.run))
    shop.platform.purge_bin()
    shop.night()
    return restored.account, restored.live


@pytest.mark.parametrize("turned", [False, True])
def test_a_record_and_the_one_that_an_undo_took_away_both_came_back(
    shop: Atelier, turned: bool
) -> None:
    """A person restores all that was ever lost: these two are one customer."""
    ids = taken_away(shop)
    chosen = reversed(ids) if turned else ids
    shop.restore(shop.plan_of(*(("Account", record) for record in chosen)))
    account, _ = shop.named("Account", "Candy")
    assert {life(shop, record) for record in ids} == {account}


@pytest.mark.parametrize("first", [0, 1])
def test_each_of_them_came_back_when_the_other_had(shop: Atelier, first: int) -> None:
    ids = taken_away(shop)
    for record in (ids[first], ids[1 - first]):
        shop.restore(shop.plan_of(("Account", record)))
        shop.named("Account", "Candy")  # there is one
        shop.night()


def test_a_redo_did_not_end_after_another_restore_was_undone(shop: Atelier) -> None:
    restored = Restored(shop)
    shop.night()
    undo = shop.undo(restored.run)
    shop.restore(undo)
    shop.platform.purge_bin()
    shop.night()
    shop.restore(shop.plan_of(("Account", restored.account)))
    shop.night()
    second = life(shop, restored.account) or ""
    shop.lose("Account", second)
    shop.night()
    third = shop.restore(shop.plan_of(("Account", second)))
    shop.restore(shop.undo(third.run))
    shop.platform.purge_bin()
    shop.restore(shop.undo(run_of(undo)))
    assert life(shop, restored.live) == shop.named("Account", "Candy")[0]


def test_a_record_that_left_the_bin_by_itself_is_the_one_that_it_stood_for(shop: Atelier) -> None:
    """It came back twice: once out of the bin, and once created."""
    binned(shop, "Account", "Contact")
    restored = Restored(shop)
    shop.restore(shop.undo(restored.run))
    shop.night()
    shop.platform.undelete("Account", restored.live, by="U2")
    shop.night()
    shop.restore(shop.plan_of(("Account", restored.account)))
    assert shop.named("Account", "Candy")[0] == restored.live
