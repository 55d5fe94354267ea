"""A large table and a year of nights, kept small as the service does it: what people then wait for.

    python benchmarks/vault_year.py [--rows 10000000] [--nights 365] [--part 0.00535] [--folder F] [--keep]

Rows are told by their number alone, so that a night needs no memory of the nights before. Six of 45 columns
change. Figures are of the vault as it is after the last night, opened anew, warm. With ``--folder`` it stays
there, for ``vault_jobs.py`` and to be measured again.
"""

import argparse
import json
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import unlost.app  # noqa: F401 (chooses allocators, before Arrow is loaded)

# isort: split
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks import contacts
from benchmarks.linked import Linked
from benchmarks.measure import median, percentile
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import BATCH, IDENTITY, NOW, Bench, observed, timed
from unlost.app.home.process import give_back, share_arenas
from unlost.model.source.schema import Schema
from unlost.model.vault.maintenance import unconditional
from unlost.model.vault.retention import Forget, KeepRules
from unlost.model.vault.snapshot import CommitKind, TableCommit, VerifyLevel
from unlost.vault.maintenance import compactor
from unlost.vault.vault import EncryptedVault

TABLE = "Contact"
EDITED = frozenset({"Phone", "MailingStreet", "Choice1", "Amount1", "Text1", "Stamp0"})
POOL = 65_536  # rows that contents are taken from
ASKED = 300
LIVED = "bench-year.json"
STRIDE = 2_654_435_761  # odd, so that neighbours have contents from all over the pool


@dataclass(frozen=True)
class Told:
    """Contents by number and night, taken from a pool."""

    pool: pa.RecordBatch

    @classmethod
    def new(cls) -> "Told":
        random = np.random.default_rng(3)
        return cls(contacts.batch(random, np.arange(POOL)))

    def rows(self, numbers: NDArray[np.int64], night: int) -> pa.RecordBatch:
        """These contacts as they are from a night on; 0 is the load."""
        columns = [
            self._column(at, name, numbers, night if name in EDITED else 0)
            for at, name in enumerate(self.pool.schema.names)
        ]
        return pa.RecordBatch.from_arrays(columns, names=self.pool.schema.names)

    def _column(self, at: int, name: str, numbers: NDArray[np.int64], night: int) -> pa.Array:
        if name == "Id":
            return contacts.ids(numbers)
        if name == "Number__c":
            return pa.array(np.char.add("C-", np.char.zfill(numbers.astype("U9"), 9)))
        places = (numbers * STRIDE + (at + 1) * 40_503 + night * 77_617) % POOL
        return self.pool.column(at).take(pa.array(places))


def stream(told: Told, numbers: NDArray[np.int64], night: int) -> Iterator[object]:
    """Rows in pages, as a source gives them."""
    for start in range(0, len(numbers), BATCH):
        yield observed(told.rows(numbers[start : start + BATCH], night))


def backup(vault: EncryptedVault, told: Told, numbers: NDArray[np.int64], night: int) -> None:
    """One night."""
    org = vault.ensure_org(IDENTITY)
    commit = vault.begin(org, run=f"night-{night}", kind=CommitKind.BACKUP, identity=IDENTITY)
    if night == 0:
        commit.put_schema(Schema((contacts.TABLE,), "f"))
    added = commit.add(TABLE, stream(told, numbers, night))
    commit.finish([TableCommit(TABLE, (added,))], as_of=NOW + timedelta(days=night))


def peak_of(work: Callable[[], object]) -> float:
    """The most memory (MB) that this process held while it did something."""
    Path("/proc/self/clear_refs").write_text("5", "ascii")
    work()
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text("utf-8"))
    assert found is not None
    return int(found[1]) / 1024


def year(bench: Bench, *, nights: int, part: float) -> dict[str, float]:
    """All nights, each kept small; what a commit and the upkeep cost."""
    told, vault = Told.new(), bench.open()
    backup(vault, told, np.arange(bench.rows), 0)
    org, peaks, took = vault.ensure_org(IDENTITY), [0.0], []
    count = max(1, int(bench.rows * part))
    for night in range(1, nights + 1):
        chosen = np.sort(bench.random.choice(bench.rows, count, replace=False))
        start = time.perf_counter()
        backup(vault, told, chosen, night)
        took.append(time.perf_counter() - start)
        give_back()  # as the service does before it
        peaks.append(peak_of(lambda n=night: vault.compact(org, run=f"compact-{n}")))
        vault.sweep(org, run=f"sweep-{night}")
    versions = bench.rows + count * nights
    return {"versions": versions, "night_s": median(took), "maintenance_rss_mb": max(peaks)}


def reading(bench: Bench) -> dict[str, float]:
    """What a person waits for, warm."""
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    numbers = bench.random.integers(0, bench.rows, ASKED)
    keys = contacts.ids(numbers).to_pylist()
    timed(lambda key: vault.history(org, TABLE, key), keys[:20])
    history = timed(lambda key: vault.history(org, TABLE, key), keys)
    found = timed(lambda n: vault.search(org, contacts.number(int(n))), list(numbers[:100]))
    shown = [info.number for info in vault.snapshots(org)]
    pairs = [shown[int(at)] for at in bench.random.integers(1, len(shown) - 1, 40)]
    following = dict(pairwise(shown))
    changes = timed(lambda n: list(vault.changes(org, TABLE, after=n, until=following[n])), pairs)
    start = time.perf_counter()
    grouped = by_choice(vault, org, shown[len(shown) // 2])
    as_of = time.perf_counter() - start
    assert sum(grouped.values()) == bench.rows
    return {
        "history_10m_p95_ms": percentile(history, 0.95),
        "history_10m_median_ms": median(history),
        "find_10m_ms": median(found),
        "changes_ms": median(changes),
        "as_of_10m_s": as_of,
    }


def by_choice(vault: EncryptedVault, org: str, number: int) -> dict[str, int]:
    """How many records a night has of each kind."""
    counts: dict[str, int] = {}
    for batch in vault.at(org, number).read(TABLE, ["Choice1"]):
        for kind in pc.value_counts(batch.column("Choice1")).to_pylist():
            counts[kind["values"]] = counts.get(kind["values"], 0) + kind["counts"]
    return counts


def sizes(bench: Bench, versions: float) -> dict[str, float]:
    """Sizes as it is and as it would be if it were written anew; how fast it is verified."""
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    size = vault.usage(org).bytes
    start = time.perf_counter()
    assert vault.verify(VerifyLevel.FULL).damages == ()
    verified = time.perf_counter() - start
    peak = peak_of(lambda: merged_whole(vault, org))
    fresh = vault.usage(org).bytes
    segments = vault.org_vault(org).chain.live().segments[TABLE].values()
    return {
        "vault_mb": size / 1e6,
        "verify_gb_per_s": size / 1e9 / verified,
        "compacted_vs_fresh": size / fresh,
        "bytes_per_version": sum(live.entry.bytes for live in segments) / versions,
        "whole_merge_rss_mb": peak,
    }


def merged_whole(vault: EncryptedVault, org: str) -> None:
    """Merge all that there is, whether it is due or not."""
    due = compactor.due
    compactor.due = lambda tiers, *, closed: [tiers] if len(tiers) > 1 and closed else []
    try:
        vault.compact(org, run="compact-all")
    finally:
        compactor.due = due


def forgetting(bench: Bench) -> dict[str, float]:
    """A month of days and twelve months stay."""
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    told: dict[str, float] = {}

    def work() -> None:
        start = time.perf_counter()
        rules = KeepRules(daily=30, monthly=12)
        done = vault.apply(org, unconditional(Forget(rules)), run="forget")
        told.update(forget_s=time.perf_counter() - start, forgotten=done.versions)

    return {"forget_rss_mb": peak_of(work)} | told


def measure(folder: Path, *, rows: int, nights: int, part: float) -> dict[str, float]:
    """All figures of the vault in a folder; if that is empty, a year is lived in it before."""
    share_arenas()
    if (folder / LIVED).exists():
        bench = Bench.again(folder, rows=rows, search=True)
        figures = shown(json.loads((folder / LIVED).read_text("ascii")))
    else:
        bench = Bench.new(folder, rows=rows, search=True)
        bench.leave(folder)
        figures = shown(year(bench, nights=nights, part=part))
        (folder / LIVED).write_text(json.dumps(figures), "ascii")
    figures |= shown(reading(bench))
    with Linked(folder, rows) as linked:
        figures |= shown(sizes(linked, figures["versions"]))
    with Linked(folder, rows) as linked:
        figures |= shown(forgetting(linked))
    peaks = ("maintenance_rss_mb", "whole_merge_rss_mb", "forget_rss_mb")
    figures |= {"maintenance_rss_mb": max(figures[name] for name in peaks)}
    (folder / LIVED).write_text(json.dumps(figures), "ascii")
    return figures


def shown(figures: dict[str, float]) -> dict[str, float]:
    """The same; whoever waits sees them at once."""
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}), flush=True)
    return figures


UNITS = {
    "history_10m_p95_ms": "ms",
    "history_10m_median_ms": "ms",
    "find_10m_ms": "ms",
    "changes_ms": "ms",
    "as_of_10m_s": "s",
    "verify_gb_per_s": "GB/s",
    "compacted_vs_fresh": "ratio",
    "maintenance_rss_mb": "MB",
}


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--part", type=float, default=0.00535)
    parser.add_argument("--folder", type=Path, help="where the vault is, and stays")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, rows=asked.rows, nights=asked.nights, part=asked.part)
    finally:
        if asked.folder is None:
            shutil.rmtree(folder)
    if asked.keep:
        what = f"{asked.rows:,} rows, {asked.nights} nights, {int(figures['versions']):,} versions"
        keep([Figure("vault", name, figures[name], unit, what) for name, unit in UNITS.items()])


if __name__ == "__main__":
    main()
