"""The largest memory of backups whose org became hostile: every attack at every call.

    python benchmarks/hostile_answers.py [--keep]

The attacks are those of the test suite (``tests/hostile_suite.py``). The figure is the peak of the
backup's process over all attacks; the server is another process. Prints a line for each attack, and
one line of JSON.
"""

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from benchmarks.results import Figure, keep
from fakes.hostile_server import ATTACKS, PLACES
from hostile_suite import Attacked, attack_in_child


def measure() -> dict[str, Attacked]:
    """Every attack; RuntimeError if a backup ends in another way than it must."""
    results = {}
    for attack in ATTACKS:
        results[attack] = attacked = attack_in_child(attack)
        print(f"{attack}: {attacked.peak_mb:.0f} MB", flush=True)
        if not all(ending.good for ending in attacked.endings):
            raise RuntimeError(f"{attack} was not refused: {attacked.endings}")
    return results


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
