"""Records that are added to others which take them as drafts alone: orders and their lines."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sweeps import parts_of
from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.planning.plan import plan_again
from unlost.engine.restore.values.outcome import Ending
from unlost.model.plan import Action, NoteWeight, RestorePlan
from unlost.model.source.writing import Identity, LateColumn
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.platform import RowRefused

PARTS = 3  # of the calls at which it crashes

DRAFT = LateColumn("Number", "draft", holds=("Contact",))


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Atelier]:
    """Accounts are born as drafts, and contacts are added to drafts alone."""
    made = Atelier(tmp_path)
    made.allow("Account", late=(DRAFT,), identity=Identity.UNDELETE)
    yield made
    made.writer.faults.assert_met()


def lost(shop: Atelier, *, number: str = "active") -> tuple[str, str]:
    """An account in the bin, and its contact that left it already."""
    account = shop.make("Account", "Candy", Number=number)
    contact = shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.lose("Contact", contact)
    shop.platform.delete("Account", account, by="U2")
    shop.night()
    return account, contact


def test_what_left_the_bin_is_a_draft_while_records_are_added_to_it(shop: Atelier) -> None:
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert actions(plan) == {account: Action.UNDELETE, contact: Action.CREATE}
    assert step_of(plan, account).late == ("Number",)
    assert note_of(plan, "reopened").weight is NoteWeight.WARNING
    assert plan.estimate.calls >= 4
    outcome = shop.restore(plan)
    assert outcome.whole
    assert of(outcome, account).differences == ()
    assert shop.writes() == [
        ("undelete", "Account", 1),
        ("update", "Account", 1),
        ("create", "Contact", 1),
        ("update", "Account", 1),
    ]
    assert shop.live("Account")[account]["Number"] == "active"


def test_a_draft_needs_not_be_opened_again(shop: Atelier) -> None:
    account, contact = lost(shop, number="draft")
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert "reopened" not in codes(plan)
    shop.restore(plan)
    assert [call[0] for call in shop.writes()] == ["undelete", "create"]


def test_a_record_that_comes_back_anew_is_born_as_a_draft(shop: Atelier) -> None:
    account, contact = lost(shop)
    shop.platform.purge_bin()
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert actions(plan) == {account: Action.CREATE, contact: Action.CREATE}
    assert not codes(plan) & {"reopened", "closed"}
    shop.restore(plan)
    assert shop.named("Account", "Candy")[1]["Number"] == "active"


def test_a_live_record_that_may_take_no_more_is_named(shop: Atelier) -> None:
    account = shop.make("Account", "Candy", Number="active")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.night()
    shop.lose("Contact", contact)
    plan = shop.plan_of(("Contact", contact))
    assert step_of(plan, contact).notes == ("closed",)
    assert note_of(plan, "closed").weight is NoteWeight.WARNING


def test_a_record_that_cannot_be_a_draft_again_is_told(shop: Atelier) -> None:
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    shop.writer.faults.plant("row", RowRefused("CLOSED", "no draft again"), after=1)
    outcome = shop.restore(plan)
    told = of(outcome, account)
    assert (told.ending, told.live, told.sentence) == (Ending.FAILED, account, "no draft again")
    assert of(outcome, contact).ending is Ending.CREATED
    assert shop.live("Account")[account]["Number"] == "active"


def crashes(shop: Atelier, plan: RestorePlan, at: int) -> bool:
    """Run with a crash at this call of the writer; False if the run makes fewer."""
    usual, point = shop.writer, CrashPoint(at)
    shop.writer = point.guard(usual, after=True)
    try:
        shop.restore(plan)
    except Crash:
        return True
    finally:
        shop.writer = usual
    return False


@pytest.mark.parametrize("part", parts_of(PARTS, full=2))
def test_a_crash_at_any_call_leaves_no_draft_behind(
    shop: Atelier, tmp_path: Path, part: int
) -> None:
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    for at in count(1 + part, PARTS):
        copied = shop.copied(tmp_path / str(at))
        if not crashes(copied, plan, at):
            break
        assert copied.restore(plan).whole
        assert copied.live("Account")[account]["Number"] == "active"
        assert len(copied.live("Contact")) == 1
    assert at > 30


def test_what_is_a_draft_again_anyway_is_not_called_changed_by_others(shop: Atelier) -> None:
    """The bin has another state and another name: setting the one made the other a conflict."""
    account, contact = lost(shop)
    shop.org.tables["Account"].records[account].cells.update(Number="cancelled", Name="Candies")
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert step_of(plan, account).columns == ("Name",)
    outcome = shop.restore(plan)
    assert outcome.whole
    assert of(outcome, account).differences == ()


def test_what_shall_be_a_draft_is_one_before_records_are_added(shop: Atelier) -> None:
    account, contact = lost(shop, number="draft")
    shop.org.tables["Account"].records[account].cells["Number"] = "active"
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert "reopened" in codes(plan)
    shop.restore(plan)
    assert [call[0] for call in shop.writes()] == ["undelete", "update", "create"]
    assert shop.live("Account")[account]["Number"] == "draft"


def test_without_the_right_to_make_a_draft_it_is_named_before(shop: Atelier) -> None:
    capability = shop.platform.capability("Account")
    shop.allow("Account", changeable=capability.changeable - {"Number"})
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    assert step_of(plan, contact).notes == ("closed",)


@pytest.mark.parametrize("binned", [True, False])
def test_a_draft_is_kept_until_nothing_of_it_is_missing(shop: Atelier, binned: bool) -> None:
    account, contact = lost(shop)
    if not binned:
        shop.platform.purge_bin()
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    before = 2 if binned else 1  # undelete and reopen, or create
    shop.writer.faults.plant("row", RowRefused("RULE", "not today"), after=before)
    outcome = shop.restore(plan)
    told = of(outcome, account)
    assert (told.ending, told.code) == (Ending.FAILED, "restore-kept-draft")
    live, cells = shop.named("Account", "Candy")
    assert (told.live, cells["Number"]) == (live, "draft")
    keys = {step.key for step in plan.steps}
    again = plan_again(plan, keys, shop.planning(), plan_id="again")
    assert shop.restore(again).whole
    assert shop.named("Account", "Candy")[1]["Number"] == "active"
    assert len(shop.live("Contact")) == 1
