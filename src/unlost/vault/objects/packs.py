"""Packs: objects with the bytes of files and very long cells, each content stored once.

A pack is one sealed object of about 16 MiB. A blob is a part of a pack or, if it is larger than a
pack, several whole packs and a part of another:

    pack 1  │ blob A │ blob B │ blob C        │
    pack 2  │ blob D, first 16 MiB            │   extents of D:
    pack 3  │ blob D, next 16 MiB             │   [pack 2, 0, 16 MiB] [pack 3, 0, 16 MiB]
    pack 4  │ D, rest │ blob E │ …                [pack 4, 0, rest]

The id of a blob is the BLAKE3 of its bytes under a key that only this org has. So equal contents
are recognized, and the id reveals nothing about the content. The pack stores these bytes,
compressed where that saves space. See docs/adr/0009.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.vault.snapshot import PackEntry
from unlost.vault.format.blobs import BlobEncoder, Encoding
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys.derivation import ID_BYTES
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.stores.store import where_allowed

type _Known = Callable[[Collection[str]], Mapping[str, "Blob"]]

PACK_BYTES = 16 << 20
BLOB_ID_PURPOSE = "blob-id"
_REMEMBERED = 100_000  # blobs of this writer that are recognized when they come again


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of a blob: ``length`` content bytes of a pack from ``offset``."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes: id (64 hex digits), size, their extents in order, and their encoding.

    ``size`` is that of the bytes as they came; the lengths of the extents add up to the stored size.
    """

    id: str
    size: int
    extents: tuple[Extent, ...]
    encoding: Encoding = Encoding.PLAIN


@dataclass(frozen=True, slots=True)
class StoredBlob:
    """A blob; ``new`` is True if neither the vault nor this writer had its bytes before."""

    blob: Blob
    new: bool


class PackWriter:
    """Writes blobs into packs, in memory bounded by one pack. For one thread.

    ``known`` returns the blobs among the given ids that an earlier commit contains. Blobs are
    durable when ``finish`` returns, not before. One writer serves one ``Added``: a returned blob
    may be in any pack that the writer wrote.
    """

    def __init__(
        self,
        objects: SealedObjects,
        *,
        org: str,
        known: _Known,
        pack_bytes: int = PACK_BYTES,
    ) -> None:
        self._objects = objects
        self._org = org
        self._known = known
        self._pack_bytes = pack_bytes
        self._key = objects.keys.identity_key(org, BLOB_ID_PURPOSE)
        self._packs: list[PackEntry] = []
        self._recent: dict[str, Blob] = {}
        self._reused: set[str] = set()
        self._pack = self._new_id()
        self._buffer = bytearray()
        self._start = 0  # the start of the current blob in the buffer
        self._whole: list[Extent] = []  # packs that the current blob has filled

    @property
    def reused(self) -> tuple[str, ...]:
        """Packs of earlier commits that contain blobs which this writer returned."""
        return tuple(sorted(self._reused))

    def put_all(self, contents: Sequence[bytes]) -> list[StoredBlob]:
        """Store blobs whose bytes are in memory, with one lookup of the known blobs."""
        blobs = [blake3(content, key=self._key).hexdigest() for content in contents]
        unsure = {blob for blob in blobs if blob not in self._recent}
        known = self._known(unsure) if unsure else {}
        return [
            self._known_blob(blob, known)
            or self._take((content,), BlobEncoder(size=len(content)), known=lambda _: {})
            for blob, content in zip(blobs, contents, strict=True)
        ]

    def put_chunks(self, chunks: Iterable[bytes]) -> StoredBlob:
        """Store a blob while its chunks arrive; if ``chunks`` raises, nothing is stored."""
        return self._take(chunks, BlobEncoder(), known=self._known)

    def _take(self, chunks: Iterable[bytes], encoder: BlobEncoder, *, known: _Known) -> StoredBlob:
        digest, size = blake3(key=self._key), 0
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                self._append(encoder.feed(chunk))
            self._append(encoder.finish())
        except BaseException:
            self._drop()
            raise
        blob = digest.hexdigest()
        stored_blob = self._known_blob(blob, known((blob,)))
        if stored_blob is not None:
            self._drop()
            return stored_blob
        return self._settle(blob, size, encoder.encoding)

    def finish(self) -> tuple[PackEntry, ...]:
        """Make all blobs durable; returns the packs written since the last ``finish``."""
        if self._buffer:
            self._packs.append(self._write(len(self._buffer)))
        packs = tuple(self._packs)
        self._packs = []
        return packs

    def _settle(self, blob: str, size: int, encoding: Encoding) -> StoredBlob:
        """Keep the current blob."""
        stored = Blob(id=blob, size=size, extents=self._extents(), encoding=encoding)
        self._remember(stored)
        self._begin()
        return StoredBlob(stored, new=True)

    def _known_blob(self, blob: str, known: Mapping[str, Blob]) -> StoredBlob | None:
        """The same content, if this writer or an earlier commit has stored it; else None."""
        stored = self._recent.get(blob)
        if stored is None and (stored := known.get(blob)) is not None:
            self._reused.update(extent.pack for extent in stored.extents)
        return StoredBlob(stored, new=False) if stored is not None else None

    def _extents(self) -> tuple[Extent, ...]:
        length = len(self._buffer) - self._start
        tail = (Extent(self._pack, self._start, length),) if length else ()
        return (*self._whole, *tail)

    def _remember(self, blob: Blob) -> None:
        if len(self._recent) >= _REMEMBERED:
            del self._recent[next(iter(self._recent))]
        self._recent[blob.id] = blob

    def _begin(self) -> None:
        self._start, self._whole = len(self._buffer), []

    def _append(self, pieces: Iterable[bytes | memoryview]) -> None:
        for piece in pieces:
            rest = memoryview(piece)
            while rest:
                room = self._pack_bytes - len(self._buffer)
                if not room:
                    self._make_room()
                    continue
                self._buffer += rest[:room]
                rest = rest[room:]

    def _make_room(self) -> None:
        """Write a pack: the blobs before the current one, or all bytes if there are none.

        So a blob that spans packs shares only its last pack, and can be dropped without a trace.
        """
        if self._start:
            self._packs.append(self._write(self._start))
            self._start = 0
        else:
            pack, length = self._pack, len(self._buffer)
            self._packs.append(self._write(length))
            self._whole.append(Extent(pack, 0, length))

    def _write(self, length: int) -> PackEntry:
        """Write the first ``length`` bytes of the buffer as a pack and begin another."""
        with memoryview(self._buffer) as view, view[:length] as content:
            written = self._objects.put_new(
                ObjectKind.PACK,
                org=self._org,
                name=object_names.pack(self._org, self._pack),
                content=content,
            )
        entry = PackEntry(
            id=self._pack, bytes=written.bytes, blake3=written.blake3, epoch=written.epoch
        )
        del self._buffer[:length]
        self._start = max(0, self._start - length)
        self._pack = self._new_id()
        return entry

    def _drop(self) -> None:
        """Discard the current blob, and the packs that it alone has filled."""
        gone = {extent.pack for extent in self._whole}
        self._packs = [entry for entry in self._packs if entry.id not in gone]
        del self._buffer[self._start :]
        self._begin()
        # No manifest names these packs yet. If they must stay, a sweep removes them.
        with where_allowed():
            for pack in sorted(gone):
                self._objects.store.delete(object_names.pack(self._org, pack))

    def _new_id(self) -> str:
        return self._objects.entropy.bytes(ID_BYTES).hex()
