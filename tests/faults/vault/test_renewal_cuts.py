"""A power cut at any call to the file system, while the master key is renewed, locks nobody out.

Before the one put that counts the old sheet and the old key open the vault, after it the new ones;
every night is read in between, and what is done again is done.
"""

from functools import cache

import pytest

from faults.vault.test_power_cuts import ROOT, after_first_night, night, phones
from sweeps import parts_in_two_ways
from unlost.model.errors import UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import register_name
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.opening import open_keyring, recovery_sheet
from unlost.vault.keys.register import newest_entry
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, renew_master
from unlost.vault.keys.unlock import ByRecoverySheet, ServiceKey
from unlost.vault.stores.fault import StoreCrash
from unlost.vault.stores.local import LocalStore
from unlost.vault.stores.unsynced import UnsyncedDisk
from unlost.vault.vault import open_vault
from vaultstory import Story

PARTS = 16
NEW = "service-2"


def renew(story: Story, new: Keyring) -> None:
    key = ServiceKey(story.keys.vault, NEW, (NEW.encode() * 32)[:32])
    renew_master(story.store, story.keys, new, key=key, sheet_confirmed_at=story.clock.now(),
                 entropy=story.entropy)  # fmt: skip
    finish_renewal(story.store, new)


@cache
def changes() -> int:
    disk, story = after_first_night()
    before = disk.changes
    renew(story, story.keys.successor())
    return disk.changes - before


def opened(disk: UnsyncedDisk, sheet: str) -> Keyring | None:
    """The keys that a sheet gives; None if it does not count."""
    store = LocalStore(ROOT, disk=disk)
    store.sweep()
    try:
        return open_keyring(store, ByRecoverySheet(sheet), entropy=SeededEntropy(disk.changes))
    except UnlostError:
        return None


@pytest.mark.parametrize(("part", "names_survive"), parts_in_two_ways(PARTS, full=PARTS // 4))
def test_one_of_the_two_sheets_opens_and_everything_is_read(part: int, names_survive: bool) -> None:
    for crash_at in range(part + 1, changes() + 1, PARTS):
        disk, story = after_first_night()
        new = story.keys.successor()
        disk.crash_at = disk.changes + crash_at
        with pytest.raises(StoreCrash):
            renew(story, new)
        disk.power_cut(names_survive=names_survive)
        found = [opened(disk, sheet) for sheet in (story.sheet, recovery_sheet(new).text())]
        (keys,) = [one for one in found if one is not None]
        story.store, story.keys = LocalStore(ROOT, disk=disk), keys
        story.vault = open_vault(story.store, keys=keys, clock=story.clock, entropy=story.entropy,
                                 witness=story.witness, ledger=story.ledger)  # fmt: skip
        assert phones(story.vault, story.org) == (1, ["1"] * 4)
        night(story, "night-2", phone="2")
        finish_renewal(story.store, keys)
        assert not is_unfinished(story.store, keys)
        if keys.generation == 2:  # no single object carries the vault
            newest = register_name(newest_entry(story.store, keys))
            kept = story.store.get(newest)
            story.store.delete(newest)
            assert opened(disk, recovery_sheet(new).text()) is not None
            assert opened(disk, story.sheet) is None
            story.store.put_new(newest, kept)
        left = set() if keys.generation == 2 else {NEW}  # of one that never counted
        damaged = {one.object for one in story.vault.verify(VerifyLevel.DEEP).damages}
        assert {name.split("/")[1] for name in damaged} <= left
        assert phones(story.vault, story.org) == (2, ["2"] * 4)


def test_there_are_enough_calls_to_cut_at() -> None:
    assert changes() > 60
