"""Reading a whole table in the order of its ids, from segments whose ranges overlap.

The ids of the table are cut into ranges of bounded size at the fences of the sidecars. A fence is
the first id of a row group. For each range, the row groups that reach into it are read:

    ids          a ─────────── g ─────────── n ─────────── z
    ranges       │  range 1    │  range 2    │  range 3    │
    segment 1    │ group 0 │   group 1   │  group 2        │
    segment 2    │      group 0     │       group 1        │

Groups that reach into the next range stay in a bounded cache (``GroupCache``). So disjoint segments
are read once and never sorted, and memory does not depend on the size of the table. All versions of
a record are in one range. See docs/adr/0020.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import U_ID, U_OP, U_SNAP
from unlost.vault.read.table_view import RANK, TableView, last_of_each

type ColumnsOf = Callable[[int], Sequence[str]]
"""The physical columns to read of the segment of a rank."""

RANGE_ROWS = 32_768
RANGE_BYTES = 16 << 20
NARROW_ROWS, NARROW_BYTES = RANGE_ROWS * 4, RANGE_BYTES * 8
CACHE_BYTES = 160 << 20


@dataclass(frozen=True, slots=True)
class MergeRange:
    """The ids from ``low`` on and below ``high`` (None: no end)."""

    low: str
    high: str | None


def cut(view: TableView, *, narrow: bool = False) -> list[MergeRange]:
    """The ranges of a table, in order, each of a bounded number of rows and bytes.

    ``narrow``: only a few columns will be read, so that a range may have more rows.
    """
    if narrow:
        return cut_at(view, rows=NARROW_ROWS, size=NARROW_BYTES)
    return cut_at(view, rows=RANGE_ROWS, size=RANGE_BYTES)


def cut_at(view: TableView, *, rows: int, size: int) -> list[MergeRange]:
    """The ranges of a table, with about ``rows`` versions and ``size`` bytes of text at most."""
    fences = sorted(
        (fence.first, fence.rows, fence.bytes)
        for rank in range(len(view.segments))
        for fence in view.sidecar(rank).fences
    )
    edges: list[str] = []
    range_rows = range_bytes = 0
    for first, count, width in fences:
        full = range_rows + count > rows or range_bytes + width > size
        # Groups that begin with the same id are not parted: a record's versions stay in one range.
        if not edges or (full and first != edges[-1]):
            edges.append(first)
            range_rows = range_bytes = 0
        range_rows += count
        range_bytes += width
    highs: list[str | None] = [*edges[1:], None]
    return [MergeRange(low, high) for low, high in zip(edges, highs, strict=False)]


class GroupCache:
    """Row groups that reach beyond a range, in bounded memory. For one thread.

    Ranges read the same groups in turn, so a cached group stays until its last use; a group that
    does not fit is read again.
    """

    def __init__(self, view: TableView, columns: ColumnsOf, *, most: int) -> None:
        self._view = view
        self._columns = columns
        self._most = most
        self._groups: dict[tuple[int, int], pa.Table] = {}
        self._bytes = 0

    def get(self, rank: int, group: int, *, keep: bool) -> pa.Table:
        """A row group; cached for later if ``keep`` and there is space, else released."""
        rows = self._groups.get((rank, group))
        if rows is None:
            rows = self._view.read(rank, [group], self._columns(rank)).combine_chunks()
            if keep and self._bytes + rows.nbytes <= self._most:
                self._groups[rank, group] = rows
                self._bytes += rows.nbytes
        elif not keep:
            del self._groups[rank, group]
            self._bytes -= rows.nbytes
        return rows


class RangeReader:
    """Reads the rows of ranges: all versions in range, with ``_u_snap``, by rank."""

    def __init__(self, view: TableView, columns: ColumnsOf, *, cache: int | None = None) -> None:
        self._view = view
        self._cache = GroupCache(
            view,
            lambda rank: list(dict.fromkeys((*columns(rank), U_SNAP))),
            most=CACHE_BYTES if cache is None else cache,
        )

    def read(self, id_range: MergeRange) -> Iterator[tuple[int, pa.Table]]:
        """The rows of a range, by rank, each part sorted by id and then by age."""
        for rank in range(len(self._view.segments)):
            yield from self._of_segment(rank, id_range)

    def _of_segment(self, rank: int, id_range: MergeRange) -> Iterator[tuple[int, pa.Table]]:
        parts = []
        for group, reaches_on in groups_in(self._view, rank, id_range):
            rows = self._cache.get(rank, group, keep=reaches_on)
            parts.append(self._in_range(rank, between(rows, id_range)))
        parts = [part for part in parts if len(part)]
        if parts:
            yield rank, pa.concat_tables(parts)

    def _in_range(self, rank: int, rows: pa.Table) -> pa.Table:
        in_range = self._view.in_range(rank, rows)
        return rows if in_range is None else rows.filter(pa.array(in_range))


def groups_in(view: TableView, rank: int, id_range: MergeRange) -> Iterator[tuple[int, bool]]:
    """The row groups of a segment that reach into a range; True if a group reaches beyond it."""
    entry, repeats = view.segments[rank].entry, view.repeats(rank)
    if entry.max_id < id_range.low or (id_range.high is not None and entry.min_id >= id_range.high):
        return
    fences = view.sidecar(rank).fences
    ends = [fence.first for fence in fences[1:]] + [None]
    for group, (fence, end) in enumerate(zip(fences, ends, strict=True)):
        if id_range.high is not None and fence.first >= id_range.high:
            return
        # If ids repeat, the group before may end with versions of the id that begins the next one.
        if end is None or end > id_range.low or (end == id_range.low and repeats):
            yield (
                group,
                id_range.high is not None
                and (
                    # Else the last group of each segment would stay cached for no later range.
                    entry.max_id >= id_range.high
                    if end is None
                    else end > id_range.high or (end == id_range.high and repeats)
                ),
            )


def key_rows(view: TableView, columns: Sequence[str]) -> Iterator[pa.Table]:
    """All versions of the table by ranges, oldest first for each id: narrow columns, ``_rank``.

    ``_u_snap`` is among them. Versions that another one of the same commit replaced are included.
    """
    wanted = list(dict.fromkeys((U_ID, *columns)))
    reader = RangeReader(view, lambda _: wanted)
    for id_range in cut(view, narrow=True):
        parts = [ranked(rows, rank) for rank, rows in reader.read(id_range)]
        if parts:
            yield in_id_order(pa.concat_tables(parts), several=len(parts) > 1)


def ranked(rows: pa.Table, rank: int) -> pa.Table:
    """The rows with the rank of their segment."""
    return rows.append_column(RANK, pa.array(np.full(len(rows), rank, dtype=np.int32)))


def in_id_order(rows: pa.Table, *, several: bool) -> pa.Table:
    """The rows in the order of id and rank; a single part is in this order already."""
    if not several:
        return rows
    return rows.take(pc.sort_indices(rows, sort_keys=[(U_ID, "ascending"), (RANK, "ascending")]))


def live_rows(rows: pa.Table) -> pa.Table:
    """The newest row of each id, if it is alive, in the order of id; ``rows`` may be in any order.

    Wide columns are copied once, and not at all if no row has to move.
    """
    keys = rows.select([U_ID, RANK])
    order = pc.sort_indices(keys, sort_keys=[(U_ID, "ascending"), (RANK, "ascending")])
    alive = pc.equal(rows.column(U_OP), "U").to_numpy()[order.to_numpy()]
    chosen = order.to_numpy()[last_of_each(keys.column(U_ID).take(order)) & alive]
    if len(chosen) == len(rows) and (np.diff(chosen.astype(np.int64)) == 1).all():
        return rows
    return rows.take(pa.array(chosen))


def newest_of_each(rows: pa.Table) -> pa.Table:
    """The newest version of each id, given rows in the order of id and rank."""
    mask = last_of_each(rows.column(U_ID))
    return rows if mask.all() else rows.filter(pa.array(mask))


def between(rows: pa.Table, id_range: MergeRange) -> pa.Table:
    """The rows of a range, given rows in the order of their ids."""
    ids = rows.column(U_ID)
    start = _bisect(ids, id_range.low)
    end = len(ids) if id_range.high is None else _bisect(ids, id_range.high)
    return rows.slice(start, end - start)


def _bisect(ids: pa.ChunkedArray, wanted: str) -> int:
    """The first place whose id is not below ``wanted``."""
    low, high = 0, len(ids)
    while low < high:
        middle = (low + high) // 2
        if ids[middle].as_py() < wanted:
            low = middle + 1
        else:
            high = middle
    return low
