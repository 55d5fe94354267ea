"""A slot opens with its secret alone, in its own place alone."""

from dataclasses import replace

import pytest

from unlost.model.errors import UsageError
from unlost.vault.format.slots import (
    KeySlot,
    KeyStretch,
    SlotHolds,
    SlotPlace,
    check_slot_name,
    unwrap_key,
    wrap_key,
)

PLACE = SlotPlace("ab" * 16, 3, "service")
MASTER = bytes(range(32))
KEY = b"k" * 32
STRETCH = KeyStretch(salt="5a" * 16)


def wrapped(
    holds: SlotHolds = SlotHolds.MASTER,
    stretch: KeyStretch | None = None,
    *,
    place: SlotPlace = PLACE,
) -> KeySlot:
    return wrap_key(MASTER, holds=holds, stretch=stretch, place=place, key=KEY, nonce=b"n" * 12)


def unwrapped(slot: KeySlot, *, place: SlotPlace = PLACE, key: bytes = KEY) -> bytes | None:
    return unwrap_key(slot, place=place, key=key)


@pytest.mark.parametrize("stretch", [None, STRETCH])
@pytest.mark.parametrize("holds", SlotHolds)
def test_a_slot_gives_its_key_back_to_its_secret_alone(
    holds: SlotHolds, stretch: KeyStretch | None
) -> None:
    slot = wrapped(holds, stretch)
    assert (slot.holds, slot.stretch) == (holds, stretch)
    assert len(bytes.fromhex(slot.wrapped)) == 12 + 32 + 16
    assert MASTER.hex() not in slot.wrapped
    assert unwrapped(slot) == MASTER
    assert unwrapped(slot, key=b"x" * 32) is None


def test_every_bit_of_the_wrapped_key_is_proved() -> None:
    slot = wrapped()
    sealed = bytes.fromhex(slot.wrapped)
    for bit in range(len(sealed) * 8):
        spoiled = bytearray(sealed)
        spoiled[bit // 8] ^= 1 << bit % 8
        assert unwrapped(replace(slot, wrapped=spoiled.hex())) is None


@pytest.mark.parametrize("text", ["", "zz", "abc", "11" * 12, "11" * 27, "11" * 28, "11" * 61])
def test_a_wrapped_key_that_is_cut_or_junk_opens_nothing(text: str) -> None:
    assert unwrapped(replace(wrapped(), wrapped=text)) is None


@pytest.mark.parametrize(
    "place",
    [
        replace(PLACE, vault="ac" * 16),
        replace(PLACE, generation=4),
        replace(PLACE, slot="other"),
    ],
)
def test_a_slot_opens_nowhere_but_in_its_vault_generation_and_name(place: SlotPlace) -> None:
    assert unwrapped(wrapped(), place=place) is None
    assert unwrapped(wrapped(place=place), place=place) == MASTER


@pytest.mark.parametrize(
    "change",
    [
        {"holds": SlotHolds.MASTER},
        {"stretch": None},
        {"stretch": replace(STRETCH, salt="5b" * 16)},
        {"stretch": replace(STRETCH, memory=STRETCH.memory + 1)},
        {"stretch": replace(STRETCH, passes=STRETCH.passes + 1)},
        {"stretch": replace(STRETCH, lanes=STRETCH.lanes + 1)},
    ],
)
def test_what_a_slot_says_of_itself_is_bound_into_its_key(change: dict[str, object]) -> None:
    slot = wrapped(SlotHolds.OWNER, STRETCH)
    assert unwrapped(slot) == MASTER
    assert unwrapped(replace(slot, **change)) is None  # type: ignore[arg-type]


def test_what_is_bound_in_is_one_json_list() -> None:
    assert PLACE.bound(SlotHolds.MASTER, None) == (
        b'["abababababababababababababababab",3,"service","master",null]'
    )
    stretch = b'{"salt":"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a","memory":262144,"passes":3,"lanes":4}'
    assert PLACE.bound(SlotHolds.OWNER, STRETCH).endswith(b',"owner",' + stretch + b"]")


@pytest.mark.parametrize(
    "change",
    [
        {"memory": 64 * 1024 - 1},
        {"memory": 1024 * 1024 + 1},
        {"memory": -1},
        {"passes": 1},
        {"passes": 17},
        {"lanes": 0},
        {"lanes": 17},
        {"salt": "00" * 15},
        {"salt": "00" * 17},
        {"salt": "zz" * 16},
        {"salt": "AB" * 16},
        {"salt": ""},
        {"salt": "00" * 16 + "\n"},
    ],
)
def test_parameters_that_are_too_weak_or_too_dear_are_refused(change: dict[str, object]) -> None:
    accepted = KeyStretch(salt="00" * 16, memory=65536)
    assert accepted.within_bounds()
    assert not replace(accepted, **change).within_bounds()  # type: ignore[arg-type]


@pytest.mark.parametrize("memory", [64 * 1024, 1024 * 1024])
@pytest.mark.parametrize("passes", [2, 16])
@pytest.mark.parametrize("lanes", [1, 16])
def test_the_weakest_and_the_dearest_parameters_are_accepted(
    memory: int, passes: int, lanes: int
) -> None:
    assert KeyStretch(salt="00" * 16, memory=memory, passes=passes, lanes=lanes).within_bounds()


@pytest.mark.parametrize("name", ["", "a/b", "..", "Service", "a" * 42, "-a", "a b", "a\n"])
def test_a_slot_has_a_plain_name(name: str) -> None:
    with pytest.raises(UsageError) as error:
        check_slot_name(name)
    assert error.value.code == "slot-name"
    assert error.value.next_step


@pytest.mark.parametrize("name", ["a", "0", "service-2", "a" * 41])
def test_a_plain_name_is_accepted(name: str) -> None:
    check_slot_name(name)


def test_the_default_stretch_is_dear_enough() -> None:
    assert STRETCH.within_bounds()
    assert STRETCH.memory >= 64 * 1024
