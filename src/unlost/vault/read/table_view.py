"""One table at one snapshot: finding the versions of given records, and reading their cells.

A lookup narrows down in five steps, each cheaper than the next:

    ids ─> segments       by min_id and max_id in the manifest
        ─> filter         of the sidecar: drops ids that are certainly not there
        ─> row groups     by the fences of the sidecar
        ─> rows           the narrow key columns of these groups (``find``)
        ─> cells          the wide columns, only of wanted versions (``cells``)

*Rank* is the index of a segment among the segments of the table, oldest first. Of two versions of a
record, the one in the segment of higher rank is newer. Of several versions that one commit added
for a record, only the last one counts. See docs/adr/0001 and docs/adr/0020.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.decoders import decoder_for
from unlost.model.source.hidden_columns import LogFilter
from unlost.model.source.schema import WireKind
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import (
    BARE_FIELDS,
    MERGED_FIELDS,
    SYSTEM_FIELDS,
    U_BLOBS,
    U_ID,
    U_SNAP,
    physical,
)
from unlost.vault.format.rowhash import FEW, id_hashes
from unlost.vault.format.sidecar import Sidecar, may_hold
from unlost.vault.layout.parallel import spread
from unlost.vault.layout.segment_label import SegmentShape
from unlost.vault.objects.schemas import SchemaReader
from unlost.vault.objects.segments import SegmentReader

BlobCell = dict[str, tuple[str, int]]
"""A cell of ``_u_blobs``: column → (blob, bytes)."""

RANK = "_rank"
GROUP = "_group"
AT = "_at"
_CALLED = {field.name: field for field in MERGED_FIELDS}
_FILTER_PAYS = 4  # ids for each row group; with more, reading is cheaper than the filter


@dataclass(frozen=True, slots=True)
class SegmentReaders:
    """The readers of an org's segments and schemas."""

    segments: SegmentReader
    schemas: SchemaReader


@dataclass(frozen=True, slots=True)
class WantedGroups:
    """Row groups of the segment with a rank, and the ids that they may contain."""

    rank: int
    groups: list[int]
    ids: pa.Array


@dataclass(frozen=True, slots=True)
class TableView:
    """A table's segments, oldest first, with their readers.

    Only versions of the commits after ``after`` and up to ``until`` (None: all) are in range;
    segments without any are left out.
    """

    table: str
    segments: Sequence[LiveSegment]
    reading: SegmentReaders
    after: int = 0
    until: int | None = None

    def __bool__(self) -> bool:
        return bool(self.segments)

    def sidecar(self, rank: int) -> Sidecar:
        """The sidecar of the segment with this rank."""
        return self.reading.segments.sidecar(self.segments[rank].entry)

    def read(self, rank: int, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Physical columns of row groups: all versions in them.

        ``_u_snap`` and ``_u_shape`` are available even if the segment does not store them.
        """
        entry, stored = self.segments[rank].entry, self._stored(rank, columns)
        rows = self.reading.segments.read(entry, groups=groups, columns=stored)
        return self._with_manifest_columns(rank, rows, columns)

    def read_keys(self, rank: int, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """A few narrow columns of row groups, in this thread only; ops come as dictionaries."""
        entry, stored = self.segments[rank].entry, self._stored(rank, columns)
        rows = self.reading.segments.read_keys(entry, groups=groups, columns=stored)
        return self._with_manifest_columns(rank, rows, columns)

    def names(self, rank: int, *, shape: int | None = None) -> dict[str, str]:
        """The physical columns of a segment, by the names of their source columns.

        With ``shape`` only the columns that its rows of this shape have.
        """
        label, present = self.reading.segments.facts(self.segments[rank].entry)
        if shape is not None and label.shapes:
            present = frozenset(label.shapes[shape].columns)
        known = self.reading.schemas.known(label.schema, self.table)
        named = ((name, physical(column.code)) for name, column in known.items())
        return {name: column for name, column in named if column in present}

    def stored(self, rank: int, names: Sequence[str]) -> list[str]:
        """The physical columns of a segment that ``named`` needs for these source columns."""
        present = self.names(rank)
        wanted = dict.fromkeys((*names, *(log.field_column for log in self._log_filters(names))))
        return [*(present[name] for name in wanted if name in present), U_BLOBS]

    def named(self, rank: int, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Source columns of rows of a segment, as the function ``named`` returns them.

        Hidden values of a change log are null.
        """
        present, filters = self.names(rank), self._log_filters(names)
        if not filters:
            return named(rows, names, present)
        fields = [log.field_column for log in filters]
        read = [name for name in fields if present.get(name) in rows.column_names]
        cells = named(rows, list(dict.fromkeys((*names, *read))), present)
        values = {name for log in filters for name in log.value_columns}
        # Without the value columns: else a hidden long text could be read through its blob.
        others = {name: column for name, column in present.items() if name not in values}
        for log in filters:
            cells = log.apply(cells, **{U_BLOBS: _by_name(rows.column(U_BLOBS), others)})
        return cells.select([*names, U_BLOBS])

    def _log_filters(self, names: Sequence[str]) -> list[LogFilter]:
        """The filters for hidden values in these columns, from every schema of the table's rows."""
        schemas = self.reading.schemas
        if not schemas.hidden:
            return []
        labels = [self.reading.segments.facts(live.entry)[0] for live in self.segments]
        shapes = [shape.schema for label in labels for shape in label.shapes]
        idents = {*shapes, *(label.schema for label in labels)}
        filters = schemas.log_filters(self.table, idents)
        return [log for log in filters if not set(names).isdisjoint(log.value_columns)]

    def unread(self, rank: int) -> tuple[frozenset[str], ...]:
        """The lost source columns, by shape: the schema has them and the rows do not."""
        label, _ = self.reading.segments.facts(self.segments[rank].entry)
        return tuple(self._unread(shape) for shape in label.shapes)

    def _unread(self, shape: SegmentShape) -> frozenset[str]:
        table = self.reading.schemas.table(shape.schema, self.table)
        known = self.reading.schemas.known(shape.schema, self.table)
        shown = (
            column
            for column in (table.columns if table else ())
            if column.kind is not WireKind.BINARY
        )
        had = frozenset(shape.columns)
        return frozenset(
            column.name for column in shown if physical(known[column.name].code) not in had
        )

    def repeats(self, rank: int) -> bool:
        """True if a segment may have an id several times, even across two of its row groups."""
        return self.segments[rank].merged or self.table in BARE_FIELDS

    def in_range(self, rank: int, rows: pa.Table) -> NDArray[np.bool_] | None:
        """True for the rows (with ``_u_snap``) of a segment that are in range; None if all are."""
        live = self.segments[rank]
        too_new = self.until is not None and live.last > self.until
        if not live.merged or (live.first > self.after and not too_new):
            return None
        # Only a merged segment can have rows out of range: the others belong to one commit.
        snaps = rows.column(U_SNAP).to_numpy()
        in_range = snaps > self.after
        return in_range if self.until is None else np.asarray(in_range & (snaps <= self.until))

    def _stored(self, rank: int, columns: Sequence[str]) -> list[str]:
        """The columns among these that the segment itself stores."""
        if not any(name in _CALLED for name in columns):
            return list(columns)
        live = self.segments[rank]
        present = self.reading.segments.facts(live.entry)[1] if live.merged else frozenset()
        return [name for name in columns if name not in _CALLED or name in present]

    def _with_manifest_columns(self, rank: int, rows: pa.Table, columns: Sequence[str]) -> pa.Table:
        """The rows with the columns that only the manifest has, in the order of ``columns``."""
        # A segment that was not merged has one commit and one shape, which it does not store.
        missing = [name for name in columns if name not in rows.column_names]
        for name in missing:
            number = self.segments[rank].last if name == U_SNAP else 0
            field = _CALLED[name]
            rows = rows.append_column(field, pa.repeat(pa.scalar(number, field.type), len(rows)))
        return rows.select(columns) if missing else rows

    def locate(self, ids: pa.Array) -> Iterator["WantedGroups"]:
        """The row groups that may contain any of these ids (sorted, unique)."""
        if not len(ids):
            return
        low, high = ids[0].as_py(), ids[-1].as_py()
        near = [
            rank
            for rank, live in enumerate(self.segments)
            if live.entry.max_id >= low and live.entry.min_id <= high
        ]
        hashes: NDArray[np.uint64] | None = None
        for rank, edges in zip(near, self._edges(ids, near), strict=True):
            first, count = int(edges[0]), int(edges[-1] - edges[0])
            inside = ids.slice(first, count)
            wanted_at = np.arange(count)
            # With many ids for each group, nearly every group is read anyway.
            if 0 < count <= _FILTER_PAYS * (len(edges) - 1):
                hashes = id_hashes(ids) if hashes is None else hashes
                may_be_there = may_hold(self.sidecar(rank).filter, hashes[first : first + count])
                wanted_at = np.flatnonzero(may_be_there)
            if len(wanted_at):
                groups = self._groups(rank, edges, ids, wanted_at + first)
                yield WantedGroups(rank, groups, inside.take(pa.array(wanted_at)))

    def _groups(
        self, rank: int, edges: NDArray[np.int64], ids: pa.Array, wanted_at: NDArray[np.int64]
    ) -> list[int]:
        """The row groups of a segment that may contain the ids at the places ``wanted_at``.

        In a merged segment, versions of the id that begins a group may be in the group before it.
        """
        groups = set(np.unique(np.searchsorted(edges, wanted_at, side="right") - 1).tolist())
        if self.segments[rank].merged:
            fences = self.sidecar(rank).fences
            begins = np.isin(edges[:-1], wanted_at)
            for group in np.flatnonzero(begins[1:]).tolist():
                if ids[int(edges[group + 1])].as_py() == fences[group + 1].first:
                    groups.add(group)
        return sorted(groups)

    def find(self, ids: pa.Array, columns: Iterable[str], *, cells: Sequence[str] = ()) -> pa.Table:
        """All versions of these ids (sorted, unique): physical columns, and the place of each row.

        ``_u_snap``, ``_rank``, ``_group`` and ``_at`` (row in the group) are added. Oldest first
        for each id; versions that another one of the same commit replaced are left out. With
        ``cells``, these source columns of all versions are read in the same pass, as the method of
        that name returns them: faster if they are few and narrow.
        """
        wanted = list(dict.fromkeys((U_ID, *columns, U_SNAP)))
        places = list(self.locate(ids))
        found_rows = spread(lambda place: self._versions_in(place, wanted, cells), places)
        parts = [part for part in found_rows if len(part)]
        if not parts:
            return _empty(wanted, cells)
        return self._in_order(pa.concat_tables(parts))

    def _versions_in(
        self, place: "WantedGroups", columns: Sequence[str], cells: Sequence[str]
    ) -> pa.Table:
        stored = self.stored(place.rank, cells) if cells else []
        rows = self.read_keys(place.rank, place.groups, [*columns, *stored])
        mask = pa.array(self._counting_places(place, rows))
        fences = self.sidecar(place.rank).fences
        versions = plain(rows.take(mask))
        if cells:
            named = self.named(place.rank, versions, cells)
            versions = _beside(versions.select(columns), named)
        return _placed(versions, mask, place, [fences[g].rows for g in place.groups])

    def _counting_places(self, place: "WantedGroups", rows: pa.Table) -> NDArray[np.int64]:
        """The places of the versions of the wanted ids that are in range."""
        stored_ids = rows.column(U_ID).combine_chunks()
        if not self.segments[place.rank].merged:
            return places_of(stored_ids, place.ids)
        places = all_places_of(stored_ids, place.ids)
        in_range = self.in_range(place.rank, rows)
        return places if in_range is None else places[in_range[places]]

    def _edges(self, ids: pa.Array, ranks: Sequence[int]) -> Iterator[NDArray[np.int64]]:
        """For each segment: the places in ``ids`` where row groups begin and the last one ends."""
        if len(ids) <= FEW:
            yield from self._edges_of_few(ids, ranks)
            return
        import polars as pl

        texts = pl.Series("id", pl.from_arrow(ids))
        fences = [[f.first for f in self.sidecar(rank).fences] for rank in ranks]
        firsts = pl.Series("first", [first for some in fences for first in some], pl.String)
        lasts = pl.Series("last", [self.segments[rank].entry.max_id for rank in ranks], pl.String)
        begins = texts.search_sorted(firsts, side="left").to_numpy().astype(np.int64)
        ends = texts.search_sorted(lasts, side="right").to_numpy().astype(np.int64)
        at = 0
        for some, end in zip(fences, ends, strict=True):
            yield np.append(begins[at : at + len(some)], end)
            at += len(some)

    def _edges_of_few(self, ids: pa.Array, ranks: Sequence[int]) -> Iterator[NDArray[np.int64]]:
        """As ``_edges``, without Polars: importing it takes longer than looking up a few ids."""
        texts: list[str] = ids.to_pylist()
        for rank in ranks:
            fences = self.sidecar(rank).fences
            places = [bisect_right(fences, text, key=attrgetter("first")) for text in texts]
            begins = np.cumsum(np.bincount(places, minlength=len(fences) + 1))[:-1]
            yield np.append(begins, bisect_right(texts, self.segments[rank].entry.max_id))

    def newest(self, ids: pa.Array, columns: Iterable[str]) -> pa.Table:
        """The newest version of each of these ids, as ``find`` returns it."""
        rows = self.find(ids, columns)
        return rows.filter(pa.array(last_of_each(rows.column(U_ID))))

    def _in_order(self, rows: pa.Table) -> pa.Table:
        rows = rows.take(
            pc.sort_indices(rows, sort_keys=[(U_ID, "ascending"), (RANK, "ascending")])
        )
        shown = shown_of_each(rows.column(U_ID), rows.column(U_SNAP).to_numpy())
        return rows if shown.all() else rows.filter(pa.array(shown))

    def cells(self, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Source columns of the versions that ``find`` returned, in their order, and ``_u_blobs``.

        A column that a version's segment does not have is null.
        """
        if not len(rows):
            fields = [pa.field(name, pa.string()) for name in (*names, U_BLOBS)]
            return pa.schema(fields).empty_table()
        groups = list(_by_group(rows))
        parts = list(spread(lambda group: self._read_at(group, names), groups))
        # The parts are in the order of groups: bring them back into the order of ``rows``.
        back = np.argsort(np.concatenate([group.rows for group in groups]), kind="stable")
        return pa.concat_tables(parts).combine_chunks().take(pa.array(back))

    def _read_at(self, group: "_GroupRows", names: Sequence[str]) -> pa.Table:
        """The wanted rows of one row group."""
        wanted = self.stored(group.rank, names)
        entry, stored = self.segments[group.rank].entry, self._stored(group.rank, wanted)
        rows = self.reading.segments.read_group(entry, group=group.group, columns=stored)
        group_rows = self._with_manifest_columns(group.rank, rows, wanted).take(pa.array(group.at))
        return self.named(group.rank, group_rows, names)


@dataclass(frozen=True, slots=True)
class _GroupRows:
    """Wanted rows of one row group: their places in it, and their places in the result."""

    rank: int
    group: int
    at: NDArray[np.int64]
    rows: NDArray[np.int64]


def _by_group(rows: pa.Table) -> Iterator[_GroupRows]:
    ranks, groups, at = (rows.column(name).to_numpy() for name in (RANK, GROUP, AT))
    order = np.lexsort((groups, ranks))
    ends = np.flatnonzero((np.diff(ranks[order]) != 0) | (np.diff(groups[order]) != 0)) + 1
    for rows_of_group in np.split(order, ends):
        yield _GroupRows(
            int(ranks[rows_of_group[0]]),
            int(groups[rows_of_group[0]]),
            at[rows_of_group],
            rows_of_group,
        )


def named(rows: pa.Table, names: Sequence[str], present: Mapping[str, str]) -> pa.Table:
    """Physical columns under their source names, null if absent, then ``_u_blobs``."""
    absent = pa.nulls(len(rows), pa.string())
    columns = [rows.column(present[name]) if name in present else absent for name in names]
    blobs = _by_name(rows.column(U_BLOBS), present)
    return pa.table([*columns, blobs], names=[*names, U_BLOBS])


def _by_name(blobs: pa.ChunkedArray, present: Mapping[str, str]) -> pa.ChunkedArray:
    """``_u_blobs`` with source names in place of physical ones; nearly always all null."""
    if blobs.null_count == len(blobs):
        return blobs
    names = {column: name for name, column in present.items()}
    cells = [
        None
        if cell is None
        else {
            names[code]: at
            for code, at in decoder_for(BlobCell).decode(cell).items()
            if code in names
        }
        for cell in blobs.to_pylist()
    ]
    texts = [None if cell is None else msgspec.json.encode(cell).decode() for cell in cells]
    return pa.chunked_array([pa.array(texts, pa.string())])


def last_of_each(ids: pa.Array | pa.ChunkedArray) -> NDArray[np.bool_]:
    """True at the last of each run of equal ids."""
    last = np.ones(len(ids), dtype=np.bool_)
    if len(ids) > 1:
        last[:-1] = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy(
            zero_copy_only=False
        )
    return last


def shown_of_each(ids: pa.Array | pa.ChunkedArray, snaps: NDArray[np.int64]) -> NDArray[np.bool_]:
    """False for versions that another one of the same commit replaced; rows by id and rank."""
    shown = last_of_each(ids)
    shown[:-1] |= snaps[1:] != snaps[:-1]
    return shown


def sorted_unique(ids: Iterable[str]) -> pa.Array:
    """Ids in the form that lookups expect: sorted by bytes, unique."""
    return pa.array(sorted(set(ids)), pa.string())


def plain(rows: pa.Table) -> pa.Table:
    """The rows with dictionary columns converted to text."""
    for number, field in enumerate(rows.schema):
        if pa.types.is_dictionary(field.type):
            plain = rows.column(number).cast(pa.string())
            rows = rows.set_column(number, pa.field(field.name, pa.string()), plain)
    return rows


def places_of(stored_ids: pa.Array, wanted: pa.Array) -> NDArray[np.int64]:
    """The places in ``stored_ids`` (sorted, unique) of its ids in ``wanted`` (sorted, unique)."""
    width = _width(stored_ids)
    if width and width == _width(wanted):
        texts, wanted_texts = _fixed(stored_ids, width), _fixed(wanted, width)
        at = np.searchsorted(texts, wanted_texts)
        there = at < len(texts)
        at, wanted_texts = at[there], wanted_texts[there]
        return np.asarray(at[texts[at] == wanted_texts], dtype=np.int64)
    mask = pc.is_in(stored_ids, value_set=wanted).to_numpy(zero_copy_only=False)
    return np.flatnonzero(mask)


def all_places_of(stored_ids: pa.Array, wanted: pa.Array) -> NDArray[np.int64]:
    """The places of ``wanted`` ids in ``stored_ids`` (sorted), which may repeat an id."""
    width = _width(stored_ids)
    if not width or width != _width(wanted):
        return places_of(stored_ids, wanted)
    texts, wanted_texts = _fixed(stored_ids, width), _fixed(wanted, width)
    starts = np.searchsorted(texts, wanted_texts, side="left")
    counts = np.searchsorted(texts, wanted_texts, side="right") - starts
    # The places of one id are consecutive: expand (start, count) to ranges without a loop.
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(counts.sum())


def same_width(texts: pa.Array) -> NDArray[np.bytes_] | None:
    """Texts as an array of bytes without a copy, if all have one length; else None."""
    return _fixed(texts, _width(texts)) if len(texts) and _width(texts) else None


def _width(texts: pa.Array) -> int:
    """The length in bytes if all texts have the same; else 0."""
    offsets = _offsets(texts)
    width = int(offsets[1] - offsets[0])
    return width if (np.diff(offsets) == width).all() else 0


def _offsets(texts: pa.Array) -> NDArray[np.int32]:
    offsets = np.frombuffer(texts.buffers()[1], dtype=np.int32)
    return offsets[texts.offset : texts.offset + len(texts) + 1]


def _fixed(texts: pa.Array, width: int) -> NDArray[np.bytes_]:
    """Texts of equal length, none null, as an array of bytes without a copy."""
    return np.frombuffer(
        texts.buffers()[2],
        dtype=f"S{width}",
        count=len(texts),
        offset=int(_offsets(texts)[0]),
    )


def _placed(rows: pa.Table, mask: pa.Array, place: WantedGroups, counts: Sequence[int]) -> pa.Table:
    starts = np.cumsum([0, *counts])
    at = mask.to_numpy()
    which = np.searchsorted(starts, at, side="right") - 1
    return (
        rows.append_column(RANK, pa.array(np.full(len(rows), place.rank, dtype=np.int32)))
        .append_column(GROUP, pa.array(np.asarray(place.groups, dtype=np.int32)[which]))
        .append_column(AT, pa.array((at - starts[which]).astype(np.int32)))
    )


def _beside(rows: pa.Table, other: pa.Table) -> pa.Table:
    """The columns of both tables, which have equal length."""
    names = [*rows.column_names, *other.column_names]
    return pa.table([*rows.columns, *other.columns], names=names)


def _empty(columns: Sequence[str], cells: Sequence[str] = ()) -> pa.Table:
    known = {field.name: field for field in (*SYSTEM_FIELDS, *MERGED_FIELDS)}
    names = [*columns, *cells, *([U_BLOBS] if cells else [])]
    fields = [known.get(name, pa.field(name, pa.string())) for name in names]
    fields += [pa.field(name, pa.int32()) for name in (RANK, GROUP, AT)]
    return pa.schema(fields).empty_table()
