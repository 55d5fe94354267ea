"""Undoing a restore of records that the org does not delete in their status: orders and contracts."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

import pytest

from sweeps import parts_of
from unit.engine.restore.atelier import LINK, Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import TEXT, of
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, NoteWeight, RestorePlan
from unlost.model.source.schema import DeleteRule, Reference
from unlost.model.source.writing import Identity, LateColumn, LockedDelete, MatchKey, WriteOp
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.memory_writer import ReplyLost
from unlost.testing.platform import RowRefused

PARTS = 3  # of the calls at which it crashes

CONTRACT = LateColumn("Number", "draft", locks=("active",))
ORDER = replace(CONTRACT, holds=("Contact",), locked_delete=LockedDelete.AS_DRAFT)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Atelier]:
    """Accounts are born as drafts and deleted as drafts, as orders are."""
    made = Atelier(tmp_path)
    made.allow("Account", late=(ORDER,), identity=Identity.UNDELETE)
    yield made
    made.writer.faults.assert_met()


def restored(shop: Atelier, *, number: str = "active") -> RestorePlan:
    """A restored account with a contact."""
    account = shop.make("Account", "Candy", Number=number)
    contact = shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.org.purge("Contact", contact)
    shop.org.purge("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    assert shop.named("Account", "Candy")[1]["Number"] == number
    return plan


def test_an_activated_record_is_made_a_draft_and_deleted(shop: Atelier) -> None:
    undo = shop.undo(run_of(restored(shop)))
    account, _ = shop.named("Account", "Candy")
    step = step_of(undo, account)
    assert (step.action, step.late, step.notes) == (Action.DELETE, ("Number",), ("draft-first",))
    assert note_of(undo, "draft-first").weight is NoteWeight.NOTE
    shop.writer.calls.clear()
    assert shop.restore(undo).whole
    assert shop.writes() == [("update", "Account", 1), ("delete", "Account", 1)]
    assert shop.live("Account") == {}


def test_a_draft_is_deleted_as_it_is(shop: Atelier) -> None:
    undo = shop.undo(run_of(restored(shop, number="draft")))
    assert "draft-first" not in codes(undo)
    shop.restore(undo)
    assert shop.live("Account") == {}


@pytest.mark.parametrize("purged", [False, True])
def test_an_undo_of_the_undo_activates_it_again(shop: Atelier, purged: bool) -> None:
    undo = shop.undo(run_of(restored(shop)))
    shop.restore(undo)
    if purged:
        shop.platform.purge_bin()
    shop.restore(shop.undo(run_of(undo)))
    account, cells = shop.named("Account", "Candy")
    assert cells["Number"] == "active"
    assert shop.named("Contact", "Ann")[1]["Account"] == account


def test_what_the_org_neither_deletes_nor_reopens_stays_with_all_that_it_needs(
    shop: Atelier,
) -> None:
    shop.allow("Account", late=(CONTRACT,))
    plan = restored(shop)
    account, _ = shop.named("Account", "Candy")
    parent = shop.make("Account", "Group", Number="draft")
    undo = shop.undo(run_of(plan))
    assert actions(undo)[account] is Action.SKIP
    assert note_of(undo, "locked").weight is NoteWeight.BLOCK
    assert step_of(undo, account).expect is None
    shop.restore(undo)
    assert {account, parent} == set(shop.live("Account"))


def test_a_parent_of_what_stays_stays_too(shop: Atelier) -> None:
    shop.allow("Account", late=(CONTRACT,))
    parent = shop.make("Account", "Group", Number="draft")
    child = shop.make("Account", "Candy", Number="active", Parent=parent)
    shop.night()
    for record in (child, parent):
        shop.org.purge("Account", record)
    shop.night()
    plan = shop.plan_of(("Account", child), ("Account", parent))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    group, _ = shop.named("Account", "Group")
    assert step_of(undo, group).notes == ("referred-since",)
    assert not any(step.action is Action.DELETE for step in undo.steps)


def test_a_status_that_the_write_user_may_not_set_keeps_its_record(shop: Atelier) -> None:
    plan = restored(shop)
    shop.allow("Account", changeable=frozenset({"Name"}))
    assert "locked" in codes(shop.undo(run_of(plan)))


def test_a_record_that_the_org_does_not_make_a_draft_stays(shop: Atelier) -> None:
    undo = shop.undo(run_of(restored(shop)))
    account, _ = shop.named("Account", "Candy")
    shop.writer.faults.plant("row", RowRefused("NO", "It stays active."), table="Account")
    told = of(shop.restore(undo), account)
    assert (told.ending, told.sentence) == (Ending.FAILED, "It stays active.")
    assert shop.live("Account")[account]["Number"] == "active"


def test_a_draft_that_the_org_does_not_delete_is_activated_again(shop: Atelier) -> None:
    undo = shop.undo(run_of(restored(shop)))
    account, _ = shop.named("Account", "Candy")
    shop.writer.faults.plant("row", RowRefused("NO", "It stays."), table="Account", after=1)
    told = of(shop.restore(undo), account)
    assert (told.ending, told.sentence) == (Ending.FAILED, "It stays.")
    assert shop.live("Account")[account]["Number"] == "active"


@pytest.mark.parametrize("cells", [{"Name": "Candies"}, None])
def test_a_record_that_changed_or_went_before_the_run_is_not_made_a_draft(
    shop: Atelier, cells: dict[str, str | None] | None
) -> None:
    undo = shop.undo(run_of(restored(shop)))
    account, _ = shop.named("Account", "Candy")
    if cells is None:
        shop.org.purge("Account", account)
    else:
        shop.org.update("Account", account, cells)
    told = of(shop.restore(undo), account)
    assert told.ending is (Ending.DELETED if cells is None else Ending.CONFLICT)
    assert cells is None or shop.live("Account")[account]["Number"] == "active"


@pytest.mark.parametrize("moment", ["write", "written"])
@pytest.mark.parametrize("after", [0, 1])
def test_a_lost_answer_is_resolved(shop: Atelier, moment: str, after: int) -> None:
    undo = shop.undo(run_of(restored(shop)))
    shop.writer.faults.plant(moment, ReplyLost(), table="Account", after=after)
    shop.restore(undo)
    assert shop.live("Account") == {}


@pytest.mark.parametrize("part", parts_of(PARTS, full=2))
def test_a_crash_at_any_call_is_resumed(shop: Atelier, tmp_path: Path, part: int) -> None:
    undo = shop.undo(run_of(restored(shop)))
    for at in count(1 + part, PARTS):
        copied = shop.copied(tmp_path / str(at))
        usual, point = copied.writer, CrashPoint(at)
        copied.writer = point.guard(usual, after=True)
        try:
            copied.restore(undo)
            break
        except Crash:
            copied.writer = usual
        assert copied.restore(undo).whole
        assert copied.live("Account") == {}
        copied.restore(copied.undo(run_of(undo)))
        assert copied.named("Account", "Candy")[1]["Number"] == "active"


def test_a_detail_is_made_a_draft_before_it_goes_with_its_master(shop: Atelier) -> None:
    shop.allow("Account", late=())
    late = replace(ORDER, column="Name", locks=("Ann",), born="draft", holds=())
    shop.allow("Contact", late=(late,))
    undo = shop.undo(run_of(restored(shop)))
    contact, _ = shop.named("Contact", "Ann")
    assert step_of(undo, contact).late == ("Name",)
    shop.writer.calls.clear()
    shop.restore(undo)
    assert shop.writes() == [("update", "Contact", 1), ("delete", "Account", 1)]
    shop.restore(shop.undo(run_of(undo)))
    assert shop.named("Contact", "Ann")


def test_a_detail_that_the_org_does_not_make_a_draft_keeps_its_master(shop: Atelier) -> None:
    shop.allow("Account", late=())
    shop.allow("Contact", late=(replace(ORDER, column="Name", locks=("Ann",), holds=()),))
    undo = shop.undo(run_of(restored(shop)))
    account, _ = shop.named("Account", "Candy")
    shop.writer.faults.plant("row", RowRefused("NO", "It stays active."), table="Contact")
    outcome = shop.restore(undo)
    assert of(outcome, account).ending is Ending.CONFLICT
    assert account in shop.live("Account")
    assert not [call for call in shop.writes() if call[0] == WriteOp.DELETE.value]


def test_what_is_deleted_alone_goes_before_its_master_and_comes_back_anew(shop: Atelier) -> None:
    """With the right to delete activated contracts; the org does not delete them with a customer."""
    shop.allow("Account", late=())
    shop.platform.loses_details = True
    late = replace(CONTRACT, column="Name", locks=("Ann",), locked_delete=LockedDelete.ALONE)
    shop.allow("Contact", late=(late,), identity=Identity.UNDELETE)
    undo = shop.undo(run_of(restored(shop)))
    shop.writer.calls.clear()
    assert shop.restore(undo).whole
    assert shop.writes() == [("delete", "Contact", 1), ("delete", "Account", 1)]
    again = shop.undo(run_of(undo))
    (contact,) = [step for step in again.steps if step.table == "Contact"]
    assert (contact.action, contact.notes) == (Action.CREATE, ("left-in-bin",))
    shop.restore(again)
    account, _ = shop.named("Account", "Candy")
    assert shop.named("Contact", "Ann")[1]["Account"] == account


def test_what_prevents_its_deletion_is_deleted_alone_too(shop: Atelier) -> None:
    """The org refused to delete a contract: orders, which go with the customer, referred to it."""
    late = replace(CONTRACT, column="Name", locks=("Ann",), locked_delete=LockedDelete.ALONE)
    rule = DeleteRule
    shop.org.add_table(
        "Sale",
        {"Name": TEXT, "Account": LINK, "Contact": LINK},
        references={
            "Account": Reference(("Account",), rule.CASCADE),
            "Contact": Reference(("Contact",), rule.RESTRICT),
        },
    )
    shop.org.add_table(
        "Line",
        {"Name": TEXT, "Sale": LINK},
        references={"Sale": Reference(("Sale",), rule.CASCADE)},
    )
    shop.allow("Account", late=())
    shop.platform.loses_details = True
    for table in ("Contact", "Sale", "Line"):
        shop.allow(table, identity=Identity.UNDELETE)
    shop.allow("Contact", late=(late,))
    account = shop.make("Account", "Candy")
    contact = shop.make("Contact", "Ann", Account=account)
    sale = shop.make("Sale", "big", Account=account, Contact=contact)
    line = shop.make("Line", "one", Sale=sale)
    shop.night()
    for table, record in (
        ("Line", line),
        ("Sale", sale),
        ("Contact", contact),
        ("Account", account),
    ):
        shop.org.purge(table, record)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.writer.calls.clear()
    assert shop.restore(undo).whole
    assert shop.writes() == [
        ("delete", "Sale", 1), ("delete", "Contact", 1), ("delete", "Account", 1),
    ]  # fmt: skip
    again = shop.undo(run_of(undo))
    actions = {step.table: step.action for step in again.steps}
    assert actions == {
        "Account": Action.UNDELETE, "Contact": Action.CREATE, "Sale": Action.CREATE,
        "Line": Action.CREATE,
    }  # fmt: skip
    shop.restore(again)
    assert shop.named("Line", "one")[1]["Sale"] == shop.named("Sale", "big")[0]


def test_a_detail_of_two_masters_that_were_deleted_apart_comes_back_anew(shop: Atelier) -> None:
    """A redo left out a task: it had been deleted with its case, before the contact that it names."""
    shop.platform.loses_details = True
    shop.allow("Account", late=())
    for table in ("Contact", "Role"):
        shop.allow(table, identity=Identity.UNDELETE)
    first, second = shop.make("Account", "Candy"), shop.make("Account", "Sweets")
    contact = shop.make("Contact", "Ann", Account=second)
    shop.make("Role", "buyer", Account=first, Contact=contact)
    shop.night()
    for account in (first, second):
        shop.platform.delete("Account", account, by="U2")
    shop.platform.purge_bin()
    shop.night()
    plan = shop.plan_of(("Account", first), ("Account", second))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    assert shop.restore(undo).whole
    again = shop.undo(run_of(undo))
    (role,) = [step for step in again.steps if step.table == "Role"]
    assert (role.action, role.notes) == (Action.CREATE, ("left-in-bin",))
    shop.restore(again)
    assert shop.named("Role", "buyer")[1]["Contact"] == shop.named("Contact", "Ann")[0]


def test_rows_that_the_org_creates_itself_are_looked_for_in_a_redo(shop: Atelier) -> None:
    """A redo sent direct relations of contacts, which the org had created again."""
    shop.allow("Account", late=())
    key = MatchKey(("Account", "Contact"))
    account = shop.make("Account", "Candy")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.make("Role", "direct", Account=account, Contact=contact)
    shop.night()
    shop.lose("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    shop.allow("Role", by_product_when=(("Name", "direct"),), keys=(key,))
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    (role,) = [record for record, held in shop.org.tables["Role"].records.items() if held.deleted]
    shop.platform.purge("Role", role)
    again = shop.undo(run_of(undo))
    assert [step.action for step in again.steps if step.table == "Role"] == [Action.BY_PRODUCT]
    shop.restore(again)
    assert len(shop.live("Role")) == 1
