"""Reading stored blobs: one as a stream in bounded memory, or many whole ones with few reads.

The last bytes of a blob come after the proof.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
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
_GAP_BYTES = 64 << 10  # reading so much in vain costs less than another read
_SPAN_BYTES = 8 << 20


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


def whole_blobs(
    objects: SealedObjects, *, org: str, blobs: Iterable[Blob]
) -> Iterator[tuple[str, bytes]]:
    """The ids and bytes of blobs, given by their places; neighbours in a pack are read together.

    Raises IntegrityError if a blob is damaged, or the object around it.
    """
    key = objects.keys.identity_key(org, BLOB_ID_PURPOSE)
    for neighbours in _neighbours(blobs):
        spanned = _span(neighbours)
        content = memoryview(b"".join(_stored(objects, org=org, extents=spanned)))
        for blob in neighbours:
            at = blob.extents[0].offset - spanned[0].offset if len(neighbours) > 1 else 0
            length = sum(extent.length for extent in blob.extents)
            stored = io.BytesIO(content[at : at + length])
            yield blob.id, b"".join(_proved(decoded(stored, blob.encoding), blob, key=key))


def _neighbours(blobs: Iterable[Blob]) -> Iterator[list[Blob]]:
    """Blobs that one read delivers; a blob in several extents is alone."""
    group: list[Blob] = []
    for blob in blobs:
        if group and not _fits(group, blob):
            yield group
            group = []
        group.append(blob)
    if group:
        yield group


def _fits(group: Sequence[Blob], blob: Blob) -> bool:
    if not len(group[0].extents) == len(blob.extents) == 1:
        return False
    (first,), (last,), (extent,) = group[0].extents, group[-1].extents, blob.extents
    return (
        extent.pack == first.pack
        and extent.offset + extent.length - first.offset <= _SPAN_BYTES
        and extent.offset - (last.offset + last.length) <= _GAP_BYTES
    )


def _span(neighbours: Sequence[Blob]) -> tuple[Extent, ...]:
    """The extents to read for all of them."""
    if len(neighbours) == 1:
        return neighbours[0].extents
    (first,), (last,) = neighbours[0].extents, neighbours[-1].extents
    return (Extent(first.pack, first.offset, last.offset + last.length - first.offset),)


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
