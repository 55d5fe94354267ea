"""Reading segments by row groups; ``unlost.vault.objects.segment_writer`` writes them.

This module deals with Parquet, keys and sidecars; it does not know versions or which segments are
live. A segment is one object, and most of it stays unread:

    sidecar  fences and filter      -> the row groups that may contain an id
    footer   label, column chunks   -> where each column of a row group lies, and how to decrypt it
    groups   group 0, 1, 2 …        -> only the groups and columns that are asked for

Of these the reader caches sidecars, labels, footers and the last unpacked row groups, each within a
bound: reading the footer again is half the cost of a lookup. Rows of an open run that are still in
memory (``read_from_buffer``) are read the same way. With a cache of the store's pieces on this
machine, a read that fails is repeated once from the store itself. See docs/adr/0001, 0028 (bundles)
and 0030 (the cache).
"""

from __future__ import annotations

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow.parquet.encryption import create_decryption_properties

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.vault.snapshot import SegmentEntry
from unlost.model.vault.store import Store
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
from unlost.vault.stores.cached import drop_cached, with_cache
from unlost.vault.stores.unread import is_lost, unread

if TYPE_CHECKING:
    from unlost.vault.objects.buffered_rows import BufferedSegment

_FEW_VALUES = frozenset({U_OP, U_PREV})
_SIDECAR_CACHE_BYTES = 64 << 20
_FACTS_KEPT = 4_096
_FOOTER_CACHE_BYTES = 6 << 20  # as stored in segments; twelve times as much in memory
_UNPACKED_CACHE_BYTES = 16 << 20
_END_BYTES = 1 << 20  # at the end of an object, which are kept while it is open


class SegmentReader:
    """Reads segments of an org by row groups. Safe to share between threads."""

    def __init__(self, org: str, *, sealed: SealedObjects) -> None:
        self._org = org
        self._sealed = sealed
        self._cached_store = with_cache(sealed.store)
        self._sidecars: OrderedDict[str, Sidecar] = OrderedDict()
        self._sidecar_bytes = 0
        self._pinned: dict[str, Sidecar] = {}
        self._facts: OrderedDict[str, tuple[SegmentLabel, frozenset[str]]] = OrderedDict()
        self._footers: OrderedDict[str, pq.FileMetaData] = OrderedDict()
        self._footer_bytes = 0
        self._unpacked = RowGroupCache(_UNPACKED_CACHE_BYTES)
        self._buffered: dict[str, BufferedSegment] = {}
        self._lock = threading.Lock()

    def sidecar(self, entry: SegmentEntry) -> Sidecar:
        """Fences and filter of a segment; raises IntegrityError."""
        with self._lock:
            if entry.id in self._pinned:
                return self._pinned[entry.id]
            if entry.id in self._sidecars:
                self._sidecars.move_to_end(entry.id)
                return self._sidecars[entry.id]
        sidecar = self._read_sidecar(entry)
        with self._lock:
            if entry.id not in self._sidecars:
                self._sidecars[entry.id] = sidecar
                self._sidecar_bytes += sidecar.filter.nbytes
            while self._sidecar_bytes > _SIDECAR_CACHE_BYTES and len(self._sidecars) > 1:
                _, gone = self._sidecars.popitem(last=False)
                self._sidecar_bytes -= gone.filter.nbytes
        return sidecar

    def facts(self, entry: SegmentEntry) -> tuple[SegmentLabel, frozenset[str]]:
        """The label of a segment and its physical columns; raises IntegrityError."""
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
        self,
        entry: SegmentEntry,
        *,
        groups: Sequence[int],
        columns: Sequence[str],
        cached: bool = False,
    ) -> pa.Table:
        """These physical columns of row groups, in order; raises IntegrityError.

        ``cached``: the rows will be read again, so this machine caches what it reads of the store.
        """
        segment = self._buffered.get(entry.id)
        if segment is not None:
            return segment.read(groups, columns)

        def read() -> pa.Table:
            with self._open(entry, cached=cached) as file:
                return rows_in(file, entry, groups, columns, threads=True)

        return self._twice(read)

    def groups(self, entry: SegmentEntry) -> Iterator[pa.Table]:
        """All row groups of a segment outside bundles, in order; raises IntegrityError."""
        with self._open(entry, ahead=False) as file:
            for group in range(file.num_row_groups):
                yield file.read_row_group(group).replace_schema_metadata(None)

    @contextmanager
    def opened(self, entry: SegmentEntry) -> Iterator[pq.ParquetFile]:
        """The file of a segment that may be damaged; raises IntegrityError if its footer is."""
        with self._open(entry, ahead=False) as file:
            yield file

    def read_group(self, entry: SegmentEntry, *, group: int, columns: Sequence[str]) -> pa.Table:
        """One row group, as ``read`` returns it, for a few of its rows; caches the last ones.

        A person who views a record often views it at a second date, or views the record next to it.
        """
        key = (entry.id, group, tuple(columns))
        known = self._unpacked.get(key)
        if known is None:
            known = self.read(entry, groups=[group], columns=columns, cached=True)
            self._unpacked.put(key, known)
        return known

    def read_keys(
        self, entry: SegmentEntry, *, groups: Sequence[int], columns: Sequence[str]
    ) -> pa.Table:
        """A few narrow columns of row groups, in this thread only; ops come as dictionaries."""
        few_values = [column for column in columns if column in _FEW_VALUES]
        segment = self._buffered.get(entry.id)
        if segment is not None:
            return segment.read(groups, columns, few_values=few_values)

        def read() -> pa.Table:
            with self._open(entry, few_values=few_values, ahead=False, cached=True) as file:
                return rows_in(file, entry, groups, columns, threads=False)

        return self._twice(read)

    def read_from_buffer(self, ident: str, segment: BufferedSegment) -> None:
        """Read a segment from memory from now on: its rows are not stored yet."""
        with self._lock:
            self._buffered[ident] = segment
            self._pinned[ident] = segment.sidecar

    def release_all(self, prefix: str) -> None:
        """Read the segments of a run, whose ids begin with ``prefix``, from the store again."""
        with self._lock:
            for ident in [name for name in self._buffered if name.startswith(prefix)]:
                del self._buffered[ident]
                self._pinned.pop(ident, None)

    def ids_beside(self, entry: SegmentEntry) -> pa.ChunkedArray:
        """The ids of all rows in this segment's bundle, of all tables; raises IntegrityError."""
        with self._open(entry) as file:
            return file.read(columns=[U_ID]).column(U_ID)

    def entry_from_store(self, ident: str, *, size: int, epoch: int) -> SegmentEntry | None:
        """The entry of a segment that is known only by name and size; None for a bundle.

        Its sidecar is rebuilt and kept; the hashes stay empty, so that no manifest can use the
        entry.
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

    def _facts_of(self, entry: SegmentEntry) -> tuple[SegmentLabel, frozenset[str]]:
        segment = self._buffered.get(entry.id)
        if segment is not None:
            return segment.facts

        def read() -> tuple[SegmentLabel, frozenset[str]]:
            with self._open(entry, cached=True) as file:
                if entry.bundle:
                    return facts_in(file.metadata, entry)
                return label_of(file.metadata.metadata or {}), frozenset(file.schema_arrow.names)

        return self._twice(read)

    def _twice[T](self, read: Callable[[], T]) -> T:
        """The result of ``read``, which is repeated once if this machine's cache was damaged.

        The first failure drops the damaged pieces, so that the repetition reads the store itself.
        """
        try:
            return read()
        except IntegrityError:
            if self._cached_store is self._sealed.store:
                raise
            return read()

    @contextmanager
    def _open(
        self,
        entry: SegmentEntry,
        *,
        few_values: Sequence[str] = (),
        ahead: bool = True,
        cached: bool = False,
    ) -> Iterator[pq.ParquetFile]:
        """The file of a segment; ``cached``: its pieces will be read again, so cache them."""
        name = object_names.segment(self._org, entry.object)
        footer = self._footer(entry.object)
        store = self._cached_store if cached else self._sealed.store
        try:
            with (
                open_stored(store, name, size=entry.bytes) as source,
                pq.ParquetFile(
                    source,
                    metadata=footer,  # contains what is needed to decrypt the columns
                    read_dictionary=list(few_values),
                    pre_buffer=ahead
                    or store.path(name) is None,  # a remote store gets fewer, larger requests
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
            # Arrow raises the same error for damage in the store and in this machine's cache.
            drop_cached(store, name)
            raise damaged(name, f"it cannot be decrypted ({error})") from error

    def _decryption(self, entry: SegmentEntry, name: str) -> object:
        keys = self._sealed.keys
        place = keys.place(ObjectKind.SEGMENT, org=self._org, name=name)
        secret = keys.object_key(ObjectKind.SEGMENT, org=self._org, name=name, epoch=entry.epoch)
        return create_decryption_properties(secret, aad_prefix=bound_to(place))

    def _footer(self, ident: str) -> pq.FileMetaData | None:
        """A footer that was decrypted before: reading it again is half the cost of a lookup."""
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
            data = self._cached_store.get(name)
            return self._sealed.open(ObjectKind.SIDECAR, org=self._org, name=name, data=data)
        except NotFound:
            raise _missing(name) from None
        except IntegrityError:
            drop_cached(self._cached_store, name)
            raise


def _missing(name: str) -> IntegrityError:
    """The error for a live object that is missing; an erasure meanwhile is the usual cause."""
    error = damaged(name, "it is missing")
    next_step = (
        "Try again. If records were erased in the meantime, the other records are now in a new "
        "object. If the error persists, run `unlost verify --level full` and repair the vault "
        "from its mirror."
    )
    return IntegrityError.of(replace(error.message, next_step=next_step, next_template=next_step))


def open_stored(store: Store, name: str, *, size: int) -> pa.NativeFile:
    """An object as a random-access file for Arrow; raises NotFound or FileNotFoundError."""
    path = store.path(name)
    if path is not None:
        return pa.OSFile(str(path))
    return pa.PythonFile(_StoredFile(store, name, size=size), mode="r")


class _StoredFile(io.RawIOBase):
    """An object of a store that has no files, read by ranges."""

    def __init__(self, store: Store, name: str, *, size: int) -> None:
        super().__init__()
        self._store = store
        self._name = name
        self._size = size
        self._at = 0
        self._end = b""  # the last bytes, once read: Arrow reads the footer in them a second time

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """The position of the next byte."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = start + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        """Bytes from the position on."""
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
    """True if a segment is encrypted under the key of an epoch: no segment shows it in clear."""
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
