"""Keeps erased data out of an open commit, under whatever id it comes. See docs/adr/0023."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from unlost.model.source.reading import FileRef, Rows
from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.format.physical import SUPPRESSED
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView
from unlost.vault.write.suppression_list import (
    Pseudonymizer,
    SuppressionList,
    SuppressionMark,
    hit_ids,
    mark_rows,
    marks_in,
    without,
)
from unlost.vault.write.table_writer import TableWriter


@dataclass(frozen=True, slots=True)
class _Lists:
    """The entries that the run's commit is sure to have, and all entries that are refused."""

    firm: SuppressionList
    all: SuppressionList


class SuppressionFilter:
    """The suppression list of an org at the base of a run, with the entries that the run added.

    Safe to share between threads.
    """

    def __init__(
        self,
        org_vault: OrgVault,
        *,
        base: int,
        written_before: Callable[[], TableView],
        writer: Callable[[], TableWriter],
        run: str,
    ) -> None:
        self._org_vault = org_vault
        self._base = base
        self._written_before = written_before
        self._writer = writer
        self._run = run
        self._lock = threading.Lock()
        self._firm: list[SuppressionMark] = []  # of the base, and those of this process
        # Of another process of the run; they may not become part of the commit.
        self._found: list[SuppressionMark] = []
        self._lists: _Lists | None = None
        self._segments: dict[str, SegmentEntry] = {}

    def admitted(self, table: str, rows: Rows) -> Rows:
        """The rows that are allowed; matching rows are put on the list, durably."""
        lists = self._listed()
        if not lists.all.touches(table):
            return rows
        alike = lists.firm.alike(table, rows)
        if alike.any():
            self._put(table, hit_ids(rows.ids, alike))
        return without(rows, lists.all.records(table, rows.ids) | alike)

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """The ids that are allowed."""
        listed = self._listed().all
        if not listed.touches(table):
            return ids
        return ids.filter(pa.array(~listed.records(table, ids)))

    def erased_count(self, table: str) -> int:
        """The number of erased records of a table."""
        return self._listed().all.erased_count(table)

    def admits(self, ref: FileRef) -> bool:
        """True if a file is allowed."""
        return len(self.admitted_ids(ref.table, pa.array([ref.record], pa.string()))) > 0

    def written(self) -> tuple[SegmentEntry, ...]:
        """Segments with the entries that this process added to the list."""
        with self._lock:
            return tuple(self._segments.values())

    def _listed(self) -> _Lists:
        with self._lock:
            if self._lists is None:
                self._read()
                self._lists = self._built_lists()
            return self._lists

    def _read(self) -> None:
        base = self._org_vault.view(SUPPRESSED, until=self._base)
        # Without an erasure before the base, nothing is listed and nothing need be read.
        if base:
            self._firm, self._found = [*marks_in(base)], [*marks_in(self._written_before())]

    def _built_lists(self) -> _Lists:
        marker = Pseudonymizer(self._org_vault.sealed.keys, self._org_vault.org)
        firm = SuppressionList.of(marker, self._firm)
        return _Lists(firm, SuppressionList.of(marker, [*self._firm, *self._found]))

    def _put(self, table: str, ids: list[str]) -> None:
        with self._lock:
            marker = Pseudonymizer(self._org_vault.sealed.keys, self._org_vault.org)
            fresh = marker.marks((table, ""), ids, run=self._run)
            writer = self._writer()
            writer.take([mark_rows(fresh, observed_at=self._org_vault.clock.now())])
            self._segments.update((entry.id, entry) for entry in writer.segments)
            self._firm += fresh
            self._lists = self._built_lists()
