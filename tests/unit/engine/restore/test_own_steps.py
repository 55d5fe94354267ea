"""Records that need a step of their own are named in plans, and left alone by runs."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from unit.engine.restore.atelier import Atelier, actions, codes, note_of, step_of
from unlost.engine.restore.planning.notes.locked import LOCKS_UNLISTED
from unlost.engine.restore.planning.notes.note_order import Consequence, consequence, sorted_notes
from unlost.engine.restore.running.execute import run_of
from unlost.engine.restore.values.outcome import RecordOutcome
from unlost.engine.restore.values.outcome_text import LOCKED, PUBLISHED, outcome_message
from unlost.engine.restore.values.plan_file import read_plan, write_plan
from unlost.model.plan import Action, NoteWeight, RecordKey, RestorePlan
from unlost.model.source.locks import LockKind, LockList, RecordLock
from unlost.testing.platform import RowRefused


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Atelier]:
    made = Atelier(tmp_path)
    yield made
    made.writer.faults.assert_met()


def changed(shop: Atelier) -> tuple[str, int]:
    """An account whose number changed, and the backup with its former number."""
    account = shop.make("Account", "Candy", Number="1")
    shop.night()
    first = shop.head.info.number
    shop.org.update("Account", account, {"Number": "2"})
    shop.night()
    return account, first


def lock(shop: Atelier, kind: LockKind, record: str, **more: str) -> None:
    shop.writer.locked = LockList((RecordLock(kind, "Account", record, **more),))


def ending(shop: Atelier, plan: RestorePlan) -> RecordOutcome:
    (record,) = shop.restore(plan).records
    return record


def test_a_record_in_an_approval_is_named_in_the_plan_and_its_step_is_marked(
    shop: Atelier,
) -> None:
    account, first = changed(shop)
    lock(shop, LockKind.APPROVAL, account, name="Candy", process="Discount")
    plan = shop.plan_of(("Account", account), at=first)
    step = step_of(plan, account)
    assert (step.action, step.notes) == (Action.UPDATE, ("in-approval",))
    note = note_of(plan, "in-approval")
    assert note.sentence == (
        "An approval process locks 1 record of Account, which the org does not change or delete "
        "until the approval is decided: Candy (Discount)."
    )
    assert note.next_step.startswith("Decide or recall the approvals")
    assert (note.count, consequence(note)) == (1, Consequence.REFUSAL)
    assert note in sorted_notes(plan.notes).first
    assert read_plan(write_plan(plan)) == plan


def test_a_record_that_is_still_locked_is_left_alone_with_a_clear_outcome(shop: Atelier) -> None:
    account, first = changed(shop)
    plan = shop.plan_of(("Account", account), at=first)
    shop.writer.faults.plant("row", RowRefused("ENTITY_IS_LOCKED", "the entity is locked"))
    outcome = ending(shop, plan)
    assert outcome.code == LOCKED.code
    assert outcome.sentence == (
        f"Account/{account} is locked in the org, for example by an approval process. "
        "It was left unchanged."
    )
    known = outcome_message(LOCKED.code, RecordKey("Account", account), outcome.sentence)
    assert known.template == LOCKED.template, "consoles translate it"


def test_a_user_who_overrules_approvals_only_hears_of_them(shop: Atelier) -> None:
    account, first = changed(shop)
    lock(shop, LockKind.APPROVAL, account)
    shop.writer.locked = replace(shop.writer.locked, overruled=frozenset({LockKind.APPROVAL}))
    plan = shop.plan_of(("Account", account), at=first)
    note = note_of(plan, "in-approval")
    assert note.weight is NoteWeight.NOTE
    assert f"locks 1 record of Account: {account}. The write user may change" in note.sentence
    assert step_of(plan, account).notes == ()


def test_a_published_article_is_named_and_left_alone(shop: Atelier) -> None:
    account, first = changed(shop)
    lock(shop, LockKind.PUBLISHED, account, name="How to melt")
    plan = shop.plan_of(("Account", account), at=first)
    note = note_of(plan, "published")
    assert "are published articles, which the org does not change: How to melt." in note.sentence
    shop.writer.faults.plant("row", RowRefused("INVALID_OPERATION", "Only drafts."))
    outcome = ending(shop, plan)
    assert outcome.code == PUBLISHED.code
    assert "is a published article" in outcome.sentence


def test_an_undo_names_locked_records(shop: Atelier) -> None:
    account, first = changed(shop)
    plan = shop.plan_of(("Account", account), at=first)
    shop.restore(plan)
    lock(shop, LockKind.APPROVAL, account, name="Candy")
    undo = shop.undo(run_of(plan))
    assert "until the approval is decided: Candy." in note_of(undo, "in-approval").sentence
    assert step_of(undo, account).notes == ("in-approval",)


def test_an_undo_that_deletes_an_article_needs_no_draft(shop: Atelier) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    shop.org.purge("Account", account)
    shop.night()
    plan = shop.plan_of(("Account", account))
    shop.restore(plan)
    (live,) = shop.live("Account")
    lock(shop, LockKind.PUBLISHED, live)
    undo = shop.undo(run_of(plan))
    assert {step.action for step in undo.steps} == {Action.DELETE}
    assert "published" not in codes(undo)


def test_a_plan_says_that_locks_could_not_be_listed(shop: Atelier) -> None:
    account, first = changed(shop)
    shop.writer.locked = LockList((), tuple(LockKind))
    plan = shop.plan_of(("Account", account), at=first)
    sentences = [note.sentence for note in plan.notes if note.code == LOCKS_UNLISTED]
    assert sentences == [
        "The org does not show which records an approval process locks.",
        "The org does not show which articles are published.",
    ]


def test_a_plan_that_only_creates_asks_for_no_locks(shop: Atelier) -> None:
    account = shop.make("Account", "Candy")
    shop.night()
    shop.org.purge("Account", account)
    shop.night()
    assert actions(shop.plan_of(("Account", account))) == {account: Action.CREATE}
    assert not [call for call in shop.writer.calls if call[0] == "locks"]
