"""A process is killed, the next one carries its night on, and then the power is cut.

What the first process had named but not synced is what the second one found: it must not build on
it without making it durable. For every call of a night at which the first process may end.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

import vaultstory
from faults.vault.test_power_cuts import (
    ROOT,
    after_first_night,
    changes_of_a_night,
    first_vault,
    night,
    opened,
    phones,
)
from sweeps import parts_of
from unlost.model.vault.snapshot import CommitKind, Lineage, VerifyLevel
from unlost.testing.system import MemoryWitness
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

PARTS = 24  # tests that share the calls


def killed_at(call: int) -> tuple[UnsyncedDisk, Story]:
    """A first process that ends before a call of its second night; the disk runs on."""
    disk, story = after_first_night()
    disk.crash_at = disk.changes + call
    with pytest.raises(StoreCrash):
        night(story, "night-2", phone="2")
    disk.crash_at = None
    return disk, story


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_what_the_next_process_committed_is_there_after_the_cut(part: int) -> None:
    for call in range(part + 1, changes_of_a_night() + 1, PARTS):
        disk, story = killed_at(call)
        second = opened(story, disk)
        night(second, "night-2", phone="2")
        assert phones(second.vault, second.org) == (2, ["2"] * 4)
        disk.power_cut(names_survive=False)
        third = opened(story, disk)
        assert phones(third.vault, third.org) == (2, ["2"] * 4)
        assert third.vault.verify(VerifyLevel.FULL).damages == ()


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_what_the_next_process_has_read_is_there_after_the_cut(part: int) -> None:
    for call in range(part + 1, changes_of_a_night() + 1, PARTS):
        disk, story = killed_at(call)
        second = opened(story, disk)
        told = phones(second.vault, second.org)
        disk.power_cut(names_survive=False)
        third = opened(story, disk)
        assert phones(third.vault, third.org) == told
        assert third.vault.verify(VerifyLevel.FULL).damages == ()


def founded_by_the_next(disk: UnsyncedDisk, told: Story) -> Story:
    """A vault with an org, by a process that finds what a killed one has left.

    Randomness is drawn alike, so that the sheet that was ``told`` opens a vault that was founded.
    """
    store = LocalStore(ROOT, disk=disk)
    if store.size(VAULT_FILE) is None:
        story = vaultstory.found(store)
    else:
        story = opened(replace(told, witness=MemoryWitness()), disk)
        story.vault.ensure_org(vaultstory.IDENTITY)
    return story


def test_no_copy_of_a_key_that_a_killed_process_wrote_last_is_missing_after_the_cut() -> None:
    whole = UnsyncedDisk(root=Path("/"))
    told = vaultstory.found(LocalStore(ROOT, disk=whole))
    for call in range(1, whole.changes + 1):
        disk = UnsyncedDisk(root=Path("/"), crash_at=call)
        with pytest.raises(StoreCrash):
            vaultstory.found(LocalStore(ROOT, disk=disk))
        disk.crash_at = None
        story = founded_by_the_next(disk, told)
        disk.power_cut(names_survive=False)
        assert opened(story, disk).vault.verify(VerifyLevel.FULL).damages == ()


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_a_vault_that_the_next_process_founded_is_there_after_the_cut(part: int) -> None:
    whole = UnsyncedDisk(root=Path("/"))
    told = first_vault(whole)
    for call in range(part + 1, whole.changes + 1, PARTS):
        disk = UnsyncedDisk(root=Path("/"), crash_at=call)
        with pytest.raises(StoreCrash):
            first_vault(disk)
        disk.crash_at = None
        story = founded_by_the_next(disk, told)
        night(story, "night-1", phone="1")
        disk.power_cut(names_survive=False)
        again = opened(story, disk)
        assert phones(again.vault, again.org) == (1, ["1"] * 4)
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()


def restored(story: Story) -> None:
    """A restore, or what is left of it."""
    commit = story.vault.begin(
        story.org, run="restore-1", kind=CommitKind.RESTORE, identity=vaultstory.IDENTITY
    )
    journal = story.vault.journal(story.org, commit.run)
    there = len(list(journal.read()))
    for entry in vaultstory.ENTRIES[there:]:
        journal.append(entry)
    old, live = vaultstory.account_id(5), vaultstory.account_id(905)
    rows = [Lineage("Account", old, live, story.org, commit.run)]
    vaultstory.finish(story, commit, [commit.lineage(rows)])


@cache
def calls_of_a_restore() -> int:
    disk, story = after_first_night()
    before = disk.changes
    restored(story)
    return disk.changes - before


@pytest.mark.parametrize("part", parts_of(8, full=3))
def test_a_restore_that_the_next_process_ended_is_there_after_the_cut(part: int) -> None:
    for call in range(part + 1, calls_of_a_restore() + 1, 8):
        disk, story = after_first_night()
        disk.crash_at = disk.changes + call
        with pytest.raises(StoreCrash):
            restored(story)
        disk.crash_at = None
        second = opened(story, disk)
        if "restore-1" not in second.vault.journals(second.org) or not ended(second):
            restored(second)
        disk.power_cut(names_survive=False)
        third = opened(story, disk)
        assert ended(third)
        journal = third.vault.journal(third.org, "restore-1")
        assert list(journal.read()) == list(vaultstory.ENTRIES)
        assert [row.run for row in third.vault.lineage(third.org)] == ["restore-1"]
        assert third.vault.verify(VerifyLevel.FULL).damages == ()


def ended(story: Story) -> bool:
    return not story.vault.journals(story.org, unfinished=True)
