"""Progress on stderr if it is a terminal: rate, rows, bytes, files, remaining API calls."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from unlost.cli.text import size
from unlost.model.ports.system import Clock, Observer
from unlost.model.runs.progress import Phase, Progress

WORDS: dict[str, str] = {
    Phase.DISCOVER: "discovering tables",
    Phase.READ: "reading",
    Phase.FILES: "fetching files",
    Phase.CENSUS: "listing ids",
    Phase.AUDIT: "comparing part of",
    Phase.REREAD: "re-reading what changed meanwhile",
    Phase.COMMIT: "committing",
    "restore": "writing",
    "read-back": "reading back what was written",
}


@dataclass(slots=True)
class RunTotals:
    """The totals of a run, summed up from events; thread-safe."""

    clock: Clock
    phase: Phase = Phase.DISCOVER
    table: str = ""
    rows: int = 0
    bytes: int = 0
    files: int = 0
    calls: int = 0
    calls_left: int | None = None
    tables: set[str] = field(default_factory=set)
    done: set[str] = field(default_factory=set)
    began: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.began = self.clock.monotonic()

    def progress(self, event: Progress) -> None:
        """Add an event (port ``Observer``)."""
        with self.lock:
            if event.table:
                self.tables.add(event.table)
            if event.table and event.phase is Phase.DISCOVER:  # announced, not begun
                return
            self.phase = event.phase
            self.table = event.table or self.table
            self.rows += event.rows
            self.bytes += event.bytes
            self.files += event.files
            self.calls += event.calls
            if event.calls_left is not None:
                self.calls_left = event.calls_left
            if event.done and event.phase is Phase.READ and event.table:
                self.done.add(event.table)

    def line(self) -> str:
        """Return the totals as one line."""
        with self.lock:
            # Avoids a division by zero at the first event.
            seconds = max(self.clock.monotonic() - self.began, 0.001)
            parts = [f"{WORDS[self.phase]} {self.table}".strip()]
            if self.done:
                parts.append(f"{len(self.done):,} of {len(self.tables):,} tables done")
            parts.append(f"{self.rows:,} rows ({self.rows / seconds:,.0f}/s)")
            if self.bytes:
                parts.append(size(self.bytes))
            if self.files:
                parts.append(f"{self.files:,} files")
            if self.calls_left is not None:
                parts.append(f"{self.calls_left:,} API calls left")
        return " · ".join(parts)


@contextmanager
def shown_progress(clock: Clock) -> Iterator[Observer]:
    """Yield an observer whose totals are displayed while the context is open."""
    tally = RunTotals(clock)
    # Logs and pipes get no progress, and stdout is only for the result.
    if not sys.stderr.isatty():
        yield tally
        return
    from rich.console import Console
    from rich.live import Live
    from rich.spinner import Spinner
    from rich.text import Text

    spinner = Spinner("dots")

    def drawn() -> Spinner:
        spinner.update(text=Text(tally.line(), overflow="ellipsis", no_wrap=True))
        return spinner

    screen = Console(stderr=True, highlight=False)
    # Transient: the line disappears before the result is printed.
    with Live(console=screen, get_renderable=drawn, refresh_per_second=5, transient=True):
        yield tally
