"""A power cut at any call to the file system, while a vault erases, leaves all of it or nothing of it.

Whoever erases the same again finishes it: then no byte is left, wherever the power went.
"""

from pathlib import Path

import pytest

import scanner
from faults.vault.test_compaction_cuts import pictures, several_nights, strays
from faults.vault.test_power_cuts import opened
from unlost.model.erasure import Erasure, ErasureWish
from unlost.model.plan import RecordKey
from unlost.model.snapshot import VerifyLevel
from unlost.vault.stores.fault import Crash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story, account_id

GONE = (RecordKey("Account", account_id(1)), RecordKey("ContentVersion", "068000000000003AAA"))
VALUES = tuple(key.record for key in GONE)
PARTS = 4


def erase(story: Story, run: str) -> Erasure:
    return story.vault.erase(story.org, ErasureWish(GONE, by="admin"), run=run)


def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk = UnsyncedDisk(root=Path("/"))
    story = several_nights(disk)
    before = disk.changes
    erase(story, "erase-1")
    return disk.changes - before, pictures(story)


CHANGES, AFTER = ended()


@pytest.mark.parametrize("part", range(PARTS))
def test_all_or_nothing_is_erased_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive."""
    for crash_at in range(part + 1, CHANGES + 1, PARTS):
        disk = UnsyncedDisk(root=Path("/"))
        story = several_nights(disk)
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(Crash):
            erase(story, "erase-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) in (before, AFTER)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        erase(again, "erase-2")
        assert scanner.found(again.vault, *VALUES) == set()
        assert pictures(again) == AFTER
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()
        assert all(one.complete for one in again.vault.erasures(again.org))
        assert scanner.found(opened(again, disk).vault, *VALUES) == set()


def test_something_is_erased_and_there_are_enough_calls_to_cut_at() -> None:
    assert CHANGES > 30
    disk = UnsyncedDisk(root=Path("/"))
    story = several_nights(disk)
    assert pictures(story) != AFTER
    assert scanner.found(story.vault, *VALUES)
