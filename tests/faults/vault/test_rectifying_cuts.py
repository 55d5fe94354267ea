"""A power cut at any call to the file system, while a vault rectifies, leaves all of it or nothing of it.

Whoever corrects the same again finishes it: then no byte of the wrong value is left.
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
from unlost.model.vault.erasure import PastErasure
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.rectification import Rectification, Rectify, RightValue
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import IDENTITY, NOTE, Story, account_id, certificate, finish

KEY = RecordKey("Account", account_id(7))
NAME, NUMBER, TEXT = "Maison Noir 7", "000007", "quoted”\tand\0nul. 7"
WISH = Rectify(
    KEY,
    (
        RightValue("Name", "Maison Blanche"),
        RightValue("Customer_Number__c", "x"),
        RightValue("Notes__c", "short"),
    ),
    by="admin",
)
PARTS = 64


def begun(disk: UnsyncedDisk) -> Story:
    """Nights, a certificate that tells a wrong value, and a restore whose journal does."""
    story = several_nights(disk)
    commit = story.vault.begin(story.org, run="part", kind=CommitKind.BACKUP, identity=IDENTITY)
    finding = Finding(
        FindingKind.FILE_UNREADABLE, Severity.GAP, "No.", detail=f"{KEY.record} {NAME}"
    )
    commit.put_certificate(replace(certificate(story, "part"), findings=(finding,)))
    finish(story, commit, [])
    commit = story.vault.begin(story.org, run="back", kind=CommitKind.RESTORE, identity=IDENTITY)
    story.vault.journal(story.org, "back").append(f'["{KEY.record}", "{NAME}"]'.encode())
    finish(story, commit, [])
    return story


after_nights = vaultstory.on_disk(begun)


def rectify(story: Story, run: str) -> Rectification:
    return story.vault.apply(story.org, unconditional(WISH), run=run)


def wrong(story: Story) -> set[str]:
    """Objects in which a wrong value stands: with what makes it one, for others begin alike."""
    ends = (f"{NAME}'", f'{NAME}"', f"'{NUMBER}'", NOTE[-20:] + "7")
    return scanner.found(story.vault, *ends)


@cache
def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk, story = after_nights()
    before = disk.changes
    rectify(story, "rectify-1")
    return disk.changes - before, pictures(story)


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 16))
def test_all_or_nothing_is_corrected_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive."""
    changes, after = ended()
    for crash_at in range(part + 1, changes + 1, PARTS):
        disk, story = after_nights()
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            rectify(story, "rectify-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) in (before, after)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        rectify(again, "rectify-2")
        assert wrong(again) == set()
        assert pictures(again) == after
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()
        assert all(one.complete for one in again.vault.past_operations(again.org, PastErasure))
        assert wrong(opened(again, disk)) == set()


def test_something_is_corrected_and_there_are_enough_calls_to_cut_at() -> None:
    changes, after = ended()
    assert changes > 30
    _, story = after_nights()
    assert pictures(story) != after
    assert wrong(story)
