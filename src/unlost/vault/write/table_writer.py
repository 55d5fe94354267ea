"""Writing a table's observations as segments: only versions, sorted, in bounded memory.

One writer serves one ``add``. It compares rows with the base, the snapshot at which the run began.
Before it drops an unchanged row, it checks that the run itself has not written another version of
the record. See docs/adr/0001.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.source.reading import Rows
from unlost.model.vault.snapshot import Counts, SegmentEntry
from unlost.vault.commits import version_rules
from unlost.vault.format.physical import (
    SYSTEM_FIELDS,
    U_BLOBS,
    U_ID,
    U_OP,
    U_PREV,
    U_ROW_HASH,
    physical,
)
from unlost.vault.format.rowhash import Hashes, as_array, row_hashes
from unlost.vault.format.words.tokens import Tokenizer
from unlost.vault.layout.parallel import start
from unlost.vault.layout.positions import positions
from unlost.vault.layout.segment_label import SegmentLabel, search_label
from unlost.vault.layout.write_budget import SEARCH_TOKENS, BufferLimit
from unlost.vault.read.assemble import (
    SourceColumns,
    assemble,
    hashes_of,
    newest_order,
    size_of,
    split,
)
from unlost.vault.read.big_cells import BigCells
from unlost.vault.read.commit_effect import compared
from unlost.vault.read.table_view import TableView, last_of_each

TOKEN_GROUP_ROWS = 4_096
KEYED_GROUP_ROWS = 2_048  # rows of change logs, which are read a few at a time


class SegmentOutput(Protocol):
    """The destination of segments."""

    def write(
        self, rows: pa.Table, *, label: SegmentLabel, group_rows: int | None = None
    ) -> SegmentEntry:
        """Write rows that are sorted by ``_u_id``, at least one."""
        ...


@dataclass(frozen=True, slots=True)
class RowComparison:
    """The views that rows are compared with: the base, and what the run has written before."""

    base: TableView
    written_before: Callable[[], TableView]


@dataclass(slots=True)
class TableWriter:
    """Writes rows of one table; ``segments`` and ``counts`` are complete when ``take`` returns."""

    columns: SourceColumns
    carry: Sequence[str]
    label: SegmentLabel
    out: SegmentOutput
    against: RowComparison
    limit: BufferLimit
    big: BigCells
    tokenizer: Tokenizer | None = None
    written: Callable[[SegmentEntry], None] = lambda _: None
    segments: list[SegmentEntry] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)
    _buffer: list[Rows] = field(default_factory=list)
    _buffered_bytes: int = 0
    _tokens: list[pa.Table] = field(default_factory=list)
    _token_count: int = 0
    _writing: Future[SegmentEntry] | None = None

    def take(self, stream: Iterable[Rows]) -> None:
        """Write all rows, as a segment whenever the buffer is full."""
        with self.limit.share():
            try:
                for rows in stream:
                    for piece in split(rows, most=self.limit.part()):
                        self._append(piece)
                self._flush()
                self._flush_tokens()
            finally:
                self._await_write()

    def _append(self, rows: Rows) -> None:
        if not len(rows):
            return
        size = size_of(rows)
        if self._buffered_bytes and self._buffered_bytes + size > self.limit.part():
            self._flush()
        self._buffer.append(rows)
        self._buffered_bytes += size

    def _flush(self) -> None:
        if not self._buffer:
            return
        rows = assemble(self._buffer, self.columns)
        self._buffer, self._buffered_bytes = [], 0
        self._write(rows)

    def _write(self, rows: pa.Table) -> None:
        order = newest_order(rows.column(U_ID).chunk(0))
        ids = rows.column(U_ID).chunk(0).take(order)
        ops = version_rules.ops_of(rows.column(U_OP).take(order))
        hashes, stored_rows = self._looked_up(rows, ids)
        rows, order, hashes = self._carried(rows, order, hashes[order.to_numpy()], ids)
        before, same = compared(stored_rows, ids, hashes)
        versions = version_rules.is_version(before, ops, same=same)
        contested = self._contested(ids, versions)
        versions |= contested & (before == version_rules.NONE)  # the run has written it before
        self._count(len(rows), before, ops, versions)
        # Contested rows are written though unchanged: they must win over the run's earlier version.
        positions_written = np.flatnonzero(versions | contested)
        if not len(positions_written):
            return
        chosen = rows.take(order.take(pa.array(positions_written)))
        previous = version_rules.previous_letters(
            before[positions_written], versions[positions_written]
        )
        self._put(chosen, hashes[positions_written], previous)

    def _count(
        self,
        seen: int,
        before: version_rules.Ops,
        ops: version_rules.Ops,
        versions: NDArray[np.bool_],
    ) -> None:
        change = version_rules.balance(before[versions], ops[versions])
        unchanged = len(ops) - int(np.count_nonzero(versions))
        self.counts += change.counts(seen=seen, unchanged=unchanged)

    def _looked_up(self, rows: pa.Table, ids: pa.Array) -> tuple[Hashes, pa.Table | None]:
        """The hashes of the rows, in their order, and the base's versions of these ids, if any."""
        if not self.against.base:
            return hashes_of(rows, self.columns), None
        # Hash on another thread while this one looks up the base.
        hashing = start(lambda: hashes_of(rows, self.columns))
        newest = self.against.base.newest(ids, (U_OP, U_ROW_HASH))
        return hashing.result(), newest

    def _contested(self, ids: pa.Array, versions: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """True for rows that are not versions, but whose record this run has written before."""
        contested = np.zeros(len(ids), dtype=np.bool_)
        if versions.all():
            return contested
        self._await_write()
        table_view = self.against.written_before()
        if table_view:
            dropped = np.flatnonzero(~versions)
            candidates = ids.take(pa.array(dropped))
            newest = table_view.newest(candidates, ())
            contested[dropped[positions(newest.column(U_ID), candidates)]] = True
        return contested

    def _carried(
        self, rows: pa.Table, order: pa.Array, hashes: Hashes, ids: pa.Array
    ) -> tuple[pa.Table, pa.Array, Hashes]:
        """The rows, sorted, with the last known values in the columns that are carried forward."""
        carry = [name for name in self.carry if name in self.columns.known]
        if not carry or not self.against.base:
            return rows, order, hashes
        stored_rows = self.against.base.find(ids, (U_OP,))
        stored_rows = last_with_cells(stored_rows)
        values = self.big.resolve(self.against.base.cells(stored_rows, carry), carry)
        source = np.full(len(ids), -1, dtype=np.int64)
        source[positions(stored_rows.column(U_ID), ids)] = np.arange(len(stored_rows))
        bare = pc.is_in(rows.column(U_OP).take(order), value_set=pa.array(("P", "M")))
        # P and M have no cells, so no value is carried into them.
        source[bare.to_numpy(zero_copy_only=False)] = -1
        pick = pa.array(source, mask=source < 0)
        rows = rows.take(order)
        for name in carry:
            column = values.column(name).combine_chunks().take(pick)
            hashed = self.columns.hashed(name)
            if hashed is not None:
                hashes = hashes + row_hashes([(hashed, column)], rows=len(ids))
            rows = rows.set_column(rows.column_names.index(name), name, column)
        return rows, pa.array(np.arange(len(ids))), hashes

    def _put(self, rows: pa.Table, hashes: Hashes, previous: pa.Array) -> None:
        whole = rows
        rows, blobs = self.big.lift(rows, self.columns)
        system = {
            U_PREV: previous,
            U_ROW_HASH: as_array(hashes),
            U_BLOBS: blobs,
        }
        head = [
            system[field.name] if field.name in system else rows.column(field.name)
            for field in SYSTEM_FIELDS
        ]
        cells = [rows.column(name) for name in self.columns.names]
        names = [physical(self.columns.known[name].code) for name in self.columns.names]
        fields = [*SYSTEM_FIELDS, *(pa.field(name, pa.string()) for name in names)]
        table = pa.table([*head, *cells], pa.schema(fields))
        self._await_write()
        keyed = self.tokenizer is not None and self.tokenizer.keys
        group = KEYED_GROUP_ROWS if keyed else None
        # One segment at a time is written in the background, which bounds the memory.
        self._writing = start(lambda: self.out.write(table, label=self.label, group_rows=group))
        if self.tokenizer is not None:
            self._add_tokens(self.tokenizer.tokens(whole))

    def _await_write(self) -> None:
        """Wait for the segment that is being written, if any."""
        writing, self._writing = self._writing, None
        if writing is not None:
            entry = writing.result()
            self.segments.append(entry)
            self.written(entry)

    def _add_tokens(self, tokens: pa.Table) -> None:
        self._tokens.append(tokens)
        self._token_count += len(tokens)
        if self._token_count > self.limit.part(SEARCH_TOKENS):
            self._flush_tokens()

    def _flush_tokens(self) -> None:
        tokens, self._tokens, self._token_count = self._tokens, [], 0
        if self.tokenizer is None or not any(len(part) for part in tokens):
            return
        rows = pa.concat_tables(tokens).combine_chunks()
        rows = rows.take(pc.sort_indices(rows.column(U_ID)))
        label = search_label(self.label)
        self.segments.append(self.out.write(rows, label=label, group_rows=TOKEN_GROUP_ROWS))


def last_with_cells(versions: pa.Table) -> pa.Table:
    """The last version of each id that has cells, given versions in the order of id and rank."""
    mask = pc.is_in(versions.column(U_OP), value_set=pa.array(version_rules.WITH_CELLS))
    whole = versions.filter(mask)
    return whole.filter(pa.array(last_of_each(whole.column(U_ID))))
