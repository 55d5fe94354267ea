"""The commit of an erasure or a rectification: write the replacements, commit, then clean up.

    before the commit   new segments, packs, certificates, redactions    unused without the commit
    the commit          names everything that is no longer needed
    after the commit    ``remove_erased`` deletes exactly that, now or later

A run that is cut off has therefore either changed nothing, or is finished by the next maintenance
of the vault. Erasure and rectification are subclasses of ``RemovalCommit``; they differ in the rows
that they write and in their proof. See docs/adr/0023 and docs/adr/0025.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

import pyarrow as pa

from unlost.model.errors import UnlostError
from unlost.model.vault.certificate import Certificate
from unlost.model.vault.erasure_proof import ErasureProof, TableErased
from unlost.model.vault.snapshot import CommitKind, SegmentEntry
from unlost.vault.commits.intents import OpenRun
from unlost.vault.commits.state import LiveState, live_objects, unneeded_objects
from unlost.vault.format.manifest import ObjectEntry, TablePart
from unlost.vault.format.physical import SUPPRESSED
from unlost.vault.layout import object_names
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.bundle_split import bundles_with_ids, move_out_of_bundles, touched
from unlost.vault.maintenance.erase.packs import ErasedContents
from unlost.vault.maintenance.erase.redact import (
    RecordNameFinder,
    manifest_without,
    put_certificate,
    put_redaction,
)
from unlost.vault.maintenance.erase_cleanup import remove_erased
from unlost.vault.maintenance.garbage import collected_up_to, listing_of
from unlost.vault.maintenance.maintenance_run import (
    BEGUN_ANEW,
    MaintenanceRun,
    MaintenanceWork,
    check_no_open_run,
    close_cut_off,
)
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.repack import RepackedPacks, repack
from unlost.vault.objects.segment_writer import SegmentWriter
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.finish import commit_of_run
from unlost.vault.write.open_runs import open_runs


class ErasedDocuments(Protocol):
    """Results of a survey: contents and journals that go, and documents that name the records."""

    @property
    def contents(self) -> ErasedContents:
        """Contents that are no longer needed afterwards."""
        ...

    @property
    def journals(self) -> tuple[str, ...]:
        """Runs whose journals are removed."""
        ...

    @property
    def certificates(self) -> tuple[tuple[str, Certificate], ...]:
        """Replacements of certificates, by their old names."""
        ...

    @property
    def naming(self) -> RecordNameFinder:
        """Detector for documents that name the records."""
        ...


@dataclass(frozen=True, slots=True)
class CountCorrections:
    """Numbers to subtract, by table: deleted records and live records that leave the vault."""

    tombstones: Mapping[str, int] = field(default_factory=dict)
    alive: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class WrittenCommit:
    """Everything that was written for the commit."""

    replaced: tuple[ReplacedSegments, ...]
    repacked: RepackedPacks
    marks: tuple[SegmentEntry, ...]
    objects: tuple[ObjectEntry, ...]
    recertified: Mapping[str, str]
    withdrawn: tuple[str, ...]


def run_alone[T](
    org_vault: OrgVault, *, run: str, kind: CommitKind, act: Callable[[MaintenanceRun], T]
) -> tuple[T, int]:
    """Run ``act`` while no other run is open; returns its result and the number of bytes removed.

    First removes what an earlier run left that was cut off. Raises Conflict (``runs-open``).
    """
    state = org_vault.chain.proved()
    close_cut_off(org_vault, *BEGUN_ANEW)
    close_committed(org_vault, state)
    check_no_open_run(org_vault, state)
    before = remove_erased(org_vault, state)
    maintenance = MaintenanceRun(org_vault, run=run, kind=kind)
    maintenance.open()
    try:
        done = act(maintenance)
    except Exception:
        maintenance.give_up()
        raise
    state = org_vault.chain.proved()
    # Earlier checkpoints contain ids that are erased now. The cleanup below removes them.
    if commit_of_run(state, run) is not None:
        org_vault.chain.renew_checkpoint()
    return done, before + remove_erased(org_vault, state)


def close_committed(org_vault: OrgVault, state: LiveState) -> None:
    """Close runs that were committed but not closed: their keys open what they buffered."""
    for intent in list(open_runs(org_vault)):
        if commit_of_run(state, intent.run):
            OpenRun(org_vault.org, intent.run, sealed=org_vault.sealed).close()


class RemovalCommit[F: ErasedDocuments](ABC):
    """One commit that removes data from all history, with everything that is written for it."""

    def __init__(
        self, org_vault: OrgVault, maintenance: MaintenanceRun, *, run: str, pause: Pause
    ) -> None:
        self._org_vault = org_vault
        self._maintenance = maintenance
        self._run = run
        self._pause = pause
        self._out = SegmentWriter(org_vault.org, sealed=org_vault.sealed, prefix=maintenance.prefix)

    @property
    def _state(self) -> LiveState:
        return self._maintenance.base

    @abstractmethod
    def _rewrite(self, survey: F, repacked: RepackedPacks) -> Iterable[ReplacedSegments]:
        """Rewrite the affected segments, also of ``$search`` and ``$changes``."""

    @abstractmethod
    def _records(self, survey: F) -> Iterable[pa.Array]:
        """Return the ids of the records of which no old version may stay."""

    @abstractmethod
    def _write_marks(self, survey: F) -> tuple[SegmentEntry, ...]:
        """Write new entries of the suppression list."""

    @abstractmethod
    def _gone_at(self, survey: F, seq: int) -> Iterable[TableErased]:
        """Count the records that tables no longer have as of a commit."""

    @abstractmethod
    def _count_corrections(self, survey: F) -> CountCorrections:
        """Return the corrections of the record counts in table states."""

    @abstractmethod
    def _proof(self, survey: F) -> ErasureProof:
        """Return the proof, which is kept forever."""

    def _commit(self, survey: F) -> int:
        """Write and commit; returns the commit's number. Removes what it wrote if that fails."""
        listing = self._listing()  # before the runs: then nothing in it belongs to a later run
        written_names: list[str] = []
        try:
            written = self._write(survey, written_names)
            return self._commit_written(survey, written, listing)
        except Exception:
            self._drop(written_names)
            raise

    def _listing(self) -> dict[str, int]:
        """List possible garbage, including certificates of runs that wrote another one later."""
        folder = object_names.certificates(self._org_vault.org)
        certificates = self._org_vault.sealed.store.list(folder)
        return listing_of(self._org_vault) | {
            certificate.name: certificate.size for certificate in certificates
        }

    def _write(self, survey: F, written_names: list[str]) -> WrittenCommit:
        repacked = repack(self._org_vault, survey.contents.freed.moving)
        # ``written_names`` grows step by step: after a failure, all of these objects are removed.
        # Segments are found by their prefix instead.
        written_names += [
            object_names.pack(self._org_vault.org, entry.id) for entry in repacked.entries
        ]
        replaced = tuple(self._rewrite(survey, repacked))
        replaced += tuple(self._beside(survey, replaced))
        marks = self._write_marks(survey)
        certificates = {
            name: put_certificate(self._org_vault, name, certificate)
            for name, certificate in survey.certificates
        }
        written_names += [entry.name for entry in certificates.values()]
        names = {name: entry.name for name, entry in certificates.items()}
        redactions = self._redactions(survey, replaced, names, written_names)
        withdrawn = (*names, *self._replaced_redactions(redactions))
        objects = (*certificates.values(), *redactions)
        return WrittenCommit(replaced, repacked, marks, objects, names, withdrawn)

    def _beside(
        self, survey: F, replaced: Sequence[ReplacedSegments]
    ) -> Iterable[ReplacedSegments]:
        """Rewrite the live segments that share a bundle with rows that go."""
        org_vault, state, ids = self._org_vault, self._state, self._records(survey)
        leaving = touched(replaced) | set(
            bundles_with_ids(org_vault, state, ids, pause=self._pause)
        )
        gone = {entry.id for replaced_segments in replaced for entry in replaced_segments.old}
        return move_out_of_bundles(
            org_vault, self._out, state, leaving, gone=gone, pause=self._pause
        )

    def _redactions(
        self,
        survey: F,
        replaced: Sequence[ReplacedSegments],
        names: Mapping[str, str],
        written_names: list[str],
    ) -> list[ObjectEntry]:
        """Write redactions of all manifests that reveal too much."""
        gone = {entry.id for replaced_segments in replaced for entry in replaced_segments.old}
        segments = self._state.segments.values()
        live = {ident for by_ident in segments for ident in by_ident if ident not in gone}
        entries, naming = [], survey.naming
        for seq in sorted(self._state.commits):
            self._pause()
            manifest, head = self._org_vault.chain.manifest(seq)
            manifest_left = manifest_without(
                manifest, live=live, names=names, naming=naming, erased=self._gone_at(survey, seq)
            )
            if manifest_left != manifest:
                entry = put_redaction(
                    self._org_vault, manifest_left, head=head, by=self._state.seq + 1
                )
                # Recorded as soon as it exists, so that a failure of the next one removes it.
                written_names.append(entry.name)
                entries.append(entry)
        return entries

    def _replaced_redactions(self, fresh: Sequence[ObjectEntry]) -> list[str]:
        """Return the names of redactions that the new ones replace."""
        seqs = {object_names.redacted(entry.name) for entry in fresh}
        folder = object_names.redactions(self._org_vault.org)
        redaction_names = [name for name in self._state.objects if name.startswith(folder)]
        return [name for name in redaction_names if object_names.redacted(name) in seqs]

    def _commit_written(self, survey: F, written: WrittenCommit, listing: Mapping[str, int]) -> int:
        org_vault, state, corrections = (
            self._org_vault,
            self._state,
            self._count_corrections(survey),
        )
        # Checked again: a backup may have begun since, whose rows the survey did not see.
        check_no_open_run(org_vault, org_vault.chain.proved(), own_run=self._run)
        parts = [replaced.part for replaced in written.replaced]
        if written.marks:
            parts.append(TablePart(table=SUPPRESSED, segments=written.marks))
        return self._maintenance.commit(
            MaintenanceWork(
                parts=_by_table(parts),
                packs=written.repacked.entries,
                condemned=tuple(sorted(self._condemned(survey, written, listing))),
                collected=collected_up_to(org_vault, state),
                dropped=survey.contents.freed.packs,
                tombstones=corrections.tombstones,
                alive=corrections.alive,
                objects=written.objects,
                withdrawn=written.withdrawn,
                unjournaled=survey.journals,
                recertified=written.recertified,
                erased=self._proof(survey),
            ),
            alone=True,
        ).number

    def _condemned(self, survey: F, written: WrittenCommit, listing: Mapping[str, int]) -> set[str]:
        """Return unneeded segments and packs: replaced now or earlier, or left by ended runs."""
        org = self._org_vault.org
        gone = [
            entry for replaced in written.replaced for entry in (*replaced.old, *replaced.between)
        ]
        names = {entry.name for entry in unneeded_objects(self._state, gone, org=org)}
        packs = map(self._state.pack_id, survey.contents.freed.packs)
        names |= {object_names.pack(org, pack) for pack in packs}
        live = {entry.name for entry in live_objects(self._state, org=org)}
        # No other run is open (``check_no_open_run``), so an object that is not live belongs to none.
        return names | (listing.keys() - live)

    def _drop(self, written_names: Sequence[str]) -> None:
        """After a failure, remove what was written, unless it was or may still be committed."""
        with suppress(UnlostError):
            if self._maintenance.is_surely_uncommitted():
                for name in written_names:
                    self._org_vault.sealed.store.delete(name)


def _by_table(parts: Sequence[TablePart]) -> tuple[TablePart, ...]:
    """Merge the parts of each table."""
    merged: dict[str, TablePart] = {}
    for part in parts:
        before = merged.get(part.table, TablePart(table=part.table))
        merged[part.table] = TablePart(
            table=part.table,
            segments=(*before.segments, *part.segments),
            removed=(*before.removed, *part.removed),
        )
    return tuple(merged[name] for name in sorted(merged))
