"""Slots open with their secret alone, and are proved without it."""

import json
import struct

import pytest

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.slots import (
    KeySlot,
    KeyStretch,
    read_slot,
    slot_folder,
    slot_head,
    unwrap_master,
    wrap_master,
)

VAULT = "ab" * 16
MASTER = bytes(range(32))
KEY = b"k" * 32
ARGON = (
    '{"vault":"ab","slot":"service","kdf":{"name":"Argon2id","salt":"SALT",'
    '"memory_kib":MEMORY,"passes":3,"lanes":4}}'
)
STRETCH = KeyStretch(salt=b"s" * 16)


def slot_bytes(stretch: KeyStretch | None = None, *, name: str = "service") -> bytes:
    head = slot_head(vault=VAULT, name=name, stretch=stretch)
    return head + wrap_master(MASTER, key=KEY, nonce=b"n" * 12, head=head, name=name) + b"m" * 32


def with_parameters(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<7sBH", b"UNLOSTK", 1, len(data)) + data + bytes(60 + 32)


@pytest.mark.parametrize("stretch", [None, STRETCH])
def test_a_slot_gives_back_the_master_key(stretch: KeyStretch | None) -> None:
    slot = read_slot(slot_bytes(stretch), name="service")
    assert (slot.vault, slot.name, slot.stretch) == (VAULT, "service", stretch)
    assert slot.mac == b"m" * 32
    assert slot.proved + slot.mac == slot_bytes(stretch)
    assert unwrap_master(slot, key=KEY) == MASTER
    assert unwrap_master(slot, key=b"x" * 32) is None


def test_each_byte_before_the_code_is_bound_into_the_wrapped_key() -> None:
    data = slot_bytes(STRETCH)
    for at in range(len(data) - 32):
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            slot = read_slot(spoiled, name="service")
        except (IntegrityError, UsageError):
            continue
        assert unwrap_master(slot, key=KEY) is None


def test_a_slot_under_another_name_is_refused() -> None:
    with pytest.raises(IntegrityError) as error:
        read_slot(slot_bytes(), name="other")
    assert error.value.code == "slot-damaged"
    moved = read_slot(slot_bytes(), name="service")
    renamed = KeySlot(moved.vault, "other", None, moved.head, moved.wrapped, moved.mac)
    assert unwrap_master(renamed, key=KEY) is None


@pytest.mark.parametrize("data", [b"", b"UNLOSTK", slot_bytes()[:-1], slot_bytes() + b"x"])
def test_cut_and_longer_slots_are_refused(data: bytes) -> None:
    with pytest.raises(IntegrityError):
        read_slot(data, name="service")


def test_what_is_no_slot_is_refused() -> None:
    with pytest.raises(IntegrityError):
        read_slot(b"X" + slot_bytes()[1:], name="service")


@pytest.mark.parametrize(("number", "code"), [(9, "format-newer"), (0, "format-unknown")])
def test_another_format_is_refused(number: int, code: str) -> None:
    data = bytearray(slot_bytes())
    data[7] = number
    with pytest.raises(UsageError) as error:
        read_slot(bytes(data), name="service")
    assert error.value.code == code


@pytest.mark.parametrize(
    "parameters",
    [
        "",
        "[]",
        "{}",
        '{"vault":"ab","slot":"service"}',
        '{"vault":"ab","slot":"service","kdf":{"name":"MD5"}}',
        '{"vault":"ab","slot":"service","kdf":{"name":"Argon2id"}}',
        ARGON.replace("SALT", "zz").replace("MEMORY", "65536"),
        ARGON.replace("SALT", "00").replace("MEMORY", '"65536"'),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters: str) -> None:
    with pytest.raises(IntegrityError):
        read_slot(with_parameters(parameters), name="service")


@pytest.mark.parametrize(
    "change",
    [
        {"memory_kib": 64 * 1024 - 1},
        {"memory_kib": 1024 * 1024 + 1},
        {"passes": 1},
        {"passes": 17},
        {"lanes": 0},
        {"lanes": 17},
        {"salt": "00" * 15},
    ],
)
def test_parameters_that_are_too_weak_or_too_dear_are_refused(change: dict[str, object]) -> None:
    kdf: dict[str, object] = {
        "name": "Argon2id",
        "salt": "00" * 16,
        "memory_kib": 65536,
        "passes": 3,
        "lanes": 4,
    }
    accepted = json.dumps({"vault": VAULT, "slot": "service", "kdf": kdf})
    assert read_slot(with_parameters(accepted), name="service").stretch is not None
    refused = json.dumps({"vault": VAULT, "slot": "service", "kdf": kdf | change})
    with pytest.raises(IntegrityError):
        read_slot(with_parameters(refused), name="service")


@pytest.mark.parametrize("memory", [64 * 1024, 1024 * 1024])
@pytest.mark.parametrize("passes", [2, 16])
@pytest.mark.parametrize("lanes", [1, 16])
def test_the_weakest_and_the_dearest_parameters_are_accepted(
    memory: int, passes: int, lanes: int
) -> None:
    kdf = {"name": "Argon2id", "salt": "00" * 16, "memory_kib": memory}
    kdf |= {"passes": passes, "lanes": lanes}
    told = json.dumps({"vault": VAULT, "slot": "service", "kdf": kdf})
    stretch = read_slot(with_parameters(told), name="service").stretch
    assert stretch == KeyStretch(salt=bytes(16), memory=memory, passes=passes, lanes=lanes)


@pytest.mark.parametrize("name", ["", "a/b", "..", "Service", "a" * 42, "-a"])
def test_a_slot_has_a_plain_name(name: str) -> None:
    with pytest.raises(UsageError) as error:
        slot_folder(name)
    assert error.value.code == "slot-name"


def test_the_default_stretch_is_dear_enough() -> None:
    assert STRETCH.within_bounds()
    assert STRETCH.memory >= 64 * 1024
