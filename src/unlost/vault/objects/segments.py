"""Reading segments by row groups; they are written by ``unlost.vault.objects.segment_writer``.

Knows Parquet, keys and sidecars; knows nothing of versions or of which segments are live.
"""

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import create_decryption_properties

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.snapshot import SegmentEntry
from unlost.model.store import Store
from unlost.vault.format import sidecar as sidecars
from unlost.vault.format.physical import U_ID, U_OP, U_PREV
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sealed import ObjectKind, damaged, unseal
from unlost.vault.format.sidecar import GroupFence, Sidecar
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.layout.bundle import facts_in, rows_in
from unlost.vault.layout.row_group_cache import RowGroupCache
from unlost.vault.layout.segment_label import SegmentLabel, bound_to, label_of, parts_of
from unlost.vault.objects.buffered_rows import BufferedSegment
from unlost.vault.stores.cached import distrust, remembering
from unlost.vault.stores.unread import is_lost, unread

_FEW_VALUES = frozenset({U_OP, U_PREV})
_SIDECAR_CACHE_BYTES = 64 << 20
_FACTS_KEPT = 4_096
_FOOTER_CACHE_BYTES = 6 << 20  # as they lie in segments; twelve times as much in memory
_UNPACKED_CACHE_BYTES = 16 << 20
_END_BYTES = 1 << 20  # of an object, which are kept while it is open


class SegmentReader:
    """Reads segments of an org by row groups. Safe to share between threads."""

    def __init__(self, org: str, *, sealed: SealedObjects) -> None:
        self._org = org
        self._sealed = sealed
        self._lasting = remembering(sealed.store)
        self._sidecars: OrderedDict[str, Sidecar] = OrderedDict()
        self._sidecar_bytes = 0
        self._pinned: dict[str, Sidecar] = {}
        self._facts: OrderedDict[str, tuple[SegmentLabel, frozenset[str]]] = OrderedDict()
        self._footers: OrderedDict[str, pq.FileMetaData] = OrderedDict()
        self._footer_bytes = 0
        self._unpacked = RowGroupCache(_UNPACKED_CACHE_BYTES)
        self._held: dict[str, BufferedSegment] = {}
        self._lock = threading.Lock()

    def sidecar(self, entry: SegmentEntry) -> Sidecar:
        """Fences and filter of a segment; raises IntegrityError."""
        with self._lock:
            if entry.id in self._pinned:
                return self._pinned[entry.id]
            if entry.id in self._sidecars:
                self._sidecars.move_to_end(entry.id)
                return self._sidecars[entry.id]
        car = self._read_sidecar(entry)
        with self._lock:
            if entry.id not in self._sidecars:
                self._sidecars[entry.id] = car
                self._sidecar_bytes += entry.sidecar_bytes
            while self._sidecar_bytes > _SIDECAR_CACHE_BYTES and len(self._sidecars) > 1:
                _, gone = self._sidecars.popitem(last=False)
                self._sidecar_bytes -= gone.filter.nbytes
        return car

    def facts(self, entry: SegmentEntry) -> tuple[SegmentLabel, frozenset[str]]:
        """What a segment says of itself, and its physical columns; raises IntegrityError."""
        with self._lock:
            if entry.id in self._facts:
                return self._facts[entry.id]
        facts = self._facts_of(entry)
        with self._lock:
            self._facts[entry.id] = facts
            while len(self._facts) > _FACTS_KEPT:
                self._facts.popitem(last=False)
        return facts

    def read(
        self, entry: SegmentEntry, *, groups: Sequence[int], columns: Sequence[str]
    ) -> pa.Table:
        """These physical columns of row groups, in order; raises IntegrityError."""
        return self._read(entry, groups, columns)

    def groups(self, entry: SegmentEntry) -> Iterator[pa.Table]:
        """All row groups of a segment that is in no bundle, one after the other; raises IntegrityError."""
        with self._open(entry, ahead=False) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group).replace_schema_metadata(None)

    @contextmanager
    def opened(self, entry: SegmentEntry) -> Iterator[pq.ParquetFile]:
        """The file of a segment of which parts may be damaged; raises IntegrityError where its footer is."""
        with self._open(entry, ahead=False) as file:
            yield file

    def read_group(self, entry: SegmentEntry, *, group: int, columns: Sequence[str]) -> pa.Table:
        """One row group, as ``read`` gives it, for a few of its rows: the last ones stay unpacked.

        Who looks at a record looks at it on two days, or at the record beside it.
        """
        key = (entry.id, group, tuple(columns))
        known = self._unpacked.get(key)
        if known is None:
            known = self._read(entry, [group], columns, lasting=True)
            self._unpacked.put(key, known)
        return known

    def read_keys(
        self, entry: SegmentEntry, *, groups: Sequence[int], columns: Sequence[str]
    ) -> pa.Table:
        """The same for a few narrow columns, in this thread alone; ops come as dictionaries."""
        few_values = [column for column in columns if column in _FEW_VALUES]
        segment = self._held.get(entry.id)
        if segment is not None:
            return segment.read(groups, columns, few_values=few_values)

        def read() -> pa.Table:
            with self._open(entry, few_values=few_values, ahead=False, lasting=True) as file:
                return rows_in(file, entry, groups, columns, threads=False)

        return self._twice(read)

    def hold(self, ident: str, segment: BufferedSegment) -> None:
        """Read a segment from memory from now on: its rows lie nowhere else yet."""
        with self._lock:
            self._held[ident] = segment
            self._pinned[ident] = segment.sidecar

    def release_all(self, prefix: str) -> None:
        """Read the segments of a run, whose ids begin so, from the store again."""
        with self._lock:
            for ident in [name for name in self._held if name.startswith(prefix)]:
                del self._held[ident]
                self._pinned.pop(ident, None)

    def ids_beside(self, entry: SegmentEntry) -> pa.ChunkedArray:
        """The ids of all rows in the bundle of this segment, of whatever table; raises IntegrityError."""
        with self._open(entry) as file:
            return file.read(columns=[U_ID]).column(U_ID)

    def recognise(self, ident: str, *, size: int, epoch: int) -> SegmentEntry | None:
        """The entry of a segment of which only name and size are at hand; None for a bundle.

        Its sidecar is made anew and kept; digests stay empty, so no manifest can take it.
        """
        bare = SegmentEntry(ident, "", 0, size, "", "", "", epoch)
        with self._open(bare) as file:
            if parts_of(file.metadata.metadata or {}):
                return None
            label = label_of(file.metadata.metadata or {})
            counts = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
            ids = file.read(columns=[U_ID]).column(U_ID).combine_chunks()
        starts = np.cumsum([0, *counts[:-1]]).tolist()
        fences = (GroupFence(ids[at].as_py(), n, 0) for at, n in zip(starts, counts, strict=True))
        with self._lock:
            self._pinned[ident] = Sidecar(tuple(fences), sidecars.build_filter(id_hashes(ids)))
        return replace(
            bare,
            table=label.table,
            rows=len(ids),
            min_id=ids[0].as_py(),
            max_id=ids[-1].as_py(),
        )

    def _read(
        self,
        entry: SegmentEntry,
        groups: Sequence[int],
        columns: Sequence[str],
        *,
        lasting: bool = False,
    ) -> pa.Table:
        segment = self._held.get(entry.id)
        if segment is not None:
            return segment.read(groups, columns)

        def read() -> pa.Table:
            with self._open(entry, lasting=lasting) as file:
                return rows_in(file, entry, groups, columns, threads=True)

        return self._twice(read)

    def _facts_of(self, entry: SegmentEntry) -> tuple[SegmentLabel, frozenset[str]]:
        segment = self._held.get(entry.id)
        if segment is not None:
            return segment.facts

        def read() -> tuple[SegmentLabel, frozenset[str]]:
            with self._open(entry, lasting=True) as file:
                if entry.bundle:
                    return facts_in(file.metadata, entry)
                return label_of(file.metadata.metadata or {}), frozenset(file.schema_arrow.names)

        return self._twice(read)

    def _twice[T](self, read: Callable[[], T]) -> T:
        """What is read; where what this machine keeps was damaged, and is dropped now, from the store itself."""
        try:
            return read()
        except IntegrityError:
            if self._lasting is self._sealed.store:
                raise
            return read()

    @contextmanager
    def _open(
        self,
        entry: SegmentEntry,
        *,
        few_values: Sequence[str] = (),
        ahead: bool = True,
        lasting: bool = False,
    ) -> Iterator[pq.ParquetFile]:
        """A segment's file; ``lasting``: what is read of it will be read again."""
        name = object_names.segment(self._org, entry.object)
        footer = self._footer(entry.object)
        store = self._lasting if lasting else self._sealed.store
        try:
            with (
                open_stored(store, name, size=entry.bytes) as source,
                pq.ParquetFile(
                    source,
                    metadata=footer,  # knows how to decrypt what it describes
                    read_dictionary=list(few_values),
                    pre_buffer=ahead or store.path(name) is None,  # far away pieces are joined
                    decryption_properties=None if footer else self._decryption(entry, name),
                ) as file,
            ):
                if footer is None:
                    self._keep_footer(entry.object, file.metadata)
                yield file
        except (NotFound, FileNotFoundError):
            raise _missing(name) from None
        except (OSError, pa.ArrowException) as error:
            if isinstance(error, OSError) and not is_lost(error):
                raise unread(name, error) from error
            distrust(store, name)
            raise damaged(name, f"it cannot be decrypted ({error})") from error

    def _decryption(self, entry: SegmentEntry, name: str) -> object:
        keys = self._sealed.keys
        place = keys.place(ObjectKind.SEGMENT, org=self._org, name=name)
        secret = keys.object_key(ObjectKind.SEGMENT, org=self._org, name=name, epoch=entry.epoch)
        return create_decryption_properties(secret, aad_prefix=bound_to(place))

    def _footer(self, ident: str) -> pq.FileMetaData | None:
        """A footer that was decrypted before: half of what a lookup costs is reading it again."""
        with self._lock:
            footer = self._footers.get(ident)
            if footer is not None:
                self._footers.move_to_end(ident)
            return footer

    def _keep_footer(self, ident: str, footer: pq.FileMetaData) -> None:
        with self._lock:
            if ident not in self._footers:
                self._footers[ident] = footer
                self._footer_bytes += footer.serialized_size
            while self._footer_bytes > _FOOTER_CACHE_BYTES and len(self._footers) > 1:
                _, gone = self._footers.popitem(last=False)
                self._footer_bytes -= gone.serialized_size

    def _read_sidecar(self, entry: SegmentEntry) -> Sidecar:
        name = object_names.sidecar(self._org, entry.id)
        if entry.sidecar:
            sealed = base64.b64decode(entry.sidecar)
            keys = self._sealed.keys
            content = unseal(
                sealed,
                place=keys.place(ObjectKind.SIDECAR, org=self._org, name=name),
                key=keys.object_key(
                    ObjectKind.SIDECAR, org=self._org, name=name, epoch=entry.epoch
                ),
            )
        else:
            content = self._twice(lambda: self._get_sidecar(name))
        return sidecars.decode(content, name=name)

    def _get_sidecar(self, name: str) -> bytes:
        try:
            data = self._lasting.get(name)
            return self._sealed.open(ObjectKind.SIDECAR, org=self._org, name=name, data=data)
        except NotFound:
            raise _missing(name) from None
        except IntegrityError:
            distrust(self._lasting, name)
            raise


def _missing(name: str) -> IntegrityError:
    """What is live is there, but for who began to read before records were erased."""
    error = damaged(name, "it is missing")
    return IntegrityError(
        error.code,
        error.sentence,
        next_step="Try again: if records were erased meanwhile, the rest lies elsewhere now. If it stays, "
        "run unlost verify --level full, and bring the object back from a copy of the vault.",
    )


def open_stored(store: Store, name: str, *, size: int) -> pa.NativeFile:
    """An object as a random-access file for Arrow; raises NotFound or FileNotFoundError."""
    path = store.path(name)
    if path is not None:
        return pa.OSFile(str(path))
    return pa.PythonFile(_StoredFile(store, name, size=size), mode="r")


class _StoredFile(io.RawIOBase):
    """An object of a store without files, read by ranges."""

    def __init__(self, store: Store, name: str, *, size: int) -> None:
        super().__init__()
        self._store = store
        self._name = name
        self._size = size
        self._at = 0
        self._end = b""  # the last bytes, once read: Arrow asks for the footer in them again

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The next byte to be read."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move on or back."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Bytes from here."""
        wanted = self._size - self._at if size < 0 else size
        known = self._at - (self._size - len(self._end))
        if self._end and known >= 0:
            data = self._end[known : known + wanted]
        else:
            data = self._store.get_range(self._name, start=self._at, length=wanted)
            if self._at + wanted == self._size and wanted <= _END_BYTES:
                self._end = data
        self._at += len(data)
        return data


def opens_under(sealed: SealedObjects, *, org: str, name: str, size: int, epoch: int) -> bool:
    """True if a segment is under the key of an epoch: segments do not tell it in clear."""
    place = sealed.keys.place(ObjectKind.SEGMENT, org=org, name=name)
    try:
        secret = sealed.keys.object_key(ObjectKind.SEGMENT, org=org, name=name, epoch=epoch)
        properties = create_decryption_properties(secret, aad_prefix=bound_to(place))
        with (
            open_stored(sealed.store, name, size=size) as source,
            pq.ParquetFile(source, decryption_properties=properties),
        ):
            return True
    except (IntegrityError, NotFound, OSError, pa.ArrowException):
        return False
