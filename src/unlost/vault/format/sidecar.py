"""The sidecar of a segment: the start of each row group, and a filter of the ids in the segment.

The filter shows that an id is certainly not in the segment, without reading the segment.

 offset  size  content
 0       1     format number
 1       3     zero
 4       4     row groups G, unsigned, little-endian (as all numbers here)
 8       4     filter blocks B of 32 bytes; a power of two is not needed
 12            G times: rows (4), bytes of text (4), length of the first id (4), that id in UTF-8
 …             B times: 8 words of 4 bytes

The filter is the split-block Bloom filter of the Parquet format (its ``BloomFilter.md``) over
XXH3-64, seed 0, of each id: 12 bits an id. The upper half of the hash times B, shifted right by 32,
is the block; the lower half times each salt, modulo 2^32, shifted right by 27, is a bit of each
word.
"""

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlost.model.errors import IntegrityError
from unlost.vault.format import number as numbers

BITS_PER_ID = 12
WORDS = 8
INLINE_BYTES = 4096  # a sidecar up to this size is stored in the manifest
SALTS = np.array(
    [
        0x47B6137B, 0x44974D91, 0x8824AD5B, 0xA2B7289D,
        0x705495C7, 0x2DF1424B, 0x9EFC4947, 0x5C6BFB31,
    ],
    dtype=np.uint32,
)  # fmt: skip

_HEAD = struct.Struct("<B3sII")
_FENCE = struct.Struct("<III")
_BLOCK_BITS = WORDS * 32


@dataclass(frozen=True, slots=True)
class GroupFence:
    """A row group: its first id, its number of rows, and the bytes of text in it."""

    first: str
    rows: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Sidecar:
    """Row groups in order, and the filter as an array of shape (blocks, 8)."""

    fences: tuple[GroupFence, ...]
    filter: NDArray[np.uint32]


def build_filter(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    """The filter over the hashes of ids."""
    blocks = max(1, -(-len(hashes) * BITS_PER_ID // _BLOCK_BITS))
    words = np.zeros((blocks, WORDS), dtype=np.uint32)
    block, masks = _probe(hashes, blocks)
    np.bitwise_or.at(words, block, masks)
    return words


def may_hold(words: NDArray[np.uint32], hashes: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """False for each hash that is certainly not in the filter."""
    block, masks = _probe(hashes, len(words))
    return np.asarray(((words[block] & masks) == masks).all(axis=1))


def encode(sidecar: Sidecar) -> bytes:
    """The bytes of a sidecar."""
    fences = (
        _FENCE.pack(fence.rows, fence.bytes, len(first)) + first
        for fence in sidecar.fences
        for first in (fence.first.encode(),)
    )
    head = _HEAD.pack(numbers.FORMAT, bytes(3), len(sidecar.fences), len(sidecar.filter))
    return b"".join((head, *fences, sidecar.filter.astype("<u4").tobytes()))


def decode(data: bytes, *, name: str) -> Sidecar:
    """Decode the bytes of a sidecar.

    Raises IntegrityError (``sidecar-damaged``), UsageError (``format-newer``, ``format-unknown``).
    """
    try:
        return _decode(data, name=name)
    except (struct.error, UnicodeDecodeError, ValueError):
        raise IntegrityError(
            "sidecar-damaged",
            "The content of the sidecar of “{name}” is invalid.",
            next_step="Run `unlost verify --level full`, then restore the object from a mirror "
            "of the vault.",
            name=name,
        ) from None


def _decode(data: bytes, *, name: str) -> Sidecar:
    number, zero, groups, blocks = _HEAD.unpack_from(data)
    numbers.check_number(number, name=name)
    if any(zero):
        raise ValueError(zero)
    at = _HEAD.size
    fences = []
    for _ in range(groups):
        rows, size, length = _FENCE.unpack_from(data, at)
        at += _FENCE.size
        first = data[at : at + length]
        if len(first) != length:
            raise ValueError(length)
        fences.append(GroupFence(first=first.decode(), rows=rows, bytes=size))
        at += length
    if len(data) - at != blocks * WORDS * 4:
        raise ValueError(blocks)
    words = np.frombuffer(data, dtype="<u4", offset=at).reshape(blocks, WORDS)
    return Sidecar(fences=tuple(fences), filter=words.astype(np.uint32, copy=False))


def _probe(hashes: NDArray[np.uint64], blocks: int) -> tuple[NDArray[np.int64], NDArray[np.uint32]]:
    block = ((hashes >> np.uint64(32)) * np.uint64(blocks)) >> np.uint64(32)
    low = hashes.astype(np.uint32)
    bits = (low[:, None] * SALTS) >> np.uint32(27)
    return block.astype(np.int64), np.uint32(1) << bits
