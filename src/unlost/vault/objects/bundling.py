"""Writing bundles: the few rows of many tables as one object.

A Parquet file has a fixed cost for each column of each of its row groups, and a store one for each
object. Where a table has few new rows that is nearly all that they cost; so they share both.
"""

import base64
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

import pyarrow as pa
from blake3 import blake3

from unlost.model.snapshot import SegmentEntry
from unlost.vault.format.physical import SYSTEM_FIELDS, U_ID
from unlost.vault.layout import object_names
from unlost.vault.layout.segment_label import metadata_of_bundle, part_of
from unlost.vault.objects.buffered_rows import BufferedSegment
from unlost.vault.objects.segment_writer import GROUP_BYTES, CommitRange, SegmentWriter

GROUP_ROWS = 1_024  # who looks at one record unpacks the rows of its whole group
OBJECT_ROWS = 65_536
OBJECT_BYTES = 64 << 20  # of text: an object is put together in memory
BUNDLE_FROM = 2  # tables: two together cost a third less than each alone, one saves nothing
_WIDTHS = (64, 256)  # a column costs something in each row group, also where nobody has it
_FIRST_CELL = "c"


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """Rows that become a segment under this id; with ``reach`` they stand for older commits."""

    ident: str
    held: BufferedSegment
    reach: CommitRange | None = None

    @property
    def cells(self) -> list[str]:
        """Its source columns as they are stored."""
        return [name for name in self.held.rows.column_names if name.startswith(_FIRST_CELL)]

    @property
    def width(self) -> int:
        """Which pieces it shares an object with: those that have about as many columns."""
        return bisect_left(_WIDTHS, len(self.cells))


@dataclass(frozen=True, slots=True)
class _Object:
    """An object that holds all of some pieces, and how its manifest entries name it."""

    ident: str
    epoch: int
    body: bytes
    rows: int


def write_bundles(out: SegmentWriter, pieces: Sequence[BundleEntry]) -> list[SegmentEntry]:
    """The entries of pieces, those of a table in the order given; durable when it returns."""
    ordered = sorted(pieces, key=lambda piece: (piece.width, piece.held.label.table))
    alike = (
        list(bundle_entries)
        for _, bundle_entries in groupby(ordered, key=lambda piece: piece.width)
    )
    parts = (part for bundle_entries in alike for part in _objects(bundle_entries))
    return [entry for part in parts for entry in _written(out, part)]


def _objects(pieces: Sequence[BundleEntry]) -> Iterator[list[BundleEntry]]:
    """Pieces that lie in one object each."""
    yield from _cut(pieces, rows=OBJECT_ROWS, size=OBJECT_BYTES)


def _written(out: SegmentWriter, pieces: Sequence[BundleEntry]) -> Iterator[SegmentEntry]:
    written = _object(out, pieces)
    out.create(object_names.segment(out.org, written.ident), written.body)
    digest, at = blake3(written.body).hexdigest(), 0
    for piece in pieces:
        yield _entry(out, piece, written, digest=digest, at=at)
        at += len(piece.held.rows)


def _object(out: SegmentWriter, pieces: Sequence[BundleEntry]) -> _Object:
    ident, epoch = out.fresh(), out.sealed.keys.epoch(out.org)
    schema, sink = _schema(pieces), pa.BufferOutputStream()
    groups = (_together(group, schema) for group in _groups(pieces))
    first = next(groups)
    writer = out.writer(sink, first, ident=ident, epoch=epoch)
    parts = [
        part_of(piece.held.label, rows=len(piece.held.rows), columns=piece.cells)
        for piece in pieces
    ]
    writer.add_key_value_metadata(metadata_of_bundle(parts))
    for rows in chain((first,), groups):
        writer.write_table(rows, row_group_size=len(rows))
    writer.close()
    return _Object(ident, epoch, bytes(sink.getvalue()), sum(part.rows for part in parts))


def _schema(pieces: Sequence[BundleEntry]) -> pa.Schema:
    """All columns that any of the pieces has."""
    cells = {name for piece in pieces for name in piece.cells}
    ordered = sorted(cells, key=lambda name: int(name.removeprefix(_FIRST_CELL)))
    return pa.schema([*SYSTEM_FIELDS, *(pa.field(name, pa.string()) for name in ordered)])


def _groups(pieces: Sequence[BundleEntry]) -> Iterator[list[BundleEntry]]:
    """Pieces that lie in one row group each: none is cut."""
    yield from _cut(pieces, rows=GROUP_ROWS, size=GROUP_BYTES)


def _cut(pieces: Sequence[BundleEntry], *, rows: int, size: int) -> Iterator[list[BundleEntry]]:
    """Pieces by so many rows and so much text at most, but for a piece that has more by itself."""
    bundle_entries, had, text = list[BundleEntry](), 0, 0
    for piece in pieces:
        count = len(piece.held.rows)
        if bundle_entries and (had + count > rows or text + piece.held.size > size):
            yield bundle_entries
            bundle_entries, had, text = [], 0, 0
        bundle_entries.append(piece)
        had, text = had + count, text + piece.held.size
    yield bundle_entries


def _together(pieces: Sequence[BundleEntry], schema: pa.Schema) -> pa.Table:
    tables = [schema.empty_table(), *(piece.held.rows for piece in pieces)]
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def _entry(
    out: SegmentWriter, piece: BundleEntry, written: _Object, *, digest: str, at: int
) -> SegmentEntry:
    rows, table = piece.held.rows, piece.held.label.table
    sealed = out.sealed_sidecar(piece.held.sidecar, ident=piece.ident, epoch=written.epoch)
    ids = rows.column(U_ID)
    return SegmentEntry(
        id=piece.ident,
        table=table,
        rows=len(rows),
        bytes=len(written.body),
        blake3=digest,
        min_id=ids[0].as_py(),
        max_id=ids[-1].as_py(),
        epoch=written.epoch,
        sidecar=base64.b64encode(sealed).decode(),
        sidecar_bytes=len(sealed),
        sidecar_blake3=blake3(sealed).hexdigest(),
        first=piece.reach.first if piece.reach else 0,
        last=piece.reach.last if piece.reach else 0,
        bundle=written.ident,
        at=at,
        of=written.rows,
    )
