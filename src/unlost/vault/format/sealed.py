"""Sealed objects: bytes that open only with the vault's key, and only under their own name.

All objects except segments (encrypted Parquet) have this form. It is a header of 24 bytes and
blocks of equal size, each sealed with AES-256-GCM under its own nonce:

 offset  size  content
 0       7     ``UNLOSTS``
 7       1     format number, 1
 8       1     size of a block as a power of two, 16 (64 KiB) to 20 (1 MiB)
 9       3     zero
 12      4     epoch of the key, unsigned, little-endian
 16      8     length of the content in bytes, unsigned, little-endian
 24            blocks: nonce (12), ciphertext, tag (16); an empty content has one empty block

The context of a block is bound into it as authenticated data: header, vault, org, kind and name of
the object, number of the block, and a flag for the last block. A flipped bit, a cut, a swap of
blocks or objects, or an old object under a new name does not open.

A range is read without the rest of the object. For example, bytes 300,000 to 300,099 of an object
with blocks of 256 KiB (262,144 bytes) lie in block 1, so only that block is fetched and opened:

    header 24 | block 0: 12 + 262144 + 16 | block 1: 12 + 262144 + 16 | block 2 …
                                           └── span_of(start=300000, length=100)

See docs/adr/0001.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, UsageError
from unlost.model.ports.system import Entropy
from unlost.vault.format import number as numbers

HEADER_BYTES = 24
NONCE_BYTES = 12
TAG_BYTES = 16
BLOCK_OVERHEAD = NONCE_BYTES + TAG_BYTES
KIB64 = 16
KIB256 = 18
MIB1 = 20

_MAGIC = b"UNLOSTS"
_HEADER = struct.Struct("<7sBB3sIQ")
_LONGEST = 1 << 40  # 1 TiB, far above any object: a damaged length must not claim more memory


class ObjectKind(StrEnum):
    """The kind of an object; part of its key and of the data that is bound into it."""

    KEY = "key"
    MANIFEST = "manifest"
    REDACTION = "redaction"
    CHECKPOINT = "checkpoint"
    INTENT = "intent"
    SEGMENT = "segment"
    SIDECAR = "sidecar"
    PACK = "pack"
    SCHEMA = "schema"
    CERTIFICATE = "certificate"
    JOURNAL = "journal"
    IDENTITY = "identity"
    HOME = "home"


@dataclass(frozen=True, slots=True)
class ObjectBinding:
    """The place of an object. ``vault`` and ``org`` are 16 bytes, ``name`` the full name."""

    kind: ObjectKind
    vault: bytes
    org: bytes
    name: str


@dataclass(frozen=True, slots=True)
class SealedHeader:
    """The header of a sealed object, in clear; ``length`` is that of the content."""

    power: int
    epoch: int
    length: int

    @property
    def block(self) -> int:
        """Content bytes of every block except the last."""
        return 1 << self.power

    @property
    def blocks(self) -> int:
        """The number of blocks, at least one."""
        return max(1, -(-self.length // self.block))

    @property
    def sealed_length(self) -> int:
        """Size of the whole object in bytes."""
        return HEADER_BYTES + self.length + self.blocks * BLOCK_OVERHEAD

    def pack(self) -> bytes:
        """The 24 bytes of the header."""
        return _HEADER.pack(_MAGIC, numbers.FORMAT, self.power, bytes(3), self.epoch, self.length)


@dataclass(frozen=True, slots=True)
class BlockSpan:
    """A range of whole blocks: numbers ``first`` to ``last``, and their bytes in the object."""

    first: int
    last: int
    start: int
    length: int


def seal(
    content: bytes,
    *,
    place: ObjectBinding,
    key: bytes,
    epoch: int,
    entropy: Entropy,
    power: int = KIB256,
) -> bytes:
    """Seal content as one object."""
    return b"".join(
        seal_blocks(content, place=place, key=key, epoch=epoch, entropy=entropy, power=power)
    )


def seal_blocks(
    content: bytes | bytearray | memoryview,
    *,
    place: ObjectBinding,
    key: bytes,
    epoch: int,
    entropy: Entropy,
    power: int = KIB256,
) -> Iterator[bytes]:
    """The pieces of the sealed object in order: the header, then one piece a block."""
    view = memoryview(content)
    header = SealedHeader(power=power, epoch=epoch, length=len(view))
    cipher = AESGCM(key)
    yield header.pack()
    for number in range(header.blocks):
        nonce = entropy.bytes(NONCE_BYTES)
        block = view[number * header.block : (number + 1) * header.block]
        yield nonce + cipher.encrypt(nonce, block, _bound(header, place, number))


def read_header(data: bytes, *, name: str) -> SealedHeader:
    """The header at the start of an object.

    Raises IntegrityError (``object-damaged``), UsageError (``format-newer``, ``format-unknown``).
    """
    if len(data) < HEADER_BYTES:
        raise damaged(name, "it is truncated")
    magic, number, power, zero, epoch, length = _HEADER.unpack_from(data)
    if magic != _MAGIC:
        raise damaged(name, "it does not start like a sealed object")
    numbers.check_number(number, name=name)
    if not KIB64 <= power <= MIB1 or any(zero) or length > _LONGEST:
        raise damaged(name, "its header is invalid")
    return SealedHeader(power=power, epoch=epoch, length=length)


def unseal(data: bytes, *, place: ObjectBinding, key: bytes) -> bytes:
    """The content of a whole sealed object.

    Raises IntegrityError (``object-damaged``) unless every byte is what was written to this place.
    """
    header = read_header(data, name=place.name)
    if len(data) != header.sealed_length:
        raise damaged(place.name, "its size does not match its header")
    span = BlockSpan(0, header.blocks - 1, HEADER_BYTES, len(data) - HEADER_BYTES)
    return unseal_span(memoryview(data)[HEADER_BYTES:], span, header=header, place=place, key=key)


def span_of(header: SealedHeader, *, start: int, length: int) -> BlockSpan:
    """The blocks that contain ``length`` (at least 1) content bytes from ``start``.

    Raises UsageError (``object-range``) if the content is shorter.
    """
    if start < 0 or length < 1 or start + length > header.length:
        raise UsageError(
            "object-range",
            "Bytes {start} to {end} are outside the object.",
            start=start,
            end=start + length,
        )
    first, last = start // header.block, (start + length - 1) // header.block
    stride = header.block + BLOCK_OVERHEAD
    begin = HEADER_BYTES + first * stride
    end = min(HEADER_BYTES + (last + 1) * stride, header.sealed_length)
    return BlockSpan(first=first, last=last, start=begin, length=end - begin)


def unseal_span(
    data: bytes | memoryview,
    span: BlockSpan,
    *,
    header: SealedHeader,
    place: ObjectBinding,
    key: bytes,
) -> bytes:
    """The content of the blocks of a span, given their bytes.

    Raises IntegrityError (``object-damaged``).
    """
    if len(data) != span.length:
        raise damaged(place.name, "it is truncated")
    view = memoryview(data)
    cipher = AESGCM(key)
    stride = header.block + BLOCK_OVERHEAD
    content: list[bytes] = []
    for number in range(span.first, span.last + 1):
        at = (number - span.first) * stride
        block = view[at : at + stride]
        try:
            content.append(
                cipher.decrypt(
                    block[:NONCE_BYTES], block[NONCE_BYTES:], _bound(header, place, number)
                )
            )
        except InvalidTag:
            raise damaged(place.name, "a part of it fails authentication") from None
    return b"".join(content)


def damaged(name: str, why: str) -> IntegrityError:
    """The error for an object that is not what was written under its name."""
    return IntegrityError(
        "object-damaged",
        "The object “{name}” is damaged: {why}.",
        next_step="Run `unlost vault pending`, which names a commit that blocks its org. If it names "
        "none, restore the object from a mirror of the vault."
        if "/commits/" in name
        else "Run `unlost verify --level full`, then restore the object from a mirror of the vault.",
        name=name,
        why=why,
    )


def _bound(header: SealedHeader, place: ObjectBinding, number: int) -> bytes:
    """The authenticated data of a block: header, place, number, and a flag for the last block."""
    kind, name = place.kind.encode(), place.name.encode()
    return b"".join(
        (
            header.pack(),
            place.vault,
            place.org,
            struct.pack("<B", len(kind)) + kind,
            struct.pack("<H", len(name)) + name,
            struct.pack("<QB", number, number == header.blocks - 1),
        )
    )
