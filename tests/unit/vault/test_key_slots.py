"""Ways into a vault come and go: what was removed opens nothing, and one is always left."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import Conflict, NotAllowed, NotFound, UnlostError, UsageError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.register import entry_copies
from unlost.vault.format.slots import KeyStretch, SlotHolds
from unlost.vault.keys.founding import recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.key_slots import (
    SlotKind,
    SlotState,
    add_slot,
    list_slots,
    note_sheet,
    remove_slot,
    replace_slot,
)
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.passphrase import Passphrase
from unlost.vault.keys.register import change_register, listed_entries, newest_entry, registered
from unlost.vault.keys.renewal import renew_master
from unlost.vault.keys.service_key import ServiceKey
from unlost.vault.keys.unlock import ByPassphrase, UnlockedVault, opens_slot, unlock_by_key
from unlost.vault.maintenance.shred import plan_shredding, shred_org
from unlost.vault.vault import open_vault

ENTROPY = SeededEntropy(5)
CHEAP = KeyStretch(salt="5a" * 16, memory=64 * 1024, passes=2, lanes=1)
WORDS = "lusab babad gutih"


class Held:
    """A key in somebody's hand."""

    def __init__(self, small: SmallVault, slot: str) -> None:
        self.small, self.slot = small, slot
        self.key = ServiceKey.new(small.keys, entropy=ENTROPY, slot=slot)

    def add(self) -> "Held":
        add_slot(self.small.store, self.small.keys, self.key, slot=self.slot, entropy=ENTROPY)
        return self

    def unlock(self, store) -> UnlockedVault:
        return unlock_by_key(store, self.key)

    def opens(self) -> str:
        """`yes`, or the code of the error."""
        try:
            keys = self.keyring()
        except UnlostError as error:
            return error.code
        assert keys.master() == self.small.keys.master()
        return "yes"

    def keyring(self) -> Keyring:
        """The keys as a scheduled run has them."""
        return open_keyring(self.small.store, self, entropy=ENTROPY)


@pytest.fixture
def small() -> SmallVault:
    return SmallVault()


@pytest.fixture
def service(small: SmallVault) -> Held:
    return Held(small, "service").add()


def whole(small: SmallVault) -> bool:
    return all(small.reopen().verify(level).damages == () for level in VerifyLevel)


def failing(call: Callable[[], object], kind: type[UnlostError]) -> str:
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.next_step
    return caught.value.code


def told(small: SmallVault) -> set[str]:
    return {state.slot for state in list_slots(small.store, small.keys)}


def contents(small: SmallVault) -> dict[str, bytes]:
    return {listed.name: small.store.get(listed.name) for listed in small.store.list("")}


def add_words(small: SmallVault, slot: str = "words") -> None:
    add_slot(small.store, small.keys, Passphrase(WORDS), slot=slot, entropy=ENTROPY,
             stretch=CHEAP)  # fmt: skip


def test_all_ways_are_told(small: SmallVault, service: Held) -> None:
    add_words(small)
    assert list_slots(small.store, small.keys) == (
        SlotState("service", SlotKind.KEY_FILE, authorizes=False),
        SlotState("words", SlotKind.PASSPHRASE, authorizes=True),
    )
    assert list_slots(small.store, service.keyring()) == list_slots(small.store, small.keys)


def test_a_way_is_added_by_one_entry_and_the_entry_before_it_is_removed(
    small: SmallVault, service: Held
) -> None:
    assert list(listed_entries(small.store)) == [2]
    Held(small, "second").add()
    assert {listed.name for listed in small.store.list("register/")} == set(entry_copies(3))
    assert registered(small.store, small.keys).slots.keys() == {"service", "second"}


def test_what_was_removed_opens_nothing_though_it_is_put_back(
    small: SmallVault, service: Held
) -> None:
    second = Held(small, "second").add()
    copies = {name: small.store.get(name) for name in entry_copies(3)}
    remove_slot(small.store, small.keys, "second")
    assert second.opens() == "slot-missing"
    assert told(small) == {"service"}
    assert whole(small)
    for number in (3, 9):  # in its old place, or as if it were the newest
        for name, data in zip(entry_copies(number), copies.values(), strict=True):
            small.store.put_new(name, data)
        assert second.opens() == "slot-missing"
        assert told(small) == {"service"}
        assert service.opens() == "yes"
        assert whole(small) is (number == 3)  # what is in the old place has no effect


def test_a_slot_of_an_entry_before_cannot_be_put_into_a_later_one(
    small: SmallVault, service: Held
) -> None:
    """The wrapped key itself still opens; only the owner's signature brings it back."""
    second = Held(small, "second").add()
    slot = registered(small.store, small.keys).slots["second"]
    remove_slot(small.store, small.keys, "second")
    entry = registered(small.store, small.keys)
    assert opens_slot(entry, "second", slot, secret=second.key)
    assert not opens_slot(entry, "second", slot, secret=service.key)
    assert (
        failing(
            lambda: change_register(
                small.store,
                service.keyring(),
                lambda present: replace(present, slots={**present.slots, "second": slot}),
            ),
            NotAllowed,
        )
        == "sheet-needed"
    )
    assert second.opens() == "slot-missing"


def test_the_last_way_stays(small: SmallVault, service: Held) -> None:
    remove = lambda: remove_slot(small.store, small.keys, "service")  # noqa: E731
    assert failing(remove, NotAllowed) == "slot-last"
    assert service.opens() == "yes"
    second = Held(small, "second").add()
    remove()
    assert (second.opens(), service.opens()) == ("yes", "slot-missing")
    last = lambda: remove_slot(small.store, small.keys, "second")  # noqa: E731
    assert failing(last, NotAllowed) == "slot-last"


def test_two_who_remove_the_last_two_at_once_leave_one(
    small: SmallVault, service: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    Held(small, "second").add()
    honest, rivals = small.store.put_new, ["second"]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith("register/") and rivals:
            remove_slot(small.store, small.keys, rivals.pop())
        return honest(name, data)

    monkeypatch.setattr(small.store, "put_new", put_new)
    code = failing(lambda: remove_slot(small.store, small.keys, "service"), NotAllowed)
    assert code == "slot-last"
    assert service.opens() == "yes"


def test_an_unknown_way_is_named(small: SmallVault, service: Held) -> None:
    def gone() -> None:
        remove_slot(small.store, small.keys, "other")

    def replaced() -> None:
        replace_slot(small.store, small.keys, "other", service.key, new="new", entropy=ENTROPY)

    assert failing(gone, NotFound) == failing(replaced, NotFound) == "slot-unknown"
    assert newest_entry(small.store, small.keys) == 2


def test_a_way_with_a_name_that_no_slot_can_have_is_refused(
    small: SmallVault, service: Held
) -> None:
    before = contents(small)
    assert failing(Held(small, "Second/../x").add, UsageError) == "slot-name"
    assert contents(small) == before


def test_one_way_gives_way_to_another(small: SmallVault, service: Held) -> None:
    new = Held(small, "service-2")
    both: list[tuple[str, str]] = []
    replace_slot(small.store, small.keys, "service", new.key, new="service-2", entropy=ENTROPY,
                hand_over=lambda: both.append((service.opens(), new.opens())))  # fmt: skip
    assert both == [("yes", "yes")]
    assert (service.opens(), new.opens()) == ("slot-missing", "yes")
    assert whole(small)


def test_what_a_crash_left_is_taken_up_by_who_has_the_secret(
    small: SmallVault, service: Held
) -> None:
    held, other = Held(small, "second").add(), Held(small, "second")
    number = newest_entry(small.store, small.keys)
    for name in entry_copies(number)[1:]:  # died after the one put that takes effect
        small.store.delete(name)
    assert held.opens() == "yes"
    assert not whole(small)
    assert failing(other.add, Conflict) == "slot-exists"
    held.add()
    assert newest_entry(small.store, small.keys) == number
    assert whole(small)
    assert (held.opens(), other.opens()) == ("yes", "key-wrong")


def test_a_name_that_is_taken_in_the_same_moment_is_refused(
    small: SmallVault, service: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, rival, rivals = small.store.put_new, Held(small, "second"), ["rival"]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith("register/") and rivals:
            rivals.clear()
            rival.add()
        return honest(name, data)

    monkeypatch.setattr(small.store, "put_new", put_new)
    assert failing(Held(small, "second").add, Conflict) == "slot-exists"
    assert rival.opens() == "yes"


@pytest.mark.parametrize("hurt", ["damaged", "missing"])
@pytest.mark.parametrize("copy", [1, 2, 3])
def test_one_intact_copy_of_the_register_keeps_nobody_out(
    small: SmallVault, service: Held, copy: int, hurt: str
) -> None:
    add_words(small)
    number = newest_entry(small.store, small.keys)
    broken = [name for name in entry_copies(number) if not name.endswith(str(copy))]
    for name in broken:
        data = small.store.get(name)
        small.store.delete(name)
        if hurt == "damaged":
            small.store.put_new(name, data[:-3])
    assert service.opens() == "yes"
    by_words = open_keyring(small.store, ByPassphrase(WORDS, slot="words"), entropy=ENTROPY)
    assert by_words.master() == small.keys.master()
    damages = small.reopen().verify(VerifyLevel.QUICK).damages
    assert {damage.object for damage in damages} == set(broken)


@pytest.mark.parametrize("hurt", ["damaged", "missing"])
def test_without_any_copy_of_the_register_only_the_sheet_opens(
    small: SmallVault, service: Held, hurt: str
) -> None:
    for name in entry_copies(newest_entry(small.store, small.keys)):
        data = small.store.get(name)
        small.store.delete(name)
        if hurt == "damaged":
            small.store.put_new(name, data[:-3])
    assert service.opens() == "register-damaged"
    assert not whole(small)
    assert recovery_sheet(small.keys).secret == small.keys.owner.known_secret()


def test_a_sheet_that_was_taken_down_is_noted(small: SmallVault, service: Held) -> None:
    assert registered(small.store, small.keys).sheet == ""
    note_sheet(small.store, small.keys, "2026-03-02T00:00:00+00:00")
    entries = newest_entry(small.store, small.keys)
    note_sheet(small.store, small.keys, "2026-03-02T00:00:00+00:00")
    Held(small, "second").add()
    assert newest_entry(small.store, small.keys) == entries + 1
    assert registered(small.store, small.keys).sheet == "2026-03-02T00:00:00+00:00"
    assert whole(small)


def test_ways_come_and_go_while_a_night_is_saved(small: SmallVault, service: Held) -> None:
    commit = small.begin("night-1")
    Held(small, "second").add()
    added = commit.add(TABLE, [rows(("a", "U", {"Name": "Anna"}))])
    remove_slot(small.store, small.keys, "second")
    info = finish(commit, added)
    Held(small, "third").add()
    assert whole(small)
    assert small.cells(info.number)["a"]["Name"] == "Anna"


# --- a key file opens, and changes nothing -------------------------------------------------------


def renew_by(small: SmallVault, keys: Keyring) -> None:
    """As a holder of the key file could try it, who takes an earlier new owner for his own."""
    new = keys.successor()
    forged = Keyring(small.store, vault=new.vault, master=new.master(),
                     owner=replace(new.owner, secret=None), entropy=ENTROPY,
                     earlier=new.masters[:-1])  # fmt: skip
    key = ServiceKey.new(forged, entropy=ENTROPY)
    renew_master(small.store, keys, forged, key=key, sheet_confirmed_at=small.clock.now(),
                 entropy=ENTROPY)  # fmt: skip


def shred_by(small: SmallVault, keys: Keyring) -> None:
    vault = open_vault(small.store, keys=keys, clock=small.clock, entropy=ENTROPY)
    org_vault = vault.org_vault(small.org)
    plan = plan_shredding(org_vault, now=small.clock.now())
    shred_org(org_vault, plan, at=small.clock.now())


CHANGES: dict[str, Callable[[SmallVault, Keyring, ServiceKey], object]] = {
    "add": lambda small, keys, key: add_slot(
        small.store, keys, key, slot="second", entropy=ENTROPY
    ),
    "add again": lambda small, keys, key: add_slot(
        small.store, keys, key, slot="service", entropy=ENTROPY
    ),
    "add a passphrase": lambda small, keys, _: add_slot(
        small.store, keys, Passphrase(WORDS), slot="more", entropy=ENTROPY, stretch=CHEAP
    ),
    "remove": lambda small, keys, _: remove_slot(small.store, keys, "words"),
    "remove what is not there": lambda small, keys, _: remove_slot(small.store, keys, "none"),
    "replace": lambda small, keys, key: replace_slot(
        small.store, keys, "words", key, new="second", entropy=ENTROPY
    ),
    "note a sheet": lambda small, keys, _: note_sheet(small.store, keys, "2026-03-02"),
    "print the sheet": lambda _, keys, __: recovery_sheet(keys),
    "shred": lambda small, keys, _: shred_by(small, keys),
    "renew": lambda small, keys, _: renew_by(small, keys),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_key_file_changes_nothing_of_the_register(
    small: SmallVault, service: Held, change: str
) -> None:
    add_words(small)
    small.night("night-1", ("a", "U", {"Name": "Anna"}))
    before = contents(small)
    keys = service.keyring()
    assert failing(lambda: CHANGES[change](small, keys, service.key), NotAllowed) == "sheet-needed"
    assert contents(small) == before
    assert service.opens() == "yes"


def test_a_passphrase_may_change_the_register(small: SmallVault, service: Held) -> None:
    add_words(small)
    keys = open_keyring(small.store, ByPassphrase(WORDS, slot="words"), entropy=ENTROPY)
    assert recovery_sheet(keys) == recovery_sheet(small.keys)
    remove_slot(small.store, keys, "service")
    assert told(small) == {"words"}
    assert service.opens() == "slot-missing"


def test_the_slot_of_a_key_file_holds_the_master_key_alone(
    small: SmallVault, service: Held
) -> None:
    add_words(small)
    slots = registered(small.store, small.keys).slots
    assert {name: slot.holds for name, slot in slots.items()} == {
        "service": SlotHolds.MASTER,
        "words": SlotHolds.OWNER,
    }
    unlocked = service.unlock(small.store)
    assert unlocked.owner.secret is None
    assert unlocked.owner.public == small.keys.owner.public
    assert unlocked.master == small.keys.master()


def test_no_secret_is_in_the_representation(small: SmallVault, service: Held) -> None:
    secret = small.keys.owner.known_secret()
    shown = (
        repr(small.keys.owner) + repr(small.keys) + repr(service.unlock(small.store))
        + repr(service.key) + repr(Passphrase(WORDS)) + repr(recovery_sheet(small.keys))
    )  # fmt: skip
    assert small.keys.owner.public.hex() in shown
    for hidden in (secret, service.key.key, small.keys.master()):
        assert hidden.hex() not in shown
        assert repr(hidden) not in shown
    assert WORDS not in shown
