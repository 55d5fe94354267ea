"""Ways into a vault come and go: what was removed opens nothing, and one is always left."""

from collections.abc import Callable

import pytest

from smallvault import TABLE, SmallVault, finish, rows
from unlost.model.errors import Conflict, NotAllowed, NotFound, UnlostError
from unlost.model.vault.snapshot import VerifyLevel
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.slots import KeyStretch
from unlost.vault.keys.key_slots import SlotKind, list_slots, note_sheet, remove_slot, replace_slot
from unlost.vault.keys.opening import add_slot, open_keyring, write_slot
from unlost.vault.keys.register import newest_entry, registered
from unlost.vault.keys.unlock import ByPassphrase, ServiceKey, UnlockedVault, open_slot, slot_copies

ENTROPY = SeededEntropy(5)
CHEAP = KeyStretch(salt=b"s" * 16, memory=64 * 1024, passes=2, lanes=1)
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
        return open_slot(store, self.slot, self.key)

    def opens(self) -> str:
        """`yes`, or the code of the error."""
        try:
            keys = open_keyring(self.small.store, self, entropy=ENTROPY)
        except UnlostError as error:
            return error.code
        assert keys.master() == self.small.keys.master()
        return "yes"


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


def told(small: SmallVault) -> dict[str, tuple[SlotKind, int, bool]]:
    return {
        state.slot: (state.kind, state.whole, state.valid)
        for state in list_slots(small.store, small.keys)
    }


def test_all_ways_are_told(small: SmallVault, service: Held) -> None:
    add_slot(small.store, small.keys, ByPassphrase(WORDS), slot="words", entropy=ENTROPY,
             stretch=CHEAP)  # fmt: skip
    Held(small, "gone").add()
    for name in slot_copies("gone"):
        small.store.delete(name)
    small.store.delete(slot_copies("service")[1])
    assert told(small) == {
        "gone": (SlotKind.UNKNOWN, 0, True),
        "service": (SlotKind.KEY_FILE, 2, True),
        "words": (SlotKind.PASSPHRASE, 3, True),
    }
    assert [state.usable for state in list_slots(small.store, small.keys)] == [False, True, True]


def test_what_was_removed_opens_nothing_though_it_is_put_back(
    small: SmallVault, service: Held
) -> None:
    second = Held(small, "second").add()
    copies = {name: small.store.get(name) for name in slot_copies("second")}
    remove_slot(small.store, small.keys, "second")
    assert second.opens() == "slot-missing"
    assert set(told(small)) == {"service"}
    assert whole(small)
    for name, data in copies.items():
        small.store.put_new(name, data)
    assert second.opens() == "slot-removed"
    assert told(small)["second"] == (SlotKind.KEY_FILE, 3, False)
    assert service.opens() == "yes"
    remove_slot(small.store, small.keys, "second")  # what somebody put back goes as well
    assert whole(small)


def test_the_last_way_stays(small: SmallVault, service: Held) -> None:
    remove = lambda: remove_slot(small.store, small.keys, "service")  # noqa: E731
    assert failing(remove, NotAllowed) == "slot-last"
    second = Held(small, "second").add()
    for name in slot_copies("second"):
        small.store.delete(name)
    assert failing(remove, NotAllowed) == "slot-last"  # the other one opens nothing
    assert service.opens() == "yes"
    remove_slot(small.store, small.keys, "second")
    second = Held(small, "second").add()
    remove()
    assert (second.opens(), service.opens()) == ("yes", "slot-missing")


def test_two_who_remove_the_last_two_at_once_leave_one(
    small: SmallVault, service: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    Held(small, "second").add()
    honest, rivals = small.store.put_new, ["second"]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith("slots/") and rivals:
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
    assert newest_entry(small.store, small.keys) == 3


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
    held, other = Held(small, "second"), Held(small, "second")
    write_slot(small.store, small.keys, held.key, slot="second", entropy=ENTROPY)
    small.store.delete(slot_copies("second")[2])
    assert held.opens() == "slot-removed"  # it never counted
    assert failing(other.add, Conflict) == "slot-exists"
    held.add()
    assert held.opens() == "yes"
    assert whole(small)
    assert failing(held.add, Conflict) == "slot-exists"


def test_a_name_that_is_taken_in_the_same_moment_is_refused(
    small: SmallVault, service: Held, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, rival, rivals = small.store.put_new, Held(small, "second"), ["rival"]

    def put_new(name: str, data: bytes) -> bool:
        if name.startswith("keys/") and rivals:
            rivals.clear()
            rival.add()
        return honest(name, data)

    monkeypatch.setattr(small.store, "put_new", put_new)
    assert failing(Held(small, "second").add, Conflict) == "slot-exists"
    assert rival.opens() == "yes"


@pytest.mark.parametrize("hurt", ["damaged", "missing", "none"])
def test_a_register_that_cannot_be_read_keeps_nobody_out(
    small: SmallVault, service: Held, hurt: str
) -> None:
    newest = f"slots/{newest_entry(small.store, small.keys):08d}"
    data = small.store.get(newest)
    small.store.delete(newest)
    if hurt == "damaged":
        small.store.put_new(newest, data[:-3])
    elif hurt == "none":
        for listed in list(small.store.list("slots/")):
            small.store.delete(listed.name)
    assert service.opens() == "yes"
    assert whole(small) is (hurt == "missing")  # the entry before it says the same


def test_a_sheet_that_was_taken_down_is_noted(small: SmallVault, service: Held) -> None:
    assert registered(small.store, small.keys).sheet == ""
    note_sheet(small.store, small.keys, "2026-03-02T00:00:00+00:00")
    entries = newest_entry(small.store, small.keys)
    note_sheet(small.store, small.keys, "2026-03-02T00:00:00+00:00")
    Held(small, "second").add()
    assert newest_entry(small.store, small.keys) == entries + 2
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
