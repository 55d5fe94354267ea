"""Reading a stored blob as a stream, in bounded memory; its last bytes come after the proof."""

import io
from collections.abc import Iterator
from typing import BinaryIO, cast

import zstandard
from blake3 import blake3

from unlost.model.errors import IntegrityError
from unlost.vault.format.blobs import decoded
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.objects.packs import BLOB_ID_PURPOSE, Blob, Extent

_READ_BYTES = 1 << 20  # a multiple of every block size, so that no block is opened twice


class _Pieces(io.RawIOBase):
    """A stream over pieces that are produced while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        super().__init__()
        self._pieces = pieces
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Hand out bytes; none at the end."""
        if not self._ready:
            self._ready = memoryview(next(self._pieces, b""))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count


def open_blob(objects: SealedObjects, *, org: str, blob: Blob) -> io.BufferedReader:
    """A stored blob as a stream; reading raises IntegrityError if it is damaged."""
    stored = cast("BinaryIO", _Pieces(_stored(objects, org=org, extents=blob.extents)))
    key = objects.keys.identity_key(org, BLOB_ID_PURPOSE)
    return io.BufferedReader(
        _Pieces(_proved(decoded(stored, blob.encoding), blob, key=key)), _READ_BYTES
    )


def _stored(objects: SealedObjects, *, org: str, extents: tuple[Extent, ...]) -> Iterator[bytes]:
    """The stored bytes of extents of packs."""
    for extent in extents:
        name = object_names.pack(org, extent.pack)
        header = objects.header(name)
        at, end = extent.offset, extent.offset + extent.length
        while at < end:
            length = min(end, at - at % _READ_BYTES + _READ_BYTES) - at
            yield objects.get_range(
                ObjectKind.PACK, org=org, name=name, header=header, start=at, length=length
            )
            at += length


def _proved(stream: BinaryIO, blob: Blob, *, key: bytes) -> Iterator[bytes]:
    """The content in parts; the last part only if the whole content matches the blob's id."""
    digest, remaining = blake3(key=key), blob.size
    while remaining:
        part = _read(stream, blob, most=min(remaining, _READ_BYTES))
        digest.update(part)
        remaining -= len(part)
        # Checked before the last part is given out: a reader never gets a complete wrong content.
        if not part or (not remaining and digest.hexdigest() != blob.id):
            raise _damaged(blob)
        yield part
    if digest.hexdigest() != blob.id or _read(stream, blob, most=1):
        raise _damaged(blob)


def _read(stream: BinaryIO, blob: Blob, *, most: int) -> bytes:
    try:
        return stream.read(most)
    except zstandard.ZstdError:
        raise _damaged(blob) from None


def _damaged(blob: Blob) -> IntegrityError:
    return IntegrityError(
        "blob-damaged",
        "The stored file {id} does not match its hash.",
        next_step="Run `unlost verify --level full`.",
        id=blob.id[:12],
    )
