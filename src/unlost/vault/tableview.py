"""One table at one snapshot: finding the versions of given records, and reading their cells.

Of the versions that one commit brought for a record only that in the later segment counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.vault.format.physical import SYSTEM_FIELDS, U_BLOBS, U_ID, physical
from unlost.vault.format.rowhash import id_hashes
from unlost.vault.format.sidecar import Sidecar, may_hold
from unlost.vault.schemas import Schemas
from unlost.vault.segments import SegmentReader
from unlost.vault.state import LiveSegment

type BlobCell = dict[str, tuple[str, int]]
"""A cell of ``_u_blobs``: column → (blob, bytes)."""

RANK = "_rank"
GROUP = "_group"
AT = "_at"
_FILTER_PAYS = 4  # ids a row group up to which asking the filter is cheaper than reading


@dataclass(frozen=True, slots=True)
class Reading:
    """What reads the segments of an org."""

    segments: SegmentReader
    schemas: Schemas


@dataclass(frozen=True, slots=True)
class TableView:
    """A table's segments, oldest first, and what reads them."""

    table: str
    segments: Sequence[LiveSegment]
    reading: Reading

    def __bool__(self) -> bool:
        return bool(self.segments)

    def sidecar(self, rank: int) -> Sidecar:
        """The sidecar of the segment with this rank."""
        return self.reading.segments.sidecar(self.segments[rank].entry)

    def read(self, rank: int, groups: Sequence[int], columns: Sequence[str]) -> pa.Table:
        """Physical columns of row groups."""
        entry = self.segments[rank].entry
        return self.reading.segments.read(entry, groups=groups, columns=columns)

    def names(self, rank: int) -> dict[str, str]:
        """The physical columns of the source columns that a segment has, by name."""
        label, present = self.reading.segments.facts(self.segments[rank].entry)
        known = self.reading.schemas.known(label.schema, self.table)
        named = ((name, physical(column.code)) for name, column in known.items())
        return {name: column for name, column in named if column in present}

    def sequences(self) -> NDArray[np.int64]:
        """The commit number of each rank."""
        return np.array([live.seq for live in self.segments], dtype=np.int64)

    def locate(self, ids: pa.Array) -> Iterator[tuple[int, list[int]]]:
        """Rank and row groups that may hold any of these ids (sorted, unique)."""
        if not len(ids):
            return
        texts = pl.Series("id", pl.from_arrow(ids))
        low, high = ids[0].as_py(), ids[-1].as_py()
        hashes: NDArray[np.uint64] | None = None
        for rank, live in enumerate(self.segments):
            if live.entry.max_id < low or live.entry.min_id > high:
                continue
            car = self.sidecar(rank)
            edges = _edges(texts, car, live.entry.max_id)
            inside = int(edges[-1] - edges[0])
            if not inside:
                continue
            if inside <= _FILTER_PAYS * len(car.fences):
                if hashes is None:
                    hashes = id_hashes(ids)
                held = np.flatnonzero(may_hold(car.filter, hashes[edges[0] : edges[-1]]))
                counts = np.histogram(held + edges[0], bins=edges)[0] if len(held) else held
                groups = np.flatnonzero(counts).tolist()
            else:
                groups = np.flatnonzero(np.diff(edges)).tolist()
            if groups:
                yield rank, groups

    def find(self, ids: pa.Array, columns: Iterable[str]) -> pa.Table:
        """All versions of these ids (sorted, unique): physical columns, and where each row lies.

        ``_rank``, ``_group`` and ``_at`` (row in the group) are added. In the order of id and rank;
        versions that another of the same commit replaced are left out.
        """
        wanted = list(dict.fromkeys((U_ID, *columns)))
        parts = []
        for rank, groups in self.locate(ids):
            rows = self.read(rank, groups, wanted)
            mask = pc.is_in(rows.column(U_ID), value_set=ids)
            kept = pa.array(np.flatnonzero(mask.to_numpy()))
            if len(kept):
                parts.append(_placed(rows.take(kept), kept, rank, groups, self.sidecar(rank)))
        if not parts:
            return _empty(wanted)
        return self._in_order(pa.concat_tables(parts))

    def newest(self, ids: pa.Array, columns: Iterable[str]) -> pa.Table:
        """The newest version of each of these ids, as ``find`` gives it."""
        rows = self.find(ids, columns)
        return rows.filter(pa.array(last_of_each(rows.column(U_ID))))

    def _in_order(self, rows: pa.Table) -> pa.Table:
        rows = rows.take(
            pc.sort_indices(rows, sort_keys=[(U_ID, "ascending"), (RANK, "ascending")])
        )
        commits = self.sequences()[rows.column(RANK).to_numpy()]
        replaced = np.zeros(len(rows), dtype=np.bool_)
        replaced[:-1] = ~last_of_each(rows.column(U_ID))[:-1] & (commits[1:] == commits[:-1])
        return rows.filter(pa.array(~replaced)) if replaced.any() else rows

    def cells(self, rows: pa.Table, names: Sequence[str]) -> pa.Table:
        """Source columns of the versions that ``find`` gave, in their order, and ``_u_blobs``.

        A column that a version's segment does not have is null.
        """
        places = pl.DataFrame(
            {
                "rank": rows.column(RANK).to_numpy(),
                "group": rows.column(GROUP).to_numpy(),
                "at": rows.column(AT).to_numpy(),
            }
        ).with_row_index("row")
        parts, order = [], []
        for (rank, group), lying in places.group_by(["rank", "group"], maintain_order=True):
            part = self._read_named(int(str(rank)), [int(str(group))], names)
            parts.append(part.take(pa.array(lying.get_column("at").to_numpy())))
            order.append(lying.get_column("row").to_numpy())
        if not parts:
            fields = [pa.field(name, pa.string()) for name in (*names, U_BLOBS)]
            return pa.schema(fields).empty_table()
        back = np.argsort(np.concatenate(order), kind="stable")
        return pa.concat_tables(parts).combine_chunks().take(pa.array(back))

    def _read_named(self, rank: int, groups: Sequence[int], names: Sequence[str]) -> pa.Table:
        present = self.names(rank)
        wanted = [present[name] for name in names if name in present]
        rows = self.read(rank, groups, [*wanted, U_BLOBS])
        return named(rows, names, present)


def named(rows: pa.Table, names: Sequence[str], present: Mapping[str, str]) -> pa.Table:
    """Physical columns under their source names, nulls for those not present, then ``_u_blobs``."""
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
        else {names[code]: blob for code, blob in msgspec.json.decode(cell, type=BlobCell).items()}
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


def sorted_unique(ids: Iterable[str]) -> pa.Array:
    """Ids as the lookups take them."""
    return pa.array(sorted(set(ids), key=str.encode), pa.string())


def _edges(texts: pl.Series, car: Sidecar, max_id: str) -> NDArray[np.int64]:
    """Where in the ids each row group begins, and where the last one ends."""
    firsts = pl.Series("first", [fence.first for fence in car.fences])
    begin = texts.search_sorted(firsts, side="left").to_numpy()
    end = texts.search_sorted(pl.Series([max_id]), side="right").to_numpy()
    return np.concatenate((begin, end)).astype(np.int64)


def _placed(
    rows: pa.Table, kept: pa.Array, rank: int, groups: Sequence[int], car: Sidecar
) -> pa.Table:
    starts = np.cumsum([0, *(car.fences[group].rows for group in groups)])
    at = kept.to_numpy()
    which = np.searchsorted(starts, at, side="right") - 1
    return (
        rows.append_column(RANK, pa.array(np.full(len(rows), rank, dtype=np.int32)))
        .append_column(GROUP, pa.array(np.asarray(groups, dtype=np.int32)[which]))
        .append_column(AT, pa.array((at - starts[which]).astype(np.int32)))
    )


def _empty(columns: Sequence[str]) -> pa.Table:
    types = {field.name: field.type for field in SYSTEM_FIELDS}
    fields = [pa.field(name, types.get(name, pa.string())) for name in columns]
    fields += [pa.field(name, pa.int32()) for name in (RANK, GROUP, AT)]
    return pa.schema(fields).empty_table()
