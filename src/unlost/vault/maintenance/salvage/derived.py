"""``$search`` and ``$changes``: rebuild lost parts from the records."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import (
    BARE_FIELDS,
    CHANGES,
    SEARCH,
    SEPARATOR,
    U_ID,
    U_OP,
    U_PREV,
    U_SNAP,
    is_system,
)
from unlost.vault.format.words.token_rules import VERSION
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.rewrite.affected_segments import (
    Pause,
    RowsToRemove,
    rewrite_bare_table,
)
from unlost.vault.maintenance.rewrite.bare import sorted_parts
from unlost.vault.maintenance.rewrite.row_words import RowWords
from unlost.vault.maintenance.salvage.chunks import (
    RemainingChunks,
    open_remaining,
    sidecar_of,
    span_of_ids,
)
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.big_cells import LoadBlobs
from unlost.vault.read.change_index import change_rows
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.write.table_writer import TOKEN_GROUP_ROWS

type Within = tuple[str, str]
"""Ids from the first to the last, both of them too."""


@dataclass(frozen=True, slots=True)
class RebuiltTable:
    """Rebuilds derived tables; ``after``: the state with all records after the salvage."""

    org_vault: OrgVault
    after: LiveState
    out: SegmentWriter
    load: LoadBlobs
    pause: Pause

    def words(self, live: LiveSegment) -> ReplacedSegments:
        """Rewrite a damaged segment of ``$search``: the readable rest, and lost words rebuilt."""
        reach = CommitRange(live.first, live.last)
        segment_entries, lost = self._left_of(live, reach)
        label = SegmentLabel(SEARCH, self._schema(), self.after.seq, tokenizer=VERSION)
        word_rows = (_inside(rows, lost) for rows in self._all_words()) if lost else ()
        new = [
            self._written(rows, label, reach)
            for rows in sorted_parts(word_rows, BARE_FIELDS[SEARCH])
        ]
        return ReplacedSegments((live.entry,), (*segment_entries, *new))

    def changes(self, tables: Iterable[str], *, damaged: bool) -> Iterator[ReplacedSegments]:
        """Rebuild ``$changes`` for these tables, or for all if it is ``damaged`` itself."""
        segments = self.after.of(CHANGES, until=self.after.seq)
        wanted = {table for table in self.after.segments if not is_system(table)}
        if damaged:
            yield ReplacedSegments(tuple(live.entry for live in segments), ())
        else:
            wanted &= set(tables)
            yield from rewrite_bare_table(
                self.org_vault,
                self.out,
                self.after,
                CHANGES,
                to_remove=_of_tables(tables),
                pause=self.pause,
            )
        label = SegmentLabel(CHANGES, SYSTEM_SCHEMA, self.after.seq)
        row_parts = (rows for table in sorted(wanted) for rows in self._change_rows(table))
        for rows in sorted_parts(row_parts, BARE_FIELDS[CHANGES]):
            yield ReplacedSegments((), (self._written(rows, label, None),))

    def _written(
        self, rows: pa.Table, label: SegmentLabel, reach: CommitRange | None
    ) -> SegmentEntry:
        stream = self.out.stream(label, group_rows=TOKEN_GROUP_ROWS, reach=reach)
        stream.append(rows)
        return stream.close()

    def _schema(self) -> str:
        return self.org_vault.chain.manifest(self.after.seq)[0].schema

    def _left_of(
        self, live: LiveSegment, reach: CommitRange
    ) -> tuple[tuple[SegmentEntry, ...], list[Within]]:
        """Rewrite the rest of a segment; returns it and the id ranges of lost row groups."""
        entry, sidecar = live.entry, sidecar_of(self.org_vault, live)
        with open_remaining(self.org_vault, live) as chunks:
            if chunks is None:
                return (), [(entry.min_id, entry.max_id)]
            stream = self.out.stream(chunks.label, group_rows=TOKEN_GROUP_ROWS, reach=reach)
            lost: list[Within] = []
            for number in range(len(chunks.spans)):
                self.pause()
                rows = whole_rows(chunks, number)
                if rows is None:
                    lost.append(span_of_ids(sidecar, live, number))
                else:
                    stream.append(rows)
            return ((stream.close(),) if stream.rows else ()), lost

    def _all_words(self) -> Iterator[pa.Table]:
        """Iterate over the words of all rows that ever had words."""
        words = RowWords(self.org_vault, self.load, newest=self._schema(), pause=self.pause)
        return words.of_tables(self.after, shapes=lambda shape: shape.tokenizer > 0)

    def _change_rows(self, table: str) -> Iterator[pa.Table]:
        """Build the rows of merged commits, except the table's first commit."""
        live_segments = self.after.segments.get(table, {}).values()
        first = min((live.first for live in live_segments), default=0)
        for live in live_segments:
            if live.first == live.last:
                continue
            view = TableView(table, [live], self.org_vault.reading)
            for group in range(len(view.sidecar(0).fences)):
                self.pause()
                rows = view.read(0, [group], (U_ID, U_OP, U_PREV, U_SNAP))
                yield change_rows(table, rows.filter(pc.greater(rows.column(U_SNAP), first)))


def whole_rows(chunks: RemainingChunks, number: int) -> pa.Table | None:
    """Read a row group of a bare table; None if any column is lost."""
    fields = BARE_FIELDS[chunks.live.entry.table]
    columns = [chunks.read(chunks.spans[number], field.name) for field in fields]
    if any(column is None for column in columns):
        return None
    return pa.table(columns, schema=pa.schema(fields))


def _inside(rows: pa.Table, spans: Sequence[Within]) -> pa.Table:
    ids = rows.column(U_ID).cast(pa.binary())
    mask = pa.array([False] * len(rows), pa.bool_())
    for low, high in spans:
        least, most = (pa.scalar(text.encode(), pa.binary()) for text in (low, high))
        is_inside = pc.and_(pc.greater_equal(ids, least), pc.less_equal(ids, most))
        mask = pc.or_(mask, is_inside.combine_chunks())
    return rows.filter(mask)


def _of_tables(tables: Iterable[str]) -> RowsToRemove:
    """Select the rows of ``$changes`` about these tables."""
    begins = [table + SEPARATOR for table in sorted(tables)]

    def to_remove(rows: pa.Table) -> pa.Array:
        ids, goes = rows.column(U_ID), pa.array([False] * len(rows), pa.bool_())
        for begin in begins:
            goes = pc.or_(goes, pc.starts_with(ids, begin).combine_chunks())
        return goes

    return to_remove
