"""A power cut at any call to the file system, while an org is sealed anew, changes nothing in any night.

Whatever was done when the power went, the next one does the rest: then nothing is under an earlier key.
"""

from functools import cache
from pathlib import Path

import pytest

from faults.vault.test_compaction_cuts import pictures, several_nights, strays
from faults.vault.test_power_cuts import opened
from sweeps import parts_of
from unit.vault.test_rekey import Thief, keys_of, renewed
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.maintenance.rekey import rekeyer
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import IDENTITY, Story, certificate, finish

PARTS = 60


@pytest.fixture(autouse=True)
def piece_by_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several commits of each kind."""
    monkeypatch.setattr("unlost.vault.maintenance.rekey.data.PIECE_BYTES", 20_000)
    monkeypatch.setattr(rekeyer, "DOCUMENTS", 3)


def begun(disk: UnsyncedDisk) -> tuple[Story, Thief]:
    """Nights, a certificate, a journal; then a new master key, and who has the old one."""
    story = several_nights(disk)
    commit = story.vault.begin(story.org, run="part", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_certificate(certificate(story, "part"))
    finish(story, commit, [])
    commit = story.vault.begin(story.org, run="back", kind=CommitKind.RESTORE, identity=IDENTITY)
    journal = story.vault.journal(story.org, "back")
    for entry in (b"plan", b"call"):
        journal.append(entry)
    finish(story, commit, [])
    thief = Thief(story)
    renewed(story)
    return story, thief


def seal_anew(story: Story, run: str) -> None:
    """All of it, with the days in between."""
    story.vault.rekey(story.org, run=f"{run}-a")
    story.vault.sweep(story.org, run=f"{run}-sweep")
    story.clock.advance(seconds=GRACE.total_seconds())
    story.vault.sweep(story.org, run=f"{run}-later")
    story.vault.rekey(story.org, run=f"{run}-b")


@cache
def changes() -> int:
    disk = UnsyncedDisk(root=Path("/"))
    story, _ = begun(disk)
    before = disk.changes
    seal_anew(story, "rekey-1")
    return disk.changes - before


@pytest.mark.parametrize("part", parts_of(PARTS, full=3))
def test_every_night_is_as_it_was_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive."""
    for crash_at in range(part + 1, changes() + 1, PARTS):
        disk = UnsyncedDisk(root=Path("/"))
        story, thief = begun(disk)
        before = pictures(story)
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            seal_anew(story, "rekey-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        assert pictures(again) == before
        damaged = {one.object for one in again.vault.verify(VerifyLevel.FULL).damages}
        removed = {name for name in damaged if again.store.size(name) is None}
        # Copies of the earlier key that are on their way out: what is left of them is no loss.
        assert damaged == removed
        assert all("/keys/00000001." in name for name in damaged)
        seal_anew(again, "rekey-2")
        again = opened(again, disk)
        assert again.vault.usage(again.org).earlier_keys.complete
        assert keys_of(again) == {"00000002.00000002", "identity.00000002"}
        assert pictures(again) == before
        assert list(again.vault.journal(again.org, "back").read()) == [b"plan", b"call"]
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert strays(again) == set()
        assert thief.opened(again) == set()


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes() > 100
