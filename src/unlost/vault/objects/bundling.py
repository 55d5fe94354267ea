"""Writing bundles: the few rows of many tables, together in one object.

A Parquet file has a fixed cost for each column of each row group, and a store has one for each
object. For a table with few new rows that is nearly the whole cost, so small segments share both:

    1,500 tables with a few changed rows each
      └─ sorted by width (number of columns, in three classes), then by table
          └─ objects of at most 65,536 rows or 64 MiB of text
              └─ row groups of at most 1,024 rows; no segment is split

Segments of similar width share an object, because each column costs something in every row group,
even if only one of the tables has it. See docs/adr/0028.
"""

import base64
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, groupby

import pyarrow as pa
from blake3 import blake3

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format.physical import SYSTEM_FIELDS, U_ID, by_number, is_physical
from unlost.vault.layout import object_names
from unlost.vault.layout.segment_label import metadata_of_bundle, part_of
from unlost.vault.objects.buffered_rows import BufferedSegment
from unlost.vault.objects.segment_writer import GROUP_BYTES, CommitRange, SegmentWriter

GROUP_ROWS = 1_024  # reading one record unpacks its whole group
OBJECT_ROWS = 65_536
OBJECT_BYTES = 64 << 20  # of text: an object is built in memory
_WIDTHS = (64, 256)  # columns: an absent column, too, costs something in each row group


@dataclass(frozen=True, slots=True)
class BundleEntry:
    """Rows that become a segment with this id; with ``reach`` they replace older commits."""

    ident: str
    segment: BufferedSegment
    reach: CommitRange | None = None

    @property
    def cells(self) -> list[str]:
        """The names of its source columns, as stored."""
        return list(filter(is_physical, self.segment.rows.column_names))

    @property
    def width(self) -> int:
        """The class of its number of columns: only entries of one class share an object."""
        return bisect_left(_WIDTHS, len(self.cells))


@dataclass(frozen=True, slots=True)
class _Object:
    """An object with all rows of some entries, and its facts for their manifest entries."""

    ident: str
    epoch: int
    body: bytes
    rows: int


def write_bundles(out: SegmentWriter, entries: Sequence[BundleEntry]) -> list[SegmentEntry]:
    """The manifest entries of ``entries``; durable on return.

    The entries of one table keep their order.
    """
    ordered = sorted(entries, key=lambda entry: (entry.width, entry.segment.label.table))
    alike = (
        list(bundle_entries)
        for _, bundle_entries in groupby(ordered, key=lambda entry: entry.width)
    )
    parts = (part for bundle_entries in alike for part in _objects(bundle_entries))
    return [written for part in parts for written in _written(out, part)]


def _objects(entries: Sequence[BundleEntry]) -> Iterator[list[BundleEntry]]:
    """The entries that share an object, for each object."""
    yield from _cut(entries, rows=OBJECT_ROWS, size=OBJECT_BYTES)


def _written(out: SegmentWriter, entries: Sequence[BundleEntry]) -> Iterator[SegmentEntry]:
    written = _object(out, entries)
    out.create(object_names.segment(out.org, written.ident), written.body)
    digest, at = blake3(written.body).hexdigest(), 0
    for entry in entries:
        yield _entry(out, entry, written, digest=digest, at=at)
        at += len(entry.segment.rows)


def _object(out: SegmentWriter, entries: Sequence[BundleEntry]) -> _Object:
    ident, epoch = out.fresh(), out.sealed.keys.epoch(out.org)
    schema, sink = _schema(entries), pa.BufferOutputStream()
    groups = (_together(group, schema) for group in _groups(entries))
    first = next(groups)
    writer = out.writer(sink, first, ident=ident, epoch=epoch)
    parts = [
        part_of(entry.segment.label, rows=len(entry.segment.rows), columns=entry.cells)
        for entry in entries
    ]
    writer.add_key_value_metadata(metadata_of_bundle(parts))
    for rows in chain((first,), groups):
        writer.write_table(rows, row_group_size=len(rows))
    writer.close()
    return _Object(ident, epoch, bytes(sink.getvalue()), sum(part.rows for part in parts))


def _schema(entries: Sequence[BundleEntry]) -> pa.Schema:
    """All columns that any of the entries has."""
    ordered = by_number({name for entry in entries for name in entry.cells})
    return pa.schema([*SYSTEM_FIELDS, *(pa.field(name, pa.string()) for name in ordered)])


def _groups(entries: Sequence[BundleEntry]) -> Iterator[list[BundleEntry]]:
    """The entries that share a row group, for each group; no entry is split."""
    yield from _cut(entries, rows=GROUP_ROWS, size=GROUP_BYTES)


def _cut(entries: Sequence[BundleEntry], *, rows: int, size: int) -> Iterator[list[BundleEntry]]:
    """Entries in lots of limited rows and text; an entry above the limits is a lot alone."""
    bundle_entries, had, text = list[BundleEntry](), 0, 0
    for entry in entries:
        count = len(entry.segment.rows)
        if bundle_entries and (had + count > rows or text + entry.segment.size > size):
            yield bundle_entries
            bundle_entries, had, text = [], 0, 0
        bundle_entries.append(entry)
        had, text = had + count, text + entry.segment.size
    yield bundle_entries


def _together(entries: Sequence[BundleEntry], schema: pa.Schema) -> pa.Table:
    tables = [schema.empty_table(), *(entry.segment.rows for entry in entries)]
    return pa.concat_tables(tables, promote_options="default").combine_chunks()


def _entry(
    out: SegmentWriter, entry: BundleEntry, written: _Object, *, digest: str, at: int
) -> SegmentEntry:
    rows, table = entry.segment.rows, entry.segment.label.table
    sealed = out.sealed_sidecar(entry.segment.sidecar, ident=entry.ident, epoch=written.epoch)
    ids = rows.column(U_ID)
    return SegmentEntry(
        id=entry.ident,
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
        first=entry.reach.first if entry.reach else 0,
        last=entry.reach.last if entry.reach else 0,
        bundle=written.ident,
        at=at,
        of=written.rows,
    )
