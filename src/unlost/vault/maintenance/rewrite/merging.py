"""Merge of segments into few segments with disjoint id ranges, in bounded memory.

The ids are cut into ranges that fit into memory. For each range, the row groups of all segments
that may contain its ids are read, sorted by id and age, and appended to the current output segment:

    segments   [a ... m]   [c ..... z]   [a .. z]
    ranges      a-f | g-m | n-t | u-z
    output     [a ....... m] [n ....... z]

While a range is written, the next one is read. If more than ``AT_ONCE`` segments overlap, groups of
them are merged first; these intermediate segments are in ``between``. See docs/adr/0020.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import BARE_FIELDS, SEARCH, U_SHAPE, U_SNAP
from unlost.vault.layout.parallel import start
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.rewrite.bare import bare_pieces
from unlost.vault.maintenance.rewrite.rows import alike, side_by_side
from unlost.vault.maintenance.rewrite.shapes import SegmentShapes, label_for, schema_for, shapes_of
from unlost.vault.maintenance.rewrite.tiers import Overlap, depth
from unlost.vault.objects.segment_writer import CommitRange, SegmentStream, SegmentWriter
from unlost.vault.read.merge import MergeRange, RangeReader, cut
from unlost.vault.read.table_view import SegmentReaders, TableView
from unlost.vault.write.table_writer import KEYED_GROUP_ROWS, TOKEN_GROUP_ROWS

AT_ONCE = 16  # segments that may hold the same id and are read side by side: 8 MiB each
GROUP_ROWS = 4_096  # a version is read a quarter faster than from 8,192, for 2 % more bytes
SEGMENT_BYTES = 96 << 20
SEGMENT_ROWS = 500_000


class MergeChoice(Protocol):
    """Selects the rows that stay when segments of a table are rewritten."""

    def id_ranges(self) -> Sequence[MergeRange]:
        """Return the ranges in which the segments are read."""
        ...

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:
        """Return the versions that stay, of all versions of a range side by side."""
        ...


@dataclass(slots=True)
class Merger:
    """Merges segments of one table; ``reach``: the commits whose versions they contain.

    With ``choice`` (not for bare tables), writes only the rows that stay.
    """

    table: str
    reading: SegmentReaders
    out: SegmentWriter
    reach: CommitRange
    pause: Callable[[], None]
    choice: MergeChoice | None = None
    between: list[SegmentEntry] = field(default_factory=list)

    def merge(
        self, segments: Sequence[LiveSegment], *, without: Sequence[LiveSegment] = ()
    ) -> list[SegmentEntry]:
        """Merge segments (oldest first) into as few as possible, with disjoint ranges of ids.

        If too many overlap to read them together, some are merged first; ``between`` then contains
        these intermediate segments, which are not part of the result. ``without``: segments of a
        bare table whose rows are omitted.
        """
        # Both groups are read side by side, so each gets half of the memory.
        most = AT_ONCE // 2 if without else AT_ONCE
        base, left_out = self._fewer(segments, most), self._fewer(without, most)
        return self._written([*base, *left_out], without=len(left_out), choice=self.choice)

    def _fewer(self, segments: Sequence[LiveSegment], most: int) -> Sequence[LiveSegment]:
        """Merge until at most ``most`` segments overlap anywhere."""
        while depth(segments) > most:
            strands = [self._written(part) for part in _parts(segments)]
            self.between += [entry for strand in strands for entry in strand]
            segments = [_as_live_segment(entry) for strand in strands for entry in strand]
        return segments

    def _written(
        self,
        segments: Sequence[LiveSegment],
        *,
        without: int = 0,
        choice: MergeChoice | None = None,
    ) -> list[SegmentEntry]:
        view = TableView(self.table, segments, self.reading)
        shapes = shapes_of(view)
        label = label_for(view, shapes)
        group = self._group(label)
        tables = (
            self._bare(view, shapes, without)
            if self.table in BARE_FIELDS
            else self._pieces(view, shapes, choice)
        )
        return write_all(tables, lambda: self.out.stream(label, group_rows=group, reach=self.reach))

    def _bare(self, view: TableView, shapes: SegmentShapes, without: int) -> Iterator[pa.Table]:
        for rows in bare_pieces(view, schema_for(self.table, shapes), without=without):
            self.pause()
            yield rows

    def _pieces(
        self, view: TableView, shapes: SegmentShapes, choice: MergeChoice | None
    ) -> Iterator[pa.Table]:
        schema = schema_for(self.table, shapes)
        reader = RangeReader(view, lambda rank: _columns(view, rank, schema))
        for id_range in cut(view) if choice is None else choice.id_ranges():
            self.pause()
            parts = [
                alike(
                    rows,
                    rank,
                    shapes=shapes,
                    schema=schema,
                    rebased=view.segments[rank].rebased,
                )
                for rank, rows in reader.read(id_range)
            ]
            if parts:
                rows = side_by_side(parts)
                rows = rows if choice is None else choice.staying(id_range, rows)
                if len(rows):
                    yield rows

    def _group(self, label: SegmentLabel) -> int:
        """Return the rows of a row group: fewer where single records are looked up."""
        if self.table == SEARCH:
            return TOKEN_GROUP_ROWS
        keyed = self.reading.schemas.keys(label.schema, self.table)
        return KEYED_GROUP_ROWS if keyed else GROUP_ROWS


def write_all(
    tables: Iterable[pa.Table], stream: Callable[[], SegmentStream]
) -> list[SegmentEntry]:
    """Write tables in order as segments of bounded size, each while the next one is read."""
    written = _Written(stream)
    try:
        # Wait before begin: one table at most is in flight, and an error of the writer is raised
        # here.
        for rows in tables:
            written.await_write()
            written.begin(rows)
    finally:
        written.await_write()
    return written.close()


@dataclass(slots=True)
class _Written:
    """Finished segments, and the table that is being appended to the current one."""

    stream: Callable[[], SegmentStream]
    entries: list[SegmentEntry] = field(default_factory=list)
    now: SegmentStream | None = None
    writing: Future[None] | None = None

    def begin(self, rows: pa.Table) -> None:
        """Start to append a table in another thread."""
        if self.now is not None and self._full(self.now):
            self.close()
        # Bound to a local name, because ``self.now`` may change before the thread reads it.
        now = self.now = self.now or self.stream()
        self.writing = start(lambda: now.append(rows))

    def await_write(self) -> None:
        """Wait until the previous table is appended."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.result()

    def close(self) -> list[SegmentEntry]:
        """Finish the current segment, and return all entries."""
        if self.now is not None:
            self.entries.append(self.now.close())
            self.now = None
        return self.entries

    def _full(self, now: SegmentStream) -> bool:
        return now.size >= SEGMENT_BYTES or now.rows >= SEGMENT_ROWS


def _columns(view: TableView, rank: int, schema: pa.Schema) -> list[str]:
    """Return the columns of ``schema`` that a segment has, and the derived ones."""
    _, present = view.reading.segments.facts(view.segments[rank].entry)
    return [name for name in schema.names if name in present or name in (U_SNAP, U_SHAPE)]


def _parts(segments: Sequence[LiveSegment]) -> Iterator[list[LiveSegment]]:
    """Group segments that are neighbors in age, as many as may be read together."""
    part, overlap = list[LiveSegment](), Overlap()
    for live in segments:
        if overlap.with_(live) > AT_ONCE:
            yield part
            part, overlap = [], Overlap()
        overlap.add(live)
        part.append(live)
    yield part


def _as_live_segment(entry: SegmentEntry) -> LiveSegment:
    """Wrap a segment that was merged earlier in this pass, so that it can be read again."""
    return LiveSegment(entry, seq=entry.last, order=0)
