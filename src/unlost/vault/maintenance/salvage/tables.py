"""Rewriting of a table's segments that are damaged or follow a lost version."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import U_BLOBS, U_ID, U_PREV, UNKNOWN_PREV
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.retain.contents import names_in
from unlost.vault.maintenance.rewrite.affected_segments import (
    AffectedTable,
    Choosing,
    Pause,
    find_affected,
)
from unlost.vault.maintenance.rewrite.merging import GROUP_ROWS, Merger
from unlost.vault.maintenance.salvage.chunks import open_remaining, sidecar_of, span_of_ids
from unlost.vault.maintenance.salvage.losses import Losses
from unlost.vault.maintenance.salvage.pieces import (
    Missing,
    RowGroupReader,
    SalvagedRows,
    ShapeTable,
    label_of,
)
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.big_cells import LoadBlobs
from unlost.vault.read.merge import MergeRange, cut
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, sorted_unique


@dataclass(slots=True)
class TableWork:
    """The salvage of one table: ``damaged`` segments, and the shapes of their rest by segment id.

    ``missing``: test for lost contents.
    """

    org_vault: OrgVault
    state: LiveState
    table: str
    damaged: Sequence[LiveSegment]
    missing: Missing
    pause: Pause
    losses: Losses
    shape_tables: dict[str, ShapeTable] = field(default_factory=dict)

    def look(self) -> Iterator[pa.Table]:
        """Find the losses; yields the rest of each row group."""
        for live in self.damaged:
            for piece in self._salvaged(live):
                if len(piece.rows):
                    yield piece.rows

    def _salvaged(self, live: LiveSegment) -> Iterator[SalvagedRows]:
        shape_table = self.shape_tables[live.entry.id] = ShapeTable()
        sidecar = sidecar_of(self.org_vault, live)
        with open_remaining(self.org_vault, live) as chunks:
            if chunks is None:
                entry = live.entry
                self.losses.span(entry.min_id, entry.max_id, entry.rows)
                return
            row_groups = RowGroupReader(self.org_vault, chunks, shape_table, self.missing)
            for number, span in enumerate(chunks.spans):
                self.pause()
                piece = row_groups.salvaged(span)
                self.losses.add(piece, *span_of_ids(sidecar, live, number))
                yield piece

    def substituted(self, out: SegmentWriter, load: LoadBlobs) -> dict[str, LiveSegment | None]:
        """Write the rest of each damaged segment, as its substitute during the rewriting."""
        return {live.entry.id: self._substitute(live, out, load) for live in self.damaged}

    def _substitute(
        self, live: LiveSegment, out: SegmentWriter, load: LoadBlobs
    ) -> LiveSegment | None:
        with open_remaining(self.org_vault, live) as chunks:
            if chunks is None:
                return None
            shape_table = self.shape_tables[live.entry.id]
            row_groups = RowGroupReader(self.org_vault, chunks, shape_table, self.missing, load)
            stream = out.stream(
                label_of(chunks, shape_table),
                group_rows=GROUP_ROWS,
                reach=CommitRange(live.first, live.last),
            )
            for span in chunks.spans:
                self.pause()
                rows = row_groups.salvaged(span).rows
                if len(rows):
                    stream.append(rows)
            return replace(live, entry=stream.close()) if stream.rows else None

    def healthy(self) -> TableView:
        """View the undamaged segments of the table, oldest first."""
        damaged = {live.entry.id for live in self.damaged}
        segments = self.state.of(self.table, until=self.state.seq)
        return TableView(
            self.table,
            [segment for segment in segments if segment.entry.id not in damaged],
            self.org_vault.reading,
        )

    def rewrite(
        self, out: SegmentWriter, stand_ins: dict[str, LiveSegment | None], choose: Choosing
    ) -> Iterator[ReplacedSegments]:
        """Rewrite damaged segments, overlapping ones, and ones that follow lost versions."""
        whole = self.org_vault.view(self.table, until=self.state.seq, state=self.state)
        hit_ids = stand_ins.keys() | set(self._following())
        ranks = (at for at, segment in enumerate(whole.segments) if segment.entry.id in hit_ids)
        table = AffectedTable(whole, pa.array([], pa.string()), frozenset(ranks))
        for tier, part in table.groups:
            segments = [stand_ins.get(segment.entry.id, segment) for segment in part]
            segments_left = [segment for segment in segments if segment is not None]
            old = tuple(segment.entry for segment in part)
            segment_entries = [segment.entry for segment in segments_left if segment not in part]
            if not segments_left:
                yield ReplacedSegments(old, ())
                continue
            view = TableView(self.table, segments_left, self.org_vault.reading)
            reach = CommitRange(tier.first, tier.last)
            merger = Merger(
                self.table, self.org_vault.reading, out, reach, self.pause, choice=choose(view)
            )
            new = merger.merge(segments_left)
            yield ReplacedSegments(old, tuple(new), (*segment_entries, *merger.between))

    def _following(self) -> Iterator[str]:
        """Iterate over segments with newer versions of records that lost something."""
        view = self.healthy()
        oldest = min((live.first for live in self.damaged), default=0)
        if not self.losses.any:
            return
        # ``_u_prev`` can only refer to an older commit, so that older segments need no look.
        newer = {at for at, segment in enumerate(view.segments) if segment.last >= oldest}
        named = (
            find_affected(view, sorted_unique(self.losses.ids), pause=self.pause).ranks
            if view
            else set()
        )
        for at in sorted(newer):
            entry = view.segments[at].entry
            if at in named or self._in_spans(entry):
                yield entry.id

    def _in_spans(self, entry: SegmentEntry) -> bool:
        low, high = entry.min_id, entry.max_id
        return any(span.low <= high and low <= span.high for span in self.losses.spans)


class PredecessorUnknown:
    """All rows, with ``_u_prev`` unknown where the predecessor may be lost; see ``MergeChoice``."""

    def __init__(self, view: TableView, losses: Losses) -> None:
        self._view = view
        self._losses = losses

    def id_ranges(self) -> Sequence[MergeRange]:
        """Cut the rewritten segments alone into ranges."""
        return cut(self._view)

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:  # noqa: ARG002 (the port's)
        """Return all rows."""
        mask = np.array(self._losses.touches(rows.column(U_ID)), dtype=np.bool_)
        if not mask.any():
            return rows
        prev_ops = pc.if_else(pa.array(mask), UNKNOWN_PREV, rows.column(U_PREV))
        at = rows.column_names.index(U_PREV)
        return rows.set_column(at, rows.schema.field(U_PREV), prev_ops)


def naming_lost(view: TableView, missing: Missing, pause: Pause) -> Iterator[LiveSegment]:
    """Iterate over segments with rows whose long texts are lost."""
    for rank, live in enumerate(view.segments):
        pause()
        for group in range(len(view.sidecar(rank).fences)):
            rows = view.read_keys(rank, [group], (U_BLOBS,))
            if any(missing(blob) for blob in names_in(rows.column(U_BLOBS))):
                yield live
                break
