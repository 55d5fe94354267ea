"""Reading segments and writing what is merged of them, in bounded memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from unlost.model.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment
from unlost.vault.format.physical import BARE_FIELDS, SEARCH, U_SHAPE, U_SNAP
from unlost.vault.layout.parallel import start
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.rewrite.bare import bare_pieces
from unlost.vault.maintenance.rewrite.rows import alike, side_by_side
from unlost.vault.maintenance.rewrite.shapes import SegmentShapes, label_for, schema_for, shapes_of
from unlost.vault.maintenance.rewrite.tiers import Overlap, depth
from unlost.vault.objects.segment_writer import CommitRange, SegmentStream, SegmentWriter
from unlost.vault.read.merge import MergePiece, PieceReader, cut
from unlost.vault.read.table_view import SegmentReaders, TableView
from unlost.vault.write.table_writer import KEYED_GROUP_ROWS, TOKEN_GROUP_ROWS

AT_ONCE = 16  # segments that may hold the same id and are read side by side: 8 MiB each
GROUP_ROWS = 4_096  # a version is read a quarter faster than from 8,192, for 2 % more bytes
SEGMENT_BYTES = 96 << 20
SEGMENT_ROWS = 500_000


class MergeChoice(Protocol):
    """Says what stays of a table whose segments are written again."""

    def pieces(self) -> Sequence[MergePiece]:
        """The pieces of the table in which its segments are read."""
        ...

    def staying(self, piece: MergePiece, rows: pa.Table) -> pa.Table:
        """Of the versions of a piece, side by side, those that stay."""
        ...


@dataclass(slots=True)
class Merger:
    """Merges segments of one table; ``reach`` are the commits whose versions they hold.

    With ``choice`` (not for bare tables) only what stays is written.
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
        """Segments (oldest first) as few with ranges of ids that do not overlap.

        Where more overlap than may be read at once, some are merged first: ``between`` names what
        was written on the way and is not part of the result. ``without``: segments of a bare table
        whose rows are left out.
        """
        most = AT_ONCE // 2 if without else AT_ONCE
        base, left_out = self._fewer(segments, most), self._fewer(without, most)
        return self._written([*base, *left_out], without=len(left_out), choice=self.choice)

    def _fewer(self, segments: Sequence[LiveSegment], most: int) -> Sequence[LiveSegment]:
        """The same rows in segments of which no more than ``most`` overlap in one place."""
        while depth(segments) > most:
            strands = [self._written(part) for part in _parts(segments)]
            self.between += [entry for strand in strands for entry in strand]
            segments = [_told(entry) for strand in strands for entry in strand]
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
        pieces = (
            self._bare(view, shapes, without)
            if self.table in BARE_FIELDS
            else self._pieces(view, shapes, choice)
        )
        return write_all(pieces, lambda: self.out.stream(label, group_rows=group, reach=self.reach))

    def _bare(self, view: TableView, shapes: SegmentShapes, without: int) -> Iterator[pa.Table]:
        for rows in bare_pieces(view, schema_for(self.table, shapes), without=without):
            self.pause()
            yield rows

    def _pieces(
        self, view: TableView, shapes: SegmentShapes, choice: MergeChoice | None
    ) -> Iterator[pa.Table]:
        schema = schema_for(self.table, shapes)
        reader = PieceReader(view, lambda rank: _columns(view, rank, schema))
        for piece in cut(view) if choice is None else choice.pieces():
            self.pause()
            parts = [
                alike(
                    rows,
                    rank,
                    shapes=shapes,
                    schema=schema,
                    rebased=view.segments[rank].rebased,
                )
                for rank, rows in reader.read(piece)
            ]
            if parts:
                rows = side_by_side(parts)
                rows = rows if choice is None else choice.staying(piece, rows)
                if len(rows):
                    yield rows

    def _group(self, label: SegmentLabel) -> int:
        """Rows of a group: fewer where records are asked for one here and one there."""
        if self.table == SEARCH:
            return TOKEN_GROUP_ROWS
        keyed = self.reading.schemas.keys(label.schema, self.table)
        return KEYED_GROUP_ROWS if keyed else GROUP_ROWS


def write_all(
    pieces: Iterable[pa.Table], stream: Callable[[], SegmentStream]
) -> list[SegmentEntry]:
    """Pieces in order, as segments of bounded size; each is written while the next one is read."""
    written = _Written(stream)
    try:
        for rows in pieces:
            written.settle()
            written.begin(rows)
    finally:
        written.settle()
    return written.close()


@dataclass(slots=True)
class _Written:
    """Segments, and the piece that is being added to the last of them."""

    stream: Callable[[], SegmentStream]
    entries: list[SegmentEntry] = field(default_factory=list)
    now: SegmentStream | None = None
    writing: Future[None] | None = None

    def begin(self, rows: pa.Table) -> None:
        """Add a piece beside this thread."""
        if self.now is not None and self._full(self.now):
            self.close()
        now = self.now = self.now or self.stream()
        self.writing = start(lambda: now.append(rows))

    def settle(self) -> None:
        """Wait until the piece before is added."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.result()

    def close(self) -> list[SegmentEntry]:
        """End the last segment; all of them."""
        if self.now is not None:
            self.entries.append(self.now.close())
            self.now = None
        return self.entries

    def _full(self, now: SegmentStream) -> bool:
        return now.size >= SEGMENT_BYTES or now.rows >= SEGMENT_ROWS


def _columns(view: TableView, rank: int, schema: pa.Schema) -> list[str]:
    """The columns of ``schema`` that a segment has, and those that are told of it."""
    _, present = view.reading.segments.facts(view.segments[rank].entry)
    return [name for name in schema.names if name in present or name in (U_SNAP, U_SHAPE)]


def _parts(segments: Sequence[LiveSegment]) -> Iterator[list[LiveSegment]]:
    """Neighbours in age, as many as may be read at once."""
    part, overlap = list[LiveSegment](), Overlap()
    for live in segments:
        if overlap.with_(live) > AT_ONCE:
            yield part
            part, overlap = [], Overlap()
        overlap.add(live)
        part.append(live)
    yield part


def _told(entry: SegmentEntry) -> LiveSegment:
    """Wrap a segment that was merged earlier in this pass, so that it can be read again."""
    return LiveSegment(entry, seq=entry.last, order=0)
