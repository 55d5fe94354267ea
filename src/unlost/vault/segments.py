"""Segments: sorted, encrypted Parquet objects, written whole and read by row groups.

Knows Parquet, keys and sidecars; knows nothing of versions or of which segments are live.
"""

import base64
import io
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3
from pyarrow.parquet.encryption import create_decryption_properties, create_encryption_properties

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.snapshot import SegmentEntry
from unlost.model.store import Store
from unlost.vault import places
from unlost.vault.format import sidecar as sidecars
from unlost.vault.format.physical import (
    META_BASE,
    META_SCHEMA,
    META_TABLE,
    META_TOKENIZER,
    U_BLOBS,
    U_ID,
    U_OP,
    U_PREV,
    U_ROW_HASH,
)
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sealed import KIB64, ObjectKind, Place, damaged, seal, unseal
from unlost.vault.format.sidecar import Fence, Sidecar
from unlost.vault.sealing import SealedObjects

GROUP_ROWS = 8_192
NIGHT_ROWS = 20_000  # up to which a segment is what a night changed, rather than a load
NIGHT_GROUP_ROWS = 2_048  # a version is read in half the time, for 2 % more bytes
GROUP_BYTES = 8 << 20
ZSTD_LEVEL = 3
_PLAIN_COLUMNS = frozenset({U_ID, U_ROW_HASH, U_BLOBS})  # a dictionary would only cost time
_DICTIONARY_SAMPLE = 1_024  # rows that are looked at
_DICTIONARY_DISTINCT = 0.9  # a column of which more is distinct is written without a dictionary
_FEW_VALUES = frozenset({U_OP, U_PREV})
_SIDECAR_CACHE_BYTES = 64 << 20
_FACTS_KEPT = 4_096
_FOOTER_CACHE_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Label:
    """What a segment says of itself, inside its encrypted footer.

    ``tokenizer``: the version of the tokenizer, in segments of ``$search`` and in those whose rows
    it made tokens of; else 0.
    """

    table: str
    schema: str
    base: int
    tokenizer: int = 0


def bound_to(place: Place) -> bytes:
    """What every module of a segment is bound to: vault, org, and the name of the object."""
    return b"".join((place.vault, place.org, place.name.encode()))


class SegmentWriter:
    """Writes the segments of one run. Safe to share between threads.

    ``prefix``: hex digits with which the names of all segments of the run begin.
    """

    def __init__(self, org: str, *, sealed: SealedObjects, prefix: str) -> None:
        self._org = org
        self._sealed = sealed
        self._prefix = prefix

    def write(self, rows: pa.Table, *, label: Label, group_rows: int | None = None) -> SegmentEntry:
        """Write rows that are sorted by ``_u_id``, at least one; durable when it returns."""
        ident = self._prefix + self._sealed.entropy.bytes(8).hex()
        name = places.segment(self._org, ident)
        epoch = self._sealed.keys.epoch(self._org)
        groups = split_groups(rows, most=group_rows or _usual_group(len(rows)))
        body = self._encrypt(rows, groups, label=label, name=name, epoch=epoch)
        ids = rows.column(U_ID).combine_chunks()
        car = Sidecar(
            fences=tuple(Fence(ids[at].as_py(), count, size) for at, count, size in groups),
            filter=sidecars.build_filter(id_hashes(ids)),
        )
        sealed = self._seal_sidecar(car, ident=ident, epoch=epoch)
        inline = len(sealed) <= sidecars.INLINE_BYTES
        if not inline:
            self._create(places.sidecar(self._org, ident), sealed)
        self._create(name, body)
        return SegmentEntry(
            id=ident,
            table=label.table,
            rows=len(rows),
            bytes=len(body),
            blake3=blake3(body).hexdigest(),
            min_id=ids[0].as_py(),
            max_id=ids[-1].as_py(),
            epoch=epoch,
            sidecar=base64.b64encode(sealed).decode() if inline else "",
            sidecar_bytes=len(sealed),
            sidecar_blake3=blake3(sealed).hexdigest(),
        )

    def _encrypt(
        self,
        rows: pa.Table,
        groups: Sequence[tuple[int, int, int]],
        *,
        label: Label,
        name: str,
        epoch: int,
    ) -> bytes:
        keys = self._sealed.keys
        place = keys.place(ObjectKind.SEGMENT, org=self._org, name=name)
        secret = keys.object_key(ObjectKind.SEGMENT, org=self._org, name=name, epoch=epoch)
        sink = pa.BufferOutputStream()
        with pq.ParquetWriter(
            sink,
            rows.schema,
            compression="zstd",
            compression_level=ZSTD_LEVEL,
            use_dictionary=repeating_columns(rows),
            write_statistics=[U_ID],
            store_schema=False,
            encryption_properties=create_encryption_properties(
                secret, aad_prefix=bound_to(place), store_aad_prefix=False
            ),
        ) as writer:
            writer.add_key_value_metadata(_metadata(label))
            for at, count, _ in groups:
                writer.write_table(rows.slice(at, count), row_group_size=count)
        return bytes(sink.getvalue())

    def _seal_sidecar(self, car: Sidecar, *, ident: str, epoch: int) -> bytes:
        name = places.sidecar(self._org, ident)
        keys = self._sealed.keys
        return seal(
            sidecars.encode(car),
            place=keys.place(ObjectKind.SIDECAR, org=self._org, name=name),
            key=keys.object_key(ObjectKind.SIDECAR, org=self._org, name=name, epoch=epoch),
            epoch=epoch,
            entropy=self._sealed.entropy,
            power=KIB64,
        )

    def _create(self, name: str, body: bytes) -> None:
        if not self._sealed.store.put_new(name, body):
            raise IntegrityError(
                "name-taken",
                f"The store already has “{name}”, which was drawn at random just now.",
                next_step="Check that the machine's source of randomness works.",
            )


def _usual_group(rows: int) -> int:
    """Rows of a group: of what one night changed, records are asked for one by one."""
    return GROUP_ROWS if rows > NIGHT_ROWS else NIGHT_GROUP_ROWS


def _metadata(label: Label) -> dict[bytes, bytes]:
    return {
        META_TABLE: label.table.encode(),
        META_SCHEMA: label.schema.encode(),
        META_BASE: str(label.base).encode(),
        META_TOKENIZER: str(label.tokenizer).encode(),
    }


def repeating_columns(rows: pa.Table) -> list[str]:
    """Columns whose values repeat, by a look at the first rows.

    A dictionary of values that are all different holds each of them once more, in an order that
    compresses worse: a third of the time and a sixth of the bytes of a load went there.
    """
    names = [name for name in rows.column_names if name not in _PLAIN_COLUMNS]
    return [name for name in names if _repeats(rows.column(name).slice(0, _DICTIONARY_SAMPLE))]


def _repeats(values: pa.ChunkedArray) -> bool:
    filled = len(values) - values.null_count
    distinct: int = pc.count_distinct(values, mode="only_valid").as_py()
    return bool(distinct <= filled * _DICTIONARY_DISTINCT)


def text_bytes(rows: pa.Table) -> "np.typing.NDArray[np.int64]":
    """Bytes of text in each row, over all string columns."""
    sizes = np.zeros(len(rows), dtype=np.int64)
    for column in rows.columns:
        if column.type == pa.string():
            at = 0
            for chunk in column.chunks:
                offsets = np.frombuffer(chunk.buffers()[1] or b"", dtype=np.int32)
                if len(chunk):
                    offsets = offsets[chunk.offset : chunk.offset + len(chunk) + 1]
                    sizes[at : at + len(chunk)] += np.diff(offsets)
                at += len(chunk)
    return sizes


def split_groups(
    rows: pa.Table, *, most: int = GROUP_ROWS, most_bytes: int = GROUP_BYTES
) -> list[tuple[int, int, int]]:
    """Row groups as (start, rows, bytes of text): never too many rows nor bytes, except one row."""
    ends = np.cumsum(text_bytes(rows))
    groups = []
    at, before = 0, 0
    while at < len(rows):
        fits = int(np.searchsorted(ends, before + most_bytes, side="right"))
        end = min(max(fits, at + 1), at + most, len(rows))
        groups.append((at, end - at, int(ends[end - 1]) - before))
        at, before = end, int(ends[end - 1])
    return groups


class SegmentReader:
    """Reads segments of an org by row groups. Safe to share between threads."""

    def __init__(self, org: str, *, sealed: SealedObjects) -> None:
        self._org = org
        self._sealed = sealed
        self._sidecars: OrderedDict[str, Sidecar] = OrderedDict()
        self._sidecar_bytes = 0
        self._pinned: dict[str, Sidecar] = {}
        self._facts: OrderedDict[str, tuple[Label, frozenset[str]]] = OrderedDict()
        self._footers: OrderedDict[str, pq.FileMetaData] = OrderedDict()
        self._footer_bytes = 0
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

    def facts(self, entry: SegmentEntry) -> tuple[Label, frozenset[str]]:
        """What a segment says of itself, and its physical columns; raises IntegrityError."""
        with self._lock:
            if entry.id in self._facts:
                return self._facts[entry.id]
        with self._open(entry) as file:
            facts = _facts(file)
        with self._lock:
            self._facts[entry.id] = facts
            while len(self._facts) > _FACTS_KEPT:
                self._facts.popitem(last=False)
        return facts

    def read(
        self, entry: SegmentEntry, *, groups: Sequence[int], columns: Sequence[str]
    ) -> pa.Table:
        """These physical columns of row groups, in order; raises IntegrityError."""
        with self._open(entry) as file:
            return file.read_row_groups(list(groups), columns=list(columns), use_threads=True)

    def read_keys(
        self, entry: SegmentEntry, *, groups: Sequence[int], columns: Sequence[str]
    ) -> pa.Table:
        """The same for a few narrow columns, in this thread alone; ops come as dictionaries."""
        few_values = [column for column in columns if column in _FEW_VALUES]
        with self._open(entry, few_values=few_values, ahead=False) as file:
            return file.read_row_groups(list(groups), columns=list(columns), use_threads=False)

    def recognise(self, ident: str, *, size: int, epoch: int) -> SegmentEntry:
        """The entry of a segment of which only name and size are at hand.

        Its sidecar is made anew and kept; digests stay empty, so no manifest can take it.
        """
        bare = SegmentEntry(ident, "", 0, size, "", "", "", epoch)
        label, _ = self.facts(bare)
        with self._open(bare) as file:
            counts = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
            ids = file.read(columns=[U_ID]).column(U_ID).combine_chunks()
        starts = np.cumsum([0, *counts[:-1]]).tolist()
        fences = (Fence(ids[at].as_py(), n, 0) for at, n in zip(starts, counts, strict=True))
        with self._lock:
            self._pinned[ident] = Sidecar(tuple(fences), sidecars.build_filter(id_hashes(ids)))
        return replace(
            bare,
            table=label.table,
            rows=len(ids),
            min_id=ids[0].as_py(),
            max_id=ids[-1].as_py(),
        )

    @contextmanager
    def _open(
        self, entry: SegmentEntry, *, few_values: Sequence[str] = (), ahead: bool = True
    ) -> Iterator[pq.ParquetFile]:
        name = places.segment(self._org, entry.id)
        footer = self._footer(entry.id)
        try:
            with (
                open_stored(self._sealed.store, name, size=entry.bytes) as source,
                pq.ParquetFile(
                    source,
                    metadata=footer,  # knows how to decrypt what it describes
                    read_dictionary=list(few_values),
                    pre_buffer=ahead,
                    decryption_properties=None if footer else self._decryption(entry, name),
                ) as file,
            ):
                if footer is None:
                    self._keep_footer(entry.id, file.metadata)
                yield file
        except (NotFound, FileNotFoundError):
            raise damaged(name, "it is missing") from None
        except (OSError, pa.ArrowException) as error:
            raise damaged(name, f"it cannot be decrypted ({error})") from error

    def _decryption(self, entry: SegmentEntry, name: str) -> object:
        keys = self._sealed.keys
        place = keys.place(ObjectKind.SEGMENT, org=self._org, name=name)
        secret = keys.object_key(ObjectKind.SEGMENT, org=self._org, name=name, epoch=entry.epoch)
        return create_decryption_properties(secret, aad_prefix=bound_to(place))

    def _footer(self, ident: str) -> pq.FileMetaData | None:
        """A footer that was decrypted before: half of what a lookup costs is reading it again."""
        with self._lock:
            found = self._footers.get(ident)
            if found is not None:
                self._footers.move_to_end(ident)
            return found

    def _keep_footer(self, ident: str, footer: pq.FileMetaData) -> None:
        with self._lock:
            if ident not in self._footers:
                self._footers[ident] = footer
                self._footer_bytes += footer.serialized_size
            while self._footer_bytes > _FOOTER_CACHE_BYTES and len(self._footers) > 1:
                _, gone = self._footers.popitem(last=False)
                self._footer_bytes -= gone.serialized_size

    def _read_sidecar(self, entry: SegmentEntry) -> Sidecar:
        name = places.sidecar(self._org, entry.id)
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
            content = self._get_sidecar(name)
        return sidecars.decode(content, name=name)

    def _get_sidecar(self, name: str) -> bytes:
        try:
            return self._sealed.get(ObjectKind.SIDECAR, org=self._org, name=name)
        except NotFound:
            raise damaged(name, "it is missing") from None


def _facts(file: pq.ParquetFile) -> tuple[Label, frozenset[str]]:
    metadata: Mapping[bytes, bytes] = file.metadata.metadata or {}
    label = Label(
        table=metadata.get(META_TABLE, b"").decode(),
        schema=metadata.get(META_SCHEMA, b"").decode(),
        base=int(metadata.get(META_BASE, b"0")),
        tokenizer=int(metadata.get(META_TOKENIZER, b"0")),
    )
    return label, frozenset(file.schema_arrow.names)


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
        data = self._store.get_range(self._name, start=self._at, length=wanted)
        self._at += len(data)
        return data
