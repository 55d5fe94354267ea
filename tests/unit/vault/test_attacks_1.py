"""Attacks on register, keys, home copies and rekeys: each test is named after its symptom.

The thief has the service key, an earlier owner's secret, or no key at all, and only adds objects.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import msgspec
import pytest

import vaultstory
from fakes.keeping_store import KeepingStore
from smallvault import SmallVault
from thief import maintained, thief_of
from unit.vault.test_key_slots import Held, failing
from unit.vault.test_rekey import (
    another_night,
    files,
    fresh,
    pictures,
    rekeyed,
    renewed,
    whole,
)
from unit.vault.test_renewal import ENTROPY, begun
from unit.vault.test_service_key_thieves import ByKey, plant
from unlost.model.errors import IntegrityError, NotAllowed
from unlost.model.org import OrgIdentity
from unlost.model.vault.snapshot import CommitKind, VerifyLevel
from unlost.vault.format.manifest import TablePart
from unlost.vault.format.register import RegisterEntry, encode_entry, entry_copies
from unlost.vault.format.slots import KeyStretch
from unlost.vault.keys import register
from unlost.vault.keys.derivation import KEY_BYTES, derive, epoch_folder, identity_folder
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.passphrase import Passphrase
from unlost.vault.keys.register import (
    find_entry,
    newest_entry,
    registered,
    repair_register,
    strange_entries,
)
from unlost.vault.keys.renewal import finish_renewal, is_unfinished, strange_keys
from unlost.vault.keys.unlock import ByPassphrase
from unlost.vault.maintenance.verify.lost_keys import lost_keys
from unlost.vault.mirror.repair import repair_from
from unlost.vault.mirror.update import update_mirror
from unlost.vault.objects.home_copies import name_of
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, open_vault
from vaultstory import Story

KNOWN = b"T" * KEY_BYTES
WORDS = "babab dodod fifif gogog habah"


@pytest.fixture
def story() -> Story:
    made = vaultstory.copied()
    made.vault.homes.store_copy(b"settings")
    return maintained(made)


def damaged(story: Story, level: VerifyLevel = VerifyLevel.QUICK) -> set[str]:
    return {damage.object for damage in story.vault.verify(level).damages}


def sign(story: Story, entry: RegisterEntry, number: int, by: Keyring) -> None:
    data = encode_entry(replace(entry, number=number), sign=by.owner.sign)
    for name in entry_copies(number):
        story.store.put_new(name, data)


# --- an earlier owner's secret --------------------------------------------------------------------


@pytest.mark.parametrize("above", [1, 50])
def test_an_earlier_owner_signed_on_and_an_old_home_repaired_all_keys_away(
    story: Story, above: int
) -> None:
    """The sheet was stolen, so the key was renewed. Another home still has its old key file."""
    old, entry, key = story.keys, registered(story.store, story.keys), ByKey(story.service)
    renewed(story)
    before = pictures(story)
    sign(story, entry, newest_entry(story.store, story.keys) + above, old)
    assert failing(lambda: open_keyring(story.store, key, entropy=ENTROPY), NotAllowed) == (
        "key-outdated"
    )
    assert failing(lambda: finish_renewal(story.store, old), NotAllowed) == "key-outdated"
    assert failing(lambda: repair_register(story.store, old), NotAllowed) == "key-outdated"
    fresh(story)
    assert pictures(story) == before
    repair_register(story.store, story.keys)
    assert whole(story)


def test_an_old_entry_put_back_after_a_lost_sheet_made_an_old_home_remove_all_keys(
    story: Story,
) -> None:
    """No signature tells the holders of the earlier key that it ended."""
    old, entry = story.keys, registered(story.store, story.keys)
    kept = {name: story.store.get(name) for name in entry_copies(entry.number)}
    story.keys.owner = replace(old.owner, secret=None)
    renewed(story)
    old.owner = replace(old.owner, secret=None)
    before = pictures(story)
    for name, data in kept.items():
        story.store.put_new(name, data)
    assert is_unfinished(story.store, story.keys)
    finish_renewal(story.store, old)  # by the old home
    fresh(story)
    assert pictures(story) == before
    finish_renewal(story.store, story.keys)
    assert not any(story.store.size(name) for name in kept)


def test_an_entry_from_before_a_lost_sheet_was_not_told_after_the_next_renewal(
    story: Story,
) -> None:
    entry = registered(story.store, story.keys)
    kept = {name: story.store.get(name) for name in entry_copies(entry.number)}
    story.keys.owner = replace(story.keys.owner, secret=None)
    renewed(story)
    renewed(story)
    for name, data in kept.items():
        story.store.put_new(name, data)
    assert is_unfinished(story.store, story.keys)
    finish_renewal(story.store, story.keys)
    assert not is_unfinished(story.store, story.keys)
    assert not any(story.store.size(name) for name in kept)
    assert whole(story)


def test_a_renewal_that_was_overtaken_by_a_change_ended_the_owner(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two changes come between its look and its put: it takes itself back, and comes after them."""
    real, passes = register._free_number, [True]

    def slow(*args: Any, **kwargs: Any) -> int | None:
        number = real(*args, **kwargs)
        if passes and passes.pop():
            for name in ("one", "two"):
                add_slot(story.store, story.keys, story.service, slot=name, entropy=ENTROPY)
        return number

    monkeypatch.setattr(register, "_free_number", slow)
    renewed(story)
    assert registered(story.store, story.keys).slots.keys() == {"service-2"}
    assert len({one.name for one in story.store.list("register/")}) == len(entry_copies(1))
    assert whole(story)


# --- org keys -------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [99_999_999, 100_001])
def test_the_last_epoch_was_taken_and_no_backup_followed_a_renewal(
    story: Story, number: int
) -> None:
    names = plant(story, epoch_folder(story.org, number), KNOWN)
    assert story.keys.epoch(story.org) == 1
    assert damaged(story) == set(names) == set(strange_keys(story.store, story.keys))
    renewed(story)
    another_night(story, "night-9")
    assert not any(story.store.size(name) for name in names)
    assert whole(story)


def test_the_highest_epoch_that_counts_leaves_room_for_the_next(story: Story) -> None:
    plant(story, epoch_folder(story.org, 100_000), KNOWN)
    assert story.keys.epoch(story.org) == 100_000
    renewed(story)
    assert story.keys.epoch(story.org) == 100_001
    another_night(story, "night-9")
    assert whole(story)


@pytest.mark.parametrize("copies", [(1,), (1, 2, 3)])
@pytest.mark.parametrize("base", [epoch_folder, identity_folder])
def test_a_wrong_key_in_an_unfinished_renewal_made_it_delete_the_right_one(
    copies: tuple[int, ...], base: Callable[..., str]
) -> None:
    """The thief has the new service key before all keys are wrapped by the new master key."""
    small = SmallVault()
    Held(small, "service").add()
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    small.keys = begun(small, "service-2")
    folder = base(small.org, 1) if base is epoch_folder else base(small.org)
    for copy in copies:
        name = f"{folder}.00000002/{copy}"
        small.store.put_new(name, small.keys._wrap(name, KNOWN, org=small.org))
    keys = small.keys.for_store(small.store)
    finish_renewal(small.store, keys)
    small.keys = keys.for_store(small.store)
    small.reopen()
    assert small.cells(1)["a"]["Name"] == "Anna"
    assert small.vault.verify(VerifyLevel.DEEP).damages == ()


def test_a_lost_key_got_another_under_its_number_and_no_mirror_could_repair_it(
    story: Story,
) -> None:
    renewed(story)
    another_night(story, "night-9")
    before, mirror = pictures(story), MemoryStore()
    update_mirror(story.vault, mirror)
    for name in story.keys._own_copies(epoch_folder(story.org, 2)):
        story.store.delete(name)
    fresh(story)
    finish_renewal(story.store, story.keys)

    def opened(store: Any) -> EncryptedVault:
        keys = story.keys.for_store(store)
        return open_vault(store, keys=keys, clock=story.clock, entropy=story.entropy,
                          ledger=story.ledger)  # fmt: skip

    assert repair_from(story.store, mirror, opened=opened).still_damaged == ()
    fresh(story)
    assert pictures(story) == before


@pytest.mark.parametrize("which", ["epoch", "identity"])
def test_a_lost_key_is_told_before_a_renewal(story: Story, which: str) -> None:
    org_vault = story.vault.org_vault(story.org)
    seen = story.witness.get(story.org)
    assert lost_keys(org_vault, seen=seen) == ()
    folder = epoch_folder(story.org, 1) if which == "epoch" else identity_folder(story.org)
    for copy in (1, 2, 3):
        story.store.delete(f"{folder}/{copy}")
    fresh(story)
    assert lost_keys(story.vault.org_vault(story.org), seen=seen) == (folder,)


def test_junk_after_the_newest_commit_stops_no_renewal(story: Story) -> None:
    seen = story.witness.get(story.org)
    assert seen is not None
    data = bytearray(story.store.get(f"orgs/{story.org}/commits/{seen.number:020d}"))
    data[12] = 77  # the epoch
    story.store.put_new(f"orgs/{story.org}/commits/{seen.number + 1:020d}", bytes(data))
    assert lost_keys(story.vault.org_vault(story.org), seen=seen) == ()


@pytest.mark.parametrize("decided", [False, True])
def test_a_claimed_key_stops_no_renewal(story: Story, decided: bool) -> None:
    """Otherwise a thief could keep the owner from locking the thief out."""
    thief = thief_of(story)
    live = thief.segments("Account")[0].entry
    entries = (replace(live, epoch=50), replace(live, id="ab" * 16, epoch=51))
    packs = tuple(replace(pack, epoch=52) for pack in thief.packs())
    thief.commit(CommitKind.BACKUP, tables=(TablePart("Account", segments=entries),), packs=packs)
    fresh(story)
    removals = story.vault.removals(story.org)
    for waiting in removals.pending() if decided else ():
        removals.reject(waiting.number)
    seen = story.witness.get(story.org)
    assert lost_keys(story.vault.org_vault(story.org), seen=seen) == ()


# --- a rekey --------------------------------------------------------------------------------------


def claimed(story: Story, what: str) -> None:
    """A backup by the thief lists live objects again, as if they were under the newest key."""
    thief, epoch = thief_of(story), story.keys.epoch(story.org)
    if what == "packs":
        packs = tuple(replace(pack, epoch=epoch) for pack in thief.packs())
        thief.commit(CommitKind.BACKUP, packs=packs)
    else:
        live = thief.segments("Account")[0].entry
        part = TablePart("Account", segments=(replace(live, epoch=epoch),))
        thief.commit(CommitKind.BACKUP, tables=(part,))
    fresh(story)


@pytest.mark.parametrize("what", ["packs", "segments"])
def test_a_rekey_deleted_the_key_of_objects_that_a_commit_listed_under_another(
    story: Story, what: str
) -> None:
    before, contents = pictures(story), files(story)
    renewed(story)
    claimed(story, what)
    (waiting,) = story.vault.removals(story.org).pending()
    assert waiting.objects  # it is not shown as harmless
    story.clock.advance(days=31)  # nobody decides
    rekeyed(story)
    done = rekeyed(story, "again")
    if what == "packs":
        assert done.complete
        assert files(story) == contents
    else:
        assert done.damaged
        assert story.keys.has_epoch(story.org, 1)
        assert story.vault.at(story.org, 4).scan("Contact").read_all().num_rows
    assert len(before)


@pytest.mark.parametrize("what", ["packs", "segments"])
def test_a_rejected_claim_of_another_key_stayed_and_broke_the_table(
    story: Story, what: str
) -> None:
    before, contents = pictures(story), files(story)
    renewed(story)
    claimed(story, what)
    removals = story.vault.removals(story.org)
    for waiting in removals.pending():
        removals.reject(waiting.number)
    fresh(story)
    assert pictures(story)[:10] == before[:10]
    assert files(story) == contents
    assert rekeyed(story).complete
    assert files(story) == contents
    assert whole(story)


def test_a_backup_with_a_segment_that_does_not_open_could_not_be_rejected(story: Story) -> None:
    before, thief = pictures(story), thief_of(story)
    live = thief.segments("Account")[0].entry
    entries = (replace(live, id="ab" * 16, epoch=51), replace(live, id="cd" * 16))
    thief.commit(CommitKind.BACKUP, tables=(TablePart("Account", segments=entries),))
    fresh(story)
    removals = story.vault.removals(story.org)
    (waiting,) = removals.pending()
    removals.reject(waiting.number)
    fresh(story)
    assert pictures(story)[:10] == before[:10]
    another_night(story, "night-9")
    assert whole(story)


# --- passphrases and the register -----------------------------------------------------------------


def test_forged_slots_locked_the_holder_of_a_passphrase_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nine strangers sign entries with a slot of that name; they need no key of the vault."""
    small = SmallVault(store=KeepingStore())
    Held(small, "service").add()
    stretch = KeyStretch("ab" * 16, memory=64 * 1024, passes=2)
    monkeypatch.setattr(
        Passphrase,
        "wrapping_key",
        lambda self, slot, by: (self.text + slot + by.salt).encode()[:32],
    )
    add_slot(small.store, small.keys, Passphrase(WORDS), slot="passphrase", entropy=ENTROPY,
             stretch=stretch)  # fmt: skip
    present = registered(small.store, small.keys)
    for number in range(10, 30):
        stranger = Keyring.of_secret(small.store, vault=small.keys.vault,
                                     secret=bytes([number]) * 32, entropy=ENTROPY)  # fmt: skip
        salted = replace(
            present.slots["passphrase"], stretch=replace(stretch, salt=f"{number}" * 16)
        )
        forged = replace(present, owner=stranger.owner.public.hex(), number=number,
                         slots={"passphrase": salted})  # fmt: skip
        small.store.put_new(entry_copies(number)[0], encode_entry(forged, sign=stranger.owner.sign))
    unlocked = ByPassphrase(WORDS).unlock(small.store)
    assert unlocked.master == small.keys.master()


def test_a_register_too_large_to_read_is_not_written(
    story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    present = registered(story.store, story.keys)
    monkeypatch.setattr(register, "LARGEST", 2_000)

    def add_many() -> None:
        for number in range(9):
            add_slot(story.store, story.keys, story.service, slot=f"s{number}", entropy=ENTROPY)

    assert failing(add_many, IntegrityError) == "register-too-large"
    found = find_entry(story.store, owner=story.keys.owner.public)
    assert found is not None
    assert found.entry.number > present.number
    assert strange_entries(story.store, story.keys) == []


# --- verification ---------------------------------------------------------------------------------


@pytest.mark.parametrize("level", VerifyLevel)
def test_verify_called_a_vault_whole_from_which_an_org_had_vanished(
    story: Story, level: VerifyLevel
) -> None:
    for prefix in ("orgs/", "names/"):
        for listed in list(story.store.list(prefix)):
            story.store.delete(listed.name)
    fresh(story)
    assert {f"{identity_folder(story.org)}/1"} <= damaged(story, level)


def test_one_object_of_a_stranger_stopped_every_verification(story: Story) -> None:
    name = f"orgs/{'ab' * 16}/keys/identity.00000009/1"
    story.store.put_new(name, b"junk")
    fresh(story)
    assert name in damaged(story, VerifyLevel.FULL)
    assert not any(story.org in one for one in damaged(story, VerifyLevel.FULL))


# --- copies of the home ---------------------------------------------------------------------------


@pytest.mark.parametrize("number", [10**18 - 1, 2**63, 10**300])
def test_the_last_number_of_home_copies_was_taken(story: Story, number: int) -> None:
    homes = story.vault.homes
    assert homes._put(number, b"of a thief")
    stored = [homes.store_copy(b"own") for _ in range(3)]
    assert stored == [2, 3, 4]
    assert homes.get(4) == b"own"


def test_junk_that_claims_the_new_master_key_made_all_home_copies_void(story: Story) -> None:
    """The machine is lost after a renewal and before its first copy."""
    data = bytearray(story.store.get(name_of(1)))
    data[12] = 2  # the generation
    small = SmallVault()
    Held(small, "service").add()
    small.vault.homes.store_copy(b"settings")
    small.keys = begun(small, "service-2")
    small.store.put_new(name_of(77), bytes(data))
    assert small.reopen().homes.newest() == b"settings"


def test_a_key_that_waited_for_an_org_to_be_added_became_its_identity_key() -> None:
    """The thief of the earlier master key knows the oid of the next org."""
    small = SmallVault()
    thief, other = small.keys, OrgIdentity("fake", "T9", label="The next org")
    code = thief.mac("org", msgspec.json.encode(("fake", "T9")), generation=1)
    oid, known = code[:16].hex(), b"T" * 32
    small.keys = begun(small, "service-2")
    finish_renewal(small.store, small.keys)
    small.reopen()
    for copy in (1, 2, 3):
        name = f"{identity_folder(oid)}/{copy}"
        small.store.put_new(name, thief._wrap(name, known, org=oid))
    assert small.vault.ensure_org(other) == oid
    small.keys = small.keys.for_store(small.store)
    assert small.keys.identity_key(oid, "x") != derive(known, "x")
    assert small.reopen().ensure_org(other) == oid
    finish_renewal(small.store, small.keys)
    assert small.reopen().verify(VerifyLevel.DEEP).damages == ()
