"""The same load and nights kept by restic and borg, which see a CSV each night: all rows, or those that changed.

    python benchmarks/file_backups.py [--rows 1000000] [--nights 31] [--borg-nights 3] [--keep]

Rows and changes are those of ``vault_nights``: same seed, same numbers. The export is written
before a tool is measured, in the order of the ids, so that a tool finds what did not change where
it was. Prints how large the vault and the repositories became, and what a night cost each. Borg
keeps fewer nights: each of them costs the same. Of what changed there is another file each night, beside
those of the nights before: that is little to keep, and no night is whole in it.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import csv

from benchmarks import contacts
from benchmarks.measure import Cost, command, median
from benchmarks.results import Figure, keep, versions
from benchmarks.vault_nights import BATCH, SEED, Bench, changed, load, loaded, night
from unlost.app.home.process import share_arenas

PASSWORD = "not-a-secret"
MEGA = 1e6


class Export:
    """The table as its owner would export it each night."""

    def __init__(self, rows: int) -> None:
        self._random = np.random.default_rng(SEED)
        self._rows = rows
        self._pages = [contacts.batch(self._random, numbers) for numbers in loaded(rows)]

    def next_night(self) -> list[pa.RecordBatch]:
        """Change what the night of ``vault_nights`` changes; the rows that it brings."""
        parts = changed(self._random, self._rows)
        brought = [(part, contacts.batch(self._random, part)) for part in parts]
        for numbers, batch in brought:
            for page in np.unique(numbers // BATCH):
                mine = numbers // BATCH == page
                self._replace(int(page), numbers[mine] % BATCH, batch.filter(pa.array(mine)))
        return [batch for _, batch in brought]

    def _replace(self, page: int, places: NDArray[np.int64], rows: pa.RecordBatch) -> None:
        before = self._pages[page]
        pick = np.arange(len(before))
        pick[places] = len(before) + np.arange(len(rows))
        both = pa.concat_batches([before, rows])
        self._pages[page] = both.take(pa.array(pick))

    def write(self, file: Path) -> None:
        """The whole table as CSV."""
        write_csv(file, self._pages)


def write_csv(file: Path, pages: Sequence[pa.RecordBatch]) -> None:
    """Rows as CSV, all cells quoted."""
    options = csv.WriteOptions(quoting_style="all_valid")
    with csv.CSVWriter(file, pages[0].schema, write_options=options) as writer:
        for page in pages:
            writer.write_batch(page)


class Fed(StrEnum):
    """What a program is given to keep each night."""

    WHOLE = "whole"
    CHANGES = "changes"


@dataclass
class Tool:
    """A program that keeps nights of what it is given in a repository, no more than ``nights``.

    ``asked``: the command that tells its version. ``save`` gives a night's command. ``costs`` and
    ``sizes`` (MB) begin with the first export; then come the nights.
    """

    name: str
    fed: Fed
    asked: Sequence[str]
    repository: Path
    env: Mapping[str, str]
    begin: Sequence[str]
    save: Callable[[int, Path], Sequence[str]]
    nights: int
    costs: list[Cost] = field(default_factory=list)
    sizes: list[float] = field(default_factory=list)

    def keep(self, number: int, file: Path) -> None:
        """Save one night, if it is not one too many; the first one makes the repository."""
        if number > self.nights:
            return
        if not self.costs:
            command(self.begin, env=self.env)
        cost, _ = command(self.save(number, file), env=self.env)
        self.costs.append(cost)
        self.sizes.append(size_of(self.repository))
        told = f"{self.sizes[-1]:.0f} MB, {cost.cpu_s:.1f} CPU-s, {cost.wall_s:.1f} s"
        print(f"  {self.name}, {self.fed}, night {number}: {told}", flush=True)

    @property
    def key(self) -> str:
        """How it is called in keys of figures."""
        return self.name if self.fed is Fed.WHOLE else f"{self.name}_{self.fed}"

    def version(self) -> str:
        """What it says of itself: the second word."""
        _, out = command(self.asked, env=self.env)
        return out.split()[1]

    @property
    def night_cpu_s(self) -> float:
        """CPU seconds of a night: the median."""
        return median([cost.cpu_s for cost in self.costs[1:]])

    @property
    def night_mb(self) -> float:
        """Megabytes that a night added: the mean."""
        return (self.sizes[-1] - self.sizes[0]) / (len(self.sizes) - 1)


@dataclass(frozen=True, slots=True)
class Ours:
    """The vault after the same nights: its size, and what a night took and added (median)."""

    size: float
    night_cpu_s: float
    night_mb: float


def restic(folder: Path, nights: int, fed: Fed) -> Tool:
    """Restic as it comes: encrypted, compressed by zstd."""
    repository = folder / f"restic-{fed}"
    base = ["restic", "-q", "-r", str(repository), "--cache-dir", f"{repository}-cache"]
    return Tool(
        "restic",
        fed,
        ["restic", "version"],
        repository,
        {"RESTIC_PASSWORD": PASSWORD},
        [*base, "init"],
        lambda _, file: [*base, "backup", str(file)],
        nights,
    )


def borg(folder: Path, nights: int, fed: Fed) -> Tool:
    """Borg, encrypted, with the compression that restic and the vault use."""
    repository = folder / f"borg-{fed}"
    return Tool(
        "borg",
        fed,
        ["borg", "--version"],
        repository,
        {"BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": f"{repository}-base"},
        ["borg", "--critical", "init", "--encryption", "repokey-blake2", str(repository)],
        lambda number, file: [
            *("borg", "create", "--compression", "zstd,3"),
            *(f"{repository}::night-{number}", str(file)),
        ],
        nights,
    )


def is_installed(tool: Tool) -> bool:
    """True if the tool is there; says so if it is not."""
    if shutil.which(tool.name):
        return True
    print(f"{tool.name} is not installed: the figures beside it are left out.", flush=True)
    return False


def size_of(folder: Path) -> float:
    """Megabytes of all files in a folder."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) / MEGA


def vault(folder: Path, *, rows: int, nights: int) -> Ours:
    """The vault with search, in a new folder."""
    bench = Bench.new(folder, rows=rows, search=True)
    load(bench)
    kept = [night(bench, number) for number in range(1, nights + 1)]
    cpu_s = median([cpu_ms for _, cpu_ms, _ in kept]) / 1e3
    return Ours(size_of(folder), cpu_s, median([size for _, _, size in kept]) / MEGA)


def run(found: Sequence[Tool], folder: Path, *, rows: int, nights: int) -> None:
    """Let the tools keep the first export and the nights, as a whole or what each brought."""
    export, whole, changes = Export(rows), folder / "contacts.csv", folder / "changes"
    changes.mkdir()
    for number in range(nights + 1):
        brought = export.next_night() if number else []
        export.write(whole)
        if brought:
            write_csv(changes / f"{number:03d}.csv", brought)
        else:
            shutil.copy(whole, changes / "000.csv")
        for tool in found:
            tool.keep(number, whole if tool.fed is Fed.WHOLE else changes)


def figures(ours: Ours, tool: Tool, *, rows: int, nights: int) -> list[Figure]:
    """Size, CPU and bytes beside the vault's; the size only if the tool kept all nights."""
    over = "a nightly full CSV" if tool.fed is Fed.WHOLE else "a CSV of what changed"

    def figure(key: str, what: str, mine: float, unit: str, others: float, runs: int) -> Figure:
        return Figure(
            "vault", f"{key}_vs_{tool.key}", mine / others, "ratio",
            f"{what}: {mine:,.4g} {unit} over {over}, {rows:,} rows, 0.5 % changed",
            f"{tool.name}, {unit}", round(others, 2), mine / others, runs,
            versions=versions(**{tool.name: tool.version()}),
        )  # fmt: skip

    kept = tool.nights
    made = [
        figure("night_cpu", "a night", ours.night_cpu_s, "CPU-s", tool.night_cpu_s, kept),
        figure("night_bytes", "a night", ours.night_mb, "MB", tool.night_mb, kept),
    ]
    if kept == nights:
        whole = f"all of {nights} nights"
        made.append(figure(f"size_{nights}_nights", whole, ours.size, "MB", tool.sizes[-1], 1))
    return made


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=31)
    parser.add_argument("--borg-nights", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    share_arenas()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        ours = vault(folder / "vault", rows=asked.rows, nights=asked.nights)
        found = [
            tool
            for fed in Fed
            for tool in (restic(folder, asked.nights, fed), borg(folder, asked.borg_nights, fed))
            if is_installed(tool)
        ]
        run(found, folder, rows=asked.rows, nights=max((t.nights for t in found), default=-1))
        made = [
            figure
            for tool in found
            for figure in figures(ours, tool, rows=asked.rows, nights=asked.nights)
        ]
    finally:
        shutil.rmtree(folder)
    for figure in made:
        print(f"  {figure.key}: {figure.value:.4f} ({figure.peer}: {figure.peer_value})")
    if asked.keep:
        keep(made)


if __name__ == "__main__":
    main()
