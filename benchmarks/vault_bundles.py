"""Nights in which many tables changed by a few rows: as a segment for each table, and as bundles.

    python benchmarks/vault_bundles.py [--tables 1500] [--nights 8] [--rows 10] [--keep]

Each table has the columns of the contacts. After a first load each night changes a few rows of every
table. Prints one line of JSON for each form: how long a night takes from batches to committed and the commit
alone, what it puts into the store, and what the history of one record costs afterwards, warm.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa

from benchmarks import contacts
from benchmarks.measure import median, percentile
from benchmarks.results import Figure, keep
from unlost.app.home.process import share_arenas
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Schema
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.vault.keys.founding import draft_keyring
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault, create_vault

IDENTITY = OrgIdentity("bench", "org")
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
HELD = 20  # rows of each table
ASKED = 300
SEED = 7
FORMS = ("segments", "bundles")


class CountingStore(LocalStore):
    """Counts what is put."""

    puts = 0
    stored = 0

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Put, and count."""
        whole = b"".join(chunks)
        self.puts += 1
        self.stored += len(whole)
        return super().put_stream(name, (whole,))


class Bench:
    """A vault in a folder, with tables of which each night changes a few rows."""

    def __init__(self, folder: Path, *, tables: int, form: str) -> None:
        self.store = CountingStore(folder)
        self.form = form
        self.names = [f"Table{number:04d}" for number in range(tables)]
        self.random = np.random.default_rng(SEED)
        keys = draft_keyring(self.store, entropy=SystemEntropy())
        self.vault: EncryptedVault = create_vault(
            self.store, keys=keys, clock=SystemClock(), entropy=SystemEntropy()
        )
        self.org = self.vault.ensure_org(IDENTITY)

    def night(self, run: str, *, rows: int) -> tuple[float, float, int, int]:
        """Seconds of a night and of its commit, puts and bytes."""
        observed = {name: self._rows(rows) for name in self.names}
        puts, size, start = self.store.puts, self.store.stored, time.perf_counter()
        commit = self.vault.begin(self.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
        if run == "load":
            tables = tuple(replace(contacts.TABLE, name=name) for name in self.names)
            commit.put_schema(Schema(tables, "f"))
        add = commit.add_few if self.form == "bundles" and run != "load" else commit.add
        added = [add(name, [own]) for name, own in observed.items()]
        begun = time.perf_counter()
        commit.finish([TableCommit(one.table, (one,)) for one in added], as_of=NOW)
        end = time.perf_counter()
        return end - start, end - begun, self.store.puts - puts, self.store.stored - size

    def histories(self) -> list[float]:
        """Milliseconds of CPU for the history of records that change."""
        took = []
        for number in range(ASKED):
            name = self.names[number % len(self.names)]
            key = contacts.ids(np.array([number % HELD])).to_pylist()[0]
            start = time.process_time()
            self.vault.history(self.org, name, key)
            took.append((time.process_time() - start) * 1e3)
        return took

    def _rows(self, count: int) -> Rows:
        numbers = np.sort(self.random.choice(HELD, count, replace=False))
        batch = contacts.batch(self.random, numbers)
        return Rows(
            ids=batch.column("Id"),
            ops=pa.array(["U"] * count),
            modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
            modified_by=pa.nulls(count, pa.string()),
            cells=batch,
            observed_at=NOW,
        )


def measure(folder: Path, *, tables: int, nights: int, rows: int, form: str) -> dict[str, float]:
    """All figures of one form."""
    bench = Bench(folder, tables=tables, form=form)
    bench.night("load", rows=HELD)
    costs = [bench.night(f"night-{number}", rows=rows) for number in range(nights)]
    bench.histories()
    history = bench.histories()
    return {
        "night_s": median([cost[0] for cost in costs]),
        "commit_s": median([cost[1] for cost in costs]),
        "night_puts": median([cost[2] for cost in costs]),
        "night_bytes": median([cost[3] for cost in costs]),
        "history_cpu_ms": median(history),
        "history_p95_cpu_ms": percentile(history, 0.95),
    }


def kept(by_form: dict[str, dict[str, float]], where: str) -> list[Figure]:
    """The figures that have a goal."""
    few, many = by_form["bundles"], by_form["segments"]
    slower = few["history_cpu_ms"] / many["history_cpu_ms"]
    return [
        Figure("vault", "commit_1500_tables_s", few["commit_s"], "s", where),
        Figure("vault", "bundled_night_puts", few["night_puts"], "objects", where),
        Figure("vault", "bundled_night_bytes", few["night_bytes"], "bytes", where),
        Figure("vault", "bundled_history_vs_segments", slower, "times", f"CPU, median, {where}"),
    ]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=1_500)
    parser.add_argument("--nights", type=int, default=8)
    parser.add_argument("--rows", type=int, default=10)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    share_arenas()
    by_form = {}
    for form in FORMS:
        folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
        try:
            by_form[form] = measure(
                folder, tables=asked.tables, nights=asked.nights, rows=asked.rows, form=form
            )
        finally:
            shutil.rmtree(folder)
        told = {name: round(value, 3) for name, value in by_form[form].items()}
        print(json.dumps({"form": form, **told}))
    if asked.keep:
        where = f"{asked.tables:,} tables, {asked.rows} rows of each, {asked.nights} nights"
        keep(kept(by_form, where))


if __name__ == "__main__":
    main()
