"""What a version costs where records have four of them: a smaller year in which more changes.

    python benchmarks/vault_size.py [--rows 1000000] [--nights 365] [--part 0.00822] [--keep]

Six of 45 columns change. All is merged before it is weighed; search and the index of changes are not counted.
"""

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.results import Figure, keep
from benchmarks.vault_nights import Bench
from benchmarks.vault_year import shown, sizes, year
from unlost.app.home.process import share_arenas


def measure(folder: Path, *, rows: int, nights: int, part: float) -> dict[str, float]:
    """The year, and its size, in a folder that is empty."""
    share_arenas()
    bench = Bench.new(folder, rows=rows, search=True)
    figures = shown(year(bench, nights=nights, part=part))
    return figures | shown(sizes(bench, figures["versions"]))


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--part", type=float, default=0.00822)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, rows=asked.rows, nights=asked.nights, part=asked.part)
    finally:
        shutil.rmtree(folder)
    if asked.keep:
        each = figures["versions"] / asked.rows
        what = f"45 columns, 6 changed, {each:.2f} versions of each of {asked.rows:,} records"
        keep([Figure("vault", "bytes_per_version", figures["bytes_per_version"], "bytes", what)])


if __name__ == "__main__":
    main()
