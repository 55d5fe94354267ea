"""Run a program and say what it cost: wall time, CPU of it and its children, peak memory."""

import json
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

PEAK_SECONDS = 0.02  # between two looks at the peak, which never falls


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost. ``said`` is the JSON that it printed last."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: dict[str, Any] = field(default_factory=dict)


def environment() -> dict[str, str]:
    """What programs are run with: modules may be kept compiled, as pip leaves them."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run(arguments: Sequence[str], *, python: str = sys.executable) -> Cost:
    """Run a Python program of this folder in a process of its own; it prints JSON at its end."""
    cost, out = command([python, *arguments])
    lines = out.strip().splitlines()
    return replace(cost, said=json.loads(lines[-1]) if lines else {})


def command(
    words: Sequence[str], *, env: Mapping[str, str] | None = None, ok: Collection[int] = (0,)
) -> tuple[Cost, str]:
    """Run a program; what it cost, and what it printed. RuntimeError if it ends otherwise."""
    started = time.perf_counter()
    child = subprocess.Popen(
        words, stdout=subprocess.PIPE, env={**environment(), **(env or {})}, text=True
    )
    assert child.stdout is not None
    peak = _Peak(child.pid)
    peak.start()
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    peak.join()
    if child.returncode not in ok:
        raise RuntimeError(f"{' '.join(words)} ended with {child.returncode}: {out[-2000:]}")
    return Cost(wall, usage.ru_utime + usage.ru_stime, (peak.kb or usage.ru_maxrss) / 1024), out


class _Peak(threading.Thread):
    """Reads the peak memory of a program, in kB, until it ends.

    ``ru_maxrss`` begins with the peak of the process that started it (setmax_mm_hiwater_rss in exec).
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._status = Path(f"/proc/{pid}/status")
        self.kb = 0

    def run(self) -> None:
        while (now := self._read()) is not None:
            self.kb = max(self.kb, now)
            time.sleep(PEAK_SECONDS)

    def _read(self) -> int | None:
        """The peak so far; None once the program has ended, or where there is no such file."""
        try:
            lines = self._status.read_text().splitlines()
        except OSError:
            return None
        peaks = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
        return peaks[0] if peaks else None


def median_of(costs: Sequence[Cost]) -> Cost:
    """The run with the middle CPU time."""
    return sorted(costs, key=lambda cost: cost.cpu_s)[len(costs) // 2]


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def median(values: Sequence[float]) -> float:
    """The middle value."""
    return statistics.median(values)
