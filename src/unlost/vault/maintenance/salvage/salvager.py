"""Salvage: one commit removes damaged objects from an org, and keeps everything that is readable.

    survey    ``SalvageSurveyor``: damage that is proved twice, and the losses that follow
    write     rest of damaged segments, rebuilt ``$search`` and ``$changes``, moved contents,
              replacement certificates
    commit    new counts, a finding for each table, tables to read in full next time

Objects written before the commit are new and unused without it. The damaged ones are removed days
later, like all that a commit replaces. See docs/adr/0032.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial

import polars as pl
import pyarrow as pa

from unlost.model.errors import IntegrityError, NotFound, UnlostError
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.message import Message, Noun, counted, joined, message
from unlost.model.vault.salvage import Salvage, SalvageEffect, TableSalvaged
from unlost.model.vault.snapshot import CommitKind
from unlost.vault.commits.state import LiveSegment, LiveState, unneeded_objects
from unlost.vault.format.manifest import ObjectEntry, TablePart
from unlost.vault.format.physical import FILES, SEARCH
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.erase.erase_commit import close_committed
from unlost.vault.maintenance.erase.redact import put_certificate
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.maintenance.garbage import collected_up_to
from unlost.vault.maintenance.maintenance_run import (
    BEGUN_ANEW,
    MaintenanceRun,
    MaintenanceWork,
    check_no_open_run,
    close_cut_off,
)
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.counts import count_records
from unlost.vault.maintenance.rewrite.merging import MergeChoice
from unlost.vault.maintenance.rewrite.repack import RelocatedContents, RepackedPacks, repack_extents
from unlost.vault.maintenance.salvage.certificates import ReplacementCertificates
from unlost.vault.maintenance.salvage.contents import Reachable
from unlost.vault.maintenance.salvage.derived import RebuiltTable
from unlost.vault.maintenance.salvage.survey import SalvageSurvey, SalvageSurveyor
from unlost.vault.maintenance.salvage.tables import PredecessorUnknown, TableWork
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.merge import MergeRange
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.stores.unread import unsteady

type Agree = Callable[[SalvageEffect], object]


def plan_salvage(org_vault: OrgVault, _: Salvage, *, pause: Pause) -> SalvageEffect:
    """Compute what a salvage would keep and lose now."""
    # ``find`` before ``reread``: the latter goes by the losses that the former has found.
    surveyor = SalvageSurveyor(org_vault, org_vault.chain.proved(), pause)
    return surveyor.find().effect(surveyor.reread())


def salvage(
    org_vault: OrgVault, _: Salvage, *, run: str, pause: Pause, agree: Agree
) -> SalvageEffect:
    """Remove damaged objects while no other run is open."""
    state = org_vault.chain.proved()
    close_cut_off(org_vault, *BEGUN_ANEW)
    close_committed(org_vault, state)
    check_no_open_run(org_vault, state)
    if not state.seq:
        agree(SalvageEffect())
        return SalvageEffect()
    maintenance = MaintenanceRun(org_vault, run=run, kind=CommitKind.SALVAGE)
    maintenance.open()
    try:
        return _Salvaging(org_vault, maintenance, run=run, pause=pause).salvage(agree)
    except Exception:
        maintenance.give_up()
        raise


@dataclass(slots=True)
class _Done:
    """Objects written so far, and the state with them."""

    replaced: list[ReplacedSegments]
    after: LiveState

    def add(self, more: Sequence[ReplacedSegments]) -> None:
        """Add replacements."""
        self.replaced += more
        for replaced in more:
            table = replaced.part.table
            segments = self.after.segments.setdefault(table, {})
            for entry in replaced.old:
                segments.pop(entry.id, None)
            for order, entry in enumerate(replaced.new):
                segments[entry.id] = LiveSegment(entry, self.after.seq, order)


class _Salvaging:
    """One salvage, from the survey to its commit."""

    def __init__(
        self, org_vault: OrgVault, maintenance: MaintenanceRun, *, run: str, pause: Pause
    ) -> None:
        self._org_vault = org_vault
        self._maintenance = maintenance
        self._run = run
        self._pause = pause
        self._state = maintenance.base
        self._out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)
        self._created: list[str] = []

    def salvage(self, agree: Agree) -> SalvageEffect:
        """Survey, ask for agreement, write, and commit."""
        surveyor = SalvageSurveyor(self._org_vault, self._state, self._pause)
        salvage_survey, reread = surveyor.find(), surveyor.reread()
        salvage_effect = salvage_survey.effect(reread)
        agree(salvage_effect)
        if not salvage_survey.damaged:
            self._maintenance.give_up()
            return salvage_effect
        try:
            number = self._commit(salvage_survey, salvage_effect)
        except Exception:
            self._drop()
            raise
        with suppress(UnlostError):  # committed: the next sweep removes the rest
            remove_erased(self._org_vault, self._org_vault.chain.proved())
        return replace(salvage_effect, snapshot=number)

    def _commit(self, salvage_survey: SalvageSurvey, effect: SalvageEffect) -> int:
        repacked = self._moved(salvage_survey.contents.moving)
        self._created += [
            object_names.pack(self._org_vault.org, entry.id) for entry in repacked.entries
        ]
        done = _Done([], self._state.copy())
        self._files(salvage_survey, repacked, done)
        for work in salvage_survey.works:
            choose = partial(PredecessorUnknown, losses=work.losses)
            done.add(self._rewritten(work, choose, done.after))
        # After all records: words and index are rebuilt from the state with the substitutes.
        self._derived(salvage_survey, done)
        certificates = self._certificates(salvage_survey.damaged.certificates, done.after)
        check_no_open_run(self._org_vault, self._org_vault.chain.proved(), own_run=self._run)
        gone = [entry for replaced in done.replaced for entry in (*replaced.old, *replaced.between)]
        objects = unneeded_objects(self._state, gone, org=self._org_vault.org)
        leaving = salvage_survey.damaged.packs | salvage_survey.contents.leaving
        packs = {
            object_names.pack(self._org_vault.org, self._state.pack_id(pack)) for pack in leaving
        }
        counted = {
            work.table: count_records(
                self._org_vault.view(work.table, until=self._state.seq, state=done.after)
            )
            for work in salvage_survey.works
        }
        return self._maintenance.commit(
            MaintenanceWork(
                parts=tuple(_parts(done.replaced, effect)),
                packs=repacked.entries,
                condemned=tuple(sorted({object_entry.name for object_entry in objects} | packs)),
                collected=collected_up_to(self._org_vault, self._state),
                dropped=tuple(sorted(leaving)),
                counted=counted,
                # Their cursors are dropped, so that the next backup brings back what the org still
                # has.
                reread=frozenset(effect.reread),
                objects=tuple(certificates.values()),
                withdrawn=salvage_survey.damaged.certificates,
                recertified={name: entry.name for name, entry in certificates.items()},
                unjournaled=salvage_survey.damaged.journals,
            ),
            alone=True,
        ).number

    def _certificates(self, lost: Sequence[str], after: LiveState) -> dict[str, ObjectEntry]:
        """Write the replacement of each lost certificate."""
        written: dict[str, ObjectEntry] = {}
        for name, certificate in ReplacementCertificates(self._org_vault, after, self._pause).of(
            lost
        ):
            written[name] = put_certificate(self._org_vault, name, certificate)
            self._created.append(written[name].name)
        return written

    def _moved(self, extents: pl.DataFrame) -> RepackedPacks:
        """Copy contents that were just verified into new packs."""
        try:
            return repack_extents(self._org_vault, extents)
        except (IntegrityError, NotFound):
            ids = sorted({self._state.pack_id(pack) for pack in extents["pack"].to_list()})
            raise unsteady(
                ", ".join(object_names.pack(self._org_vault.org, pack_id) for pack_id in ids)
            ) from None

    def _files(self, salvage_survey: SalvageSurvey, repacked: RepackedPacks, done: _Done) -> None:
        """Rewrite segments of ``$files`` that are damaged or refer to lost or moved contents."""
        work = salvage_survey.files
        if work is None:
            return
        healthy = work.healthy().segments
        touched = [live for live in healthy if self._is_touched(live, salvage_survey, repacked)]

        def choose(view: TableView) -> MergeChoice:
            reachable = Reachable(view, self._org_vault, salvage_survey.contents)
            both = _Both(reachable, PredecessorUnknown(view, work.losses))
            return RelocatedContents(both, self._org_vault, repacked)

        done.add(self._rewritten(work, choose, done.after, beside=touched))

    def _is_touched(
        self, live: LiveSegment, salvage_survey: SalvageSurvey, repacked: RepackedPacks
    ) -> bool:
        view = TableView(FILES, [live], self._org_vault.reading)
        choice = RelocatedContents(
            Reachable(view, self._org_vault, salvage_survey.contents), self._org_vault, repacked
        )
        names = list(self._org_vault.reader.facts(live.entry)[1])
        for group in range(len(view.sidecar(0).fences)):
            rows = view.read(0, [group], names)
            if choice.staying(choice.id_ranges()[0], rows) is not rows:
                return True
        return False

    def _rewritten(
        self,
        work: TableWork,
        choose: Callable[[TableView], MergeChoice],
        after: LiveState,
        *,
        beside: Sequence[LiveSegment] = (),
    ) -> list[ReplacedSegments]:
        load = self._org_vault.load_blob(until=self._state.seq, state=after)
        stand_ins = work.substituted(self._out, load)
        stand_ins |= {live.entry.id: live for live in beside}
        return list(work.rewrite(self._out, stand_ins, choose))

    def _derived(self, salvage_survey: SalvageSurvey, done: _Done) -> None:
        """Rebuild ``$search`` and ``$changes`` from the remaining records."""
        load = self._org_vault.load_blob(until=self._state.seq, state=done.after)
        remade = RebuiltTable(self._org_vault, done.after, self._out, load, self._pause)
        for live in salvage_survey.damaged.of(self._state, SEARCH):
            done.add([remade.words(live)])
        tables = [work.table for work in salvage_survey.works]
        damaged = any(
            salvage_survey.damaged.of(self._state, table)
            for table in salvage_survey.remade
            if table != SEARCH
        )
        if tables or damaged:
            done.add(list(remade.changes(tables, damaged=damaged)))

    def _drop(self) -> None:
        """After a failure, remove new packs and certificates unless they may still be committed."""
        with suppress(UnlostError):
            if self._maintenance.is_surely_uncommitted():
                for name in self._created:
                    self._org_vault.sealed.store.delete(name)


class _Both:
    """Two selections applied one after the other."""

    def __init__(self, choice: MergeChoice, other: MergeChoice) -> None:
        self._one = choice
        self._other = other

    def id_ranges(self) -> Sequence[MergeRange]:
        """Return the ranges of the first selection."""
        return self._one.id_ranges()

    def staying(self, id_range: MergeRange, rows: pa.Table) -> pa.Table:
        """Return the rows that stay."""
        return self._other.staying(id_range, self._one.staying(id_range, rows))


def _parts(replaced: Sequence[ReplacedSegments], effect: SalvageEffect) -> Iterator[TablePart]:
    """Build one part for each table, with a finding about its losses."""
    findings = {
        salvaged_table.table: finding_of(salvaged_table, files=effect.files_lost)
        for salvaged_table in effect.tables
    }
    merged: dict[str, TablePart] = {}
    for replaced_segments in replaced:
        table, before = replaced_segments.part.table, merged.get(replaced_segments.part.table)
        merged[table] = TablePart(
            table=table,
            segments=(*(before.segments if before else ()), *replaced_segments.part.segments),
            removed=(*(before.removed if before else ()), *replaced_segments.part.removed),
            finding=findings.get(table),
        )
    yield from (merged[name] for name in sorted(merged))


def finding_of(table: TableSalvaged, *, files: int) -> Finding | None:
    """Build the permanent finding about a table, without ids, which would outlive an erasure.

    ``files``: total number of lost files, reported for ``$files``.
    """
    losses = list(_losses(table, files=files))
    if not losses:
        return None
    return Finding.of(
        FindingKind.SALVAGED,
        Severity.NOTE,
        "{losses}",
        table=table.table,
        losses=joined(FindingKind.SALVAGED.value, losses),
    )


def _losses(table: TableSalvaged, *, files: int) -> Iterator[Message]:
    if table.lost:
        yield message(
            "",
            "Lost: {versions} of {table}.",
            versions=counted(table.lost, Noun.VERSION),
            table=table.table,
        )
    if table.reduced:
        yield message(
            "",
            "Lost in {versions} of {table}: the columns {columns}.",
            versions=counted(table.reduced, Noun.VERSION),
            table=table.table,
            columns=", ".join(table.columns),
        )
    if table.table == FILES and files:
        yield message("", "Lost: {files}.", files=counted(files, Noun.FILE))
    if table.warning:
        yield Message("", table.warning, template=table.warning)
