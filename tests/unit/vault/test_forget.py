"""Forgetting: nights that stay are the same to the bit, and of the others nothing is left."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import combinations
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import Conflict, LimitReached, NotFound, StoreError
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, Hold, HoldScope, HoldTarget, KeepRules
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableCommit, VerifyLevel, Version
from unlost.testing.clock import START
from unlost.vault.commits.intents import OpenRun
from unlost.vault.maintenance.retain import forget as forgetting
from unlost.vault.maintenance.rewrite import merging, tiers
from unlost.vault.maintenance.rewrite.merging import Merger
from unlost.vault.read import big_cells, changes
from unlost.vault.write.open_commit import OpenCommit

IDS = tuple(f"{n:02d}" for n in range(12))
DEAD = "DPM"
LONG = "long " * 40


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bounds so small that everything crosses them."""
    monkeypatch.setattr(merging, "GROUP_ROWS", 2)
    monkeypatch.setattr(merging, "SEGMENT_ROWS", 5)
    monkeypatch.setattr(merging, "AT_ONCE", 4)
    monkeypatch.setattr(tiers, "MIN_TIERS", 3)
    monkeypatch.setattr(big_cells, "CELL_BYTES", 100)


def night(
    small: SmallVault, run: str, *seen: tuple[str, str, Mapping[str, str] | None]
) -> SnapshotInfo:
    """A backup, a day after the last one."""
    small.clock.advance(days=1)
    commit = small.begin(run)
    minute = round((small.clock.now() - START).total_seconds() / 60)
    added = commit.add(TABLE, [rows(*seen, minute=minute)])
    return commit.finish([TableCommit(TABLE, (added,))], as_of=small.clock.now())


def ten_nights(small: SmallVault) -> None:
    """A load, and nights on each of which a few records change, go, or come back."""
    night(small, "n1", *((i, "U", {"Name": f"Jo {i}", "Amount": "1"}) for i in IDS))
    for number in range(2, 11):
        changed = [(i, "U", {"Name": f"Jo {number}"}) for i in IDS[number % 4 :: 4]]
        night(small, f"n{number}", *changed, (IDS[number], "M", None))


def seen_by(small: SmallVault, numbers: Sequence[int]) -> list[Any]:
    """All that nights show, and how they differ."""
    vault, org = small.vault, small.org
    told: list[Any] = []
    for number in numbers:
        at = vault.at(org, number)
        told += [
            at.scan(TABLE).read_all().to_pylist(),
            at.scan_deleted(TABLE).read_all().to_pylist(),
        ]
        told += [small.changed(after, number) for after in (0, *numbers) if after <= number]
    return told


def versions(small: SmallVault) -> dict[str, list[tuple[int, str]]]:
    """Commit and op of all versions, by record."""
    found = {id_: small.vault.history(small.org, TABLE, id_) for id_ in IDS}
    return {id_: [(v.snapshot, v.op.value) for v in told] for id_, told in found.items() if told}


def expected(
    before: Mapping[str, list[tuple[int, str]]], kept: Sequence[int], *, expired: Sequence[str] = ()
) -> dict[str, list[tuple[int, str]]]:
    """The same by the promise, record by record: written without a look at the code."""
    after = {}
    for id_, told in before.items():
        stay = set()
        for at, (snap, op) in enumerate(told):
            following = told[at + 1][0] if at + 1 < len(told) else None
            if following is None:
                if id_ not in expired or op not in DEAD:
                    stay.add(at)
            elif any(snap <= number < following for number in kept):
                stay.add(at)
        if stay:
            stay.add(len(told) - 1)
        for states in ("UDA", "U"):
            for at in sorted(stay):
                if told[at][1] != "U":
                    stay |= {i for i in range(at) if last_of(told, i, at, states)}
        if stay:
            after[id_] = [told[at] for at in sorted(stay)]
    return after


def last_of(told: list[tuple[int, str]], state: int, tombstone: int, states: str) -> bool:
    """Whether it is a state, and no other one lies between it and a tombstone."""
    between = (op for _, op in told[state + 1 : tombstone])
    return told[state][1] in states and all(op not in states for op in between)


def test_nights_that_stay_are_the_same_and_of_the_others_nothing_is_left() -> None:
    small = SmallVault()
    ten_nights(small)
    kept = (4, 10)
    before, was = seen_by(small, kept), versions(small)
    small.vault.change_holds(
        small.org, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=4), "audit"),), run="h1"
    )
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert done.staying == kept
    assert done.backups == (1, 2, 3, 5, 6, 7, 8, 9)
    assert [info.number for info in small.vault.snapshots(small.org)] == list(kept)
    assert seen_by(small, kept) == before
    assert versions(small) == expected(was, kept)
    assert done.versions == sum(map(len, was.values())) - sum(map(len, versions(small).values()))
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    small.reopen()
    assert seen_by(small, kept) == before


def test_the_plan_says_what_is_done_and_writes_nothing() -> None:
    small = SmallVault()
    ten_nights(small)
    objects = sorted(listed.name for listed in small.store.list(""))
    plan = small.vault.plan(small.org, Forget(KeepRules(daily=2))).effect
    assert sorted(listed.name for listed in small.store.list("")) == objects
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=2))), run="f1")
    assert replace(done, snapshot=None, condemned=0) == plan
    assert done.snapshot == 11
    again = small.vault.plan(small.org, Forget(KeepRules(daily=2))).effect
    assert again.nothing
    assert (
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=2))), run="f2").snapshot
        is None
    )
    assert len(small.vault.commits(small.org)) == 11


def test_without_rules_nothing_goes() -> None:
    small = SmallVault()
    ten_nights(small)
    assert small.vault.plan(small.org, Forget(KeepRules())).effect.nothing
    assert small.vault.plan(small.org, Forget(KeepRules(deleted_days=1))).effect.nothing


def test_a_forgotten_backup_is_not_shown_as_one() -> None:
    small = SmallVault()
    ten_nights(small)
    small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    for ask in (
        lambda: small.vault.at(small.org, 3),
        lambda: list(small.vault.changes(small.org, TABLE, after=3, until=10)),
    ):
        with pytest.raises(NotFound) as caught:
            ask()
        assert caught.value.code == "snapshot-forgotten"


def test_the_last_state_of_a_deleted_record_stays_until_its_limit() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    night(small, "n2", ("a", "U", {"Name": "Anne"}))
    night(small, "n3", ("a", "M", None))
    for number in range(4, 40):
        night(small, f"n{number}", ("b", "U", {"Name": f"Ben {number}"}))
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=60))), run="f1"
    )
    assert [v.snapshot for v in small.vault.history(small.org, TABLE, "a")] == [2, 3]
    head = small.vault.newest_backup(small.org)
    assert head is not None
    assert head.tables()[TABLE].deleted == 1
    done = small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=30))), run="f2"
    )
    assert (done.records, done.versions) == (1, 2)
    assert list(small.vault.history(small.org, TABLE, "a")) == []
    night(small, "later", ("b", "U", {"Name": "Benno"}))
    head = small.vault.newest_backup(small.org)
    assert head is not None
    assert (head.tables()[TABLE].alive, head.tables()[TABLE].deleted) == (1, 0)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_table_of_which_nothing_stays_is_empty_and_may_come_back() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    night(small, "n2", ("a", "M", None), ("b", "D", {"Name": "Bella"}))
    small.clock.advance(days=90)
    small.vault.compact(small.org, run="c1")
    empty = night(small, "n3")
    done = small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=30))), run="f1"
    )
    assert (done.records, done.versions) == (2, 4)
    assert [list(small.vault.history(small.org, TABLE, one)) for one in "ab"] == [[], []]
    assert small.changed(0, empty.number) == {}
    again = night(small, "n4", ("a", "U", {"Name": "Anna again"}))
    assert [one.snapshot for one in small.vault.history(small.org, TABLE, "a")] == [again.number]
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_held_night_keeps_the_deleted_records_that_it_shows() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    night(small, "n2", ("a", "M", None))
    night(small, "n3", ("b", "M", None))
    small.clock.advance(days=100)
    night(small, "n4", ("c", "U", {"Name": "Carl"}))
    before = seen_by(small, (2,))
    small.vault.change_holds(
        small.org, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=2), "lawsuit"),), run="h1"
    )
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=30))), run="f1"
    )
    assert seen_by(small, (2,)) == before
    small.vault.change_holds(small.org, lifted=(HoldTarget(HoldScope.NIGHT, backup=2),), run="h2")
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=30))), run="f2"
    )
    assert [list(small.vault.history(small.org, TABLE, one)) for one in ("a", "b")] == [[], []]


def test_what_was_archived_has_no_limit() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Name": "Anna"}), ("b", "U", {"Name": "Ben"}))
    night(small, "n2", ("a", "A", {"Name": "Anna"}))
    small.clock.advance(days=4000)
    night(small, "n3", ("b", "U", {"Name": "Benno"}))
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run="f1"
    )
    assert [v.op.value for v in small.vault.history(small.org, TABLE, "a")] == ["U", "A"]


@pytest.mark.parametrize("tombstone", ["D", "P", "M"])
def test_a_record_that_was_gone_before_its_archive_ended_is_forgotten(tombstone: str) -> None:
    """Its last whole row is that of the archive, whatever the rules say of deleted records."""
    small = SmallVault()
    cells = {"Name": "Anna", "Text": LONG}
    night(small, "n1", ("a", "U", cells), ("b", "U", {"Name": "Ben"}))
    night(small, "n2", ("a", tombstone, cells if tombstone == "D" else None))
    night(small, "n3", ("a", "A", cells))
    small.clock.advance(days=4000)
    night(small, "n4", ("b", "U", {"Name": "Benno"}))
    small.clock.advance(days=4000)
    night(small, "n5", ("b", "U", {"Name": "Benny"}))
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run="f1"
    )
    small.vault.compact(small.org, run="c1")
    ops = [version.op.value for version in small.vault.history(small.org, TABLE, "a")]
    assert (ops[0], ops[-1]) == ("U", "A"), "without a live state it could not come back"
    last = small.vault.history(small.org, TABLE, "a")[-1]
    assert (last.op.value, last.cells["Name"], last.cells["Text"]) == ("A", "Anna", LONG)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_words_of_what_is_gone_are_found_no_more() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Name": "Anna Meyer"}), ("b", "U", {"Name": "Meyer"}))
    night(small, "n2", ("a", "U", {"Name": "Anna Schmidt"}))
    night(small, "n3", ("a", "U", {"Name": "Anna Schulz"}))
    small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    found = {
        word: sorted(hit.record for hit in small.vault.search(small.org, word))
        for word in ("anna", "meyer", "schmidt", "schulz")
    }
    assert found == {"anna": ["a"], "meyer": ["b"], "schmidt": [], "schulz": ["a"]}
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_contents_that_nothing_names_go_with_their_packs() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Text": LONG + "1"}), ("b", "U", {"Text": LONG + "b"}))
    night(small, "n2", ("a", "U", {"Text": LONG + "2"}))
    night(small, "n3", ("a", "U", {"Text": LONG + "3"}))
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert (done.files, done.packs) == (2, 2)  # what is needed of the first one moved
    assert small.cells(3)["a"]["Text"] == LONG + "3"
    assert small.cells(3)["b"]["Text"] == LONG + "b"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    assert packs(small) == 4
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s1")
    assert packs(small) == 2
    assert small.cells(3)["b"]["Text"] == LONG + "b"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def packs(small: SmallVault) -> int:
    """How many there are in the store."""
    return len(list(small.store.list(f"orgs/{small.org}/packs/")))


def test_a_pack_of_which_little_goes_stays_as_it_is() -> None:
    small = SmallVault()
    texts = [(id_, "U", {"Text": f"{id_} {LONG}"}) for id_ in IDS]
    night(small, "n1", *texts)
    night(small, "n2", (IDS[0], "U", {"Text": "short"}))
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert (done.files, done.packs, packs(small)) == (1, 0, 1)
    assert small.cells(2)[IDS[1]]["Text"] == f"{IDS[1]} {LONG}"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_new_packs_of_a_forgetting_that_fails_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Text": LONG + "1"}), ("b", "U", {"Text": LONG + "b"}))
    night(small, "n2", ("a", "U", {"Text": LONG + "2"}))

    def fails(*_: object, **__: object) -> None:
        raise StoreError("store-full", "The store is full.")

    monkeypatch.setattr(Merger, "merge", fails)
    with pytest.raises(StoreError):
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert packs(small) == 2
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_content_that_another_record_names_stays() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Text": LONG}), ("b", "U", {"Text": LONG}))
    night(small, "n2", ("a", "U", {"Text": "short"}))
    assert (
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1").files == 0
    )
    assert small.cells(2)["b"]["Text"] == LONG


@pytest.mark.parametrize(
    "thing",
    [
        HoldTarget(HoldScope.ORG),
        HoldTarget(HoldScope.TABLE, TABLE),
        HoldTarget(HoldScope.RECORD, TABLE, IDS[3]),
    ],
)
def test_what_is_held_stays(thing: HoldTarget) -> None:
    small = SmallVault()
    ten_nights(small)
    was = versions(small)
    small.vault.change_holds(small.org, placed=(Hold(thing, "lawsuit", by="lena"),), run="h1")
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run="f1"
    )
    assert versions(small)[IDS[3]] == was[IDS[3]]
    assert (versions(small) == was) is (thing.scope is not HoldScope.RECORD)
    small.vault.change_holds(small.org, lifted=(thing,), run="h2")
    small.clock.advance(days=5)
    assert small.vault.holds(small.org) == ()
    small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1, deleted_days=1))), run="f2"
    )
    assert versions(small) == expected(was, [10], expired=IDS)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_hold_ends_when_it_runs_out() -> None:
    small = SmallVault()
    ten_nights(small)
    until = small.clock.now() + timedelta(days=1)
    thing = HoldTarget(HoldScope.ORG)
    small.vault.change_holds(small.org, placed=(Hold(thing, until=until),), run="h1")
    (hold,) = small.vault.holds(small.org)
    assert (hold.thing, hold.until, hold.since) == (thing, until, 11)
    assert small.vault.plan(small.org, Forget(KeepRules(daily=1))).effect.nothing
    small.clock.advance(days=2)
    assert not small.vault.plan(small.org, Forget(KeepRules(daily=1))).effect.nothing


def test_while_a_backup_is_open_nothing_is_forgotten() -> None:
    small = SmallVault()
    ten_nights(small)
    commit = small.begin("open")
    with pytest.raises(Conflict) as caught:
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert caught.value.code == "runs-open"
    commit.abandon()
    assert (
        small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1").snapshot
        == 11
    )


def test_a_backup_that_commits_meanwhile_wins() -> None:
    small = SmallVault()
    ten_nights(small)
    calls = 0

    def rival() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            night(small, "rival", (IDS[0], "U", {"Name": "New"}))

    with pytest.raises(Conflict) as caught:
        small.vault.apply(
            small.org, unconditional(Forget(KeepRules(daily=1))), run="f1", pause=rival
        )
    assert caught.value.code == "maintenance-outrun"
    assert len(small.vault.snapshots(small.org)) == 11
    assert small.vault.sweep(small.org, run="s1").stray == 0
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_backup_that_begins_meanwhile_wins_too() -> None:
    small = SmallVault()
    ten_nights(small)
    opened: list[OpenCommit] = []

    def begins() -> None:
        if not opened:
            opened.append(small.begin("open"))

    with pytest.raises(Conflict) as caught:
        small.vault.apply(
            small.org, unconditional(Forget(KeepRules(daily=1))), run="f1", pause=begins
        )
    assert caught.value.code == "runs-open"
    assert len(small.vault.snapshots(small.org)) == 10
    info = finish(opened[0], opened[0].add(TABLE, [rows((IDS[0], "U", {"Name": "New"}))]))
    assert small.cells(info.number)[IDS[0]]["Name"] == "New"
    assert small.vault.sweep(small.org, run="s1").stray == 0


def test_a_backup_that_nobody_saw_begin_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It left out a file that it thought to be there, and that is gone."""
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Text": LONG}))
    night(small, "n2", ("a", "U", {"Text": "short"}))
    commit = small.begin("open")
    added = commit.add(TABLE, [rows(("b", "U", {"Text": LONG}))])
    monkeypatch.setattr(forgetting, "_check_alone", lambda _: None)
    small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    with pytest.raises(Conflict) as caught:
        finish(commit, added)
    assert caught.value.code == "forgotten-meanwhile"
    commit.abandon()
    assert night(small, "again", ("b", "U", {"Text": LONG})).number == 4
    assert small.cells(4)["b"]["Text"] == LONG


def test_a_run_that_was_committed_and_did_not_say_so_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = SmallVault()
    ten_nights(small)
    with monkeypatch.context() as dies:
        dies.setattr(OpenRun, "close", lambda _: None)
        night(small, "n11", (IDS[0], "U", {"Name": "New"}))
    assert small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1))), run="f1"
    ).staying == (11,)


def test_a_hold_that_fails_leaves_no_run_open(monkeypatch: pytest.MonkeyPatch) -> None:
    small = SmallVault()
    ten_nights(small)

    def fails(*_: object) -> None:
        raise StoreError("store-full", "The store is full.")

    with monkeypatch.context() as full:
        full.setattr(OpenCommit, "add_hold_rows", fails)
        with pytest.raises(StoreError):
            small.vault.change_holds(small.org, placed=(Hold(HoldTarget(HoldScope.ORG)),), run="h1")
    assert small.vault.apply(
        small.org, unconditional(Forget(KeepRules(daily=1))), run="f1"
    ).staying == (10,)


def pictures_by_pair(small: SmallVault) -> dict[tuple[int, int], dict[str, str]]:
    """What differs between any two backups."""
    shown = [info.number for info in small.vault.snapshots(small.org)]
    return {(a, b): small.changed(a, b) for a, b in combinations(shown, 2)}


@pytest.mark.full
def test_forgetting_again_and_again_loses_no_change(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is told no more of the version before stays so when another one before it goes."""
    monkeypatch.setattr(changes, "INDEX_PAYS", 0)
    small = SmallVault()
    rules = KeepRules(daily=2, weekly=3)
    night(small, "n1", *((i, "U", {"Name": i}) for i in IDS))
    for number in range(2, 20):
        night(small, f"n{number}", *((i, "U", {"Name": f"{number}"}) for i in IDS[number % 3 :: 3]))
        small.vault.compact(small.org, run=f"c{number}")
        seen = pictures_by_pair(small)
        small.vault.apply(small.org, unconditional(Forget(rules)), run=f"f{number}")
        left = pictures_by_pair(small)
        assert left == {pair: seen[pair] for pair in left}
    assert len(left) > 3
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_what_lost_inside_its_commit_goes_with_the_record() -> None:
    small = SmallVault()
    commit = small.begin("n1")
    parts = [
        commit.add(TABLE, [rows(("a", "U", {"Name": "Lost", "Text": LONG + "lost"}))]),
        commit.add(TABLE, [rows(("a", "U", {"Name": "Won", "Text": LONG + "won"}))]),
    ]
    finish(commit, *parts)
    night(small, "n2", ("a", "U", {"Name": "Later"}))
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert done.files == 2
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    small.clock.advance(days=8)
    small.vault.sweep(small.org, run="s1")
    assert packs(small) == 0


def test_a_snapshot_in_hand_is_read_as_it_was() -> None:
    small = SmallVault()
    night(small, "n1", ("a", "U", {"Text": LONG}))
    night(small, "n2", ("a", "U", {"Text": "short"}))
    held = small.vault.at(small.org, 1)
    small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert held.scan(TABLE).read_all().column("Text").to_pylist() == [LONG]


def test_as_of_what_is_no_backup_nothing_is_promised() -> None:
    small = SmallVault()
    ten_nights(small)
    small.vault.change_holds(
        small.org, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=2)),), run="h1"
    )
    small.vault.at(small.org, 11)
    small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    with pytest.raises(NotFound, match="is not a backup"):
        small.vault.at(small.org, 11)
    assert len(small.vault.at(small.org, 11, forgotten=True).scan(TABLE).read_all()) > 0


def test_a_stop_changes_nothing() -> None:
    small = SmallVault()
    ten_nights(small)
    was, calls = versions(small), 0

    def stop() -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise LimitReached("run-stopped", "Stop.")

    with pytest.raises(LimitReached):
        small.vault.apply(
            small.org, unconditional(Forget(KeepRules(daily=1))), run="f1", pause=stop
        )
    assert versions(small) == was
    assert small.vault.sweep(small.org, run="s1").stray == 0


def test_an_empty_vault_has_nothing_to_forget() -> None:
    small = SmallVault()
    assert small.vault.plan(small.org, Forget(KeepRules(daily=1))).effect.nothing
    assert small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1").nothing


OPS = st.sampled_from("UUUUDPMA")
NIGHTS = st.lists(
    st.dictionaries(st.sampled_from(IDS[:5]), st.tuples(OPS, st.integers(0, 3)), max_size=5),
    min_size=2,
    max_size=12,
)


@pytest.mark.full
@settings(max_examples=10, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(nights=NIGHTS, pinned=st.sets(st.integers(1, 12), max_size=3), parts=st.data())
def test_whatever_was_and_whatever_stays(
    nights: list[dict[str, tuple[str, int]]], pinned: set[int], parts: st.DataObject
) -> None:
    small = SmallVault()
    for number, seen in enumerate(nights):
        some = [(i, op, {"Name": f"Jo {n}", "Text": LONG * (n % 2)} if op in "UDA" else None)
                for i, (op, n) in seen.items()]  # fmt: skip
        night(small, f"n{number}", *some)
        if parts.draw(st.integers(0, 4)) == 0:
            small.vault.compact(small.org, run=f"c{number}")
    numbers = [info.number for info in small.vault.snapshots(small.org)]
    kept = sorted({numbers[-1], *(numbers[n - 1] for n in pinned if n <= len(numbers))})
    before, was = seen_by(small, kept), versions(small)
    whole = {id_: list(small.vault.history(small.org, TABLE, id_)) for id_ in IDS}
    pins = tuple(Hold(HoldTarget(HoldScope.NIGHT, backup=number)) for number in kept)
    small.vault.change_holds(small.org, placed=pins, run="holds")
    done = small.vault.apply(small.org, unconditional(Forget(KeepRules(daily=1))), run="f1")
    assert done.staying == tuple(kept)
    assert seen_by(small, kept) == before
    assert versions(small) == told_apart(expected(was, kept), whole)
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()
    small.vault.compact(small.org, run="c-last")
    assert seen_by(small, kept) == before
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def told_apart(
    left: Mapping[str, list[tuple[int, str]]], was: Mapping[str, list[Version]]
) -> dict[str, list[tuple[int, str]]]:
    """Without versions that say the same as the one before them among those that are left."""
    found = {}
    for id_, told in left.items():
        cells = {version.snapshot: version.cells for version in was[id_]}
        kept: list[tuple[int, str]] = []
        for snap, op in told:
            old_snap, old = kept[-1] if kept else (0, "")
            same = op == old == "U" and cells[snap] == cells[old_snap]
            adds = (op == "D" and old in "PM") or (op == "A" and old in DEAD)
            dead_again = old in tuple(DEAD + "A") and op != "U" and not adds
            if not (same or dead_again):
                kept.append((snap, op))
        found[id_] = kept
    return found


def test_a_night_that_is_held_as_kind_is_no_night() -> None:
    small = SmallVault()
    ten_nights(small)
    small.vault.change_holds(
        small.org, placed=(Hold(HoldTarget(HoldScope.NIGHT, backup=2)),), run="h1"
    )
    assert small.vault.commits(small.org)[-1].kind is CommitKind.HOLD
    assert len(small.vault.snapshots(small.org)) == 10
