"""Packs: where the bytes of files and of very long cells lie, each content once.

A pack is one sealed object of about 16 MiB. A blob is a piece of it, or, where it is larger than a
pack, several whole packs and a piece. The id of a blob is the blake3 of its bytes under a key that
only this org has, so that equal contents are found and nobody can guess a content by its id.
"""

import io
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.errors import IntegrityError
from unlost.model.snapshot import PackEntry
from unlost.vault.format.sealed import ObjectKind
from unlost.vault.keys import ID_BYTES
from unlost.vault.sealing import SealedObjects

PACK_BYTES = 16 << 20
BLOB_ID_PURPOSE = "blob-id"
_READ_BYTES = 1 << 20  # a multiple of every block size, so that no block is opened twice
_REMEMBERED = 100_000  # blobs of this writer that equal contents are looked for among


@dataclass(frozen=True, slots=True)
class Extent:
    """A part of a blob: ``length`` content bytes of a pack from ``offset``."""

    pack: str
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class Blob:
    """Stored bytes: id (64 hex digits), size, and where they lie, in order."""

    id: str
    size: int
    extents: tuple[Extent, ...]


@dataclass(frozen=True, slots=True)
class Stored:
    """A blob, and whether it is ``new``: its bytes were not in the vault nor in this writer."""

    blob: Blob
    new: bool


def pack_name(org: str, pack: str) -> str:
    """The name of a pack's object."""
    return f"orgs/{org}/packs/{pack[:2]}/{pack}"


class PackWriter:
    """Writes blobs into packs, in memory bounded by one pack. For one thread.

    ``known`` gives the blob of this id if an earlier commit holds it. Blobs are durable when
    ``finish`` returns, not before. One writer serves one ``Added``: the blobs that it gives out may
    lie in any pack that it wrote.
    """

    def __init__(
        self,
        objects: SealedObjects,
        *,
        org: str,
        known: Callable[[str], Blob | None],
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
        self._start = 0  # where in the buffer the blob that is being written begins
        self._whole: list[Extent] = []  # packs that it has filled already

    @property
    def reused(self) -> frozenset[str]:
        """Packs of earlier commits that blobs given out by this writer lie in."""
        return frozenset(self._reused)

    def put(self, content: bytes) -> Stored:
        """Store a content that is at hand."""
        return self.put_chunks((content,))

    def put_chunks(self, chunks: Iterable[bytes]) -> Stored:
        """Store a content as it comes; if ``chunks`` raises, nothing of it is kept."""
        digest, size = blake3(key=self._key), 0
        try:
            for chunk in chunks:
                digest.update(chunk)
                size += len(chunk)
                self._append(chunk)
        except BaseException:
            self._drop()
            raise
        return self._settle(digest.hexdigest(), size)

    def finish(self) -> tuple[PackEntry, ...]:
        """Make all blobs durable; the packs written since the last ``finish``."""
        if self._buffer:
            self._packs.append(self._write(len(self._buffer)))
        packs = tuple(self._packs)
        self._packs = []
        return packs

    def _settle(self, blob: str, size: int) -> Stored:
        """Keep what was appended, unless the same content is there already."""
        stored = self._recent.get(blob)
        if stored is None and (stored := self._known(blob)) is not None:
            self._reused.update(extent.pack for extent in stored.extents)
        if stored is not None:
            self._drop()
            return Stored(stored, new=False)
        stored = Blob(id=blob, size=size, extents=self._extents())
        self._remember(stored)
        self._begin()
        return Stored(stored, new=True)

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

    def _append(self, chunk: bytes) -> None:
        rest = memoryview(chunk)
        while rest:
            room = self._pack_bytes - len(self._buffer)
            if not room:
                self._make_room()
                continue
            self._buffer += rest[:room]
            rest = rest[room:]

    def _make_room(self) -> None:
        """Write a pack: of the blobs before the present one, or all of it if there are none.

        So a blob that spans packs shares none of them but its last, and dropping it is clean.
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
                name=pack_name(self._org, self._pack),
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
        """Forget the blob that is being written, with the packs that only it had filled."""
        gone = {extent.pack for extent in self._whole}
        self._packs = [entry for entry in self._packs if entry.id not in gone]
        del self._buffer[self._start :]
        self._begin()
        for pack in sorted(gone):
            self._objects.store.delete(pack_name(self._org, pack))

    def _new_id(self) -> str:
        return self._objects.entropy.bytes(ID_BYTES).hex()


class _BlobStream(io.RawIOBase):
    """A blob's bytes, proved by their id before the last of them are handed out."""

    def __init__(self, objects: SealedObjects, *, org: str, blob: Blob) -> None:
        super().__init__()
        self._objects = objects
        self._org = org
        self._blob = blob
        self._digest = blake3(key=objects.keys.identity_key(org, BLOB_ID_PURPOSE))
        self._parts = iter(self._read_parts())
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]
        """Hand out bytes; raises IntegrityError where they are not what was stored."""
        if not self._ready:
            self._ready = memoryview(next(self._parts, b""))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _read_parts(self) -> Iterable[bytes]:
        left = self._blob.size
        for extent in self._blob.extents:
            name = pack_name(self._org, extent.pack)
            header = self._objects.header(name)
            at, end = extent.offset, extent.offset + extent.length
            while at < end:
                length = min(end, at - at % _READ_BYTES + _READ_BYTES) - at
                part = self._objects.get_range(
                    ObjectKind.PACK,
                    org=self._org,
                    name=name,
                    header=header,
                    start=at,
                    length=length,
                )
                at, left = at + length, left - length
                self._digest.update(part)
                if left <= 0:
                    self._prove(left)
                yield part
        if left > 0:
            self._prove(left)

    def _prove(self, left: int) -> None:
        if left or self._digest.hexdigest() != self._blob.id:
            raise IntegrityError(
                "blob-damaged",
                f"The stored file {self._blob.id[:12]} does not agree with its own digest.",
                next_step="Run unlost verify --level full.",
            )


def open_blob(objects: SealedObjects, *, org: str, blob: Blob) -> io.BufferedReader:
    """A stored blob as a stream; reading raises IntegrityError where it is damaged."""
    return io.BufferedReader(_BlobStream(objects, org=org, blob=blob), _READ_BYTES)
