"""Progress of a run by table, for the console and for later questions.

Events are added up in memory and written about once a second, so that the data path never waits for
the database.
"""

import threading
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from django.db import transaction

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Run, RunItem
from unlost.model.ports.system import Clock
from unlost.model.runs.progress import Phase, Progress

EVERY = 1.0  # seconds between two writes


@dataclass(frozen=True, slots=True)
class ItemRecord:
    """The progress of one table in a run, added up."""

    table: str
    phase: Phase
    rows: int = 0
    bytes: int = 0
    files: int = 0
    calls: int = 0
    done: bool = False

    def plus(self, event: Progress) -> "ItemRecord":
        """This item after one more event."""
        return ItemRecord(
            table=self.table,
            phase=event.phase,
            rows=self.rows + event.rows,
            bytes=self.bytes + event.bytes,
            files=self.files + event.files,
            calls=self.calls + event.calls,
            done=self.done or event.done,
        )


class SqlObserver:
    """Stores the items of one run (port ``Observer``); call ``flush`` when the run ends."""

    def __init__(self, run: str, *, clock: Clock) -> None:
        self._run = run
        self._clock = clock
        self._lock = threading.Lock()
        self._items: dict[str, ItemRecord] = {item.table: item for item in run_items(run)}
        self._dirty: set[str] = set()
        self._written = clock.monotonic()

    def progress(self, event: Progress) -> None:
        """Add an event; write if the last write is long enough ago."""
        with self._lock:
            item = self._items.get(event.table, ItemRecord(event.table, event.phase))
            self._items[event.table] = item.plus(event)
            self._dirty.add(event.table)
            due = self._clock.monotonic() - self._written >= EVERY
        if due:
            self.flush()

    def flush(self) -> None:
        """Write the changes since the last write."""
        with self._lock:
            items = [self._items[table] for table in sorted(self._dirty)]
            self._dirty.clear()
            self._written = self._clock.monotonic()
            with returned_connection(), transaction.atomic():
                if items:
                    Run.objects.filter(id=self._run).update(moved_at=self._clock.now())
                for item in items:
                    RunItem.objects.update_or_create(
                        run_id=self._run, table=item.table, defaults=_columns(item)
                    )


def run_items(run: str) -> Sequence[ItemRecord]:
    """The stored progress of a run's tables."""
    with returned_connection():
        rows = list(RunItem.objects.filter(run_id=run).order_by("table"))
    return [
        ItemRecord(row.table, Phase(row.phase), row.rows, row.bytes, row.files, row.calls, row.done)
        for row in rows
    ]


def rows_of_runs(runs: Collection[str]) -> Mapping[str, Mapping[str, int]]:
    """The processed rows of each of these runs, by table."""
    rows: dict[str, dict[str, int]] = {}
    with returned_connection():
        items = RunItem.objects.filter(run_id__in=list(runs)).exclude(table="")
        for run, table, count in items.values_list("run_id", "table", "rows"):
            rows.setdefault(run, {})[table] = count
    return rows


def _columns(item: ItemRecord) -> Mapping[str, object]:
    return {
        "phase": item.phase.value,
        "rows": item.rows,
        "bytes": item.bytes,
        "files": item.files,
        "calls": item.calls,
        "done": item.done,
    }
