"""Writing segments: sorted, encrypted Parquet objects, each with a sidecar.

This module deals with Parquet, keys and sidecars; it does not know versions or which segments are
live. See docs/adr/0001.
"""

import base64
import io
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from blake3 import blake3
from numpy.typing import NDArray
from pyarrow.parquet.encryption import create_encryption_properties

from unlost.model.errors import IntegrityError
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format import sidecar as sidecars
from unlost.vault.format.physical import CHANGES, SEARCH, U_BLOBS, U_ID, U_ROW_HASH
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sealed import KIB64, ObjectKind, seal
from unlost.vault.format.sidecar import GroupFence, Sidecar
from unlost.vault.keys.sealing import SealedObjects
from unlost.vault.layout import object_names
from unlost.vault.layout.segment_label import SegmentLabel, bound_to, metadata_of

GROUP_ROWS = 8_192
NIGHT_ROWS = (
    20_000  # a segment up to this size has the changes of a backup; a larger one, a first load
)
NIGHT_GROUP_ROWS = 2_048  # a version is read in half the time, for 2 % more bytes
GROUP_BYTES = 8 << 20
ZSTD_LEVEL = 3
MERGED_WORDS_LEVEL = 9  # a twelfth fewer bytes; too slow while a backup waits
_PLAIN_COLUMNS = frozenset({U_ID, U_ROW_HASH, U_BLOBS})  # a dictionary would only cost time
_DICTIONARY_SAMPLE = 1_024  # rows that are sampled
_DICTIONARY_DISTINCT = 0.5  # a column with more distinct values is written without a dictionary


@dataclass(frozen=True, slots=True)
class CommitRange:
    """The commits whose versions a merged segment contains."""

    first: int
    last: int


class SegmentWriter:
    """Writes the segments of one run. Safe to share between threads.

    ``prefix``: the hex digits with which the ids of all segments of the run begin.
    """

    def __init__(self, org: str, *, sealed: SealedObjects, prefix: str) -> None:
        self.org = org
        self.sealed = sealed
        self.prefix = prefix

    def write(
        self, rows: pa.Table, *, label: SegmentLabel, group_rows: int | None = None
    ) -> SegmentEntry:
        """Write rows that are sorted by ``_u_id``, at least one; durable on return."""
        stream = self.stream(label, group_rows=group_rows or _usual_group(len(rows)))
        stream.append(rows)
        return stream.close()

    def stream(
        self, label: SegmentLabel, *, group_rows: int = GROUP_ROWS, reach: CommitRange | None = None
    ) -> "SegmentStream":
        """A segment that is written in pieces; with ``reach`` it is a merged one."""
        return SegmentStream(self, self.fresh(), label, group_rows=group_rows, reach=reach)

    def fresh(self) -> str:
        """A new id for a segment."""
        return self.prefix + self.sealed.entropy.bytes(8).hex()

    def writer(
        self,
        sink: pa.NativeFile,
        rows: pa.Table,
        *,
        ident: str,
        epoch: int,
        level: int = ZSTD_LEVEL,
    ) -> pq.ParquetWriter:
        """The Parquet writer that encrypts an object's row groups; ``rows`` is the first one."""
        name, keys = object_names.segment(self.org, ident), self.sealed.keys
        place = keys.place(ObjectKind.SEGMENT, org=self.org, name=name)
        secret = keys.object_key(ObjectKind.SEGMENT, org=self.org, name=name, epoch=epoch)
        return pq.ParquetWriter(
            sink,
            rows.schema,
            compression="zstd",
            compression_level=level,
            use_dictionary=repeating_columns(rows),
            write_statistics=[U_ID],
            store_schema=False,
            encryption_properties=create_encryption_properties(
                secret, aad_prefix=bound_to(place), store_aad_prefix=False
            ),
        )

    def sealed_sidecar(self, sidecar: Sidecar, *, ident: str, epoch: int) -> bytes:
        """A segment's sidecar as it is stored."""
        name, keys = object_names.sidecar(self.org, ident), self.sealed.keys
        return seal(
            sidecars.encode(sidecar),
            place=keys.place(ObjectKind.SIDECAR, org=self.org, name=name),
            key=keys.object_key(ObjectKind.SIDECAR, org=self.org, name=name, epoch=epoch),
            epoch=epoch,
            entropy=self.sealed.entropy,
            power=KIB64,
        )

    def create(self, name: str, body: bytes) -> None:
        """Put an object under a random name; raises IntegrityError if the name exists."""
        if not self.sealed.store.put_new(name, body):
            raise IntegrityError(
                "name-taken",
                "The store already has “{name}”, a name that was just generated at random.",
                next_step="Check the random number generator of this machine.",
                name=name,
            )


class SegmentStream:
    """One segment while it is written: compressed row groups are buffered until it is closed."""

    def __init__(
        self,
        out: SegmentWriter,
        ident: str,
        label: SegmentLabel,
        *,
        group_rows: int,
        reach: CommitRange | None,
    ) -> None:
        self._out = out
        self._ident = ident
        self._label = label
        self._group_rows = group_rows
        self._reach = reach
        self._epoch = out.sealed.keys.epoch(out.org)
        self._sink = io.BytesIO()
        self._writer: pq.ParquetWriter | None = None
        self._pending: pa.Table | None = None
        self._fences: list[GroupFence] = []
        self._hashes: list[NDArray[np.uint64]] = []
        self._last = ""
        self.rows = 0

    @property
    def size(self) -> int:
        """Bytes that are written so far."""
        return self._sink.tell()

    def append(self, rows: pa.Table) -> None:
        """Add rows that follow in the order of ``_u_id``; the last few wait for a full group."""
        whole = rows if self._pending is None else pa.concat_tables([self._pending, rows])
        *groups, last = split_groups(whole, most=self._group_rows)
        for at, count, size in groups:
            self._write(whole.slice(at, count), size)
        self._pending = whole.slice(last[0], last[1]).combine_chunks()
        self.rows += len(rows)

    def append_group(self, rows: pa.Table) -> None:
        """Add a row group of another segment unchanged; do not mix with ``append``."""
        self._write(rows, int(text_bytes(rows).sum()))
        self.rows += len(rows)

    def close(self) -> SegmentEntry:
        """Write the object, durably; at least one row must have been added."""
        rest = self._pending
        if rest is not None:
            self._write(rest, int(text_bytes(rest).sum()))
        assert self._writer is not None
        self._writer.close()
        body = self._sink.getvalue()  # does not copy
        merged = self._reach is not None
        hashes = counted(np.concatenate(self._hashes), table=self._label.table, merged=merged)
        sidecar = Sidecar(fences=tuple(self._fences), filter=sidecars.build_filter(hashes))
        sealed = self._out.sealed_sidecar(sidecar, ident=self._ident, epoch=self._epoch)
        inline = len(sealed) <= sidecars.INLINE_BYTES
        if not inline:
            self._out.create(object_names.sidecar(self._out.org, self._ident), sealed)
        self._out.create(self._name, body)
        return SegmentEntry(
            id=self._ident,
            table=self._label.table,
            rows=self.rows,
            bytes=len(body),
            blake3=blake3(body).hexdigest(),
            min_id=self._fences[0].first,
            max_id=self._last,
            epoch=self._epoch,
            sidecar=base64.b64encode(sealed).decode() if inline else "",
            sidecar_bytes=len(sealed),
            sidecar_blake3=blake3(sealed).hexdigest(),
            first=self._reach.first if self._reach else 0,
            last=self._reach.last if self._reach else 0,
        )

    @property
    def _name(self) -> str:
        return object_names.segment(self._out.org, self._ident)

    def _write(self, rows: pa.Table, size: int) -> None:
        if self._writer is None:
            self._writer = self._open(rows)
        self._writer.write_table(rows, row_group_size=len(rows))
        ids = rows.column(U_ID).combine_chunks()
        self._fences.append(GroupFence(ids[0].as_py(), len(rows), size))
        self._hashes.append(id_hashes(ids))
        self._last = ids[-1].as_py()

    def _open(self, rows: pa.Table) -> pq.ParquetWriter:
        merged_words = self._reach is not None and self._label.table == SEARCH
        writer = self._out.writer(
            pa.PythonFile(self._sink, "w"),
            rows,
            ident=self._ident,
            epoch=self._epoch,
            level=MERGED_WORDS_LEVEL if merged_words else ZSTD_LEVEL,
        )
        writer.add_key_value_metadata(metadata_of(self._label))
        return writer


def counted(hashes: NDArray[np.uint64], *, table: str, merged: bool) -> NDArray[np.uint64]:
    """The hashes for a segment's filter: of all rows; in a merged segment, of each id once.

    The filter of ``$changes`` is empty, because it is never searched for an id.
    """
    if table == CHANGES or not merged:
        return hashes[:0] if table == CHANGES else hashes
    fresh = np.ones(len(hashes), dtype=np.bool_)
    fresh[1:] = hashes[1:] != hashes[:-1]
    return hashes[fresh]


def _usual_group(rows: int) -> int:
    """Rows of a group: small for the changes of a backup, which are read record by record."""
    return GROUP_ROWS if rows > NIGHT_ROWS else NIGHT_GROUP_ROWS


def repeating_columns(rows: pa.Table) -> list[str]:
    """Columns whose values repeat, according to the first rows.

    A dictionary of distinct values stores each of them once more, in an order that compresses
    worse: it took a third of the time and a sixth of the bytes of a load. Equal values in a row
    count once: versions are adjacent, and compression handles them better, by a tenth of the bytes.
    """
    names = [name for name in rows.column_names if name not in _PLAIN_COLUMNS]
    return [name for name in names if _repeats(rows.column(name).slice(0, _DICTIONARY_SAMPLE))]


def _repeats(values: pa.ChunkedArray) -> bool:
    filled = pc.drop_null(values).combine_chunks()
    changes = pc.sum(pc.not_equal(filled[1:], filled[:-1])).as_py() or 0
    distinct: int = pc.count_distinct(filled).as_py()
    few = max(1, changes * _DICTIONARY_DISTINCT)
    return distinct <= few and distinct < max(1, len(filled))


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
    """Row groups as (start, rows, bytes of text), within the limits.

    A single row may exceed the limit of bytes.
    """
    ends = np.cumsum(text_bytes(rows))
    groups = []
    at, before = 0, 0
    while at < len(rows):
        fits = int(np.searchsorted(ends, before + most_bytes, side="right"))
        end = min(max(fits, at + 1), at + most, len(rows))
        groups.append((at, end - at, int(ends[end - 1]) - before))
        at, before = end, int(ends[end - 1])
    return groups
