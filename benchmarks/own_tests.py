"""How long the project's own tests take: ``make test`` and ``.ci/run``, each on a fresh clone.

    python benchmarks/own_tests.py [--test] [--ci] [--keep]

Without ``--test`` or ``--ci`` both are measured, one after the other: some 35 minutes on two idle
cores. A clone is set up before its time counts. The CPU time holds every program that a test waits
for; the few that are killed by force and left to the system are missing.
"""

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.results import ROOT, Figure, keep


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds by the wall clock, and CPU seconds (user and system) of a command."""

    wall: float
    cpu: float


@contextmanager
def fresh_clone() -> Iterator[Path]:
    """A clone of the newest commit, set up."""
    folder = Path(tempfile.mkdtemp(prefix="unlost-clone-"))
    try:
        clone = folder / "unlost"
        subprocess.run(("git", "clone", "--quiet", str(ROOT), str(clone)), check=True)
        subprocess.run(("make", "setup"), cwd=clone, check=True)
        yield clone
    finally:
        shutil.rmtree(folder)


def measure(clone: Path, *command: str) -> Spent:
    """Run a command that must succeed."""
    began, used = time.monotonic(), _children_cpu()
    subprocess.run(command, cwd=clone, check=True)
    return Spent(time.monotonic() - began, _children_cpu() - used)


def _children_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def make_test() -> list[Figure]:
    """The time of ``make test``."""
    with fresh_clone() as clone:
        spent = measure(clone, "make", "test")
    cores = f"{os.cpu_count()} cores, after make setup"
    return [
        Figure("tests", "make_test_s", spent.wall, "s", cores),
        Figure("tests", "make_test_cpu_min", spent.cpu / 60, "CPU-min", cores),
    ]


def ci_run() -> list[Figure]:
    """The time of all that a change must pass; servers and a browser are installed meanwhile."""
    with fresh_clone() as clone:
        spent = measure(clone, ".ci/run")
    return [Figure("tests", "ci_run_s", spent.wall, "s", f"{os.cpu_count()} cores, fresh clone")]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--test", action="store_true")
    parser.add_argument("--ci", action="store_true")
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    both = options.test == options.ci
    figures = [
        *(make_test() if options.test or both else ()),
        *(ci_run() if options.ci or both else ()),
    ]
    for figure in figures:
        print(f"{figure.key}: {figure.value:.1f} {figure.unit}")
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
