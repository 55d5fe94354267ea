"""Reading a table for other programs: only the requested columns, of a range of ids.

Row groups are read and decrypted column by column, so that other columns cost nothing. For few
columns, large ranges are read in parallel; for many, one after the other, the next one while the
caller uses the last. See docs/adr/0021.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.vault.snapshot import EVERY_ID, IdSpan
from unlost.vault.commits import version_rules
from unlost.vault.format.physical import (
    READ_FIELDS,
    U_BLOBS,
    U_ID,
    U_OP,
    U_ROW_HASH,
    U_SNAP,
    U_VALID_TO,
    VALID_TO_FIELD,
)
from unlost.vault.format.rowhash import from_array
from unlost.vault.layout.parallel import spread, start
from unlost.vault.read.big_cells import LoadBlobs, blob_bytes, resolve
from unlost.vault.read.merge import MergeRange, RangeReader, between, cut, cut_at, groups_in
from unlost.vault.read.table_view import TableView, last_of_each, plain, same_width

type Pick = Callable[[pa.Table, NDArray[np.int64]], pa.Table]
"""Choose the rows to return, given the order that sorts them by id and age."""

READ_COLUMNS = {field.name: field for field in (*READ_FIELDS, VALID_TO_FIELD)}
_NARROW = 4  # a read of at most a fourth of a table's columns is narrow
_SPAN_BYTES = 1 << 40


@dataclass(frozen=True, slots=True)
class TableScan:
    """A read of a table: ``columns`` are system columns or source columns, in any order."""

    view: TableView
    columns: tuple[str, ...]
    load: LoadBlobs
    within: IdSpan = EVERY_ID

    @property
    def schema(self) -> pa.Schema:
        """The result's columns; source columns are text."""
        return pa.schema(
            [READ_COLUMNS.get(name, pa.field(name, pa.string())) for name in self.columns]
        )

    @property
    def names(self) -> list[str]:
        """The source columns among the columns."""
        return [name for name in self.columns if name not in READ_COLUMNS]

    def live(self) -> pa.RecordBatchReader:
        """Records that are alive."""
        return self._reader(_live, ())

    def newest(self) -> pa.RecordBatchReader:
        """The newest version of each record, alive or not."""
        return self._reader(_newest, ())

    def versions(self) -> pa.RecordBatchReader:
        """All versions, by id and age."""
        return self._reader(_versions, (U_ROW_HASH,))

    def _reader(self, pick: Pick, beside: Sequence[str]) -> pa.RecordBatchReader:
        return pa.RecordBatchReader.from_batches(self.schema, self._batches(pick, beside))

    def _batches(self, pick: Pick, beside: Sequence[str]) -> Iterator[pa.RecordBatch]:
        narrow = self._is_narrow()
        id_ranges = list(_inside(cut(self.view, narrow=narrow), self.within))
        for rows in self._rows(id_ranges, pick, beside, narrow=narrow):
            for part in blob_bytes(rows) if self.names else (rows,):
                filled = resolve(part, self.names, self.load) if self.names else part
                yield from filled.select(list(self.columns)).cast(self.schema).to_batches()

    def _rows(
        self, id_ranges: Sequence[MergeRange], pick: Pick, beside: Sequence[str], *, narrow: bool
    ) -> Iterator[pa.Table]:
        def chosen(parts: list[pa.Table]) -> pa.Table | None:
            if not parts:
                return None
            rows = pa.concat_tables(parts)
            picked = pick(rows, by_id_and_age(rows.column(U_ID), runs=len(parts)))
            return picked if len(picked) else None

        if narrow:
            batches = spread(
                lambda id_range: chosen(self._narrow_parts(id_range, beside)), id_ranges
            )
        else:
            reader = RangeReader(self.view, lambda rank: self._stored(rank, beside))
            batches = _prefetched(
                lambda id_range: chosen(self._wide_parts(reader, id_range)), id_ranges
            )
        return (rows for rows in batches if rows is not None)

    def _narrow_parts(self, id_range: MergeRange, beside: Sequence[str]) -> list[pa.Table]:
        """The rows of a range, of commits in range, segment by segment, oldest first."""
        parts = []
        for rank in range(len(self.view.segments)):
            groups = [group for group, _ in groups_in(self.view, rank, id_range)]
            if groups:
                wanted = list(dict.fromkeys((*self._stored(rank, beside), U_SNAP)))
                rows = between(self.view.read_keys(rank, groups, wanted), id_range)
                in_range = self.view.in_range(rank, rows)
                rows = rows if in_range is None else rows.filter(pa.array(in_range))
                parts.append(self._named(plain(rows), rank))
        return [part for part in parts if len(part)]

    def _wide_parts(self, reader: RangeReader, id_range: MergeRange) -> list[pa.Table]:
        return [self._named(rows, rank) for rank, rows in reader.read(id_range)]

    def _stored(self, rank: int, beside: Sequence[str]) -> list[str]:
        """The physical columns to read of a segment."""
        cells = self.view.stored(rank, self.names) if self.names else []
        system = [name for name in self.columns if name in READ_COLUMNS and name != U_VALID_TO]
        return list(dict.fromkeys((U_ID, U_OP, *beside, *system, *cells)))

    def _named(self, rows: pa.Table, rank: int) -> pa.Table:
        """Physical columns under their source names."""
        head = [name for name in rows.column_names if name.startswith("_u_") and name != U_BLOBS]
        columns, names = [rows.column(name) for name in head], head
        if self.names:
            cells = self.view.named(rank, rows, self.names)
            columns, names = [*columns, *cells.columns], [*head, *cells.column_names]
        return pa.table(columns, names=names)

    def _is_narrow(self) -> bool:
        """True if so few columns are read that a range may have many rows."""
        ranks = range(len(self.view.segments))
        width = max((len(self.view.names(rank)) for rank in ranks), default=0)
        return len(self.names) * _NARROW <= width


def spans(view: TableView, *, rows: int) -> list[IdSpan]:
    """Ranges of ids with about ``rows`` versions each, the first and the last without an end."""
    lows = [id_range.low for id_range in cut_at(view, rows=rows, size=_SPAN_BYTES)][1:]
    return [IdSpan(low, high) for low, high in zip(["", *lows], [*lows, None], strict=True)]


def _inside(id_ranges: Sequence[MergeRange], within: IdSpan) -> Iterator[MergeRange]:
    """The parts of the ranges that are within another one."""
    for id_range in id_ranges:
        low = max(id_range.low, within.low)
        highs = [high for high in (id_range.high, within.high) if high is not None]
        high = min(highs, default=None)
        if high is None or low < high:
            yield MergeRange(low, high)


def _prefetched[A, T](call: Callable[[A], T], items: Sequence[A]) -> Iterator[T]:
    """The results of a call in order; the next is computed while the caller uses the last."""
    waiting: Future[T] | None = None
    try:
        for item in items:
            before, waiting = waiting, start(partial(call, item))
            if before is not None:
                yield before.result()
        if waiting is not None:
            last, waiting = waiting, None
            yield last.result()
    finally:
        # A running call cannot be cancelled: wait until it no longer uses the readers.
        if waiting is not None and not waiting.cancel():
            waiting.exception()


def by_id_and_age(ids: pa.ChunkedArray, *, runs: int) -> NDArray[np.int64]:
    """The order that sorts rows by id; rows of one id keep their order.

    ``runs``: the number of sorted runs that the rows consist of. Ids of one width are sorted by a
    stable sort, which is fast on runs that are sorted already.
    """
    if runs == 1:
        return np.arange(len(ids))
    id_array = ids.combine_chunks()
    fixed = same_width(id_array)
    if fixed is not None:
        return np.argsort(fixed, kind="stable")
    keys = pa.table({"id": id_array, "at": np.arange(len(id_array))})
    order = pc.sort_indices(keys, sort_keys=[("id", "ascending"), ("at", "ascending")])
    return np.asarray(order.to_numpy(), dtype=np.int64)


def _live(rows: pa.Table, order: NDArray[np.int64]) -> pa.Table:
    alive = _numpy(pc.equal(rows.column(U_OP), "U"))[order]
    return _taken(rows, order[_last(rows, order) & alive])


def _newest(rows: pa.Table, order: NDArray[np.int64]) -> pa.Table:
    return _taken(rows, order[_last(rows, order)])


def _versions(rows: pa.Table, order: NDArray[np.int64]) -> pa.Table:
    snaps = rows.column(U_SNAP).to_numpy()[order]
    # Of several versions that one commit added for a record, only the last one counts.
    shown = _last(rows, order)
    shown[:-1] |= snaps[1:] != snaps[:-1]
    order = order[shown]
    last = _last(rows, order)
    are_shown = are_versions(
        version_rules.ops_of(rows.column(U_OP))[order],
        from_array(rows.column(U_ROW_HASH))[order],
        first=np.concatenate(([True], last[:-1])),
    )
    order = order[are_shown]
    snaps, last = rows.column(U_SNAP).to_numpy()[order], _last(rows, order)
    ends = pa.array(np.append(snaps[1:], 0)[: len(order)], mask=last)
    return _taken(rows, order).append_column(VALID_TO_FIELD, ends)


def are_versions(
    ops: version_rules.Ops, hashes: NDArray[np.uint64], *, first: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """True for rows that are versions, each compared with the last version: the rules, by column.

    Rows are in the order of id and age; ``first`` marks the oldest of each id. Of successive
    states, each one that differs is a version. Of successive tombstones, the first is one, the first
    A, and the first D after P or M and before an A; if nothing was before, P and M are none.
    """
    if not len(ops):
        return first
    alive = ops == version_rules.U
    begins = first | np.append(True, alive[1:] != alive[:-1])
    same = np.append(False, (hashes[1:] == hashes[:-1]).all(axis=1))
    run = np.cumsum(begins) - 1
    from_nothing = (first & begins)[np.flatnonzero(begins)][run]
    bare = (ops == version_rules.P) | (ops == version_rules.M)
    opens = ~alive & np.where(from_nothing, ~bare, begins)
    opened = _first_of(run, opens)
    archives = ops == version_rules.A
    archived = _first_of(run, archives)
    so_far = np.cumsum(archives)
    before_run = (so_far - archives)[np.flatnonzero(begins)][run]
    wakes = _first_of(
        run,
        (ops == version_rules.D)
        & (so_far == before_run)
        & ~from_nothing
        & bare[np.flatnonzero(begins)][run],
    )
    return np.asarray((alive & (begins | ~same)) | opened | archived | wakes)


def _first_of(run: NDArray[np.int64], marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The first marked row in each run."""
    places = np.flatnonzero(marked)
    _, firsts = np.unique(run[places], return_index=True)
    marked_first = np.zeros(len(marked), dtype=np.bool_)
    marked_first[places[firsts]] = True
    return marked_first


def _last(rows: pa.Table, order: NDArray[np.int64]) -> NDArray[np.bool_]:
    """True at the last row of each id, in this order."""
    ids = rows.column(U_ID).combine_chunks()
    fixed = same_width(ids)
    if fixed is None:
        return last_of_each(ids.take(pa.array(order)))
    last = np.ones(len(order), dtype=np.bool_)
    ordered_ids = fixed[order]
    last[:-1] = np.asarray(ordered_ids[1:] != ordered_ids[:-1])
    return last


def _taken(rows: pa.Table, chosen: NDArray[np.int64]) -> pa.Table:
    """Rows at these places; wide columns are copied only if a row has to move."""
    if len(chosen) == len(rows) and (np.diff(chosen) == 1).all():
        return rows
    return rows.take(pa.array(chosen))


def _numpy(mask: pa.ChunkedArray) -> NDArray[np.bool_]:
    return np.asarray(mask.to_numpy(), dtype=np.bool_)
