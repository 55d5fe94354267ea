"""What was erased stays out of an open commit, under whatever id it comes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa

from unlost.model.reading import FileRef, Rows
from unlost.model.snapshot import SegmentEntry
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
    """What is sure to be on the list when the run is committed, and all that stays out."""

    firm: SuppressionList
    all: SuppressionList


class SuppressionFilter:
    """The list of an org as of the commit that a run compares with, and what the run put on it.

    Safe to share between threads.
    """

    def __init__(
        self,
        room: OrgVault,
        *,
        base: int,
        own: Callable[[], TableView],
        writer: Callable[[], TableWriter],
        run: str,
    ) -> None:
        self._room = room
        self._base = base
        self._own = own
        self._writer = writer
        self._run = run
        self._lock = threading.Lock()
        self._firm: list[SuppressionMark] = []  # of the base, and what this process has put
        self._found: list[
            SuppressionMark
        ] = []  # what another process of the run put; it may be no part of it
        self._lists: _Lists | None = None
        self._segments: dict[str, SegmentEntry] = {}

    def admitted(self, table: str, rows: Rows) -> Rows:
        """The rows that may be taken in; those that match are put on the list, and are durable there."""
        lists = self._listed()
        if not lists.all.touches(table):
            return rows
        alike = lists.firm.alike(table, rows)
        if alike.any():
            self._put(table, hit_ids(rows.ids, alike))
        return without(rows, lists.all.records(table, rows.ids) | alike)

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """The ids that may be taken in."""
        listed = self._listed().all
        if not listed.touches(table):
            return ids
        return ids.filter(pa.array(~listed.records(table, ids)))

    def admits(self, ref: FileRef) -> bool:
        """True if a file may be taken in."""
        return len(self.admitted_ids(ref.table, pa.array([ref.record], pa.string()))) > 0

    def written(self) -> tuple[SegmentEntry, ...]:
        """Segments of what this process has put on the list for the run."""
        with self._lock:
            return tuple(self._segments.values())

    def _listed(self) -> _Lists:
        with self._lock:
            if self._lists is None:
                self._read()
                self._lists = self._made()
            return self._lists

    def _read(self) -> None:
        base = self._room.view(SUPPRESSED, until=self._base)
        if base:
            self._firm, self._found = [*marks_in(base)], [*marks_in(self._own())]

    def _made(self) -> _Lists:
        marker = Pseudonymizer(self._room.sealed.keys, self._room.org)
        firm = SuppressionList.of(marker, self._firm)
        return _Lists(firm, SuppressionList.of(marker, [*self._firm, *self._found]))

    def _put(self, table: str, ids: list[str]) -> None:
        with self._lock:
            marker = Pseudonymizer(self._room.sealed.keys, self._room.org)
            fresh = marker.marks((table, ""), ids, run=self._run)
            writer = self._writer()
            writer.take([mark_rows(fresh, observed_at=self._room.clock.now())])
            self._segments.update((entry.id, entry) for entry in writer.segments)
            self._firm += fresh
            self._lists = self._made()
