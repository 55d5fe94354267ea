"""Removal in all tables, and its effects on words, the index of changes, and contents.

    source tables   versions that go
        ├─▶ $search    words that only these versions have
        ├─▶ $changes   rows of these versions, and of versions that follow them
        └─▶ $files     files of records that go completely; contents that are no longer needed
                └─▶ packs   empty ones, and mostly unneeded ones

``$files`` comes last, because its rows depend on all other tables. See docs/adr/0022.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from unlost.model.vault.retention import TableForgotten
from unlost.vault.format.physical import FILES, U_ID, U_PREV, U_SNAP, UNKNOWN_PREV, is_system
from unlost.vault.maintenance.retain.contents import (
    FreedContents,
    UnneededContents,
    file_rows_of,
    files_column,
    freed,
    naming_columns,
)
from unlost.vault.maintenance.retain.row_buffer import RowBuffer
from unlost.vault.maintenance.retain.scope import RetentionScope
from unlost.vault.maintenance.retain.survey import RetentionSurvey, SurveyedVersions
from unlost.vault.maintenance.retain.words import VersionWords
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.maintenance.rewrite.repack import names_any
from unlost.vault.maintenance.rewrite.tiers import Tier
from unlost.vault.read.change_index import change_rows
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, last_of_each


@dataclass(frozen=True, slots=True)
class RowBuffers:
    """Buffers for rows that leave or enter bare tables."""

    words: RowBuffer
    changes: RowBuffer
    replaced_changes: RowBuffer  # replacements of outdated rows of ``$changes``


@dataclass(slots=True)
class TableTally:
    """Counts of what goes of a table, by tier."""

    survey: RetentionSurvey
    versions: int = 0
    records: int = 0
    staying_versions: int = 0
    touched: NDArray[np.int64] = field(init=False)
    staying: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self.touched = np.zeros(len(self.survey.tiers), np.int64)
        self.staying = np.zeros(len(self.survey.tiers), np.int64)

    @property
    def table(self) -> str:
        """Name of the table."""
        return self.survey.view.table

    @property
    def hit(self) -> list[Tier]:
        """Tiers that are rewritten, oldest first."""
        return [self.survey.tiers[at] for at in np.flatnonzero(self.touched).tolist()]

    @property
    def bytes(self) -> int:
        """Bytes of their segments."""
        return sum(live.entry.own_bytes for tier in self.hit for live in tier.segments)

    @property
    def report(self) -> TableForgotten:
        """Counts for the report."""
        return TableForgotten(self.table, self.versions, self.records, self.staying_versions)

    def count(self, surveyed: SurveyedVersions, *, moved: pa.Array | None = None) -> None:
        """Add a piece; ``moved``: a mask of versions that stay and must be rewritten."""
        fates, tiers = surveyed.fates, self._tiers_of(surveyed)
        goes = int(np.count_nonzero(fates.goes))
        self.versions += goes
        self.staying_versions += len(fates.goes) - goes
        self.records += int(np.count_nonzero(ends_of_whole(surveyed)))
        many = len(self.touched)
        touched = fates.goes | fates.predecessor_goes
        if moved is not None:
            touched |= np.asarray(moved.to_numpy(zero_copy_only=False), dtype=np.bool_)
        self.touched += np.bincount(tiers[touched], minlength=many)
        lost = self._places(surveyed.lost.column(U_SNAP).to_numpy())
        self.touched += np.bincount(lost, minlength=many)
        self.staying += np.bincount(tiers[~fates.goes], minlength=many)

    def several(self, surveyed: SurveyedVersions) -> NDArray[np.bool_]:
        """Return a mask of versions in tiers of several commits.

        Only these have rows in ``$changes``.
        """
        several = np.array([tier.first != tier.last for tier in self.survey.tiers])
        return np.asarray(several[self._tiers_of(surveyed)], dtype=np.bool_)

    def _tiers_of(self, surveyed: SurveyedVersions) -> NDArray[np.int64]:
        return self._places(surveyed.snaps)

    def _places(self, snaps: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the tiers of commits."""
        firsts = np.array([tier.first for tier in self.survey.tiers])
        return np.asarray(np.searchsorted(firsts, snaps, side="right") - 1)


def ends_of_whole(surveyed: SurveyedVersions) -> NDArray[np.bool_]:
    """Return a mask of the newest versions of records that go completely."""
    return np.asarray(
        surveyed.fates.whole & last_of_each(surveyed.keys.column(U_ID)), dtype=np.bool_
    )


class TablesForgotten:
    """Survey of all tables of an org. With ``row_buffers``, it buffers the effects on other tables."""

    def __init__(
        self,
        org_vault: OrgVault,
        scope: RetentionScope,
        pause: Pause,
        *,
        row_buffers: RowBuffers | None = None,
    ) -> None:
        self._org_vault = org_vault
        self._scope = scope
        self._pause = pause
        self._row_buffers = row_buffers
        self._unneeded = UnneededContents()
        self._file_rows: list[pa.Array] = []
        self._schema = org_vault.chain.manifest(scope.state.seq)[0].schema
        self.freed = FreedContents()

    def tally(self) -> list[TableTally]:
        """Count all tables that lose something; ``$files`` comes last."""
        sources = [table for table in sorted(self._scope.state.segments) if not is_system(table)]
        tallies = [self._tally(self._survey(table)) for table in sources]
        tallies += self._files()
        return [tally for tally in tallies if tally.touched.any()]

    def _files(self) -> Iterator[TableTally]:
        if FILES not in self._scope.state.segments:
            return
        first = self._survey(FILES, gone=self._file_rows)
        for surveyed in first.look(naming_columns(self._org_vault, FILES)):
            self._pause()
            self._unneeded.add_removed(surveyed, naming_columns(self._org_vault, FILES))
        self._strike_needed(first)
        gone = [*self._file_rows, self._unneeded.rows]
        tally = TableTally(self._survey(FILES, gone=gone))
        extents = files_column(self._org_vault, "extents")
        sizes = {ident: pack.bytes for ident, pack in self._scope.state.packs.items()}
        self.freed = freed(tally.survey, extents, sizes)
        moving = self.freed.moving.get_column("pack").unique().to_arrow().cast(pa.string())
        for surveyed in tally.survey.look((extents,)):
            self._pause()
            tally.count(surveyed, moved=names_any(surveyed.keys.column(extents), moving))
        yield tally

    def _survey(self, table: str, *, gone: Sequence[pa.Array] = ()) -> RetentionSurvey:
        keeping = self._scope.of_table(table).without(gone)
        return RetentionSurvey(self._view(table), keeping)

    def _view(self, table: str) -> TableView:
        state = self._scope.state
        return self._org_vault.view(table, until=state.seq, state=state)

    def _tally(self, survey: RetentionSurvey) -> TableTally:
        tally = TableTally(survey)
        if survey.keeping.everything:
            return tally
        names = naming_columns(self._org_vault, tally.table)
        words = VersionWords(self._org_vault, survey.view)
        for surveyed in survey.look(names):
            self._pause()
            tally.count(surveyed)
            if surveyed.fates.nothing:
                continue
            self._unneeded.add_removed(surveyed, names)
            self._note_whole(tally.table, surveyed)
            if self._row_buffers is not None:
                self._buffer_effects(self._row_buffers, tally, surveyed, words)
        if self._row_buffers is not None:
            self._buffer_first_commit(self._row_buffers, tally)
        return tally

    def _note_whole(self, table: str, surveyed: SurveyedVersions) -> None:
        ends = surveyed.keys.filter(pa.array(ends_of_whole(surveyed))).column(U_ID)
        if len(ends):
            state = self._scope.state
            rows = file_rows_of(self._org_vault, self._schema, table, ends, state=state)
            self._file_rows.append(rows)

    def _buffer_effects(
        self,
        row_buffers: RowBuffers,
        tally: TableTally,
        surveyed: SurveyedVersions,
        words: VersionWords,
    ) -> None:
        keys, fates, several = surveyed.keys, surveyed.fates, tally.several(surveyed)
        for rows in words.lost(keys.column(U_ID).combine_chunks(), fates.goes):
            row_buffers.words.add(rows)
        stale = (fates.goes | fates.predecessor_goes) & several
        row_buffers.changes.add(change_rows(tally.table, keys.filter(pa.array(stale))))
        row_buffers.replaced_changes.add(
            self._changes_anew(tally, surveyed, fates.predecessor_goes & several)
        )

    def _buffer_first_commit(self, row_buffers: RowBuffers, tally: TableTally) -> None:
        """Remove the new first commit of a table from the index, if its oldest tiers go completely.

        The first commit of a table has no rows in the index.
        """
        staying = np.flatnonzero(tally.staying)
        if not len(staying) or staying[0] == 0:
            return
        first = tally.survey.tiers[int(staying[0])].first
        for surveyed in tally.survey.look():
            self._pause()
            mine = tally.several(surveyed) & (surveyed.snaps == first)
            row_buffers.changes.add(change_rows(tally.table, surveyed.keys.filter(pa.array(mine))))
            row_buffers.changes.add(
                self._changes_anew(tally, surveyed, surveyed.fates.predecessor_goes & mine)
            )

    def _changes_anew(
        self, tally: TableTally, surveyed: SurveyedVersions, predecessor_goes: NDArray[np.bool_]
    ) -> pa.Table:
        """Build rows of ``$changes`` for versions whose predecessor goes."""
        rows = surveyed.keys.filter(pa.array(predecessor_goes))
        prev = pa.repeat(pa.scalar(UNKNOWN_PREV, pa.string()), len(rows))
        rows = rows.set_column(rows.column_names.index(U_PREV), U_PREV, prev)
        return change_rows(tally.table, rows)

    def _strike_needed(self, files: RetentionSurvey) -> None:
        """Drop contents that a remaining version refers to."""
        if not self._unneeded.contents:
            return
        tables = [table for table in self._scope.state.segments if not is_system(table)]
        for survey in (*map(self._survey, tables), files):
            names = naming_columns(self._org_vault, survey.view.table)
            for surveyed in survey.look(names):
                self._pause()
                self._unneeded.discard_kept(surveyed, names)
