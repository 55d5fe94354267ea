"""A power cut at any call to the file system, while a vault is kept small, changes nothing in any night.

The upkeep has three parts: old versions are merged, what they replaced is removed days later, and so is
what an abandoned run left. Whatever was done of it when the power went, the next upkeep does the rest.
"""

from collections.abc import Sequence
from functools import cache
from itertools import pairwise

import pytest

import vaultstory
from faults.vault.test_power_cuts import first_vault, night, opened
from sweeps import parts_in_two_ways
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.maintenance import compactor
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.maintenance.rewrite.tiers import Tier
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

NIGHTS = 2
PARTS = 24


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compactor, "due", all_of)


def all_of(tiers: Sequence[Tier], *, closed: object) -> list[Sequence[Tier]]:
    """Everything is always due."""
    return [tiers] if tiers[1:] else []


def several_nights(disk: UnsyncedDisk) -> Story:
    story = first_vault(disk)
    for number in range(2, NIGHTS + 1):
        night(story, f"night-{number}", phone=str(number))
    left = story.vault.begin(
        story.org, run="left", kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    left.add("Account", [story.rows(vaultstory.accounts(range(3), Phone="left"))])
    left.abandon()
    return story


after_several_nights = vaultstory.on_disk(several_nights)


def compact_after_backup(story: Story, run: str) -> None:
    """All of an upkeep, and what it leaves for later."""
    story.vault.compact(story.org, run=run)
    story.vault.sweep(story.org, run=f"{run}-sweep")
    story.clock.advance(seconds=GRACE.total_seconds())
    story.vault.sweep(story.org, run=f"{run}-later")


def pictures(story: Story) -> list[object]:
    """What each night shows, and what changed between them."""
    told: list[object] = []
    numbers = [info.number for info in story.vault.snapshots(story.org)]
    for number in numbers:
        at = story.vault.at(story.org, number)
        told += [at.scan("Account").read_all().to_pylist(), at.hidden(), at.tables()]
        told.append([file.blob for file in at.files("ContentVersion", ["068000000000001AAA"])])
    for after, until in pairwise(numbers):
        parts = story.vault.changes(story.org, "Account", after=after, until=until)
        told.append([row for part in parts for row in part.to_pylist()])
    return told


@cache
def changes_of_an_upkeep() -> int:
    disk, story = after_several_nights()
    before = disk.changes
    compact_after_backup(story, "compact-1")
    return disk.changes - before


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS // 6))
def test_every_night_is_as_it_was_and_the_next_upkeep_does_the_rest(
    part: int, names_survive: bool
) -> None:
    for crash_at in range(part + 1, changes_of_an_upkeep() + 1, PARTS):
        disk, story = after_several_nights()
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            compact_after_backup(story, "compact-1")
        disk.power_cut(names_survive=names_survive)
        again = opened(story, disk)
        assert pictures(again) == before
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        compact_after_backup(again, "compact-2")
        assert pictures(again) == before
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()


def strays(story: Story) -> set[str]:
    """Segments and packs that no night needs."""
    state = story.vault.org_vault(story.org).chain.live()
    needed = {live.entry.id for held in state.segments.values() for live in held.values()}
    needed |= {pack.id for pack in state.packs.values()}
    folders = (f"orgs/{story.org}/data/", f"orgs/{story.org}/packs/")
    there = {one.name for folder in folders for one in story.store.list(folder)}
    return {name for name in there if name.rsplit("/", 1)[1].removesuffix(".idx") not in needed}


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes_of_an_upkeep() > 60
