"""Segments with rows of given ids, and their rewriting without these rows."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import BARE_FIELDS, U_BLOBS, U_ID
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.rewrite.merging import MergeChoice, Merger, write_all
from unlost.vault.maintenance.rewrite.repack import RelocatedContents, RepackedPacks
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.merge import MergeRange, cut
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.write.table_writer import TOKEN_GROUP_ROWS

type Pause = Callable[[], None]
"""Called regularly; raises to stop the work."""

type RowsToRemove = Callable[[pa.Table], pa.Array]
"""Return a mask of the rows to remove."""
type Become = Callable[[pa.Table], pa.Table]
"""Return the replacement of rows."""
type Choosing = Callable[[TableView], MergeChoice]
"""Return the rows that stay of rewritten segments."""

AT_ONCE = 32  # row groups of narrow columns that are read together


@dataclass(frozen=True, slots=True)
class AffectedTable:
    """Segments of a table with rows of some ids (``ranks``), and the contents of these rows."""

    view: TableView
    ids: pa.Array
    ranks: frozenset[int]
    blobs: tuple[pa.ChunkedArray, ...] = ()

    @property
    def groups(self) -> list[tuple[Tier, list[LiveSegment]]]:
        """Segments that are rewritten together, each group with its tier."""
        touched = {self.view.segments[rank].entry.id for rank in self.ranks}
        return [
            (tier, part)
            for tier in tiers_of(self.view.segments)
            for part in _together(tier)
            if any(live.entry.id in touched for live in part)
        ]

    @property
    def bytes(self) -> int:
        """Bytes of the segments that are rewritten."""
        return sum(live.entry.own_bytes for _, part in self.groups for live in part)


def find_affected(view: TableView, ids: pa.Array, *, pause: Pause) -> AffectedTable:
    """Find the segments with rows of these ids (sorted, unique), including rows never shown."""
    ranks: set[int] = set()
    blobs: list[pa.ChunkedArray] = []
    for place in view.locate(ids):
        pause()
        rows = view.read_keys(place.rank, place.groups, (U_ID, U_BLOBS))
        mine = rows.filter(pc.is_in(rows.column(U_ID), value_set=ids))
        if len(mine):
            ranks.add(place.rank)
            blobs.append(mine.column(U_BLOBS))
    return AffectedTable(view, ids, frozenset(ranks), tuple(blobs))


class AllExceptRows:
    """All rows except the rows of some ids; see ``MergeChoice``."""

    def __init__(self, view: TableView, ids: pa.Array) -> None:
        self._view = view
        self._ids = ids

    def id_ranges(self) -> Sequence[MergeRange]:
        """Cut the rewritten segments alone into ranges."""
        return cut(self._view)

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:  # noqa: ARG002 (the port's)
        """Return the rows of other ids."""
        gone = pc.is_in(rows.column(U_ID), value_set=self._ids)
        return rows.filter(pc.invert(gone)) if pc.any(gone).as_py() else rows


def rewrite(
    org_vault: OrgVault,
    out: SegmentWriter,
    table: AffectedTable,
    *,
    pause: Pause,
    choose: Choosing | None = None,
    repacked: RepackedPacks | None = None,
) -> Iterator[ReplacedSegments]:
    """Rewrite the affected segments: as ``choose`` decides, otherwise without the ids.

    Contents that moved refer to their new packs afterwards.
    """
    for tier, segments in table.groups:
        view = TableView(table.view.table, segments, org_vault.reading)
        choice = choose(view) if choose is not None else AllExceptRows(view, table.ids)
        if repacked is not None:
            choice = RelocatedContents(choice, org_vault, repacked)
        reach = CommitRange(tier.first, tier.last)
        merger = Merger(table.view.table, org_vault.reading, out, reach, pause, choice=choice)
        new = merger.merge(segments)
        yield ReplacedSegments(
            tuple(live.entry for live in segments), tuple(new), tuple(merger.between)
        )


def rewrite_bare_table(
    org_vault: OrgVault,
    out: SegmentWriter,
    state: LiveState,
    table: str,
    *,
    to_remove: RowsToRemove,
    pause: Pause,
    become: Become | None = None,
) -> Iterator[ReplacedSegments]:
    """Rewrite the segments of a bare table that have rows to remove; see ``rewrite_bare``."""
    for live in state.of(table, until=state.seq):
        replaced = rewrite_bare(org_vault, out, live, to_remove, pause=pause, become=become)
        if replaced is not None:
            yield replaced


def rewrite_bare(
    org_vault: OrgVault,
    out: SegmentWriter,
    live: LiveSegment,
    to_remove: RowsToRemove,
    *,
    pause: Pause,
    become: Become | None = None,
) -> ReplacedSegments | None:
    """Rewrite a segment of a bare table without the rows to remove; None if it has none.

    With ``become`` these rows stay under their ids, in the form that it returns.
    """
    view = TableView(live.entry.table, [live], org_vault.reading)
    names = [field.name for field in BARE_FIELDS[view.table]]
    # Two passes: most segments have no row to remove, and must not be written for nothing.
    if not any(pc.any(to_remove(rows)).as_py() for rows in _rows(view, names, pause)):
        return None
    label = org_vault.reader.facts(live.entry)[0]
    sifted_rows = (
        _without_rows(rows, to_remove(rows), become) for rows in _rows(view, names, pause)
    )
    new = write_all(
        (rows for rows in sifted_rows if len(rows)),
        lambda: out.stream(
            label, group_rows=TOKEN_GROUP_ROWS, reach=CommitRange(live.first, live.last)
        ),
    )
    return ReplacedSegments((live.entry,), tuple(new))


def _without_rows(rows: pa.Table, goes: pa.Array, become: Become | None) -> pa.Table:
    staying = rows.filter(pc.invert(goes))
    if become is None or len(staying) == len(rows):
        return staying
    whole = pa.concat_tables([staying, become(rows.filter(goes))])
    # ``become`` may return rows that belong between the others, so sort again.
    return whole.take(pc.sort_indices(whole.column(U_ID)))


def groups_at_once(view: TableView, rank: int) -> Iterator[list[int]]:
    """Iterate over the row groups of a segment, several at a time."""
    many = len(view.sidecar(rank).fences)
    for at in range(0, many, AT_ONCE):
        yield list(range(at, min(at + AT_ONCE, many)))


def _rows(view: TableView, names: Sequence[str], pause: Pause) -> Iterator[pa.Table]:
    for groups in groups_at_once(view, 0):
        pause()
        yield view.read(0, groups, names)


def _together(tier: Tier) -> Iterator[list[LiveSegment]]:
    """Split a tier into groups of segments whose id ranges overlap, each oldest first.

    If two segments contain the same id, their order decides which row is shown, and a rewritten
    segment loses its place in that order. A tier with a rebased segment is one group.
    """
    if any(live.rebased for live in tier.segments):
        yield list(tier.segments)
        return
    part: list[LiveSegment] = []
    reach = ""
    for live in sorted(tier.segments, key=lambda segment: segment.entry.min_id):
        if part and live.entry.min_id > reach:
            yield sorted(part, key=lambda live: live.precedence)
            part, reach = [], ""
        part.append(live)
        reach = max(reach, live.entry.max_id)
    yield sorted(part, key=lambda live: live.precedence)
