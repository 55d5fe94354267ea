"""A new master key: earlier ones open nothing any more, and everything is read as before."""

import pytest

from smallvault import SmallVault, finish, rows
from unit.vault.test_key_slots import Held, failing, whole
from unlost.model.errors import IntegrityError, NotAllowed, UnlostError
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import Register
from unlost.vault.keys.hierarchy import Keyring, epoch_folder
from unlost.vault.keys.key_slots import list_slots, remove_slot
from unlost.vault.keys.opening import open_keyring, recovery_sheet, unlock_keyring
from unlost.vault.keys.register import _put, newest_entry, registered
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, renew_master
from unlost.vault.keys.unlock import ByRecoverySheet, ServiceKey
from unlost.vault.mirror.update import update_mirror
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import open_vault

ENTROPY = SeededEntropy(6)
OTHER = OrgIdentity("fake", "T2", label="Another org")


@pytest.fixture
def small() -> SmallVault:
    """A vault with one night and one slot."""
    made = SmallVault()
    Held(made, "service").add()
    made.night("night-1", ("a", "U", {"Name": "Anna"}))
    made.vault.homes.store_copy(b"settings")
    return made


def begun(small: SmallVault, slot: str) -> Keyring:
    """The moment after which a new master key counts."""
    new = small.keys.successor()
    key = ServiceKey.new(new, entropy=ENTROPY, slot=slot)
    renew_master(small.store, small.keys, new, key=key, sheet_confirmed_at=small.clock.now(),
                 entropy=ENTROPY)  # fmt: skip
    return new


def renewed(small: SmallVault, slot: str = "service-2") -> None:
    small.keys = begun(small, slot)
    finish_renewal(small.store, small.keys)
    small.reopen()
    small.vault.homes.drop_before(small.vault.homes.store_copy(b"settings"))


def by(sheet: RecoverySheet) -> ByRecoverySheet:
    return ByRecoverySheet(sheet.text())


def opens(small: SmallVault, sheet: RecoverySheet) -> str:
    try:
        open_keyring(small.store, by(sheet), entropy=ENTROPY)
    except UnlostError as error:
        return error.code
    return "yes"


def test_the_new_sheet_opens_and_the_old_one_does_not(small: SmallVault) -> None:
    sheets = [recovery_sheet(small.keys)]
    for number in range(2, 5):
        renewed(small, f"service-{number}")
        sheets.append(recovery_sheet(small.keys))
        told = [opens(small, sheet) for sheet in sheets]
        assert told == ["key-outdated"] * (number - 1) + ["yes"]
        assert [state.slot for state in list_slots(small.store, small.keys)] == [
            f"service-{number}"
        ]
        assert whole(small)
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert small.keys.epochs(small.org) == (1, 2, 3, 4)
    again = open_keyring(small.store, by(sheets[-1]), entropy=ENTROPY)
    assert again.masters == small.keys.masters
    assert registered(small.store, again).sheet == small.clock.now().isoformat()


def test_new_objects_are_under_the_new_epoch_and_old_ones_are_read(small: SmallVault) -> None:
    renewed(small)
    info = small.night("night-2", ("b", "U", {"Name": "Bert"}))
    name = f"orgs/{small.org}/commits/{info.number:020d}"
    assert small.vault.sealed.header(name).epoch == 2
    assert small.cells(2).keys() == {"a", "b"}
    assert whole(small)


def test_what_a_thief_had_wraps_nothing_that_is_left(small: SmallVault) -> None:
    before = small.keys
    renewed(small)
    names = [listed.name for listed in small.store.list(f"orgs/{small.org}/keys/")]
    assert names
    for name in names:
        with pytest.raises(IntegrityError):
            Keyring(small.store, vault=before.vault, master=before.master(), entropy=ENTROPY
                    ).check_copy(name, org=small.org)  # fmt: skip
    old = unlock_keyring(small.store, by(recovery_sheet(before)), entropy=ENTROPY)
    assert failing(lambda: old.object_key("pack", org=small.org, name="x", epoch=1),
                   NotAllowed) == "key-outdated"  # fmt: skip


def test_a_key_that_a_thief_slipped_in_is_never_written_under(small: SmallVault) -> None:
    """He has the earlier master key, and may write to the store."""
    before = small.keys
    renewed(small)
    name = f"{epoch_folder(small.org, 9)}/1"
    small.store.put_new(name, before._wrap(name, bytes(32), org=small.org))
    small.reopen()
    fresh = open_keyring(small.store, by(recovery_sheet(small.keys)), entropy=ENTROPY)
    assert 9 in fresh.epochs(small.org)
    assert fresh.epoch(small.org) == 2


def test_an_entry_that_a_thief_adds_counts_for_nobody(small: SmallVault) -> None:
    before = small.keys
    renewed(small)
    held = registered(small.store, small.keys)
    _put(small.store, before, Register(held.vault, held.number + 1, {"evil": "00" * 32}))
    assert opens(small, recovery_sheet(small.keys)) == "yes"  # a damaged register keeps nobody out
    assert registered(small.store, small.keys) == held
    assert [one.object for one in small.reopen().verify(VerifyLevel.QUICK).damages] == [
        f"slots/{held.number + 1:08d}"
    ]


def test_a_renewal_that_was_cut_off_is_finished(small: SmallVault) -> None:
    old = small.keys
    small.keys = begun(small, "service-2")
    assert is_unfinished(small.store, small.keys)
    assert not is_unfinished(small.store, old)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert small.vault.homes.get(1) == b"settings"
    small.night("night-2", ("b", "U", {"Name": "Bert"}))  # which wraps the org's keys by itself
    finish_renewal(small.store, small.keys)
    finish_renewal(small.store, small.keys)
    assert not is_unfinished(small.store, small.keys)
    assert whole(small)
    assert failing(lambda: finish_renewal(small.store, old), NotAllowed) == "key-outdated"


def test_finishing_a_renewal_again_begins_no_other_epoch(small: SmallVault) -> None:
    small.keys = begun(small, "service-2")
    finish_renewal(small.store, small.keys)
    epochs = small.keys.epochs(small.org)
    assert len(epochs) == 2
    finish_renewal(small.store, small.keys)
    assert small.keys.epochs(small.org) == epochs


def test_a_run_from_before_ends_well(small: SmallVault) -> None:
    commit = small.begin("night-2")
    before = small.vault
    added = commit.add("Thing", [rows(("b", "U", {"Name": "Bert"}))])
    renewed(small)
    info = finish(commit, added)
    assert small.reopen().newest_backup(small.org) is not None
    assert small.cells(info.number).keys() == {"a", "b"}
    other = before.ensure_org(OTHER)  # with the earlier master key still
    assert small.reopen().ensure_org(OTHER) == other
    finish_renewal(small.store, small.keys)
    assert whole(small)


def test_a_copy_of_a_home_under_an_earlier_key_counts_no_more(small: SmallVault) -> None:
    homes = small.vault.homes
    renewed(small)
    forged = homes.store_copy(b"evil")
    assert failing(lambda: small.vault.homes.get(forged), IntegrityError) == "home-copy-outdated"
    assert small.vault.homes.get(forged - 1) == b"settings"


def test_two_who_renew_at_once_are_one_after_the_other(small: SmallVault) -> None:
    first = begun(small, "service-2")
    assert failing(lambda: begun(small, "service-3"), NotAllowed) == "key-outdated"
    finish_renewal(small.store, first)
    small.keys = first
    assert whole(small)


def test_slots_can_be_added_and_repaired_after_it(small: SmallVault) -> None:
    renewed(small)
    held = Held(small, "usb").add()
    assert held.opens() == "yes"
    small.keys.repair_org(small.org)
    lost = f"{small.keys.folders(small.org)[0]}/2"
    small.store.delete(lost)
    assert small.keys.repair_org(small.org) == (lost,)
    remove_slot(small.store, small.keys, "service-2")
    assert whole(small)
    entry = small.store.get(f"slots/{newest_entry(small.store, small.keys):08d}")
    assert b'"master":2,"earlier":["' in entry


def test_with_a_lost_register_everything_is_read_by_the_sheet(small: SmallVault) -> None:
    renewed(small)
    for listed in list(small.store.list("slots/")):
        small.store.delete(listed.name)
    keys = unlock_keyring(small.store, by(recovery_sheet(small.keys)), entropy=ENTROPY)
    vault = open_vault(small.store, keys=keys, clock=small.clock, entropy=ENTROPY)
    assert vault.at(small.org, 1).scan("Thing").read_all().num_rows == 1


def test_a_second_copy_loses_what_opens_no_more(small: SmallVault) -> None:
    mirror = MemoryStore()
    update_mirror(small.vault, mirror)
    renewed(small)
    update_mirror(small.reopen(), mirror)
    assert {one.name for one in mirror.list("")} == {one.name for one in small.store.list("")}
    assert not list(mirror.list("keys/service/"))
