"""Forgetting: drop the versions that no remaining backup shows, by rewriting their segments.

    rules ─▶ backups that stay and go          ``scope``, ``nights``
          ─▶ versions that go, table by table   ``survey``, ``surviving``, ``tables``
          ─▶ words, rows of ``$changes``, files and contents that go with them
          ─▶ rewritten tiers, one commit, condemned objects

Only tiers that lose a version are rewritten. Readers continue with the earlier objects, which a
sweep removes some days later. Backups that stay are unchanged to the bit. See docs/adr/0022.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from unlost.model.errors import UnlostError
from unlost.model.vault.retention import Forget, Forgetting
from unlost.model.vault.snapshot import CommitKind, SegmentEntry
from unlost.vault.commits.state import LiveSegment, LiveState, unneeded_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.physical import CHANGES, FILES, SEARCH
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.bundle_split import move_out_of_bundles, touched, wasted
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    BEGUN_ANEW,
    MaintenanceRun,
    MaintenanceWork,
    check_no_open_run,
    close_cut_off,
)
from unlost.vault.maintenance.retain.contents import FreedContents
from unlost.vault.maintenance.retain.row_buffer import RowBuffer
from unlost.vault.maintenance.retain.scope import RetentionScope, scope_of
from unlost.vault.maintenance.retain.tables import RowBuffers, TablesForgotten, TableTally
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.merging import MergeChoice, Merger
from unlost.vault.maintenance.rewrite.repack import RelocatedContents, RepackedPacks, repack
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault

type Agree = Callable[[Forgetting], object]


@dataclass(frozen=True, slots=True)
class ForgetCommitParts:
    """Everything that goes into the commit."""

    scope: RetentionScope
    tallies: Sequence[TableTally]
    tables: tuple[ReplacedSegments, ...]
    freed: FreedContents
    repacked: RepackedPacks
    row_buffers: RowBuffers

    def replaced(self, org_vault: OrgVault) -> Iterator[ObjectEntry]:
        """Iterate over the objects that are no longer needed."""
        row_buffers = self.row_buffers
        gone = [entry for table in self.tables for entry in (*table.old, *table.between)]
        gone += [
            *row_buffers.words.entries,
            *row_buffers.changes.entries,
            *row_buffers.replaced_changes.entries,
        ]
        yield from unneeded_objects(self.scope.state, gone, org=org_vault.org)
        for ident in self.freed.packs:
            pack = self.scope.state.packs[ident]
            yield ObjectEntry(object_names.pack(org_vault.org, pack.id), pack.bytes, pack.blake3)


def plan_forgetting(org_vault: OrgVault, operation: Forget, *, pause: Pause) -> Forgetting:
    """Compute the effect that ``forget`` would have now."""
    state = org_vault.chain.proved()
    if not state.seq:
        return Forgetting()
    scope = scope_of(org_vault, state, operation.rules)
    tables = TablesForgotten(org_vault, scope, pause)
    return _effect_of(scope, tables.tally(), tables)


def forget(
    org_vault: OrgVault, operation: Forget, *, run: str, pause: Pause, agree: Agree
) -> Forgetting:
    """Remove what the rules do not keep; remaining backups are unchanged to the bit."""
    state = org_vault.chain.proved()
    if not state.seq:
        agree(Forgetting())
        return Forgetting()
    _check_alone(org_vault)
    close_cut_off(org_vault, CommitKind.FORGET)
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.FORGET)
    maintenance.open()
    try:
        return _forget(org_vault, operation, maintenance, pause, agree)
    except Exception:
        maintenance.give_up()
        raise


def _check_alone(org_vault: OrgVault) -> None:
    """Raise Conflict while a run is open that may use data that is to go.

    The placing of a legal hold relies on no data. If it commits meanwhile, the commit of the
    forgetting fails.
    """
    check_no_open_run(org_vault, org_vault.chain.proved(), ignore_kinds=BEGUN_ANEW)


def _forget(
    org_vault: OrgVault, operation: Forget, maintenance: MaintenanceRun, pause: Pause, agree: Agree
) -> Forgetting:
    out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)
    scope = scope_of(org_vault, maintenance.base, operation.rules)
    row_buffers = _row_buffers(org_vault, out, scope.state)
    tables = TablesForgotten(org_vault, scope, pause, row_buffers=row_buffers)
    tallies = tables.tally()
    forgetting = _effect_of(scope, tallies, tables)
    agree(forgetting)
    if forgetting.nothing:
        maintenance.give_up()
        return forgetting
    repacked = RepackedPacks()
    try:
        repacked = repack(org_vault, tables.freed.moving)
        done = [_rewritten(org_vault, out, tally, repacked, pause) for tally in tallies]
        done += _bare(org_vault, out, scope.state, row_buffers, pause)
        done += _move_out_of_bundles(org_vault, out, scope, tallies, done, pause)
        parts = ForgetCommitParts(scope, tallies, tuple(done), tables.freed, repacked, row_buffers)
        return _commit(org_vault, maintenance, parts, forgetting)
    except Exception:
        _drop_packs(org_vault, repacked, maintenance)
        raise


def _drop_packs(org_vault: OrgVault, repacked: RepackedPacks, maintenance: MaintenanceRun) -> None:
    """After a failure, remove the new packs, unless they were or may still be committed."""
    with suppress(UnlostError):
        if maintenance.is_surely_uncommitted():
            for entry in repacked.entries:
                org_vault.sealed.store.delete(object_names.pack(org_vault.org, entry.id))


def _row_buffers(org_vault: OrgVault, out: SegmentWriter, state: LiveState) -> RowBuffers:
    """Create buffers for rows that leave or enter bare tables, with the labels of these tables."""
    return RowBuffers(
        words=_row_buffer(org_vault, out, state, SEARCH),
        changes=_row_buffer(org_vault, out, state, CHANGES),
        replaced_changes=_row_buffer(org_vault, out, state, CHANGES),
    )


def _row_buffer(org_vault: OrgVault, out: SegmentWriter, state: LiveState, table: str) -> RowBuffer:
    segments = state.of(table, until=state.seq)
    label = (
        org_vault.reader.facts(segments[-1].entry)[0]
        if segments
        else SegmentLabel(table, "", state.seq)
    )
    return RowBuffer(out, label, CommitRange(1, state.seq))


def _rewritten(
    org_vault: OrgVault,
    out: SegmentWriter,
    tally: TableTally,
    repacked: RepackedPacks,
    pause: Pause,
) -> ReplacedSegments:
    """Rewrite the tiers of a table that lose something, each separately."""
    old: list[SegmentEntry] = []
    new: list[SegmentEntry] = []
    between: list[SegmentEntry] = []
    for tier in tally.hit:
        choice: MergeChoice = tally.survey.choice(tier)
        if tally.table == FILES:
            choice = RelocatedContents(choice, org_vault, repacked)
        reach = CommitRange(tier.first, tier.last)
        merger = Merger(tally.table, org_vault.reading, out, reach, pause, choice=choice)
        new += merger.merge(tier.segments)
        old += [live.entry for live in tier.segments]
        between += merger.between
    return ReplacedSegments(tuple(old), tuple(new), tuple(between))


def _bare(
    org_vault: OrgVault, out: SegmentWriter, state: LiveState, row_buffers: RowBuffers, pause: Pause
) -> list[ReplacedSegments]:
    """Rewrite ``$search`` and ``$changes`` without the rows that go."""
    words, changes, segments = (
        s.close() for s in (row_buffers.words, row_buffers.changes, row_buffers.replaced_changes)
    )
    bare_replaced = [
        _without(org_vault, out, state.of(SEARCH, until=state.seq), words, (), pause),
        _without(org_vault, out, state.of(CHANGES, until=state.seq), changes, segments, pause),
    ]
    return [replaced for replaced in bare_replaced if replaced is not None]


def _without(
    org_vault: OrgVault,
    out: SegmentWriter,
    segments: Sequence[LiveSegment],
    gone: Sequence[LiveSegment],
    fresh: Sequence[LiveSegment],
    pause: Pause,
) -> ReplacedSegments | None:
    if not segments or not gone:
        return None
    tiers: Sequence[Tier] = tiers_of(segments)
    reach = CommitRange(tiers[0].first, tiers[-1].last)
    merger = Merger(segments[0].entry.table, org_vault.reading, out, reach, pause)
    new = merger.merge([*segments, *fresh], without=gone)
    return ReplacedSegments(
        tuple(live.entry for live in segments), tuple(new), tuple(merger.between)
    )


def _move_out_of_bundles(
    org_vault: OrgVault,
    out: SegmentWriter,
    scope: RetentionScope,
    tallies: Sequence[TableTally],
    done: Sequence[ReplacedSegments],
    pause: Pause,
) -> Iterator[ReplacedSegments]:
    """Rewrite live segments that share bundles with rows that go, or that went in an earlier merge.

    If a record goes completely, a backup that stays may have contained its tombstone, so that then
    no bundle is spared.
    """
    kept_numbers = () if any(tally.records for tally in tallies) else scope.staying
    # ``wasted`` finds rows that an earlier merge replaced and that a bundle still contains.
    leaving = touched(done) | wasted(scope.state, kept_numbers=kept_numbers)
    gone = {entry.id for replaced in done for entry in replaced.old}
    return move_out_of_bundles(org_vault, out, scope.state, leaving, gone=gone, pause=pause)


def _commit(
    org_vault: OrgVault,
    maintenance: MaintenanceRun,
    parts: ForgetCommitParts,
    forgetting: Forgetting,
) -> Forgetting:
    objects = list(parts.replaced(org_vault))
    # Checked again: a backup that began since may refer to versions that go.
    _check_alone(org_vault)
    info = maintenance.commit(
        MaintenanceWork(
            parts=tuple(table.part for table in parts.tables),
            packs=parts.repacked.entries,
            condemned=tuple(sorted(each.name for each in objects)),
            collected=collected_up_to(org_vault, org_vault.chain.live()),
            dropped=parts.freed.packs,
            forgotten=parts.scope.going,
            tombstones={
                tally.table: tally.records for tally in parts.tallies if tally.table != FILES
            },
        ),
        alone=True,
    )
    return replace(forgetting, snapshot=info.number, condemned=sum(each.bytes for each in objects))


def _effect_of(
    scope: RetentionScope, tallies: Sequence[TableTally], tables: TablesForgotten
) -> Forgetting:
    return Forgetting(
        backups=scope.going,
        staying=scope.staying,
        tables=tuple(tally.report for tally in tallies if tally.table != FILES and tally.versions),
        files=tables.freed.contents,
        file_bytes=tables.freed.bytes,
        packs=len(tables.freed.packs),
        rewritten=sum(tally.bytes for tally in tallies),
        holds=scope.holds,
    )
