"""The loss inbox in the database: what stands in it, in which order, and how it leaves."""

from datetime import timedelta

import pytest

from unlost.catalog.losses import (
    LossBackup,
    LossCheck,
    LossDecision,
    LossMark,
    add_losses,
    check_losses,
    decide_loss,
    find_loss,
    forget_losses,
    list_losses,
    loss_mark,
    loss_records,
    losses_of_backup,
    losses_with_others,
    newest_losses,
    note_loss_error,
    open_losses,
    scrub_losses,
)
from unlost.catalog.orgs.orgs import ProtectedOrg, save_org
from unlost.catalog.runs.schedules import setups
from unlost.catalog.vault.erasing import scrub
from unlost.model.losses import FoldReason, LossGroup, LossState
from unlost.model.message import Message
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.testing.clock import START

DAY = timedelta(days=1)
OID = "0" * 32
FIRST = LossBackup(2, START, START - DAY)


@pytest.fixture(autouse=True)
def _org() -> None:
    save_org(ProtectedOrg("sales", OID, OrgIdentity("memory", "T1"), START))


def group(*roots: str, table: str = "Account", days: int | None = 9, **more: object) -> LossGroup:
    records = {table: roots, "Contact": ("p1", "p2")}
    bin_until = START + timedelta(days=days) if days is not None else None
    return LossGroup(table, roots, records, "U1", START, START, bin_until, **more)  # type: ignore[arg-type]


def ids(state: LossState = LossState.OPEN, *, now: int = 0) -> list[str]:
    page = list_losses(["sales"], state, now=START + now * DAY, start=0, most=10)
    assert page.total == len(page.losses)
    return [loss.record for loss in page.losses]


def test_a_backup_adds_its_losses_once() -> None:
    assert loss_mark(OID) is None
    assert add_losses(OID, FIRST, [group("a1", "a2")]) == 1
    assert add_losses(OID, FIRST, [group("a1", "a2")]) == 0
    assert loss_mark(OID) == LossMark(2)
    (loss,) = losses_of_backup(OID, 2)
    assert (loss.org, loss.record, loss.roots, loss.more) == ("sales", "a1", 2, 2)
    assert loss.counts == {"Account": 2, "Contact": 2}
    assert (loss.after, loss.until, loss.state) == (START - DAY, START, LossState.OPEN)
    assert find_loss("sales", loss.id) == loss
    assert find_loss("other", loss.id) is None
    assert loss_records(loss.id) == {"Account": ("a1", "a2"), "Contact": ("p1", "p2")}
    assert setups()[OID].losses == 1


def test_an_older_backup_does_not_move_the_mark_back() -> None:
    note_loss_error(OID, Message("away", "The vault is away."))
    assert loss_mark(OID) == LossMark(0, Message("away", "The vault is away."))
    add_losses(OID, FIRST, [])
    add_losses(OID, LossBackup(1, START - DAY, None), [])
    assert loss_mark(OID) == LossMark(2)


def test_what_leaves_the_bin_first_stands_first_then_what_was_lost_last() -> None:
    add_losses(OID, FIRST, [group("a1", days=9), group("a2", days=3), group("a3", days=None)])
    add_losses(OID, LossBackup(3, START + DAY, START), [group("a4", days=None)])
    assert ids() == ["a2", "a1", "a4", "a3"]
    assert ids(now=4) == ["a1", "a4", "a3", "a2"], "a2 has left the bin"
    first = newest_losses(["sales"], each=2, now=START)
    assert [loss.record for loss in first["sales"]] == ["a2", "a1"]
    assert newest_losses([], each=2, now=START) == {}
    page = list_losses(["sales"], LossState.OPEN, now=START, start=1, most=2)
    assert ([loss.record for loss in page.losses], page.total) == (["a1", "a4"], 4)


def test_what_depended_on_a_lost_record_joins_its_loss() -> None:
    add_losses(OID, FIRST, [group("a1")])
    late = LossGroup("Task", ("t1",), {"Task": ("t1",)}, parent=RecordKey("Account", "a1"))
    for _ in range(2):
        assert add_losses(OID, LossBackup(3, START + DAY, START), [late]) == 0
    (loss,) = losses_of_backup(OID, 2)
    assert (loss.roots, loss.more) == (1, 3)
    assert loss.counts == {"Account": 1, "Contact": 2, "Task": 1}
    assert losses_of_backup(OID, 3) == ()
    decide_loss(loss.id, LossDecision(LossState.DISMISSED, START, "ada", "test"))
    assert add_losses(OID, LossBackup(3, START + DAY, START), [late]) == 1, "it is not open"


def test_what_joins_a_loss_counts_among_its_open_work_once() -> None:
    first = group("a1", below=2, open_counts={"Contact": 1})
    add_losses(OID, FIRST, [first])
    late = LossGroup(
        "Case",
        ("c1",),
        {"Case": ("c1", "c2")},
        parent=RecordKey("Account", "a1"),
        below=1,
        open_counts={"Case": 1},
        open_roots=1,
    )
    for _ in range(2):
        add_losses(OID, LossBackup(3, START + DAY, START), [late])
    (loss,) = losses_with_others(OID, since=START, most=9)
    assert (loss.below, loss.open_counts) == (4, {"Contact": 1, "Case": 2})
    scrub_losses(
        "sales", [RecordKey("Case", "c1"), RecordKey("Contact", "p1"), RecordKey("Contact", "p2")]
    )
    (loss,) = losses_with_others(OID, since=START, most=9)
    assert (loss.below, loss.open_counts) == (1, {"Case": 1})


def test_recent_losses_with_other_records_the_largest_first() -> None:
    many = [group(f"a{n}", below=n) for n in range(4)]
    add_losses(OID, FIRST, many)
    assert [loss.below for loss in losses_with_others(OID, since=START, most=2)] == [3, 2]
    assert losses_with_others(OID, since=START + DAY, most=9) == ()
    page = list_losses(["sales"], LossState.OPEN, now=START, start=0, most=9, snapshot=2)
    assert [loss.below for loss in page.losses] == [3, 2, 1, 0]
    other = list_losses(["sales"], LossState.OPEN, now=START, start=0, most=9, snapshot=3)
    assert other.total == 0


def test_merges_and_deletions_of_ours_do_not_stand_in_the_inbox() -> None:
    merged = group("a1", merged_into=RecordKey("Account", "a9"), folded=FoldReason.MERGED)
    add_losses(OID, FIRST, [merged, group("t1", table="Task", parent=RecordKey("Account", "a7"))])
    assert ids() == ["t1"]
    folded, hanging = losses_of_backup(OID, 2)
    assert (folded.merged_into, folded.folded) == (RecordKey("Account", "a9"), FoldReason.MERGED)
    assert hanging.parent == RecordKey("Account", "a7")


def test_a_loss_is_restored_once_all_its_roots_are_back() -> None:
    add_losses(OID, FIRST, [group("a1", "a2"), group("a3"), group("a4")])
    first, second, third = open_losses(OID)
    assert first.roots == ("a1", "a2")
    checks = [
        LossCheck(first.id, known=2, back=1),
        LossCheck(second.id, known=1, back=1),
        LossCheck(third.id, known=0, back=0),
    ]
    assert check_losses(checks, at=START) == 1
    assert ids() == ["a1"]
    assert ids(LossState.RESTORED) == ["a3"]
    assert find_loss("sales", third.id) is None, "the vault has forgotten it"
    half = find_loss("sales", first.id)
    assert half is not None
    assert half.back == 1
    assert check_losses([LossCheck(second.id, 1, 0)], at=START) == 0, "no longer open"


def test_a_decision_is_recorded_and_old_ones_are_forgotten() -> None:
    add_losses(OID, FIRST, [group("a1"), group("a2")])
    first = open_losses(OID)[0].id
    decide_loss(first, LossDecision(LossState.DISMISSED, START, "ada", "A test customer"))
    loss = find_loss("sales", first)
    assert loss is not None
    assert (loss.state, loss.decided_by) == (LossState.DISMISSED, "ada")
    assert (loss.reason, loss.decided_at) == ("A test customer", START)
    forget_losses(OID, now=START + 400 * DAY)
    assert find_loss("sales", first) is not None
    forget_losses(OID, now=START + 401 * DAY)
    assert find_loss("sales", first) is None
    assert ids() == ["a2"], "it stands until it is restored or dismissed"


def test_erased_records_leave_the_inbox() -> None:
    parent = RecordKey("Account", "a7")
    merged = group("a5", merged_into=parent, folded=FoldReason.MERGED)
    task = LossGroup("Task", ("t1",), {"Task": ("t1",)}, parent=parent)
    add_losses(OID, FIRST, [group("a1", "a2"), group("a3"), task, merged])
    erased = [RecordKey("Account", name) for name in ("a1", "a3", "a7")]
    erased += [RecordKey("Contact", "p1"), RecordKey("Contact", "p2")]
    assert scrub_losses("sales", erased) == 4
    left = {loss.record: loss for loss in losses_of_backup(OID, 2)}
    assert set(left) == {"a2", "t1", "a5"}
    assert (left["a2"].roots, left["a2"].more, left["a2"].counts) == (1, 0, {"Account": 1})
    assert loss_records(left["a2"].id) == {"Account": ("a2",)}
    assert (left["t1"].parent, left["a5"].merged_into) == (None, None)
    assert scrub_losses("sales", erased) == 0
    assert scrub("sales", [RecordKey("Task", "t1")]) == 1
    assert scrub("sales", [RecordKey("Account", "a2")], stays=True) == 0, "corrected, not erased"
