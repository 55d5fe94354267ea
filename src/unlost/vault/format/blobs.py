"""The encoding of a blob's bytes in packs: plain, or one zstd frame where that saves space.

A blob is identified by the hash of its bytes. The encoding is stored next to the place where the
bytes lie. The beginning of a blob decides whether it is compressed: pictures, archives and PDFs are
not. See docs/adr/0009.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import BinaryIO

import zstandard

from unlost.model.errors import UsageError

LEVEL = 3
PROBE_BYTES = 16 << 10
_PROBE_LEVEL = 1
_LEAST = 128  # bytes below which a frame gains nothing
_PAYS = 7 / 8  # of the sample's size, at most
_FEED_BYTES = 1 << 20


class Encoding(StrEnum):
    """The encoding of a blob's stored bytes."""

    PLAIN = ""
    ZSTD = "zstd"


def encoding_named(name: str | None) -> Encoding:
    """The encoding of this name (None: plain); raises UsageError (``format-newer``)."""
    try:
        return Encoding(name or "")
    except ValueError:
        raise UsageError(
            "format-newer",
            "A stored file is encoded as “{name}”, which this release of Unlost cannot read.",
            next_step="Install a newer release of Unlost and try again. Nothing was changed.",
            name=name,
        ) from None


class BlobEncoder:
    """Encodes one blob while its bytes arrive. Memory: a sample, and a few MB for zstd.

    ``size``: the number of bytes to expect, if known. ``encoding`` is final once ``feed`` has
    returned the first bytes, or ``finish`` was called.
    """

    def __init__(self, *, size: int | None = None) -> None:
        self.encoding = Encoding.PLAIN
        self._size = size
        self._sample = bytearray()
        self._settled = False
        self._frame: zstandard.ZstdCompressionObj | None = None

    def feed(self, chunk: bytes | memoryview) -> Iterator[bytes | memoryview]:
        """The stored bytes that result from this chunk; some are returned by a later call."""
        if self._settled:
            yield from self._encode(chunk)
            return
        room = PROBE_BYTES - len(self._sample)
        self._sample += chunk[:room]
        if len(self._sample) == PROBE_BYTES:
            yield from self._settle()
            yield from self._encode(chunk[room:])

    def finish(self) -> Iterator[bytes | memoryview]:
        """The last stored bytes; call it once."""
        if not self._settled:
            yield from self._settle()
        if self._frame is not None:
            yield self._frame.flush()

    def _settle(self) -> Iterator[bytes | memoryview]:
        self._settled = True
        if compresses(self._sample):
            self.encoding = Encoding.ZSTD
            compressor = zstandard.ZstdCompressor(level=LEVEL)
            self._frame = compressor.compressobj(size=-1 if self._size is None else self._size)
        sample, self._sample = bytes(self._sample), bytearray()
        yield from self._encode(sample)

    def _encode(self, chunk: bytes | memoryview) -> Iterator[bytes | memoryview]:
        if self._frame is None:
            yield chunk
            return
        view = memoryview(chunk)
        for at in range(0, len(view), _FEED_BYTES):
            yield self._frame.compress(view[at : at + _FEED_BYTES])


def compresses(sample: bytes | bytearray) -> bool:
    """True if content that begins like this is worth compressing."""
    if len(sample) < _LEAST:
        return False
    packed = zstandard.ZstdCompressor(level=_PROBE_LEVEL).compress(sample)
    return len(packed) <= len(sample) * _PAYS


def decoded(stored: BinaryIO, encoding: Encoding) -> BinaryIO:
    """The blob's bytes as a stream over the stored ones; reading raises ``zstandard.ZstdError``."""
    if encoding is Encoding.PLAIN:
        return stored
    return zstandard.ZstdDecompressor().stream_reader(stored)
