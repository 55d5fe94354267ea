"""Undoing a run without some of its records: they stay as they are, and so do those that they need."""

from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier
from unit.engine.restore.undone_shop import Restored, actions, codes, org_of
from unlost.engine.restore.planning.left_out import LeftOut
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import Ending
from unlost.model.errors import NotFound, UsageError
from unlost.model.plan import Action, RecordKey, RestorePlan
from unlost.model.source.writing import WriteOp


@pytest.fixture
def shop(tmp_path: Path) -> Atelier:
    return Atelier(tmp_path)


def without(*records: tuple[str, str]) -> LeftOut:
    return LeftOut(records=frozenset(RecordKey(table, record) for table, record in records))


def sentence(plan: RestorePlan, code: str) -> str:
    (note,) = [note for note in plan.notes if note.code == code]
    return note.sentence


def test_a_created_record_that_is_left_out_is_not_deleted_and_is_named(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run, left_out=without(("Account", restored.live)))
    assert restored.live in sentence(plan, "left-out")
    assert actions(plan)["Contact", Action.DELETE] == 1
    outcome = shop.restore(plan)
    assert restored.live in shop.live("Account")
    assert not shop.live("Contact")
    assert outcome.whole, "a person wanted it so"
    assert restored.live not in {record.record for record in outcome.records}


def test_a_detail_that_is_left_out_keeps_its_master(shop: Atelier) -> None:
    restored = Restored(shop)
    contact, _ = shop.named("Contact", "Ann")
    plan = shop.undo(restored.run, left_out=without(("Contact", contact)))
    assert actions(plan)["Account", Action.SKIP] == 1
    assert "left out need them" in sentence(plan, "left-out-needs")
    outcome = shop.restore(plan)
    assert {contact} == set(shop.live("Contact"))
    assert restored.live in shop.live("Account")
    assert [record.ending for record in outcome.records if record.table == "Account"] == [
        Ending.SKIPPED
    ]


def test_a_reference_that_is_left_out_keeps_the_record_to_which_it_leads(shop: Atelier) -> None:
    restored = Restored(shop)
    plan = shop.undo(restored.run, left_out=without(("Memo", restored.memo)))
    assert "left-out-needs" in codes(plan)
    shop.restore(plan)
    assert shop.live("Memo")[restored.memo]["About"] == restored.live
    assert restored.live in shop.live("Account")
    assert not shop.live("Contact")


def test_what_a_left_out_record_needs_keeps_what_that_needs(shop: Atelier) -> None:
    """A chain: the memo needs the contact, and the contact its account."""
    account = shop.make("Account", "Candy")
    contact = shop.make("Contact", "Ann", Account=account)
    shop.make("Memo", "Call", About=contact)
    shop.night()
    for table, record in (("Account", account), ("Memo", shop.named("Memo", "Call")[0])):
        shop.lose(table, record)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    memo, _ = shop.named("Memo", "Call")
    undo = shop.undo(run_of(plan), left_out=without(("Memo", memo)))
    assert {step.table: step.notes for step in undo.steps} == {
        "Memo": ("left-out",),
        "Contact": ("left-out-needs",),
        "Account": ("left-out-needs",),
    }
    before = org_of(shop)
    shop.restore(undo)
    assert org_of(shop) == before


def test_a_detail_that_goes_only_with_its_master_stays_with_one_that_is_left_out(
    shop: Atelier,
) -> None:
    restored = Restored(shop)
    capability = shop.platform.capability("Contact")
    shop.platform.allow(replace(capability, ops=capability.ops - {WriteOp.DELETE}))
    plan = shop.undo(restored.run, left_out=without(("Account", restored.live)))
    assert "left-out-needs" in codes(plan)
    assert "delete-not-allowed" not in codes(plan), "no right would help"


def test_a_changed_record_that_is_left_out_is_not_changed_back(shop: Atelier) -> None:
    accounts = [shop.make("Account", name, Number="007") for name in ("Candy", "Cocoa")]
    shop.night()
    for account in accounts:
        shop.org.update("Account", account, {"Number": "999"})
    shop.night()
    plan = shop.plan_of(*(("Account", account) for account in accounts), at=1)
    shop.restore(plan)
    stays, goes = accounts
    assert shop.restore(shop.undo(run_of(plan), left_out=without(("Account", stays)))).whole
    assert shop.live("Account")[stays]["Number"] == "007"
    assert shop.live("Account")[goes]["Number"] == "999"


def test_a_whole_table_is_left_out(shop: Atelier) -> None:
    restored = Restored(shop)
    left_out = LeftOut(frozenset({"Memo", "Contact"}))
    plan = shop.undo(restored.run, left_out=left_out)
    assert actions(plan) == {
        ("Memo", Action.SKIP): 1, ("Contact", Action.SKIP): 1, ("Account", Action.SKIP): 1,
    }  # fmt: skip


def test_a_record_that_the_run_did_not_write_cannot_be_left_out(shop: Atelier) -> None:
    """A mistyped id must not let the undo delete the record that was meant."""
    restored = Restored(shop)
    with pytest.raises(NotFound) as unknown:
        shop.undo(restored.run, left_out=without(("Account", "nosuch")))
    assert unknown.value.code == "undo-record-unknown"


def test_an_undo_without_any_record_is_refused(shop: Atelier) -> None:
    restored = Restored(shop)
    every = LeftOut(frozenset({"Account", "Contact", "Memo"}))
    with pytest.raises(UsageError) as nothing:
        shop.undo(restored.run, left_out=every)
    assert nothing.value.code == "undo-all-left-out"


# --- what an undo had deleted ---------------------------------------------------------------------


def undone(shop: Atelier) -> tuple[Restored, str, str]:
    """A restore that was undone; the run of the undo, and the contact that it deleted."""
    restored = Restored(shop)
    contact, _ = shop.named("Contact", "Ann")
    undo = shop.undo(restored.run)
    shop.restore(undo)
    return restored, run_of(undo), contact


@pytest.mark.parametrize("bin_is_empty", [True, False])
def test_a_removed_record_that_is_left_out_does_not_come_back(
    shop: Atelier, *, bin_is_empty: bool
) -> None:
    restored, run, _ = undone(shop)
    if bin_is_empty:
        shop.platform.purge_bin()
    plan = shop.undo(run, left_out=without(("Account", restored.live)))
    notes = {step.table: step.notes for step in plan.steps}
    assert notes["Contact"] == ("left-out-master",), "a contact needs its account"
    assert notes["Memo"] == ("left-out-target",)
    before = org_of(shop)
    shop.restore(plan)
    assert org_of(shop) == before


def test_a_detail_that_is_left_out_and_was_purged_does_not_come_back(shop: Atelier) -> None:
    _, run, contact = undone(shop)
    shop.platform.purge_bin()
    plan = shop.undo(run, left_out=without(("Contact", contact)))
    assert shop.restore(plan).whole
    assert not shop.live("Contact")
    account, _ = shop.named("Account", "Candy")
    assert shop.named("Memo", "Call")[1]["About"] == account


def test_a_detail_that_leaves_the_bin_with_its_master_is_named(shop: Atelier) -> None:
    """The org undeletes both together, whatever a person left out."""
    _, run, contact = undone(shop)
    plan = shop.undo(run, left_out=without(("Contact", contact)))
    assert "left-out-comes" in codes(plan)
    assert "left-out" not in codes(plan), "it does not stay as it is"
    shop.restore(plan)
    assert contact in shop.live("Contact")


def test_a_record_comes_back_without_a_reference_to_one_that_is_left_out(shop: Atelier) -> None:
    team = shop.make("Team", "red")
    player = shop.make("Player", "Ann", Team=team)
    shop.night()
    shop.lose("Team", team)
    shop.lose("Player", player)
    shop.night()
    plan = shop.plan_of(("Team", team), ("Player", player))
    shop.restore(plan)
    undo = shop.undo(run_of(plan))
    shop.restore(undo)
    shop.platform.purge_bin()
    (gone,) = [step.record for step in undo.steps if step.table == "Team"]
    again = shop.undo(run_of(undo), left_out=without(("Team", gone)))
    assert "left-out-target" in codes(again)
    shop.restore(again)
    assert not shop.live("Team")
    assert shop.named("Player", "Ann")[1]["Team"] is None
