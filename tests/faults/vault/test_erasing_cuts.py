"""A power cut at any call to the file system, while a vault erases, leaves all of it or nothing of it.

Whoever erases the same again finishes it: then no byte is left, wherever the power went.
"""

from dataclasses import replace
from functools import cache

import pytest

import scanner
import vaultstory
from faults.vault.test_compaction_cuts import pictures, several_nights, strays
from faults.vault.test_power_cuts import opened
from sweeps import parts_of
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import Erase, Erasure, PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import IDENTITY, Story, account_id, certificate, finish

GONE = (RecordKey("Account", account_id(6)), RecordKey("ContentVersion", "068000000000001AAA"))
VALUES = (*(key.record for key in GONE), "Maison Noir 6", "file of night")
PARTS = 64


def begun(disk: UnsyncedDisk) -> Story:
    """Nights, a certificate that names one of the records, and a restore whose journal does."""
    story = several_nights(disk)
    commit = story.vault.begin(story.org, run="part", kind=CommitKind.BACKUP, identity=IDENTITY)
    finding = Finding(FindingKind.FILE_UNREADABLE, Severity.GAP, "No.", detail=GONE[0].record)
    commit.put_certificate(replace(certificate(story, "part"), findings=(finding,)))
    finish(story, commit, [])
    commit = story.vault.begin(story.org, run="back", kind=CommitKind.RESTORE, identity=IDENTITY)
    story.vault.journal(story.org, "back").append(f'["{GONE[0].record}"]'.encode())
    finish(story, commit, [])
    return story


after_nights = vaultstory.on_disk(begun)


def erase(story: Story, run: str) -> Erasure:
    return story.vault.apply(story.org, unconditional(Erase(GONE, by="admin")), run=run)


@cache
def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk, story = after_nights()
    before = disk.changes
    erase(story, "erase-1")
    return disk.changes - before, pictures(story)


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 16))
def test_all_or_nothing_is_erased_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive."""
    changes, after = ended()
    for crash_at in range(part + 1, changes + 1, PARTS):
        disk, story = after_nights()
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            erase(story, "erase-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) in (before, after)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        erase(again, "erase-2")
        assert scanner.found(again.vault, *VALUES) == set()
        assert pictures(again) == after
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()
        assert all(one.complete for one in again.vault.past_operations(again.org, PastErasure))
        assert scanner.found(opened(again, disk).vault, *VALUES) == set()


def test_something_is_erased_and_there_are_enough_calls_to_cut_at() -> None:
    changes, after = ended()
    assert changes > 30
    _, story = after_nights()
    assert pictures(story) != after
    assert all(scanner.found(story.vault, value) for value in VALUES)
