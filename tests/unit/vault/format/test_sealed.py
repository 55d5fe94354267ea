"""Sealed objects open only whole, unchanged, and in the place they were written to."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.errors import IntegrityError, UnlostError, UsageError
from unlost.testing.entropy import SeededEntropy
from unlost.vault.format.sealed import (
    BLOCK_OVERHEAD,
    HEADER_BYTES,
    KIB64,
    MIB1,
    ObjectBinding,
    ObjectKind,
    SealedHeader,
    read_header,
    seal,
    span_of,
    unseal,
    unseal_span,
)

KEY = bytes(range(32))
PLACE = ObjectBinding(ObjectKind.PACK, vault=b"v" * 16, org=b"o" * 16, name="orgs/o/packs/aa/aabb")
BLOCK = 1 << KIB64
STRIDE = BLOCK + BLOCK_OVERHEAD


def sealed(content: bytes, *, place: ObjectBinding = PLACE, seed: int = 1) -> bytes:
    return seal(content, place=place, key=KEY, epoch=3, entropy=SeededEntropy(seed), power=KIB64)


def refused(data: bytes, *, place: ObjectBinding = PLACE, key: bytes = KEY) -> UnlostError:
    with pytest.raises((IntegrityError, UsageError)) as error:
        unseal(data, place=place, key=key)
    assert error.value.next_step
    assert place.name in error.value.sentence
    return error.value


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_what_was_sealed_opens(size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    data = sealed(content)
    header = read_header(data, name="x")
    assert header == SealedHeader(power=KIB64, epoch=3, length=size)
    assert len(data) == header.sealed_length
    assert unseal(data, place=PLACE, key=KEY) == content


def test_nothing_of_the_content_is_in_clear() -> None:
    assert b"customer 1042" not in sealed(b"customer 1042" * 9000)


def test_no_nonce_is_used_twice_in_an_object() -> None:
    data = sealed(bytes(4 * BLOCK))
    nonces = {data[at : at + 12] for at in range(HEADER_BYTES, len(data), STRIDE)}
    assert len(nonces) == 4


@given(st.binary(max_size=200), st.data())
def test_a_flipped_bit_anywhere_is_refused(content: bytes, draw: st.DataObject) -> None:
    data = sealed(content)
    bit = draw.draw(st.integers(0, len(data) * 8 - 1))
    spoiled = bytearray(data)
    spoiled[bit // 8] ^= 1 << bit % 8
    error = refused(bytes(spoiled))
    assert error.code in {"object-damaged", "format-newer", "format-unknown"}


def test_every_byte_of_a_small_object_counts() -> None:
    data = sealed(b"abc")
    for at in range(len(data)):
        refused(data[:at] + bytes([data[at] ^ 0x20]) + data[at + 1 :])


@pytest.mark.parametrize("keep", [0, 5, HEADER_BYTES, HEADER_BYTES + 5, STRIDE + HEADER_BYTES, -1])
def test_a_cut_object_is_refused(keep: int) -> None:
    assert refused(sealed(bytes(2 * BLOCK + 9))[:keep]).code == "object-damaged"


def test_a_longer_object_is_refused() -> None:
    assert refused(sealed(b"abc") + b"\0").code == "object-damaged"


def test_blocks_that_changed_places_are_refused() -> None:
    data = sealed(bytes(2 * BLOCK))
    first, second = data[HEADER_BYTES:][:STRIDE], data[HEADER_BYTES + STRIDE :]
    assert refused(data[:HEADER_BYTES] + second + first).code == "object-damaged"


def test_a_cut_at_a_block_with_a_mended_length_is_refused() -> None:
    data = sealed(bytes(2 * BLOCK))
    shorter = replace(read_header(data, name="x"), length=BLOCK)
    assert refused(shorter.pack() + data[HEADER_BYTES:][:STRIDE]).code == "object-damaged"


@pytest.mark.parametrize(
    "other",
    [
        replace(PLACE, name="orgs/o/packs/aa/aabc"),
        replace(PLACE, kind=ObjectKind.SIDECAR),
        replace(PLACE, vault=b"w" * 16),
        replace(PLACE, org=b"p" * 16),
        replace(PLACE, org=b"v" * 16, vault=b"o" * 16),
    ],
    ids=["name", "kind", "vault", "org", "vault-and-org-swapped"],
)
def test_a_replay_in_another_place_is_refused_even_with_the_same_key(other: ObjectBinding) -> None:
    assert refused(sealed(b"abc"), place=other).code == "object-damaged"


def test_a_block_of_an_older_object_under_the_same_name_is_refused() -> None:
    old, new = sealed(bytes(2 * BLOCK), seed=1), sealed(bytes(3 * BLOCK), seed=2)
    mixed = new[: HEADER_BYTES + STRIDE] + old[HEADER_BYTES + STRIDE :] + new[-STRIDE:]
    assert refused(mixed).code == "object-damaged"


def test_another_key_is_refused() -> None:
    assert refused(sealed(b"abc"), key=bytes(32)).code == "object-damaged"


def test_a_format_that_no_release_writes_is_refused() -> None:
    data = bytearray(sealed(b"abc"))
    data[7] = 0
    error = refused(bytes(data))
    assert error.code == "format-unknown"
    assert "has format 0" in error.sentence


def test_a_newer_format_is_told_apart_from_damage() -> None:
    data = bytearray(sealed(b"abc"))
    data[7] = 2
    error = refused(bytes(data))
    assert error.code == "format-newer"
    assert "has format 2" in error.sentence
    assert "formats up to 1" in error.sentence
    assert "newer release" in error.next_step


@pytest.mark.parametrize(
    ("offset", "value"), [(8, KIB64 - 1), (8, MIB1 + 1), (9, 1), (11, 1), (22, 255), (0, 0)]
)
def test_a_header_that_makes_no_sense_is_refused(offset: int, value: int) -> None:
    data = bytearray(sealed(b"abc"))
    data[offset] = value
    assert refused(bytes(data)).code == "object-damaged"


@given(st.integers(0, 3 * BLOCK - 1), st.integers(1, 3 * BLOCK))
def test_a_span_gives_its_part_of_the_content(start: int, length: int) -> None:
    content = bytes(range(256)) * (3 * BLOCK // 256)
    length = min(length, len(content) - start)
    data = sealed(content)
    header = read_header(data, name="x")
    span = span_of(header, start=start, length=length)
    assert span.length <= length + 2 * BLOCK + 4 * BLOCK_OVERHEAD
    part = unseal_span(
        data[span.start : span.start + span.length], span, header=header, place=PLACE, key=KEY
    )
    skip = start - span.first * header.block
    assert part[skip : skip + length] == content[start : start + length]


def test_a_short_read_of_a_span_is_refused() -> None:
    data = sealed(bytes(2 * BLOCK))
    header = read_header(data, name="x")
    span = span_of(header, start=5, length=BLOCK)
    cut = data[span.start : span.start + span.length - 1]
    with pytest.raises(IntegrityError, match="truncated"):
        unseal_span(cut, span, header=header, place=PLACE, key=KEY)


@pytest.mark.parametrize(("start", "length"), [(-1, 2), (0, 0), (0, 4), (3, 1)])
def test_a_span_outside_the_content_is_refused(start: int, length: int) -> None:
    header = SealedHeader(power=KIB64, epoch=1, length=3)
    with pytest.raises(UsageError) as error:
        span_of(header, start=start, length=length)
    assert error.value.code == "object-range"
