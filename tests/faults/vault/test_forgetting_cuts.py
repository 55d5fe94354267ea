"""A power cut at any call to the file system, while a vault forgets, leaves all of it or nothing of it."""

from pathlib import Path

import pytest

from faults.vault.test_compaction_cuts import pictures, several_nights, strays
from faults.vault.test_power_cuts import opened
from sweeps import parts_of
from unlost.model.maintenance import unconditional
from unlost.model.retention import Forget, KeepRules
from unlost.model.snapshot import VerifyLevel
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

RULES = KeepRules(daily=1)
PARTS = 32


def forget(story: Story, run: str) -> None:
    """All of it, and what it leaves for later."""
    story.vault.apply(story.org, unconditional(Forget(RULES)), run=run)
    story.clock.advance(seconds=GRACE.total_seconds())
    story.vault.sweep(story.org, run=f"{run}-later")


def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk = UnsyncedDisk(root=Path("/"))
    story = several_nights(disk)
    before = disk.changes
    forget(story, "forget-1")
    return disk.changes - before, pictures(story)


CHANGES, AFTER = ended()


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_all_or_nothing_is_forgotten_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive. Merging is cut in both ways."""
    for crash_at in range(part + 1, CHANGES + 1, PARTS):
        disk = UnsyncedDisk(root=Path("/"))
        story = several_nights(disk)
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            forget(story, "forget-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) in (before, AFTER)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        forget(again, "forget-2")
        again.clock.advance(seconds=GRACE.total_seconds())
        again.vault.sweep(again.org, run="last")
        assert pictures(again) == AFTER
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()


def test_something_is_forgotten_and_there_are_enough_calls_to_cut_at() -> None:
    assert CHANGES > 30
    assert pictures(several_nights(UnsyncedDisk(root=Path("/")))) != AFTER
