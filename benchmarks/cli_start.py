"""How long commands take that people type: CPU of a process from its start to its end.

    python benchmarks/cli_start.py [--records 10000] [--nights 10] [--keep]

Contacts go straight into the vault, as in ``console.py``. Each command runs once to fill the file
cache; of the next five runs the middle one counts. No command uses the memory of another: each
imports what it needs and opens the home and the vault.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from benchmarks import contacts
from benchmarks.console import ORG, TABLE, UNLOST, fill
from benchmarks.measure import command, median_of
from benchmarks.results import Figure, keep
from unlost.app.compose import open_application

AREA = "cli"
RUNS = 5
RECORD = 17  # a contact that some nights change


def commands(home: Path) -> Mapping[str, Sequence[str]]:
    """Words of each command by the key of its figure."""
    place = ("--home", str(home))
    name = f"{TABLE}/{contacts.ids(np.array([RECORD])).to_pylist()[0]}"
    return {
        "help_s": ("--help",),
        "find_cold_s": ("find", contacts.number(RECORD), *place),
        "history_cold_s": ("history", ORG, name, *place),
        "show_cold_s": ("show", ORG, name, *place),
        "snapshots_cold_s": ("snapshots", ORG, *place),
    }


def measure(folder: Path, *, records: int, nights: int) -> list[Figure]:
    """All figures, of a home in a folder that is empty."""
    home = folder / "home"
    command([str(UNLOST), "init", str(home), "--recovery-out", str(folder / "sheet")])
    with open_application(home) as app:
        fill(app, records=records, nights=nights)
    hits = json.loads(command([str(UNLOST), *commands(home)["find_cold_s"], "--json"])[1])["hits"]
    assert hits, "the record is found"
    figures = []
    for key, words in commands(home).items():
        first, *costs = (command([str(UNLOST), *words])[0] for _ in range(RUNS + 1))
        cost = median_of(costs)
        print(f"  {key}: first {first.cpu_s:.2f}, then {cost.cpu_s:.2f} CPU-s, {cost.wall_s:.2f} s")
        what = f"`unlost {words[0]}`, a new process, warm file cache"
        what += "" if key == "help_s" else f"; {records:,} records, {nights} nights"
        figures.append(Figure(AREA, key, cost.cpu_s, "CPU-s", what, runs=RUNS))
    return figures


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=10_000)
    parser.add_argument("--nights", type=int, default=10)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="unlost-bench-") as folder:
        figures = measure(Path(folder), records=options.records, nights=options.nights)
    for figure in figures:
        print(f"  {figure.key}: {figure.value:.2f} {figure.unit} ({figure.what})")
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
