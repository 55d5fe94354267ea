"""Progress: added up, in one line, and only where somebody looks."""

import io
import sys

import pytest

from unlost.cli.progress import RunTotals, shown_progress
from unlost.model.runs.progress import Phase, Progress
from unlost.testing.clock import VirtualClock


def test_events_become_one_line() -> None:
    clock = VirtualClock()
    tally = RunTotals(clock)
    assert tally.line() == "discovering tables · 0 rows (0/s)"
    clock.advance(seconds=10)
    for table in ("Account", "Case", "Note"):
        tally.progress(Progress(Phase.DISCOVER, table))
    assert tally.line().startswith("discovering tables · 0 rows")
    tally.progress(Progress(Phase.READ, "Account", rows=5000, bytes=2_500_000, calls=3))
    tally.progress(Progress(Phase.READ, "Case", rows=1000, calls_left=87_000, done=True))
    tally.progress(Progress(Phase.FILES, "Case", files=12, bytes=100_000))
    assert tally.line() == (
        "fetching files Case · 1 of 3 tables done · 6,000 rows (600/s) · 2.6 MB · 12 files · "
        "87,000 API calls left"
    )


def test_every_phase_has_its_words() -> None:
    tally = RunTotals(VirtualClock())
    for phase in Phase:
        tally.progress(Progress(phase))
        assert tally.line()


def test_nothing_is_shown_where_nobody_looks(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress(VirtualClock()) as observer:
        observer.progress(Progress(Phase.READ, "Account", rows=1))
    assert capsys.readouterr() == ("", "")


def test_a_terminal_shows_it_on_stderr_while_it_lasts(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = io.StringIO()
    screen.isatty = lambda: True  # type: ignore[method-assign]
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with shown_progress(VirtualClock()) as observer:
        observer.progress(Progress(Phase.READ, "Account", rows=5))
    assert "reading Account · 5 rows" in screen.getvalue()
