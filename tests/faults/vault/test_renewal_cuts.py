"""A power cut at any call to the file system, while the master key is renewed, locks nobody out.

Before the one put that counts the old sheet and the old key open the vault, after it the new ones;
every night is read in between, and what is done again is done. Where the old sheet was lost, the
old key file may open the vault until the renewal is finished.
"""

from dataclasses import dataclass
from functools import cache

import pytest

from faults.vault.test_power_cuts import ROOT, after_first_night, night, phones
from sweeps import parts_in_two_ways
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import entry_copies
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.owner import Owner
from unlost.vault.keys.register import find_entry, lacking_copies, newest_entry
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByRecoverySheet, UnlockedVault, unlock_by_key
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from unlost.vault.vault import open_vault
from vaultstory import Story

PARTS = 16
NEW = "service-2"


def renew(story: Story, new: Keyring, *, lost: bool = False) -> None:
    """``lost``: without the earlier secret."""
    old = story.keys
    if lost:
        old = open_keyring(story.store, ByKey(story.service), entropy=story.entropy)
        assert old.owner == Owner(story.keys.owner.public)
    key = ServiceKey(story.keys.vault, NEW, (NEW.encode() * 32)[:32], new.owner.public)
    renew_master(story.store, old, new, key=key, sheet_confirmed_at=story.clock.now(),
                 entropy=story.entropy)  # fmt: skip
    finish_renewal(story.store, new)


@dataclass(frozen=True, slots=True)
class ByKey:
    """Opens with a key file that was read before."""

    key: ServiceKey

    def unlock(self, store: Store) -> UnlockedVault:
        return unlock_by_key(store, self.key)


@cache
def changes(*, lost: bool = False) -> int:
    disk, story = after_first_night()
    before = disk.changes
    renew(story, story.keys.successor(), lost=lost)
    return disk.changes - before


def opened(disk: UnsyncedDisk, secret: str | ServiceKey) -> Keyring | None:
    """The keys that a sheet or a key file gives; None if it does not count."""
    store = LocalStore(ROOT, disk=disk)
    store.sweep()
    provider = ByRecoverySheet(secret) if isinstance(secret, str) else ByKey(secret)
    try:
        return open_keyring(store, provider, entropy=SeededEntropy(disk.changes))
    except UnlostError:
        return None


def new_key(story: Story, new: Keyring) -> ServiceKey:
    """The key file that was written before the renewal."""
    return ServiceKey(story.keys.vault, NEW, (NEW.encode() * 32)[:32], new.owner.public)


def finished(story: Story, keys: Keyring) -> None:
    """Go on after the cut with these keys: read, finish the renewal, save another night."""
    story.keys = keys
    story.vault = open_vault(story.store, keys=keys, clock=story.clock, entropy=story.entropy,
                             witness=story.witness, ledger=story.ledger)  # fmt: skip
    assert phones(story.vault, story.org) == (1, ["1"] * 4)
    night(story, "night-2", phone="2")
    finish_renewal(story.store, keys)
    assert not is_unfinished(story.store, keys)
    found = find_entry(story.store, owner=keys.owner.public)
    assert found is not None
    assert lacking_copies(story.store, found) == []
    assert story.vault.verify(VerifyLevel.DEEP).damages == ()
    assert phones(story.vault, story.org) == (2, ["2"] * 4)


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS // 4))
def test_one_of_the_two_sheets_opens_and_everything_is_read(part: int, names_survive: bool) -> None:
    for crash_at in range(part + 1, changes() + 1, PARTS):
        disk, story = after_first_night()
        new = story.keys.successor()
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            renew(story, new)
        disk.power_cut(names_survive=names_survive)
        sheet = recovery_sheet(new).text()
        found = [opened(disk, one) for one in (story.sheet, sheet)]
        by_files = [opened(disk, one) for one in (story.service, new_key(story, new))]
        assert [one is not None for one in by_files] == [one is not None for one in found]
        (keys,) = [one for one in found if one is not None]
        story.store = LocalStore(ROOT, disk=disk)
        finished(story, keys)
        if keys.generation == 2:  # no single object carries the vault
            for name in entry_copies(newest_entry(story.store, keys)):
                kept = story.store.get(name)
                story.store.delete(name)
                assert opened(disk, sheet) is not None
                assert opened(disk, story.sheet) is None
                story.store.put_new(name, kept)


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS // 4))
def test_a_renewal_without_the_sheet_is_finished_wherever_it_is_cut(
    part: int, names_survive: bool
) -> None:
    for crash_at in range(part + 1, changes(lost=True) + 1, PARTS):
        disk, story = after_first_night()
        new, old_sheet = story.keys.successor(), story.sheet
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            renew(story, new, lost=True)
        disk.power_cut(names_survive=names_survive)
        old_key, key, sheet = story.service, new_key(story, new), recovery_sheet(new).text()
        by_old, by_new = opened(disk, old_key), opened(disk, sheet)
        assert (opened(disk, key) is None) is (by_new is None)
        assert by_old is not None or by_new is not None
        story.store = LocalStore(ROOT, disk=disk)
        if by_new is None:  # it never counted, and may be done again
            assert by_old is not None
            story.keys = by_old
            renew(story, new, lost=True)
            by_new = opened(disk, sheet)
            assert by_new is not None
        finished(story, by_new)
        assert opened(disk, old_key) is None
        assert opened(disk, key) is not None
        lost = opened(disk, old_sheet)
        assert lost is None or lost.generation == 1
        assert [one.name for one in story.store.list("register/")] == [
            *entry_copies(newest_entry(story.store, by_new))
        ]


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes() > 60
    assert changes(lost=True) > 60
