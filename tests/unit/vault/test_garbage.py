"""What nothing needs any more goes: not before its days are over, and never what somebody needs."""

from datetime import timedelta

import pytest

from smallvault import IDENTITY, TABLE, SmallVault, finish, rows
from unlost.model.errors import Conflict, IntegrityError
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Hold, HoldScope, HoldTarget
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel
from unlost.vault.format.physical import HOLDS
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.maintenance.maintenance_run import BEGUN_ANEW
from unlost.vault.maintenance.retain.holds import hold_rows
from unlost.vault.maintenance.rewrite import tiers
from unlost.vault.write.open_runs import open_runs


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> SmallVault:
    monkeypatch.setattr(tiers, "MIN_TIERS", 2)
    return SmallVault()


def nights(small: SmallVault, first: int = 1) -> None:
    for number in (first, first + 1):
        small.night(f"n{number}", ("a", "U", {"Name": f"{number}"}))


def data(small: SmallVault) -> set[str]:
    return {listed.name for listed in small.store.list(f"orgs/{small.org}/data/")}


def test_what_was_replaced_goes_after_its_days(small: SmallVault) -> None:
    nights(small)
    old = data(small)
    made = small.vault.compact(small.org, run="c1")
    assert made.replaced == len(old)
    waiting = small.vault.sweep(small.org, run="s1")
    assert (waiting.removed, waiting.waiting, waiting.stray) == (0, len(old), 0)
    assert waiting.waiting_bytes == made.replaced_bytes
    assert waiting.next_at == small.clock.now() + GRACE
    small.clock.advance(seconds=(GRACE - timedelta(seconds=1)).total_seconds())
    assert small.vault.sweep(small.org, run="s2").removed == 0
    assert old <= data(small)
    small.clock.advance(seconds=1)
    gone = small.vault.sweep(small.org, run="s3")
    assert (gone.removed, gone.removed_bytes, gone.waiting) == (len(old), made.replaced_bytes, 0)
    assert not old & data(small)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "1"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    assert small.vault.sweep(small.org, run="s4").removed == 0


def test_an_open_run_that_began_before_holds_it(small: SmallVault) -> None:
    nights(small)
    mine = small.begin("mine")
    small.vault.compact(small.org, run="c1")
    small.clock.advance(days=30)
    held = small.vault.sweep(small.org, run="s1")
    assert (held.removed, held.held_by) == (0, "mine")
    assert held.waiting > 0
    finish(mine, mine.add(TABLE, [rows(("b", "U", {"Name": "b"}))]))
    late = small.begin("late")
    assert small.vault.sweep(small.org, run="s2").removed == held.waiting
    late.abandon()


@pytest.mark.parametrize("kind", sorted(BEGUN_ANEW))
def test_what_nobody_goes_on_with_holds_nothing_back(small: SmallVault, kind: CommitKind) -> None:
    """A hold or an erasure whose process was killed kept garbage, and refused erasures, for ever."""
    nights(small)
    small.vault.begin(small.org, run="cut-off", kind=kind, identity=IDENTITY)
    wish = Erase((RecordKey(TABLE, "b"),))
    assert small.vault.apply(small.org, unconditional(wish), run="e1").unknown == wish.records
    small.vault.begin(small.org, run="cut-off-again", kind=kind, identity=IDENTITY)
    made = small.vault.compact(small.org, run="c1")
    assert small.vault.sweep(small.org, run="s1").held_by is None
    small.clock.advance(days=8)
    assert small.vault.sweep(small.org, run="s2").removed == made.replaced > 0
    assert not list(open_runs(small.vault.org_vault(small.org)))


def test_a_hold_that_is_ended_by_an_erasure_does_not_commit(small: SmallVault) -> None:
    nights(small)
    late = small.vault.begin(small.org, run="late", kind=CommitKind.HOLD, identity=IDENTITY)
    hold = Hold(HoldTarget(HoldScope.RECORD, table=TABLE, record="a"))
    added = late.add_hold_rows(hold_rows((hold,), observed_at=small.clock.now()))
    small.vault.apply(small.org, unconditional(Erase((RecordKey(TABLE, "a"),))), run="e1")
    with pytest.raises(Conflict, match="marked the run"):
        late.finish([TableCommit(HOLDS, (added,))], as_of=small.clock.now())
    assert small.vault.holds(small.org) == ()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_pieces_that_came_to_nothing_are_found_and_go_too(small: SmallVault) -> None:
    nights(small)
    lost = small.begin("lost")
    pieces = {entry.id for entry in lost.add(TABLE, [rows(("b", "U", {"Name": "b"}))]).segments}
    assert small.vault.sweep(small.org, run="s1").stray == 0  # the run may still finish
    lost.abandon()
    found = small.vault.sweep(small.org, run="s2")
    assert (found.stray, found.waiting, found.removed) == (len(pieces), len(pieces), 0)
    assert small.vault.commits(small.org)[-1].kind is CommitKind.CONDEMN
    again = small.vault.sweep(small.org, run="s3")
    assert (again.stray, again.waiting) == (0, len(pieces))
    small.clock.advance(days=7)
    assert small.vault.sweep(small.org, run="s4").removed == len(pieces)
    assert not any(name.rsplit("/", 1)[1] in pieces for name in data(small))


def test_packs_are_left_alone_while_any_run_is_open(small: SmallVault) -> None:
    nights(small)
    lost = small.begin("lost")
    text = "long " * 40_000
    lost.add(TABLE, [rows(("b", "U", {"Text": text}))])
    lost.abandon()
    other = small.begin("other")
    assert len(list(small.store.list(f"orgs/{small.org}/packs/"))) == 1
    first = small.vault.sweep(small.org, run="s1")
    assert first.stray > 0
    other.abandon()
    assert small.vault.sweep(small.org, run="s2").stray == 1
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s3")
    assert list(small.store.list(f"orgs/{small.org}/packs/")) == []


def test_a_compaction_that_was_cut_off_leaves_nothing_for_ever(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(small)

    def cut(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("unlost.vault.maintenance.maintenance_run.MaintenanceRun.commit", cut)
        with pytest.raises(KeyboardInterrupt):
            small.vault.compact(small.org, run="c1")
    small.reopen()
    before = data(small)
    made = small.vault.compact(small.org, run="c2")
    assert made.snapshot == 3
    found = small.vault.sweep(small.org, run="s1")
    assert found.stray > 0
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s2")
    assert not before & data(small)
    assert small.cells(1)["a"]["Name"] == "1"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_what_is_gone_is_written_down(small: SmallVault) -> None:
    nights(small)
    small.vault.compact(small.org, run="c1")  # commit 3
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s1")
    nights(small, 4)
    number = small.vault.compact(small.org, run="c2").snapshot
    assert number is not None
    chain = small.vault.org_vault(small.org).chain
    assert chain.manifest(3)[0].collected == 0
    assert chain.manifest(number)[0].collected == 3


def test_a_run_that_another_process_gave_up_does_not_commit(small: SmallVault) -> None:
    nights(small)
    mine = small.begin("mine")
    added = mine.add(TABLE, [rows(("b", "U", {"Name": "mine"}))])
    small.vault.begin(small.org, run="mine", kind=CommitKind.BACKUP, identity=IDENTITY).abandon()
    assert small.vault.sweep(small.org, run="s1").stray > 0
    with pytest.raises(Conflict) as told:
        finish(mine, added)
    assert told.value.code == "run-given-up"


def test_what_is_live_is_never_removed_whatever_was_condemned(
    small: SmallVault, monkeypatch: pytest.MonkeyPatch
) -> None:
    nights(small)
    mine = small.begin("mine")
    added = mine.add(TABLE, [rows(("b", "U", {"Name": "mine"}))])
    small.vault.begin(small.org, run="mine", kind=CommitKind.BACKUP, identity=IDENTITY).abandon()
    small.vault.sweep(small.org, run="s1")
    monkeypatch.setattr("unlost.vault.write.finish.CommitFinisher._check_open", lambda self: None)
    finish(mine, added)
    small.clock.advance(days=30)
    assert small.vault.sweep(small.org, run="s2").removed == 0
    small.reopen()
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_what_is_written_down_as_gone_stays_so(small: SmallVault) -> None:
    nights(small)
    small.vault.compact(small.org, run="c1")
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s1")
    nights(small, 4)
    small.vault.compact(small.org, run="c2")
    lost = small.begin("lost")
    lost.add(TABLE, [rows(("b", "U", {"Name": "b"}))])
    lost.abandon()
    small.vault.sweep(small.org, run="s2")
    newest = small.vault.commits(small.org)[-1]
    assert newest.kind is CommitKind.CONDEMN
    chain = small.vault.org_vault(small.org).chain
    assert chain.manifest(newest.number)[0].collected == newest.number - 2


def test_a_chain_that_is_not_whole_loses_nothing_more(small: SmallVault) -> None:
    nights(small)
    small.vault.compact(small.org, run="c1")
    small.clock.advance(days=8)
    before = data(small)
    small.store.delete(f"orgs/{small.org}/commits/{2:020d}")
    small.reopen()
    with pytest.raises(IntegrityError):
        small.vault.sweep(small.org, run="s1")
    assert data(small) == before


def test_an_org_without_a_commit_has_nothing_to_sweep(small: SmallVault) -> None:
    assert small.vault.sweep(small.org, run="s1").waiting == 0
