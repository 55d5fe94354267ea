"""The sidecar: nothing that is there is ever denied, and its bytes are what the format says."""

import struct

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sidecar import (
    BITS_PER_ID,
    SALTS,
    GroupFence,
    Sidecar,
    build_filter,
    decode,
    encode,
    may_hold,
)

HASHES = st.lists(st.integers(0, 2**64 - 1), max_size=200)


@given(values=HASHES)
def test_never_denies_what_is_there(values: list[int]) -> None:
    hashes = np.array(values, dtype=np.uint64)
    assert may_hold(build_filter(hashes), hashes).all()


def test_denies_nearly_all_that_is_not() -> None:
    held = id_hashes(pa.array([f"in{n}" for n in range(20_000)]))
    asked = id_hashes(pa.array([f"out{n}" for n in range(20_000)]))
    assert may_hold(build_filter(held), asked).mean() < 0.01


@given(value=st.integers(0, 2**64 - 1), blocks=st.integers(1, 40))
def test_bits_are_those_of_the_parquet_filter(value: int, blocks: int) -> None:
    """By hand, as the format document tells it."""
    words = np.zeros((blocks, 8), dtype=np.uint32)
    block = ((value >> 32) * blocks) >> 32
    for number, salt in enumerate(SALTS.tolist()):
        words[block, number] = 1 << ((((value & 0xFFFFFFFF) * salt) & 0xFFFFFFFF) >> 27)
    assert may_hold(words, np.array([value], dtype=np.uint64))[0]
    for number in range(8):
        less = words.copy()
        less[block, number] = 0
        assert not may_hold(less, np.array([value], dtype=np.uint64))[0]


def test_size_of_the_filter() -> None:
    hashes = np.arange(1000, dtype=np.uint64)
    assert len(build_filter(hashes)) == -(-1000 * BITS_PER_ID // 256)
    assert len(build_filter(hashes[:0])) == 1


FENCES = st.lists(
    st.builds(GroupFence, st.text(max_size=20), st.integers(1, 8192), st.integers(0, 2**23)),
    max_size=5,
)


@given(fences=FENCES, values=HASHES)
def test_bytes_and_back(fences: list[GroupFence], values: list[int]) -> None:
    car = Sidecar(tuple(fences), build_filter(np.array(values, dtype=np.uint64)))
    back = decode(encode(car), name="x.idx")
    assert back.fences == car.fences
    np.testing.assert_array_equal(back.filter, car.filter)


def test_bytes_by_hand() -> None:
    car = Sidecar((GroupFence("ab", 3, 7),), np.full((1, 8), 5, dtype=np.uint32))
    expected = (
        struct.pack("<B3xII", 1, 1, 1) + struct.pack("<III2s", 3, 7, 2, b"ab") + b"\5\0\0\0" * 8
    )
    assert encode(car) == expected


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:1] + b"\1" + data[2:],
        lambda data: b"",
        lambda data: data[:12] + b"\xff" * 12,
        lambda data: data.replace(b"ab", b"\xff\xfe"),
    ],
)
def test_refuses_what_makes_no_sense(spoil: object) -> None:
    data = encode(Sidecar((GroupFence("ab", 3, 7),), build_filter(np.arange(9, dtype=np.uint64))))
    with pytest.raises(IntegrityError) as caught:
        decode(spoil(data), name="x.idx")  # type: ignore[operator]
    assert caught.value.code == "sidecar-damaged"


@pytest.mark.parametrize(("number", "code"), [(b"\2", "format-newer"), (b"\0", "format-unknown")])
def test_another_format_is_told_apart_from_damage(number: bytes, code: str) -> None:
    data = encode(Sidecar((), build_filter(np.arange(9, dtype=np.uint64))))
    with pytest.raises(UsageError) as caught:
        decode(number + data[1:], name="x.idx")
    assert caught.value.code == code
