"""A power cut at any call to the file system, while a vault forgets, leaves all of it or nothing of it."""

from functools import cache

import pytest

from faults.vault.test_compaction_cuts import after_several_nights, pictures, strays
from faults.vault.test_power_cuts import opened
from sweeps import parts_of
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import VerifyLevel
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.stores.fault import StoreCrash
from vaultstory import Story

RULES = KeepRules(daily=1)
PARTS = 32


def forget(story: Story, run: str) -> None:
    """All of it, and what it leaves for later."""
    story.vault.apply(story.org, unconditional(Forget(RULES)), run=run)
    story.clock.advance(seconds=GRACE.total_seconds())
    story.vault.sweep(story.org, run=f"{run}-later")


@cache
def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk, story = after_several_nights()
    before = disk.changes
    forget(story, "forget-1")
    return disk.changes - before, pictures(story)


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 10))
def test_all_or_nothing_is_forgotten_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive. Merging is cut in both ways."""
    changes, after = ended()
    for crash_at in range(part + 1, changes + 1, PARTS):
        disk, story = after_several_nights()
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            forget(story, "forget-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) in (before, after)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        forget(again, "forget-2")
        again.clock.advance(seconds=GRACE.total_seconds())
        again.vault.sweep(again.org, run="last")
        assert pictures(again) == after
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()


def test_something_is_forgotten_and_there_are_enough_calls_to_cut_at() -> None:
    changes, after = ended()
    assert changes > 30
    assert pictures(after_several_nights()[1]) != after
