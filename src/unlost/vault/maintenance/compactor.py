"""Compaction: merge the segments of each table that are due, and replace them in one commit.

Each backup adds a segment to every table that changed. A compaction merges neighboring tiers (the
segments of one commit, or of several merged ones), so that a table has few tiers:

    before   [1] [2] [3] [4] [5] [6] [7] [8] [9]     one tier for each backup
    after    [1 ............ 8] [9]                  each row keeps the commit that brought it

No snapshot changes, and every row keeps its hash. The replaced segments are condemned by the same
commit, and removed by a later sweep. See docs/adr/0020 for the rule of what is due.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.vault.maintenance_results import Compaction, Merged
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.state import LiveSegment, LiveState, unneeded_objects
from unlost.vault.format.manifest import TablePart
from unlost.vault.format.physical import BARE_FIELDS, CHANGES, U_ID, U_PREV, is_system
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.bundle_split import move_out_of_bundles, worn
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    MaintenanceRun,
    MaintenanceWork,
    close_cut_off,
)
from unlost.vault.maintenance.reindexer import reindex
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.merging import Merger, write_all
from unlost.vault.maintenance.rewrite.shapes import can_merge
from unlost.vault.maintenance.rewrite.tiers import Tier, due, tiers_of
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.change_index import changes_of
from unlost.vault.read.merge import key_rows
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, last_of_each

BATCH_BYTES = 1 << 30  # of segments replaced by one commit, unless those of one table are larger


@dataclass(frozen=True, slots=True)
class DueMerge:
    """Neighbouring tiers of a table that are due for a merge."""

    table: str
    tiers: Sequence[Tier]

    @property
    def segments(self) -> list[LiveSegment]:
        """Segments of these tiers, oldest first."""
        return [live for tier in self.tiers for live in tier.segments]


def compact(org_vault: OrgVault, *, run: str, pause: Pause) -> Compaction:
    """Merge the segments that are due, and renew old words, without any change to a snapshot.

    Each commit replaces about ``BATCH_BYTES``. The last one also moves the live rest of bundles
    that are mostly dead; an earlier one must not, since it could move segments that a later batch
    merges. Raises Conflict (``maintenance-outrun``), IntegrityError, StoreError, and any error of
    ``pause``. In that case earlier commits stay, and the objects of the unfinished commit are
    removed.
    """
    state = org_vault.chain.proved()
    close_cut_off(org_vault, CommitKind.COMPACT)
    done = Compaction()
    batches = list(_batches(_due(org_vault, state))) if state.seq else []
    for number, batch in enumerate(batches, start=1):
        name = run if number == 1 else f"{run}-{number}"
        last = number == len(batches)
        done = done.then(_compact_batch(org_vault, batch, run=name, last=last, pause=pause))
    renewed = reindex(org_vault, run=run, pause=pause)
    return done.then(renewed) if renewed.merged else done


def _batches(plan: Iterable[DueMerge]) -> Iterator[list[DueMerge]]:
    batch: list[DueMerge] = []
    size = 0
    for merge in plan:
        merge_bytes = sum(live.entry.own_bytes for live in merge.segments)
        if batch and size + merge_bytes > BATCH_BYTES:
            yield batch
            batch, size = [], 0
        batch.append(merge)
        size += merge_bytes
    if batch:
        yield batch


def _compact_batch(
    org_vault: OrgVault, batch: Sequence[DueMerge], *, run: str, last: bool, pause: Pause
) -> Compaction:
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.COMPACT)
    maintenance.open()
    try:
        return _write_batch(org_vault, batch, maintenance, pause, last=last)
    except Exception:
        maintenance.give_up()
        raise


def _write_batch(
    org_vault: OrgVault,
    batch: Sequence[DueMerge],
    maintenance: MaintenanceRun,
    pause: Pause,
    *,
    last: bool,
) -> Compaction:
    # A commit that another run makes meanwhile is fine: only the replaced segments must still be
    # live.
    state = maintenance.base
    out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)
    done = [_merge(org_vault, out, merge, pause) for merge in batch]
    parts = _index(org_vault, out, state, batch)
    moved = list(_moved(org_vault, out, state, done, pause)) if last else []
    replaced = [entry for segments in done for entry in (*segments.old, *segments.between)]
    replaced += [
        entry
        for replaced_segments in moved
        for entry in (*replaced_segments.old, *replaced_segments.between)
    ]
    # Intermediate segments of a staged merge are in no commit, but must be condemned like the rest.
    objects = list(unneeded_objects(state, replaced, org=org_vault.org))
    info = maintenance.commit(
        MaintenanceWork(
            parts=(
                *(segments.part for segments in (*done, *moved)),
                *parts,
            ),
            condemned=tuple(sorted(each.name for each in objects)),
            collected=collected_up_to(org_vault, org_vault.chain.live()),
        )
    )
    return Compaction(
        merged=tuple(map(_merge_result, done)),
        snapshot=info.number,
        replaced=len(objects),
        replaced_bytes=sum(each.bytes for each in objects),
    )


def _due(org_vault: OrgVault, state: LiveState) -> Iterator[DueMerge]:
    """Select the segments to merge, table by table."""
    for table in sorted(state.segments):
        tiers = tiers_of(state.of(table, until=state.seq))
        for chosen in due(tiers, closed=partial(_closed, org_vault, table, tiers)):
            merge = DueMerge(table, chosen)
            # Tiers whose schemas gave one number to two columns stay apart (docs/adr/0020).
            if can_merge(TableView(table, merge.segments, org_vault.reading)):
                yield merge


def _closed(org_vault: OrgVault, table: str, tiers: Sequence[Tier]) -> int:
    """Count the records of the oldest tier that have a newer version. Bare rows have none."""
    if table in BARE_FIELDS:
        return 0
    newer = [live for tier in tiers[1:] for live in tier.segments]
    count = 0
    for rows in key_rows(TableView(table, newer, org_vault.reading), (U_PREV,)):
        ids = rows.column(U_ID)
        # The first row of each id. Where it names a version before it, that version is in the
        # oldest tier.
        first = np.roll(last_of_each(ids), 1)
        count += int(np.count_nonzero(first & pc.is_valid(rows.column(U_PREV)).to_numpy()))
    return count


def _merge(
    org_vault: OrgVault, out: SegmentWriter, due_: DueMerge, pause: Pause
) -> ReplacedSegments:
    reach = CommitRange(due_.tiers[0].first, due_.tiers[-1].last)
    merger = Merger(due_.table, org_vault.reading, out, reach, pause)
    new = merger.merge(due_.segments)
    return ReplacedSegments(
        tuple(live.entry for live in due_.segments), tuple(new), tuple(merger.between)
    )


def _moved(
    org_vault: OrgVault,
    out: SegmentWriter,
    state: LiveState,
    done: Sequence[ReplacedSegments],
    pause: Pause,
) -> Iterator[ReplacedSegments]:
    """Rewrite the live parts of bundles that are mostly dead."""
    gone = {entry.id for segments in done for entry in segments.old}
    return move_out_of_bundles(org_vault, out, state, worn(state, gone), gone=gone, pause=pause)


def _index(
    org_vault: OrgVault, out: SegmentWriter, state: LiveState, batch: Sequence[DueMerge]
) -> list[TablePart]:
    """Build the change index of the commits whose segments are merged."""
    label = SegmentLabel(table=CHANGES, schema=SYSTEM_SCHEMA, base=state.seq)
    entries = write_all(_change_rows(org_vault, state, batch), lambda: out.stream(label))
    return [TablePart(table=CHANGES, segments=tuple(entries))] if entries else []


def _change_rows(
    org_vault: OrgVault, state: LiveState, batch: Sequence[DueMerge]
) -> Iterator[pa.Table]:
    """Iterate over the rows of ``$changes`` in their order: tables by name, tiers by age."""
    for merge in batch:
        if is_system(merge.table) or len(merge.tiers) == 1:
            continue
        view = org_vault.view(merge.table, until=state.seq, state=state)
        first = min(live.first for live in view.segments)
        for tier in merge.tiers:
            # Merged tiers are in the index already. The first commit of a table needs no row: all
            # is new in it.
            if first < tier.first == tier.last:
                yield from changes_of(merge.table, tier.segments, view)


def _merge_result(done: ReplacedSegments) -> Merged:
    return Merged(
        table=done.old[0].table,
        segments_before=len(done.old),
        segments_after=len(done.new),
        bytes_before=sum(entry.own_bytes + entry.sidecar_bytes for entry in done.old),
        bytes_after=sum(entry.own_bytes + entry.sidecar_bytes for entry in done.new),
        rows=sum(entry.rows for entry in done.new),
    )
