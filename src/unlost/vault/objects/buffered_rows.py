"""Rows that are buffered until the end of their run, and read as if they were in a segment."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import pyarrow as pa
import zstandard

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format import sidecar as sidecars
from unlost.vault.format.physical import U_ID
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sidecar import GroupFence, Sidecar
from unlost.vault.layout.segment_label import SegmentLabel, label_of, metadata_of
from unlost.vault.objects.segment_writer import counted, text_bytes

_LEVEL = 3


@dataclass(frozen=True, slots=True)
class BufferedSegment:
    """Rows of one segment, sorted, at least one; they form one row group."""

    rows: pa.Table
    label: SegmentLabel
    sidecar: Sidecar

    @classmethod
    def of(cls, rows: pa.Table, label: SegmentLabel) -> Self:
        """Rows with their sidecar, which is computed once."""
        return cls(rows, label, _sidecar_of(rows, table=label.table))

    @property
    def size(self) -> int:
        """Bytes of text."""
        return self.sidecar.fences[0].bytes

    @property
    def facts(self) -> tuple[SegmentLabel, frozenset[str]]:
        """The label and the physical columns, as a segment has them."""
        return self.label, frozenset(self.rows.column_names)

    def entry(self, ident: str) -> SegmentEntry:
        """The manifest entry of the rows, without the place of an object."""
        ids, table = self.rows.column(U_ID), self.label.table
        first, last = ids[0].as_py(), ids[-1].as_py()
        return SegmentEntry(ident, table, len(self.rows), 0, "", first, last, epoch=0)

    def read(
        self, groups: Sequence[int], columns: Sequence[str], *, few_values: Sequence[str] = ()
    ) -> pa.Table:
        """Physical columns; ``few_values`` as dictionaries."""
        rows = self.rows.select(list(columns)).slice(0, len(self.rows) if groups else 0)
        for name in few_values:
            at = rows.column_names.index(name)
            rows = rows.set_column(at, name, rows.column(at).dictionary_encode())
        return rows


def _sidecar_of(rows: pa.Table, *, table: str) -> Sidecar:
    """The sidecar of rows that are one row group."""
    ids = rows.column(U_ID).combine_chunks()
    fence = GroupFence(ids[0].as_py(), len(rows), int(text_bytes(rows).sum()))
    return Sidecar(
        (fence,), sidecars.build_filter(counted(id_hashes(ids), table=table, merged=False))
    )


def to_bytes(segment: BufferedSegment) -> bytes:
    """Serialize rows and their label."""
    rows, sink = (
        segment.rows.replace_schema_metadata(metadata_of(segment.label)),
        pa.BufferOutputStream(),
    )
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write_table(rows)
    return zstandard.ZstdCompressor(level=_LEVEL).compress(sink.getvalue())


def from_bytes(data: bytes) -> BufferedSegment:
    """Read rows and label from the bytes of ``to_bytes``."""
    stream = zstandard.ZstdDecompressor().decompress(data)
    rows = pa.ipc.open_stream(stream).read_all().combine_chunks()
    return BufferedSegment.of(rows.replace_schema_metadata(), label_of(rows.schema.metadata or {}))
