"""Progress of a run by table, for the console and for later questions.

Events are added up in memory and written about once a second, so that the data path never waits for
the database.
"""

import threading
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Run, RunItem
from unlost.model.ports.system import Clock
from unlost.model.runs.progress import Phase, Progress

EVERY = 1.0  # seconds between two writes
COLUMNS = ("phase", "rows", "bytes", "files", "calls", "done")


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
        # A run that is resumed announces its tables again.
        announced = bool(event.table) and event.phase is Phase.DISCOVER
        return ItemRecord(
            table=self.table,
            phase=self.phase if announced else event.phase,
            rows=self.rows + event.rows,
            bytes=self.bytes + event.bytes,
            files=self.files + event.files,
            calls=self.calls + event.calls,
            done=self.done or event.done,
        )


@dataclass(frozen=True, slots=True)
class RunRows:
    """The processed rows of a run by table; ``done`` of the tables are read."""

    by_table: Mapping[str, int] = field(default_factory=dict)
    done: int = 0


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
                RunItem.objects.bulk_create(
                    [
                        RunItem(run_id=self._run, table=item.table, **_columns(item))
                        for item in items
                    ],
                    update_conflicts=True,
                    unique_fields=["run", "table"],
                    update_fields=COLUMNS,
                )


def run_items(run: str) -> Sequence[ItemRecord]:
    """The stored progress of a run's tables."""
    with returned_connection():
        rows = list(RunItem.objects.filter(run_id=run).order_by("table"))
    return [
        ItemRecord(row.table, Phase(row.phase), row.rows, row.bytes, row.files, row.calls, row.done)
        for row in rows
    ]


def rows_of_runs(runs: Collection[str]) -> Mapping[str, RunRows]:
    """The processed rows of each of these runs."""
    rows: dict[str, dict[str, int]] = {}
    done: Counter[str] = Counter()
    with returned_connection():
        items = RunItem.objects.filter(run_id__in=list(runs)).exclude(table="")
        for run, table, count, is_done in items.values_list("run_id", "table", "rows", "done"):
            rows.setdefault(run, {})[table] = count
            done[run] += is_done
    return {run: RunRows(by_table, done[run]) for run, by_table in rows.items()}


def _columns(item: ItemRecord) -> dict[str, Any]:
    return {
        "phase": item.phase.value,
        "rows": item.rows,
        "bytes": item.bytes,
        "files": item.files,
        "calls": item.calls,
        "done": item.done,
    }
