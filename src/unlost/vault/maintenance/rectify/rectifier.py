"""Rectification: one commit replaces values of a record in all history, then the old bytes go.

Uses the machinery of an erasure (``RemovalCommit``): replaced segments, redacted manifests, removed
journals. It differs in what happens to a row: the row stays, with other cells.

    version   Phone = 555-01  hash h1, U    ─▶   Phone = 555-99  hash h1 - old + new, ?
    version   Phone = 555-01  hash h2, U    ─▶   Phone = 555-99  hash h2 - old + new, ?

Versions that become equal stay, because a removal would change the counts of backups. Their
``_u_prev`` becomes ``?``, so that comparisons go by the hashes. See docs/adr/0025.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial

import pyarrow as pa
from blake3 import blake3

from unlost.model.vault.erasure_proof import ErasureProof, TableErased
from unlost.model.vault.rectification import Rectification, Rectify
from unlost.model.vault.snapshot import CommitKind, SegmentEntry
from unlost.vault.format.physical import CHANGES, FILES, SEARCH
from unlost.vault.layout.replacement import ReplacedSegments
from unlost.vault.maintenance.erase.erase_commit import CountCorrections, RemovalCommit, run_alone
from unlost.vault.maintenance.rectify.rewriting import (
    ReplacedRows,
    index_touched,
    with_unknown_prev,
)
from unlost.vault.maintenance.rectify.survey import RectificationSurvey, find
from unlost.vault.maintenance.rectify.words import words_to_remove, written_words
from unlost.vault.maintenance.rewrite.affected_segments import Pause, rewrite, rewrite_bare_table
from unlost.vault.maintenance.rewrite.repack import RepackedPacks
from unlost.vault.read.org_vault import OrgVault

type Agree = Callable[[Rectification], object]


def plan_rectification(org_vault: OrgVault, wish: Rectify, *, pause: Pause) -> Rectification:
    """Compute the effect that ``rectify`` would have now."""
    return find(org_vault, org_vault.chain.proved(), wish, pause=pause).effect


def rectify(
    org_vault: OrgVault, wish: Rectify, *, run: str, pause: Pause, agree: Agree
) -> Rectification:
    """Replace values in all history; the old ones are nowhere in the vault afterwards."""
    find(org_vault, org_vault.chain.proved(), wish, pause=pause)  # errors before a run is open
    done, removed = run_alone(
        org_vault,
        run=run,
        kind=CommitKind.RECTIFY,
        act=lambda maintenance: _Rectifying(org_vault, maintenance, run=run, pause=pause).rectify(
            wish, agree
        ),
    )
    return replace(done, removed=removed)


class _Rectifying(RemovalCommit[RectificationSurvey]):
    """One rectification, from the survey to its commit."""

    def rectify(self, wish: Rectify, agree: Agree) -> Rectification:
        """Survey, ask for agreement, write, and commit."""
        rectification_survey = find(self._org_vault, self._state, wish, pause=self._pause)
        agree(rectification_survey.effect)
        if not rectification_survey.changes:
            self._maintenance.give_up()
            return rectification_survey.effect
        return replace(rectification_survey.effect, snapshot=self._commit(rectification_survey))

    def _rewrite(
        self, rectification_survey: RectificationSurvey, repacked: RepackedPacks
    ) -> Iterable[ReplacedSegments]:
        for each in rectification_survey.hits:
            table = each.view.table
            if table == FILES:
                yield from rewrite(
                    self._org_vault, self._out, each, pause=self._pause, repacked=repacked
                )
            else:
                choose = partial(ReplacedRows, corrected=rectification_survey.becoming(table))
                yield from rewrite(
                    self._org_vault, self._out, each, pause=self._pause, choose=choose
                )
        # Words and index after the rows: they must describe the corrected values.
        yield from self._words(rectification_survey)
        yield from rewrite_bare_table(
            self._org_vault,
            self._out,
            self._state,
            CHANGES,
            to_remove=index_touched(rectification_survey.compared),
            pause=self._pause,
            become=with_unknown_prev,
        )

    def _words(self, rectification_survey: RectificationSurvey) -> Iterable[ReplacedSegments]:
        columns = rectification_survey.columns
        to_remove = words_to_remove(rectification_survey.word_changes, columns)
        yield from rewrite_bare_table(
            self._org_vault, self._out, self._state, SEARCH, to_remove=to_remove, pause=self._pause
        )
        yield from written_words(
            self._org_vault, self._out, self._state, rectification_survey.word_changes, columns
        )

    def _records(self, rectification_survey: RectificationSurvey) -> Iterable[pa.Array]:
        return [each.ids for each in rectification_survey.hits]

    def _write_marks(self, survey: RectificationSurvey) -> tuple[SegmentEntry, ...]:  # noqa: ARG002 (none)
        return ()

    def _gone_at(self, survey: RectificationSurvey, seq: int) -> Iterable[TableErased]:  # noqa: ARG002 (none)
        return ()

    def _count_corrections(self, rectification_survey: RectificationSurvey) -> CountCorrections:  # noqa: ARG002 (all records stay)
        return CountCorrections()

    def _proof(self, rectification_survey: RectificationSurvey) -> ErasureProof:
        return ErasureProof(
            run=self._run,
            at=self._org_vault.clock.now(),
            by=rectification_survey.wish.by,
            tables=rectification_survey.effect.tables,
            files=rectification_survey.effect.files,
            journals=len(rectification_survey.journals),
            listed=0,
            marks=blake3(b"").hexdigest(),
            columns=rectification_survey.effect.columns,
        )
