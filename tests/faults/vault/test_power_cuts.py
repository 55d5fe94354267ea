"""A power cut at any call to the file system, while a night is committed, costs nothing but the night.

The vault lies on a file system in memory that forgets what was not synced. For every call that
changes it, a night is begun, the power is cut there, and the vault is opened again: the last
snapshot is exact, the vault is whole, and the same run commits its night when it is done again.
"""

from functools import cache
from pathlib import Path

import pytest

import vaultstory
from sweeps import parts_in_two_ways, parts_of
from unlost.model.errors import StoreError
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import MemoryWitness
from unlost.vault.keys.opening import unlock_keyring
from unlost.vault.keys.unlock import ByRecoverySheet
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

ROOT = Path("/v")
PARTS = 24  # tests that share the cuts


def first_vault(disk: UnsyncedDisk) -> Story:
    """A vault with one small night."""
    story = vaultstory.found(LocalStore(ROOT, disk=disk))
    night(story, "night-1", phone="1")
    return story


def night(story: Story, run: str, *, phone: str) -> None:
    """Every kind of object: rows, words, a big cell, files, a schema, marks, a certificate."""
    story.clock.advance(days=1)
    commit = story.vault.begin(
        story.org, run=run, kind=CommitKind.BACKUP, identity=vaultstory.IDENTITY
    )
    commit.put_schema(vaultstory.SCHEMA if run == "night-1" else vaultstory.WIDER)
    rows = vaultstory.accounts(range(5, 9), Phone=phone, Notes__c=vaultstory.NOTE + run)
    body = f"file of {run}".encode()
    added = [
        commit.add("Account", [story.rows(rows)]),
        commit.add_files([vaultstory.file("068000000000001AAA", body, "a.txt")]),
        commit.mark(
            "Contact", visibility=vaultstory.Visibility.HIDDEN, columns=[f"Salary of {run}"]
        ),
    ]
    commit.put_certificate(vaultstory.certificate(story, run))
    vaultstory.finish(story, commit, added)


after_first_night = vaultstory.on_disk(first_vault)


def opened(story: Story, disk: UnsyncedDisk) -> Story:
    """The vault as another process finds it; the witness lies elsewhere and is kept."""
    store, entropy = LocalStore(ROOT, disk=disk), SeededEntropy(disk.changes)
    store.sweep()
    keys = unlock_keyring(store, ByRecoverySheet(story.sheet), entropy=entropy)
    vault = open_vault(
        store,
        keys=keys,
        clock=story.clock,
        entropy=entropy,
        witness=story.witness,
        ledger=story.ledger,
        options=vaultstory.options(few=story.few),
    )
    return Story(
        store=store,
        clock=story.clock,
        entropy=entropy,
        witness=story.witness,
        ledger=story.ledger,
        keys=keys,
        service=story.service,
        vault=vault,
        org=story.org,
        sheet=story.sheet,
        few=story.few,
    )


def phones(vault: EncryptedVault, org: str) -> tuple[int, list[str]]:
    """Number of the newest snapshot, and what it says."""
    head = vault.newest_backup(org)
    assert head is not None
    return head.info.number, head.scan("Account").read_all().column("Phone").to_pylist()


@cache
def changes_of_a_night() -> int:
    disk, story = after_first_night()
    before = disk.changes
    night(story, "night-2", phone="2")
    return disk.changes - before


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS // 4))
def test_the_last_snapshot_is_exact_and_the_run_goes_on(part: int, names_survive: bool) -> None:
    for crash_at in range(part + 1, changes_of_a_night() + 1, PARTS):
        disk, story = after_first_night()
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            night(story, "night-2", phone="2")
        disk.power_cut(names_survive=names_survive)
        again = opened(story, disk)
        assert phones(again.vault, story.org) in [(1, ["1"] * 4), (2, ["2"] * 4)]
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        night(again, "night-2", phone="2")
        assert phones(again.vault, story.org) == (2, ["2"] * 4)
        assert [info.run for info in again.vault.snapshots(story.org)] == ["night-1", "night-2"]
        assert again.vault.verify(VerifyLevel.DEEP).damages == ()


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes_of_a_night() > 80


def failed_night(story: Story) -> StoreError | None:
    """Try the second night; what the store said if it failed."""
    try:
        night(story, "night-2", phone="2")
    except StoreError as error:
        return error
    return None


@pytest.mark.parametrize("part", parts_of(8, full=4))
def test_a_disk_that_is_full_keeps_the_last_snapshot_and_says_so(part: int) -> None:
    """Room for a little more each time, until the night fits."""
    for more in range(part * 3_000, 300_000, 24_000):
        disk, story = after_first_night()
        disk.capacity = sum(size for _, size in disk.walk(Path("/"))) + more
        error = failed_night(story)
        if error is None:
            return
        assert error.code == "store-full"
        assert error.next_step
        disk.capacity = None
        again = opened(story, disk)
        assert phones(again.vault, story.org) == (1, ["1"] * 4)
        assert again.vault.verify(VerifyLevel.FULL).damages == ()
        night(again, "night-2", phone="2")
        assert phones(again.vault, story.org) == (2, ["2"] * 4)
    pytest.fail("no room was ever enough")


def test_a_vault_whose_witness_is_lost_too_is_opened_at_its_head() -> None:
    disk, story = after_first_night()
    night(story, "night-2", phone="2")
    disk.power_cut(names_survive=False)
    story.witness, story.clock = MemoryWitness(), VirtualClock()
    assert phones(opened(story, disk).vault, story.org) == (2, ["2"] * 4)
