"""Records that are added to others which take them as drafts alone: orders and their lines."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unit.engine.restore.workshop import of
from unlost.engine.restore.outcome import Ending
from unlost.model.plan import Action, Weight
from unlost.model.writing import Identity, LateColumn
from unlost.testing.faults import Crash, CrashPoint
from unlost.testing.platform import Refused

DRAFT = LateColumn("Number", "draft", holds=("Contact",))
WRITES = ("undelete", "update", "create")


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
    assert note_of(plan, "reopened").weight is Weight.NOTE
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
    assert note_of(plan, "closed").weight is Weight.WARNING


def test_a_record_that_cannot_be_a_draft_again_is_told(shop: Atelier) -> None:
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    shop.writer.faults.plant("row", Refused("CLOSED", "no draft again"), after=1)
    outcome = shop.restore(plan)
    told = of(outcome, account)
    assert (told.ending, told.live, told.sentence) == (Ending.FAILED, account, "no draft again")
    assert of(outcome, contact).ending is Ending.CREATED
    assert shop.live("Account")[account]["Number"] == "active"


@pytest.mark.parametrize("at", range(1, 24))
def test_a_crash_at_any_call_leaves_no_draft_behind(shop: Atelier, at: int) -> None:
    account, contact = lost(shop)
    plan = shop.plan_of(("Account", account), ("Contact", contact))
    usual, point = shop.writer, CrashPoint(at)
    shop.writer = point.guard(usual, after=True)
    try:
        shop.restore(plan)
    except Crash:
        shop.writer = usual
        shop.restore(plan)
    shop.writer = usual
    assert shop.live("Account")[account]["Number"] == "active"
    assert len(shop.live("Contact")) == 1
