"""Erasure of records from an org: one commit removes them from all history, then the bytes go.

    survey   resolve the records; find segments, contents, journals, certificates that name them
    write    segments and packs without them, redacted manifests, ``$suppressed``
    commit   one put; refused if any other run committed since the survey
    clean    delete the replaced objects immediately: see ``erase_cleanup``

No commit is rewritten. A redaction stands in place of a manifest that reveals ids, and keeps the
manifest's head, so that the chain can still be followed. See docs/adr/0023.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

import pyarrow as pa
from blake3 import blake3

from unlost.model.errors import UsageError
from unlost.model.vault.erasure import Erase, Erasure, PastErasure
from unlost.model.vault.erasure_proof import ErasureProof, TableErased
from unlost.model.vault.snapshot import CommitKind, SegmentEntry
from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import CHANGES, FILES, SEARCH, SUPPRESSED
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.erase.chosen import check_match
from unlost.vault.maintenance.erase.counts import erased_at
from unlost.vault.maintenance.erase.erase_commit import CountCorrections, RemovalCommit, run_alone
from unlost.vault.maintenance.erase.suppression_entries import write_marks
from unlost.vault.maintenance.erase.survey import (
    ErasureSurvey,
    changes_to_remove,
    find,
    words_to_remove,
)
from unlost.vault.maintenance.erase_cleanup import erasures_in, is_complete
from unlost.vault.maintenance.rewrite.affected_segments import Pause, rewrite, rewrite_bare_table
from unlost.vault.maintenance.rewrite.repack import RepackedPacks
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.write.suppression_list import marks_in

type Agree = Callable[[Erasure], object]


def plan_erasure(org_vault: OrgVault, wish: Erase, *, pause: Pause) -> Erasure:
    """Compute the effect that ``erase`` would have now."""
    state = org_vault.chain.proved()
    _check_wish(org_vault, state, wish)
    return find(org_vault, state, wish, run="", pause=pause).effect


def erase(org_vault: OrgVault, wish: Erase, *, run: str, pause: Pause, agree: Agree) -> Erasure:
    """Remove records from all history, and put them on the suppression list."""
    state = org_vault.chain.proved()
    # Before a run is open, so that a usage error leaves no trace.
    _check_wish(org_vault, state, wish)
    done, removed = run_alone(
        org_vault,
        run=run,
        kind=CommitKind.ERASE,
        act=lambda maintenance: _Erasing(org_vault, maintenance, run=run, pause=pause).erase(
            wish, agree
        ),
    )
    return replace(done, removed=removed)


def erasures(org_vault: OrgVault) -> tuple[PastErasure, ...]:
    """List the proofs of all erasures of an org, oldest first."""
    state = org_vault.chain.live()
    manifests = erasures_in(org_vault, state) if state.seq else []
    if not manifests:
        return ()
    by_run: dict[str, list[str]] = {}
    for mark in marks_in(org_vault.view(SUPPRESSED, until=state.seq, state=state)):
        by_run.setdefault(mark.run, []).append(mark.pseudonym)
    complete = is_complete(org_vault, state)
    return tuple(
        PastErasure(
            manifest.erased, manifest.seq, tuple(sorted(by_run.get(manifest.run, ()))), complete
        )
        for manifest in manifests
        if manifest.erased is not None
    )


def _check_wish(org_vault: OrgVault, state: LiveState, wish: Erase) -> None:
    if not wish.records:
        raise UsageError(
            "erase-nothing",
            "No record to erase was named.",
            next_step="Name at least one record: `--record TABLE/ID`.",
        )
    if not state.seq:
        raise UsageError(
            "erase-empty",
            "The vault has no data of this org yet.",
            next_step="Run a backup first: `unlost backup ORG`. Then the vault knows the "
            "tables of the org.",
        )
    check_match(org_vault, state, wish.match)


class _Erasing(RemovalCommit[ErasureSurvey]):
    """One erasure, from the survey to its commit."""

    def erase(self, wish: Erase, agree: Agree) -> Erasure:
        """Survey, ask for agreement, write, and commit."""
        erasure_survey = find(self._org_vault, self._state, wish, run=self._run, pause=self._pause)
        agree(erasure_survey.effect)
        if erasure_survey.nothing:
            self._maintenance.give_up()
            return erasure_survey.effect
        return replace(erasure_survey.effect, snapshot=self._commit(erasure_survey))

    def _rewrite(
        self, erasure_survey: ErasureSurvey, repacked: RepackedPacks
    ) -> Iterable[ReplacedSegments]:
        replaced = [
            rewritten_table
            for each in erasure_survey.hits
            for rewritten_table in rewrite(
                self._org_vault,
                self._out,
                each,
                pause=self._pause,
                # Only rows of ``$files`` contain places in packs.
                repacked=repacked if each.view.table == FILES else None,
            )
        ]
        return (*replaced, *self._sifted(erasure_survey, replaced))

    def _sifted(
        self, erasure_survey: ErasureSurvey, replaced: Sequence[ReplacedSegments]
    ) -> Iterable[ReplacedSegments]:
        """Rewrite ``$search`` and ``$changes`` without the rows about these records."""
        first = {table: self._first(table, replaced) for table in erasure_survey.chosen.ids}
        for table, to_remove in (
            (SEARCH, words_to_remove(erasure_survey.chosen)),
            (CHANGES, changes_to_remove(erasure_survey.chosen, first)),
        ):
            yield from rewrite_bare_table(
                self._org_vault,
                self._out,
                self._state,
                table,
                to_remove=to_remove,
                pause=self._pause,
            )

    def _first(self, table: str, replaced: Sequence[ReplacedSegments]) -> int:
        """Return the first commit that still has rows of a table after the erasure."""
        gone = {entry.id for replaced_segments in replaced for entry in replaced_segments.old}
        segments = self._state.of(table, until=self._state.seq)
        firsts = [live.first for live in segments if live.entry.id not in gone]
        new = (
            entry
            for replaced_segments in replaced
            for entry in replaced_segments.new
            if entry.table == table
        )
        return min([*firsts, *(entry.first for entry in new)], default=0)

    def _records(self, erasure_survey: ErasureSurvey) -> Iterable[pa.Array]:
        return erasure_survey.chosen.ids.values()

    def _write_marks(self, erasure_survey: ErasureSurvey) -> tuple[SegmentEntry, ...]:
        return write_marks(self._org_vault, self._state, self._out, erasure_survey.marks)

    def _gone_at(self, erasure_survey: ErasureSurvey, seq: int) -> Iterable[TableErased]:
        return erased_at(erasure_survey.versions, seq)

    def _count_corrections(self, erasure_survey: ErasureSurvey) -> CountCorrections:
        tables = erasure_survey.effect.tables
        return CountCorrections(
            tombstones={table.table: table.records - table.alive for table in tables},
            alive={table.table: table.alive for table in tables},
        )

    def _proof(self, erasure_survey: ErasureSurvey) -> ErasureProof:
        pseudonyms = sorted({mark.pseudonym for mark in erasure_survey.marks})
        return ErasureProof(
            run=self._run,
            at=self._org_vault.clock.now(),
            by=erasure_survey.wish.by,
            tables=erasure_survey.effect.tables,
            files=erasure_survey.effect.files,
            journals=len(erasure_survey.journals),
            listed=len(pseudonyms),
            marks=blake3("\n".join(pseudonyms).encode()).hexdigest(),
        )
