"""A power cut at any call to the file system, while a vault is salvaged, leaves all of it or nothing of it."""

from functools import cache

import pytest

import vaultstory
from faults.vault.test_compaction_cuts import several_nights, strays
from faults.vault.test_power_cuts import opened
from sweeps import parts_of
from unlost.model.vault.certificate import Verdict
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.salvage import Salvage, SalvageEffect
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.format.physical import SEARCH
from unlost.vault.layout import object_names
from unlost.vault.maintenance.garbage import GRACE
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.unsynced import UnsyncedDisk
from vaultstory import Story

PARTS = 32


def hurt(disk: UnsyncedDisk) -> Story:
    """A vault that has lost a segment of accounts, one of words, a pack, a certificate, and of a journal an entry."""
    story = several_nights(disk)
    vaultstory.restore(story)
    state = story.vault.org_vault(story.org).chain.live()
    for table in ("Account", SEARCH):
        entry = state.of(table, until=state.seq)[0].entry
        story.store.delete(object_names.segment(story.org, entry.object))
    pack = next(iter(state.packs.values()))
    story.store.delete(object_names.pack(story.org, pack.id))
    for lost in ("certs/night-1.0", "journal/restore-1/00000000"):
        assert story.store.delete(f"orgs/{story.org}/{lost}")
    return opened(story, disk)


after_losses = vaultstory.on_disk(hurt)


def salvage(story: Story, run: str) -> SalvageEffect:
    return story.vault.apply(story.org, unconditional(Salvage()), run=run)


def pictures(story: Story) -> list[object]:
    """What each night shows of what is left."""
    numbers = [info.number for info in story.vault.snapshots(story.org)]
    at = [story.vault.at(story.org, number) for number in numbers]
    return [(one.scan("Account").read_all().to_pylist(), one.hidden(), one.tables()) for one in at]


@cache
def ended() -> tuple[int, list[object]]:
    """How many changes it makes on the disk, and what the vault shows in the end."""
    disk, story = after_losses()
    before = disk.changes
    salvage(story, "salvage-1")
    return disk.changes - before, pictures(story)


@pytest.mark.parametrize("part", parts_of(PARTS, full=PARTS // 4))
def test_all_or_nothing_is_salvaged_and_the_next_one_does_the_rest(part: int) -> None:
    """Every change is cut at; at every other one new names survive."""
    changes, after = ended()
    for crash_at in range(part + 1, changes + 1, PARTS):
        disk, story = after_losses()
        damages = story.vault.verify(VerifyLevel.FULL).damages
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            salvage(story, "salvage-1")
        disk.power_cut(names_survive=bool(part % 2))
        again = opened(story, disk)
        left = again.vault.verify(VerifyLevel.FULL).damages
        assert left in (damages, ())
        done = salvage(again, "salvage-2")
        assert bool(done.objects) is bool(left)
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()
        assert pictures(again) == after
        proof = again.vault.at(again.org, 1).certificate()
        assert proof is not None
        assert proof.verdict is Verdict.GAPS
        assert not list(again.vault.journals(again.org, unfinished=True))
        kinds = [info.kind for info in again.vault.commits(again.org)]
        assert kinds.count(CommitKind.SALVAGE) == 1
        again.vault.sweep(again.org, run="sweep-1")
        again.clock.advance(seconds=GRACE.total_seconds())
        again.vault.sweep(again.org, run="sweep-2")
        assert strays(again) == set()
