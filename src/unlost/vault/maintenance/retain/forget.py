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

from unlost.model.errors import Conflict, UnlostError
from unlost.model.retention import Forget, Forgetting
from unlost.model.snapshot import CommitKind, SegmentEntry
from unlost.vault.commits.state import LiveSegment, LiveState, unneeded_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.physical import CHANGES, FILES, SEARCH
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.layout.segment_label import SegmentLabel
from unlost.vault.maintenance.bundle_split import touched, unbundled, wasted
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    BEGUN_ANEW,
    MaintenanceRun,
    MaintenanceWork,
    close_cut_off,
    open_runs,
)
from unlost.vault.maintenance.retain.contents import FreedContents
from unlost.vault.maintenance.retain.scope import RetentionScope, scope_of
from unlost.vault.maintenance.retain.spill import RowSpill
from unlost.vault.maintenance.retain.tables import RowSpills, TablesForgotten, TableTally
from unlost.vault.maintenance.rewrite.merging import MergeChoice, Merger
from unlost.vault.maintenance.rewrite.repack import RelocatedContents, RepackedPacks, repack
from unlost.vault.maintenance.rewrite.tiers import Tier, tiers_of
from unlost.vault.objects.segment_writer import CommitRange, SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run

type Pause = Callable[[], None]
type Agree = Callable[[Forgetting], object]


@dataclass(frozen=True, slots=True)
class ForgetCommitParts:
    """Everything that goes into the commit."""

    scope: RetentionScope
    tallies: Sequence[TableTally]
    tables: tuple[ReplacedSegments, ...]
    freed: FreedContents
    repacked: RepackedPacks
    spills: RowSpills

    def replaced(self, room: OrgVault) -> Iterator[ObjectEntry]:
        """Iterate over the objects that are no longer needed."""
        spills = self.spills
        gone = [entry for table in self.tables for entry in (*table.old, *table.between)]
        gone += [*spills.words.entries, *spills.changes.entries, *spills.replaced_changes.entries]
        yield from unneeded_objects(self.scope.state, gone, org=room.org)
        for ident in self.freed.packs:
            pack = self.scope.state.packs[ident]
            yield ObjectEntry(object_names.pack(room.org, pack.id), pack.bytes, pack.blake3)


def plan_forgetting(room: OrgVault, operation: Forget, *, pause: Pause) -> Forgetting:
    """Compute the effect that ``forget`` would have now."""
    state = room.chain.proved()
    if not state.seq:
        return Forgetting()
    scope = scope_of(room, state, operation.rules)
    tables = TablesForgotten(room, scope, pause)
    return _effect_of(scope, tables.tally(), tables)


def forget(
    room: OrgVault, operation: Forget, *, run: str, pause: Pause, agree: Agree
) -> Forgetting:
    """Remove what the rules do not keep; remaining backups are unchanged to the bit."""
    state = room.chain.proved()
    if not state.seq:
        agree(Forgetting())
        return Forgetting()
    check_alone(room)
    close_cut_off(room, CommitKind.FORGET)
    maintenance = MaintenanceRun(room, run=run, kind=CommitKind.FORGET)
    maintenance.open()
    try:
        return _forgotten(room, operation, maintenance, pause, agree)
    except Exception:
        maintenance.give_up()
        raise


def check_alone(room: OrgVault) -> None:
    """Raise Conflict while a run is open that may use data that is to go.

    Committed runs that are not closed do not count. Neither does the placing of a legal hold: it
    relies on no data, and if it commits meanwhile, the commit of the forgetting fails.
    """
    state = room.chain.proved()
    others = [
        intent
        for intent in open_runs(room)
        if intent.kind not in BEGUN_ANEW and commit_of_run(state, intent.run) is None
    ]
    if others:
        raise Conflict(
            "runs-open",
            "The run {run} is still open and may need data that would be forgotten.",
            next_step="Wait until the run ends, or cancel it. Then try again.",
            run=others[0].run,
        )


def _forgotten(
    room: OrgVault, operation: Forget, maintenance: MaintenanceRun, pause: Pause, agree: Agree
) -> Forgetting:
    out = SegmentWriter(room.org, sealed=room.sealed, prefix=maintenance.prefix)
    scope = scope_of(room, maintenance.base, operation.rules)
    spills = _spills(room, out, scope.state)
    tables = TablesForgotten(room, scope, pause, spills=spills)
    tallies = tables.tally()
    forgetting = _effect_of(scope, tallies, tables)
    agree(forgetting)
    if forgetting.nothing:
        maintenance.give_up()
        return forgetting
    repacked = RepackedPacks()
    try:
        repacked = repack(room, tables.freed.moving)
        done = [_rewritten(room, out, tally, repacked, pause) for tally in tallies]
        done += _bare(room, out, scope.state, spills, pause)
        done += _unbundled(room, out, scope, tallies, done, pause)
        parts = ForgetCommitParts(scope, tallies, tuple(done), tables.freed, repacked, spills)
        return _commit(room, maintenance, parts, forgetting)
    except Exception:
        _drop_packs(room, repacked, maintenance)
        raise


def _drop_packs(room: OrgVault, repacked: RepackedPacks, maintenance: MaintenanceRun) -> None:
    """After a failure, remove the new packs, unless they were or may still be committed."""
    with suppress(UnlostError):
        if maintenance.came_to_nothing():
            for entry in repacked.entries:
                room.sealed.store.delete(object_names.pack(room.org, entry.id))


def _spills(room: OrgVault, out: SegmentWriter, state: LiveState) -> RowSpills:
    """Create buffers for rows that leave or enter bare tables, with the labels of these tables."""
    return RowSpills(
        words=_spill(room, out, state, SEARCH),
        changes=_spill(room, out, state, CHANGES),
        replaced_changes=_spill(room, out, state, CHANGES),
    )


def _spill(room: OrgVault, out: SegmentWriter, state: LiveState, table: str) -> RowSpill:
    segments = state.of(table, until=state.seq)
    label = (
        room.reader.facts(segments[-1].entry)[0] if segments else SegmentLabel(table, "", state.seq)
    )
    return RowSpill(out, label, CommitRange(1, state.seq))


def _rewritten(
    room: OrgVault, out: SegmentWriter, tally: TableTally, repacked: RepackedPacks, pause: Pause
) -> ReplacedSegments:
    """Rewrite the tiers of a table that lose something, each separately."""
    old: list[SegmentEntry] = []
    new: list[SegmentEntry] = []
    between: list[SegmentEntry] = []
    for tier in tally.hit:
        choice: MergeChoice = tally.survey.choice(tier)
        if tally.table == FILES:
            choice = RelocatedContents(choice, room, repacked)
        reach = CommitRange(tier.first, tier.last)
        merger = Merger(tally.table, room.reading, out, reach, pause, choice=choice)
        new += merger.merge(tier.segments)
        old += [live.entry for live in tier.segments]
        between += merger.between
    return ReplacedSegments(tuple(old), tuple(new), tuple(between))


def _bare(
    room: OrgVault, out: SegmentWriter, state: LiveState, spills: RowSpills, pause: Pause
) -> list[ReplacedSegments]:
    """Rewrite ``$search`` and ``$changes`` without the rows that go."""
    words, changes, segments = (
        s.close() for s in (spills.words, spills.changes, spills.replaced_changes)
    )
    bare_replaced = [
        _without(room, out, state.of(SEARCH, until=state.seq), words, (), pause),
        _without(room, out, state.of(CHANGES, until=state.seq), changes, segments, pause),
    ]
    return [replaced for replaced in bare_replaced if replaced is not None]


def _without(
    room: OrgVault,
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
    merger = Merger(segments[0].entry.table, room.reading, out, reach, pause)
    new = merger.merge([*segments, *fresh], without=gone)
    return ReplacedSegments(
        tuple(live.entry for live in segments), tuple(new), tuple(merger.between)
    )


def _unbundled(
    room: OrgVault,
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
    return unbundled(room, out, scope.state, leaving, gone=gone, pause=pause)


def _commit(
    room: OrgVault, maintenance: MaintenanceRun, parts: ForgetCommitParts, forgetting: Forgetting
) -> Forgetting:
    objects = list(parts.replaced(room))
    # Checked again: a backup that began since may refer to versions that go.
    check_alone(room)
    info = maintenance.commit(
        MaintenanceWork(
            parts=tuple(table.part for table in parts.tables),
            packs=parts.repacked.entries,
            condemned=tuple(sorted(each.name for each in objects)),
            collected=collected_up_to(room, room.chain.live()),
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
        nights=scope.going,
        staying=scope.staying,
        tables=tuple(tally.report for tally in tallies if tally.table != FILES and tally.versions),
        files=tables.freed.contents,
        file_bytes=tables.freed.bytes,
        packs=len(tables.freed.packs),
        rewritten=sum(tally.bytes for tally in tallies),
        holds=scope.holds,
    )
