"""Move live segments out of bundles that must be removed.

A bundle is one object with small segments of many tables. It stays as long as one of its segments
is live, and with it the bytes of the segments that are not:

    bundle a   [Account: dead] [Contact: live] [Lead: dead]
    bundle b                   [Contact]                      a can now be removed

This wastes space (a worn bundle), and after an erasure it would keep erased rows. In both cases the
live segments are written to another bundle. See docs/adr/0028.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import SYSTEM_FIELDS
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.rewrite.affected_segments import AffectedTable, rewrite
from unlost.vault.objects.buffered_rows import BufferedSegment
from unlost.vault.objects.bundling import BundleEntry, write_bundles
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault

_NO_IDS = pa.array([], pa.string())
_WORN_DIVISOR = 4  # a bundle is worn when less than 1/4 of its rows is live


def move_out_of_bundles(
    org_vault: OrgVault,
    out: SegmentWriter,
    state: LiveState,
    leaving: Collection[str],
    *,
    gone: Collection[str],
    pause: Callable[[], None],
) -> Iterator[ReplacedSegments]:
    """Rewrite the live segments of the ``leaving`` bundles, except the ones already ``gone``.

    Reads one bundle at a time, to keep memory small.
    """
    done, segments = set(gone), _bundles(state)
    for name in sorted(segments.keys() & leaving):
        for replaced in _moved(
            org_vault, out, list(_beside(org_vault, state, segments[name], done)), pause
        ):
            done |= {entry.id for entry in replaced.old}
            yield replaced


def touched(done: Iterable[ReplacedSegments]) -> set[str]:
    """Return the bundles that contain a segment that was rewritten."""
    return {entry.bundle for replaced in done for entry in replaced.old} - {""}


def wasted(state: LiveState, *, kept_numbers: Collection[int]) -> set[str]:
    """Return the bundles with dead rows, unless all their segments are of kept backups.

    ``kept_numbers``: numbers of these backups, which still show all of their rows.
    """
    return {
        name
        for name, segments in _bundles(state).items()
        if _has_dead(segments) and any(segment.last not in kept_numbers for segment in segments)
    }


def worn(state: LiveState, gone: Collection[str]) -> set[str]:
    """Return the bundles that would be mostly dead without the ``gone`` segments."""
    segment_entries = {
        name: [live.entry for live in segments if live.entry.id not in gone]
        for name, segments in _bundles(state).items()
    }
    return {
        name
        for name, entries in segment_entries.items()
        if entries and sum(entry.rows for entry in entries) * _WORN_DIVISOR < entries[0].of
    }


def bundles_with_ids(
    org_vault: OrgVault, state: LiveState, ids: Iterable[pa.Array], *, pause: Callable[[], None]
) -> Iterator[str]:
    """Iterate over bundles with dead rows that contain a row with one of these ``ids``."""
    wanted = pa.concat_arrays([_NO_IDS, *ids])
    for name, segments in _bundles(state).items():
        if _has_dead(segments):
            pause()
            mask = pc.is_in(org_vault.reader.ids_beside(segments[0].entry), value_set=wanted)
            if pc.any(mask).as_py():
                yield name


def _bundles(state: LiveState) -> dict[str, list[LiveSegment]]:
    """Group the live segments by bundle."""
    bundles: dict[str, list[LiveSegment]] = {}
    for live in state.live_segments():
        if live.entry.bundle:
            bundles.setdefault(live.entry.bundle, []).append(live)
    return bundles


def _has_dead(segments: Sequence[LiveSegment]) -> bool:
    """Return true if a bundle has rows that are no longer live."""
    return sum(live.entry.rows for live in segments) < segments[0].entry.of


def _beside(
    org_vault: OrgVault, state: LiveState, segments: Sequence[LiveSegment], done: Collection[str]
) -> Iterator[AffectedTable]:
    """Iterate by table over the segments that are still to be moved out of a bundle."""
    wanted = {live.entry.id for live in segments} - set(done)
    for table in sorted({live.entry.table for live in segments}):
        view = org_vault.view(table, until=state.seq, state=state)
        ranks = (rank for rank, live in enumerate(view.segments) if live.entry.id in wanted)
        if others := frozenset(ranks):
            yield AffectedTable(view, _NO_IDS, others)


def _moved(
    org_vault: OrgVault,
    out: SegmentWriter,
    hits: Sequence[AffectedTable],
    pause: Callable[[], None],
) -> Iterator[ReplacedSegments]:
    """Write each segment to another bundle; merge segments whose order matters.

    Segments of one commit stay together, so that a read of one backup finds them in one bundle.
    """
    lone: dict[int, list[LiveSegment]] = {}
    for hit in hits:
        pause()
        for _, part in hit.groups:
            if len(part) == 1 and not part[0].rebased:
                lone.setdefault(part[0].last, []).append(part[0])
            else:
                yield from rewrite(org_vault, out, _only(hit, part), pause=pause)
    for segments in lone.values():
        yield from _together(org_vault, out, segments)


def _together(
    org_vault: OrgVault, out: SegmentWriter, segments: Sequence[LiveSegment]
) -> Iterator[ReplacedSegments]:
    entries = [bundle_entry_of(org_vault, out, live, reach=_reach(live)) for live in segments]
    by_id = {written.id: written for written in write_bundles(out, entries)}
    for live, entry in zip(segments, entries, strict=True):
        yield ReplacedSegments((live.entry,), (by_id[entry.ident],))


def _only(table: AffectedTable, part: Sequence[LiveSegment]) -> AffectedTable:
    """Reduce an affected table to some of its segments."""
    moving_ids = {live.entry.id for live in part}
    ranks = (rank for rank, live in enumerate(table.view.segments) if live.entry.id in moving_ids)
    return AffectedTable(table.view, table.ids, frozenset(ranks))


def _reach(live: LiveSegment) -> CommitRange:
    """Return the commits of a segment, which it must now record itself.

    Its place in the order of segments no longer shows them.
    """
    return CommitRange(live.first, live.last)


def bundle_entry_of(
    org_vault: OrgVault, out: SegmentWriter, live: LiveSegment, *, reach: CommitRange | None
) -> BundleEntry:
    """Read a segment from its bundle, as an entry for another bundle."""
    label, present = org_vault.reader.facts(live.entry)
    cells = sorted(name for name in present if not name.startswith("_u_"))
    names = [*(field.name for field in SYSTEM_FIELDS), *cells]
    rows = org_vault.reader.read(live.entry, groups=[0], columns=names)
    return BundleEntry(out.fresh(), BufferedSegment.of(rows, label), reach)
