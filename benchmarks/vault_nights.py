"""A first load and 31 nights of one table, straight into the vault: no source, no wire.

    python benchmarks/vault_nights.py [--rows 1000000] [--nights 31] [--no-search] [--keep]

Prints one line of JSON: what a load costs, what a night costs from batches to committed (the
process opens the vault anew each night, so previous hashes come from the disk), and how fast a
record's history, a number, the changes of a night and a whole snapshot are read, warm.
"""

import argparse
import json
import resource
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks import contacts
from benchmarks.measure import median, percentile
from benchmarks.results import Figure, keep
from unlost.app.home.process import share_arenas
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Schema
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableCommit
from unlost.vault.keys.founding import draft_keyring, recovery_sheet
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault, VaultOptions, create_vault, open_vault

IDENTITY = OrgIdentity("bench", "org")
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
BATCH, PAGE = 5_000, 2_000  # rows of a page: of a load, of a night
CHANGED = 0.005
ASKED = 300
SEED = 7
KEPT = "bench-keys.json"


@dataclass
class Bench:
    """A vault in a folder, and the rows that go into it."""

    store: LocalStore
    keys: Keyring
    options: VaultOptions
    rows: int
    random: np.random.Generator

    @classmethod
    def new(cls, folder: Path, *, rows: int, search: bool) -> Self:
        """A new vault in a folder that is empty; contents are drawn from the same seed each time."""
        store = LocalStore(folder)
        keys = draft_keyring(store, entropy=SystemEntropy())
        create_vault(store, keys=keys, clock=SystemClock(), entropy=SystemEntropy())
        return cls(store, keys, VaultOptions(search=search), rows, np.random.default_rng(SEED))

    @classmethod
    def again(cls, folder: Path, *, rows: int, search: bool) -> Self:
        """The vault that another process left in a folder; see ``leave``."""
        store = LocalStore(folder)
        kept = json.loads((folder / KEPT).read_text("ascii"))
        vault, secret = (bytes.fromhex(kept[name]) for name in ("vault", "secret"))
        keys = Keyring.of_secret(store, vault=vault, secret=secret, entropy=SystemEntropy())
        return cls(store, keys, VaultOptions(search=search), rows, np.random.default_rng(SEED))

    def leave(self, folder: Path) -> None:
        """Keep the keys beside what they open: nothing in it is anybody's."""
        sheet = recovery_sheet(self.keys)
        kept = {"vault": sheet.vault.hex(), "secret": sheet.secret.hex()}
        (folder / KEPT).write_text(json.dumps(kept), "ascii")

    def open(self) -> EncryptedVault:
        """The vault, as a new process finds it."""
        return open_vault(
            self.store,
            keys=self.keys,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            options=self.options,
        )

    def commit(self, vault: EncryptedVault, run: str, rows: Iterator[Rows]) -> SnapshotInfo:
        """One whole backup."""
        org = vault.ensure_org(IDENTITY)
        commit = vault.begin(org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
        if run == "load":
            commit.put_schema(Schema((contacts.TABLE,), "f"))
        added = commit.add("Contact", rows)
        return commit.finish([TableCommit("Contact", (added,))], as_of=NOW)


def observed(batch: pa.RecordBatch) -> Rows:
    """A batch as a source gives it."""
    count = len(batch)
    return Rows(
        ids=batch.column("Id"),
        ops=pa.array(["U"]).take(pa.array(np.zeros(count, dtype=np.int32))),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=batch,
        observed_at=NOW,
    )


def loaded(rows: int) -> Iterator[NDArray[np.int64]]:
    """The numbers of all contacts, in pages."""
    for start in range(0, rows, BATCH):
        yield np.arange(start, min(start + BATCH, rows))


def changed(random: np.random.Generator, rows: int) -> list[NDArray[np.int64]]:
    """The numbers of the contacts that a night changes, in pages."""
    count = max(1, int(rows * CHANGED))
    chosen = np.sort(random.choice(rows, count, replace=False))
    return np.array_split(chosen, -(-count // PAGE))


def load(bench: Bench) -> dict[str, float]:
    """The first night; making the rows is not counted."""
    made = {"cpu": 0.0, "wall": 0.0, "bytes": 0.0}

    def stream() -> Iterator[Rows]:
        for numbers in loaded(bench.rows):
            cpu, wall = time.thread_time(), time.perf_counter()
            batch = contacts.batch(bench.random, numbers)
            made["bytes"] += contacts.csv_bytes(batch)
            made["cpu"] += time.thread_time() - cpu  # other threads are writing meanwhile
            made["wall"] += time.perf_counter() - wall
            yield observed(batch)

    cpu, wall = time.process_time(), time.perf_counter()
    info = bench.commit(bench.open(), "load", stream())
    spent = time.process_time() - cpu - made["cpu"]
    waited = time.perf_counter() - wall - made["wall"]
    return {
        "load_cpu_s": spent,
        "load_wall_s": waited,
        "load_mb_per_cpu_s": made["bytes"] / 1e6 / spent,
        "load_csv_mb": made["bytes"] / 1e6,
        "load_stored_mb": info.bytes_added / 1e6,
        "load_peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def night(bench: Bench, number: int) -> tuple[float, float, int]:
    """One night, the vault opened anew: milliseconds of wall and of CPU, and bytes."""
    parts = changed(bench.random, bench.rows)
    count = sum(len(part) for part in parts)
    pages = [observed(contacts.batch(bench.random, part)) for part in parts]
    vault = bench.open()
    vault.ensure_org(IDENTITY)
    cpu, wall = time.process_time(), time.perf_counter()
    info = bench.commit(vault, f"night-{number}", iter(pages))
    spent, waited = time.process_time() - cpu, time.perf_counter() - wall
    assert info.counts.changed == count
    return waited * 1e3, spent * 1e3, info.bytes_added


def timed[A](call: Callable[[A], object], asked: Sequence[A]) -> list[float]:
    """Milliseconds of each call."""
    took = []
    for item in asked:
        start = time.perf_counter()
        call(item)
        took.append((time.perf_counter() - start) * 1e3)
    return took


def reading(bench: Bench, nights: int) -> dict[str, float]:
    """What a person waits for, warm."""
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    numbers = bench.random.integers(0, bench.rows, ASKED)
    keys = contacts.ids(numbers).to_pylist()
    vault.history(org, "Contact", keys[0])
    history = timed(lambda key: vault.history(org, "Contact", key), keys)
    found = timed(lambda n: vault.search(org, contacts.number(int(n))), numbers[:100])
    changes = timed(
        lambda n: list(vault.changes(org, "Contact", after=n, until=n + 1)), range(1, nights)
    )
    head = vault.newest_backup(org)
    assert head is not None
    start = time.perf_counter()
    rows = sum(len(batch) for batch in head.scan("Contact"))
    scan = time.perf_counter() - start
    assert rows == bench.rows
    return {
        "history_p95_ms": percentile(history, 0.95),
        "history_median_ms": median(history),
        "find_median_ms": median(found),
        "find_p95_ms": percentile(found, 0.95),
        "changes_median_ms": median(changes) if changes else 0.0,
        "scan_s": scan,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def measure(folder: Path, *, rows: int, nights: int, search: bool) -> dict[str, float]:
    """All figures of one vault in a folder that is empty."""
    share_arenas()
    bench = Bench.new(folder, rows=rows, search=search)
    figures = load(bench)
    costs = [night(bench, number) for number in range(1, nights + 1)]
    figures |= {
        "night_ms": median([cost[0] for cost in costs]),
        "night_cpu_ms": median([cost[1] for cost in costs]),
        "night_bytes": median([cost[2] for cost in costs]),
    }
    return figures | reading(bench, nights)


def kept(figures: dict[str, float], rows: int, nights: int) -> list[Figure]:
    """The figures that have a goal."""
    where = f"{rows:,} rows, {nights} nights"
    return [
        Figure("vault", "night_commit_ms", figures["night_ms"], "ms", f"0.5 % changed, {where}"),
        Figure("vault", "night_bytes", figures["night_bytes"], "bytes", f"added a night, {where}"),
        Figure("vault", "history_1m_p95_ms", figures["history_p95_ms"], "ms", f"warm, {where}"),
        Figure("vault", "find_1m_ms", figures["find_median_ms"], "ms", f"by number, warm, {where}"),
        Figure(
            "vault", "changes_1m_ms", figures["changes_median_ms"], "ms", f"of a night, {where}"
        ),
        Figure(
            "vault",
            "load_mb_per_cpu_s",
            figures["load_mb_per_cpu_s"],
            "MB/CPU-s",
            f"batches to committed, {where}",
        ),
    ]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=31)
    parser.add_argument("--no-search", action="store_true")
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, rows=asked.rows, nights=asked.nights, search=not asked.no_search)
    finally:
        shutil.rmtree(folder)
    if asked.keep:
        keep(kept(figures, asked.rows, asked.nights))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
