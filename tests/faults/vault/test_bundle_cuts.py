"""A power cut at any call to the file system, while few rows of many tables are committed as one object.

A piece that waits is as durable as the run's memory of it; whoever goes on with the run has what it
remembers, and nothing else. The same of an erasure that takes a bundle apart.
"""

from functools import cache

import pytest

import scanner
import vaultstory
from faults.vault.test_power_cuts import ROOT, opened
from sweeps import parts_of
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import Added, CommitKind, VerifyLevel
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

GONE = RecordKey("Account", vaultstory.account_id(6))
PARTS = 18


def begun(disk: UnsyncedDisk) -> Story:
    """A vault with one night of bundles."""
    story = vaultstory.found(LocalStore(ROOT, disk=disk), few=True)
    night(story, "night-1", phone="1", known=[])
    return story


after_first_night = vaultstory.on_disk(begun)


def night(story: Story, run: str, *, phone: str, known: list[Added]) -> None:
    """Accounts and contacts, a few of each; ``known`` is what the run remembers of its pieces."""
    commit = story.vault.begin(
        story.org, run=run, kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(vaultstory.SCHEMA)
    if all(
        info.run != run for info in story.vault.snapshots(story.org)
    ):  # its key has gone with it
        commit.recall(known)
    steps = [
        ("Account", vaultstory.accounts(range(5, 9), Phone=phone)),
        ("Contact", [row | {"Salary": phone} for row in vaultstory.contacts(3)]),
        ("Account", vaultstory.accounts(range(7, 9), Phone=f"{phone}0")),
    ]
    for table, cells in steps[len(known) :]:
        known.append(commit.add_few(table, [story.rows(cells)]))
    commit.put_certificate(vaultstory.certificate(story, run))
    vaultstory.finish(story, commit, known)


def picture(story: Story) -> tuple[int, list[str], list[str]]:
    """The newest snapshot, and what it says."""
    head = story.vault.newest_backup(story.org)
    assert head is not None
    told = [
        head.scan(table).read_all().column(column).to_pylist()
        for table, column in (("Account", "Phone"), ("Contact", "Salary"))
    ]
    return head.info.number, told[0], told[1]


def expected(number: int) -> tuple[int, list[str], list[str]]:
    return number, [f"{number}"] * 2 + [f"{number}0"] * 2, [f"{number}"] * 3


@cache
def ended() -> tuple[int, int]:
    """How many changes a night makes on the disk, and an erasure behind it."""
    disk, story = after_first_night()
    before = disk.changes
    night(story, "night-2", phone="2", known=[])
    between = disk.changes
    story.vault.apply(story.org, unconditional(Erase((GONE,))), run="erase-1")
    return between - before, disk.changes - between


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 6))
def test_a_night_is_whole_or_goes_on(part: int) -> None:
    for crash_at in range(part + 1, ended()[0] + 1, PARTS):
        disk, story = after_first_night()
        known: list[Added] = []
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            night(story, "night-2", phone="2", known=known)
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert picture(again) in (expected(1), expected(2))
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        night(again, "night-2", phone="2", known=known)
        assert picture(again) == expected(2)
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 6))
def test_all_or_nothing_is_taken_out_of_a_bundle(part: int) -> None:
    for crash_at in range(part + 1, ended()[1] + 1, PARTS):
        disk, story = after_first_night()
        night(story, "night-2", phone="2", known=[])
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            story.vault.apply(story.org, unconditional(Erase((GONE,))), run="erase-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        again.vault.apply(again.org, unconditional(Erase((GONE,))), run="erase-2")
        assert scanner.found(again.vault, GONE.record) == set()
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        head = again.vault.newest_backup(again.org)
        assert head is not None
        assert head.scan("Account").read_all().column("Phone").to_pylist() == ["2", "20", "20"]


def test_there_are_enough_calls_to_cut_at() -> None:
    assert min(ended()) > 2 * PARTS
