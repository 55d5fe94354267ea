"""Columns and tables that cannot be written: the reason, and advice only where a right helps."""

import pytest

from unit.engine.restore.atelier import Atelier, note_of
from unlost.engine.restore.planning.plan import RelatedPolicy
from unlost.model.errors import UsageError
from unlost.model.plan import RecordKey, RestorePlan, Selection, SelectionKind
from unlost.model.source.writing import MissingPermission, NeverColumn, NeverReason, WriteOp
from unlost.testing.platform import without


def chosen(atelier: Atelier, record: str, *columns: str, at: int | None = None) -> RestorePlan:
    key = RecordKey("Account", record)
    selection = Selection(SelectionKind.RECORDS, (key,), columns=columns)
    return atelier.planned(selection, at=at, related=RelatedPolicy.NONE)


def refusal(atelier: Atelier, column: str) -> UsageError:
    account = atelier.make("Account", "first")
    atelier.night()
    with pytest.raises(UsageError) as caught:
        chosen(atelier, account, column)
    return caught.value


def test_a_column_that_the_backup_lacks_is_refused(atelier: Atelier) -> None:
    error = refusal(atelier, "Nope")
    assert error.code == "restore-column"
    assert "case-sensitive" in error.next_step


@pytest.mark.parametrize(
    ("reason", "words", "granted"),
    [
        (NeverReason.FORMULA, "the org calculates it", False),
        (NeverReason.AUTO_NUMBER, "the org assigns its number", False),
        (NeverReason.SYSTEM, "the org sets it automatically", False),
        (NeverReason.READ_ONLY, "it is read-only", True),
        (NeverReason.SECRET, "the org never gives its value out", False),
    ],
)
def test_a_column_that_exists_and_cannot_be_set_was_refused_for_its_spelling(
    atelier: Atelier, reason: NeverReason, words: str, *, granted: bool
) -> None:
    usual = atelier.platform.capability("Account")
    atelier.allow(
        "Account",
        never=(NeverColumn("Number", reason),),
        settable=usual.settable - {"Number"},
        changeable=usual.changeable - {"Number"},
    )
    error = refusal(atelier, "Number")
    assert error.code == "restore-column-fixed"
    assert f"cannot be put back: {words}." in error.sentence
    assert "case-sensitive" not in error.next_step
    assert ("give the write user the right" in error.next_step) is granted


def test_a_column_that_is_set_only_on_create_says_so(atelier: Atelier) -> None:
    usual = atelier.platform.capability("Account")
    atelier.allow("Account", changeable=usual.changeable - {"Number"})
    assert "only when a record is created" in refusal(atelier, "Number").sentence


def test_a_user_who_may_not_change_records_was_told_to_mind_the_spelling(atelier: Atelier) -> None:
    usual = atelier.platform.capability("Account")
    atelier.allow("Account", ops=usual.ops - {WriteOp.UPDATE}, changeable=frozenset())
    error = refusal(atelier, "Number")
    assert "the write user may not change these records" in error.sentence
    assert "give the write user the right" in error.next_step


@pytest.mark.parametrize("op", [WriteOp.CREATE, WriteOp.UPDATE])
@pytest.mark.parametrize("lacks", [True, False])
def test_a_table_that_no_user_may_write_was_to_be_opened_to_the_write_user(
    atelier: Atelier, op: WriteOp, *, lacks: bool
) -> None:
    """A right was asked for that the org gives to no user."""
    atelier.platform.allow(without(atelier.platform.capability("Account"), op))
    if lacks:
        atelier.writer.lacking = (MissingPermission("Edit", "No right.", "Account", op),)
    account = atelier.make("Account", "Zotter")
    atelier.night()
    if op is WriteOp.CREATE:
        atelier.lose("Account", account)
    else:
        atelier.org.update("Account", account, {"Name": "Other"})
    plan = atelier.plan_of(("Account", account))
    note = note_of(plan, f"{op.value}-not-allowed")
    assert ("Give the write user" in note.next_step) is lacks
    assert ("to any user" in note.sentence) is not lacks
