"""Compacting an org: what is due is merged by table, and takes the place of the old in one commit."""

from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.snapshot import CommitKind, SegmentEntry
from unlost.model.upkeep import Compaction, Merged
from unlost.vault.changeindex import changes_of
from unlost.vault.compact.merging import Merger, write_all
from unlost.vault.compact.tiers import Tier, due, tiers_of
from unlost.vault.format.manifest import TablePart
from unlost.vault.format.physical import BARE_FIELDS, CHANGES, U_ID, U_PREV, is_system
from unlost.vault.garbage import collected_up_to
from unlost.vault.label import Label
from unlost.vault.maintenance import Maintenance, Work, close_cut_off
from unlost.vault.merge import key_pieces
from unlost.vault.room import OrgRoom
from unlost.vault.schemas import SYSTEM_SCHEMA
from unlost.vault.segmentwriter import Reach, SegmentWriter
from unlost.vault.state import LiveSegment, LiveState, segment_objects
from unlost.vault.tableview import TableView


def compact(room: OrgRoom, *, run: str) -> Compaction:
    """Merge what is due. What snapshots show stays as it is, to the bit.

    Raises Conflict (``maintenance-outrun``), IntegrityError, StoreError; then nothing has changed.
    """
    state = room.chain.proved()
    close_cut_off(room, CommitKind.COMPACT)
    plan = list(_due(room, state)) if state.seq else []
    if not plan:
        return Compaction()
    work = Maintenance(room, run=run, kind=CommitKind.COMPACT)
    work.open()
    out = SegmentWriter(room.org, sealed=room.sealed, prefix=work.prefix)
    done = [_merge(room, out, table, tiers) for table, tiers in plan]
    told = _index(room, out, state, plan)
    replaced = [entry for old, _, between in done for entry in (*old, *between)]
    objects = [each for entry in replaced for each in segment_objects(entry, org=room.org)]
    info = work.commit(
        Work(
            parts=(*(_part(old, new) for old, new, _ in done), *told),
            condemned=tuple(sorted(each.name for each in objects)),
            collected=collected_up_to(room, state),
        )
    )
    return Compaction(
        merged=tuple(_told(old, new) for old, new, _ in done),
        snapshot=info.number,
        replaced=len(objects),
        replaced_bytes=sum(each.bytes for each in objects),
    )


type _Done = tuple[list[SegmentEntry], list[SegmentEntry], list[SegmentEntry]]
"""Entries: replaced, new, and written on the way."""


def _due(room: OrgRoom, state: LiveState) -> Iterator[tuple[str, Sequence[Tier]]]:
    """Tables with neighbouring tiers that are to be merged."""
    for table in sorted(state.segments):
        tiers = tiers_of(state.of(table, until=state.seq))
        for chosen in due(tiers, closed=partial(_closed, room, table, tiers)):
            yield table, chosen


def _closed(room: OrgRoom, table: str, tiers: Sequence[Tier]) -> int:
    """How many records of the oldest tier have a newer version. Bare rows have none."""
    if table in BARE_FIELDS:
        return 0
    newer = [live for tier in tiers[1:] for live in tier.segments]
    count = 0
    for rows in key_pieces(TableView(table, newer, room.reading), (U_PREV,)):
        ids = rows.column(U_ID)
        first = np.ones(len(ids), dtype=np.bool_)
        first[1:] = pc.not_equal(ids.slice(1), ids.slice(0, len(ids) - 1)).to_numpy()
        count += int(np.count_nonzero(first & pc.is_valid(rows.column(U_PREV)).to_numpy()))
    return count


def _merge(room: OrgRoom, out: SegmentWriter, table: str, tiers: Sequence[Tier]) -> _Done:
    merger = Merger(table, room.reading, out, Reach(tiers[0].first, tiers[-1].last))
    segments: list[LiveSegment] = [live for tier in tiers for live in tier.segments]
    new = merger.merge(segments)
    return [live.entry for live in segments], new, merger.between


def _index(
    room: OrgRoom, out: SegmentWriter, state: LiveState, plan: Sequence[tuple[str, Sequence[Tier]]]
) -> list[TablePart]:
    """What is told of the commits whose segments are merged with others now."""
    label = Label(table=CHANGES, schema=SYSTEM_SCHEMA, base=state.seq)
    entries = write_all(_change_rows(room, state, plan), lambda: out.stream(label))
    return [TablePart(table=CHANGES, segments=tuple(entries))] if entries else []


def _change_rows(
    room: OrgRoom, state: LiveState, plan: Sequence[tuple[str, Sequence[Tier]]]
) -> Iterator[pa.Table]:
    """Rows of ``$changes`` in their order: tables come by name, tiers by age."""
    for table, tiers in plan:
        if is_system(table) or len(tiers) == 1:
            continue
        view = room.view(table, until=state.seq, state=state)
        first = min(live.first for live in view.segments)
        for tier in tiers:
            if first < tier.first == tier.last:
                yield from changes_of(table, tier.segments, view)


def _part(old: Sequence[SegmentEntry], new: Sequence[SegmentEntry]) -> TablePart:
    return TablePart(
        table=old[0].table, segments=tuple(new), removed=tuple(entry.id for entry in old)
    )


def _told(old: Sequence[SegmentEntry], new: Sequence[SegmentEntry]) -> Merged:
    return Merged(
        table=old[0].table,
        segments_before=len(old),
        segments_after=len(new),
        bytes_before=sum(entry.bytes + entry.sidecar_bytes for entry in old),
        bytes_after=sum(entry.bytes + entry.sidecar_bytes for entry in new),
        rows=sum(entry.rows for entry in new),
    )
