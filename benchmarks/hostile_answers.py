"""The largest memory of backups whose org became hostile: every attack at every call.

    python benchmarks/hostile_answers.py [--keep]

The attacks are those of the test suite (``tests/hostile_suite.py``). The figure is the peak of the
backup's process over all attacks; the server is another process. Prints a line for each attack, and
one line of JSON.
"""

import argparse
import json
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.results import Figure, keep
from fakes.hostile_server import ATTACKS, PLACES
from hostile_suite import Attacked, Strike, attack_in_child


def measure() -> dict[str, Attacked]:
    """Every attack; RuntimeError if a backup ends in another way than it must."""
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        results = dict(zip(ATTACKS, pool.map(_shown, ATTACKS), strict=True))
    bad = [
        ending for attacked in results.values() for ending in attacked.endings if not ending.good
    ]
    if bad:
        raise RuntimeError(f"These attacks were not refused: {bad}")
    return results


def _shown(attack: str) -> Attacked:
    attacked = attack_in_child([Strike(attack, place) for place in PLACES])
    bad = sum(not ending.good for ending in attacked.endings)
    print(f"{attack}: {attacked.peak_mb:.0f} MB, {bad} not refused", flush=True)
    return attacked


def figures(results: dict[str, Attacked]) -> list[Figure]:
    """The peak over all attacks."""
    worst = max(results, key=lambda attack: results[attack].peak_mb)
    what = f"{len(ATTACKS)} attacks at each of {len(PLACES)} calls of a backup; largest: {worst}"
    return [Figure("safety", "hostile_peak_mb", results[worst].peak_mb, "MB", what)]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    measured = figures(measure())
    print(json.dumps({figure.key: round(figure.value, 1) for figure in measured}))
    if options.keep:
        keep(measured)


if __name__ == "__main__":
    main()
