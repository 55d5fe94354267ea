"""Entries of a journal. Each carries a link to the entry before it, so that the last proves all.

The content of an entry's sealed object is the *link* (32 bytes) and the payload as one zstd frame.
The link of entry 0 is 32 zero bytes, that of any other the blake3 of the content before. The *root*
of a journal is the blake3 (hex) of the content of its last entry.
"""

import zstandard
from blake3 import blake3

from unlost.model.errors import IntegrityError

LINK_BYTES = 32
FIRST_LINK = bytes(LINK_BYTES)
_LEVEL = 3
_LONGEST = 1 << 30  # far above any real entry: a damaged length must not claim more memory
_PIECE = 1 << 20  # bytes of a payload that are in memory while it is only checked


def encode_entry(payload: bytes, *, link: bytes) -> bytes:
    """The content of an entry that follows the entry which ``link`` proves."""
    return link + zstandard.ZstdCompressor(level=_LEVEL).compress(payload)


def decode_entry(content: bytes, *, link: bytes, name: str) -> bytes:
    """The payload of an entry.

    Raises IntegrityError (``journal-broken``) if the entry does not carry ``link`` or does not
    unpack.
    """
    if content[:LINK_BYTES] != link:
        raise broken(name, "it does not follow the previous entry")
    try:
        frame = content[LINK_BYTES:]
        return zstandard.ZstdDecompressor().decompress(frame, max_output_size=_LONGEST)
    except zstandard.ZstdError:
        raise broken(name, "it cannot be decoded") from None


def check_entry(content: bytes, *, link: bytes, name: str) -> None:
    """Raise as ``decode_entry``, without the whole payload in memory: that of a plan is large."""
    if content[:LINK_BYTES] != link:
        raise broken(name, "it does not follow the previous entry")
    frame = memoryview(content)[LINK_BYTES:]
    try:
        length = zstandard.frame_content_size(frame)
        with zstandard.ZstdDecompressor().stream_reader(frame) as pieces:
            unpacked = sum(len(piece) for piece in iter(lambda: pieces.read(_PIECE), b""))
    except zstandard.ZstdError:
        raise broken(name, "it cannot be decoded") from None
    if length not in (unpacked, zstandard.CONTENTSIZE_UNKNOWN) or unpacked > _LONGEST:
        raise broken(name, "it cannot be decoded")


def link_after(content: bytes) -> bytes:
    """The link that the next entry carries; if there is no next entry, its hex form is the root."""
    return blake3(content).digest()


def broken(name: str, why: str) -> IntegrityError:
    """The error for a journal entry that is not what was written there."""
    return IntegrityError(
        "journal-broken",
        "The journal entry “{name}” is damaged: {why}.",
        next_step="Restore the object from a mirror of the vault, then run `unlost verify "
        "--level full`. Do not write to the org before that.",
        name=name,
        why=why,
    )
