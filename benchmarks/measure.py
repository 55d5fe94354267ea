"""Run a program and say what it cost: wall time, CPU of it and its children, peak memory."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Cost:
    """What one run of a program cost. ``said`` is the JSON that it printed last."""

    wall_s: float
    cpu_s: float
    peak_mb: float
    said: dict[str, Any]


def run(
    arguments: Sequence[str], *, python: str = sys.executable, env: dict[str, str] | None = None
) -> Cost:
    """Run a Python program of this folder in a process of its own; it prints JSON at its end."""
    started = time.perf_counter()
    child = subprocess.Popen(
        [python, *arguments],
        stdout=subprocess.PIPE,
        env={**os.environ, **(env or {})},
        text=True,
    )
    assert child.stdout is not None
    out = child.stdout.read()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - started
    if child.returncode != 0:
        raise RuntimeError(f"{' '.join(arguments)} ended with {child.returncode}: {out[-2000:]}")
    lines = out.strip().splitlines()
    said = json.loads(lines[-1]) if lines else {}
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


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
