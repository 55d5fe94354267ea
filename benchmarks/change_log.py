"""The history of a record whose org keeps a change log of a million rows, warm.

    python benchmarks/change_log.py [--rows 1000000] [--nights 31] [--keep]

Straight into the vault, as ``vault_nights``: accounts, ten log rows for each, and nights that add
log rows and change accounts. Prints one line of JSON.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.measure import median, percentile
from benchmarks.results import Figure, keep
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.engine.records.history import history
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Rows
from unlost.model.source.schema import ChangeLog, Column, Reference, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, SnapshotInfo, TableCommit
from unlost.vault.keys.founding import draft_keyring
from unlost.vault.stores.local import LocalStore
from unlost.vault.vault import EncryptedVault, create_vault, open_vault

IDENTITY = OrgIdentity("bench", "org")
NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)
LOG, PER_RECORD, BATCH, ASKED = "AccountHistory", 10, 10_000, 300
FIELDS = ("Name", "Phone", "Industry", "Rating")
K = WireKind
ACCOUNT = Table(
    "Account",
    (Column("Id", K.ID), *(Column(name, K.TEXT) for name in FIELDS)),
    change_log=ChangeLog(
        LOG, "AccountId", "Field", "OldValue", "NewValue", "CreatedDate", "CreatedById"
    ),
)
NOTES = Table(
    LOG,
    (
        Column("Id", K.ID),
        Column("IsDeleted", K.BOOLEAN),
        Column("AccountId", K.REFERENCE, reference=Reference(("Account",))),
        Column("CreatedById", K.REFERENCE, reference=Reference(("User",))),
        Column("CreatedDate", K.INSTANT),
        Column("Field", K.TEXT),
        Column("DataType", K.TEXT),
        Column("OldValue", K.TEXT),
        Column("NewValue", K.TEXT),
    ),
)
SCHEMA = Schema((ACCOUNT, NOTES), "f")


def ids(prefix: str, numbers: NDArray[np.int64]) -> pa.Array:
    """Record ids of 18 characters."""
    return pa.array(np.char.add(prefix + "Ak00000", np.char.zfill(numbers.astype("U8"), 8)))


def accounts(random: np.random.Generator, numbers: NDArray[np.int64]) -> Rows:
    """Accounts with values drawn anew."""
    cells = {"Id": ids("001", numbers)}
    cells |= {name: ids("", random.integers(0, 10**6, len(numbers))) for name in FIELDS}
    return observed(pa.RecordBatch.from_pydict(cells))


def notes(random: np.random.Generator, start: int, records: NDArray[np.int64]) -> Rows:
    """Log rows from number ``start`` on, about these accounts."""
    count = len(records)
    numbers = np.arange(start, start + count)
    times = np.char.add(
        np.datetime_as_string(np.datetime64("2024-01-01") + numbers.astype("timedelta64[s]")),
        ".000+0000",
    )
    cells = {
        "Id": ids("017", numbers),
        "IsDeleted": pa.array(["false"] * count),
        "AccountId": ids("001", records),
        "CreatedById": ids("005", random.integers(0, 300, count)),
        "CreatedDate": pa.array(times),
        "Field": pa.array(np.array(FIELDS)[random.integers(0, len(FIELDS), count)]),
        "DataType": pa.array(["Text"] * count),
        "OldValue": ids("", random.integers(0, 10**6, count)),
        "NewValue": ids("", random.integers(0, 10**6, count)),
    }
    return observed(pa.RecordBatch.from_pydict(cells))


def observed(batch: pa.RecordBatch) -> Rows:
    """A batch as a source gives it."""
    count = len(batch)
    return Rows(
        ids=batch.column("Id"),
        ops=pa.array(["U"] * count),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=batch,
        observed_at=NOW,
    )


@dataclass
class Bench:
    """A vault in a folder, and how many log rows it has."""

    vault: EncryptedVault
    random: np.random.Generator
    rows: int = 0

    def commit(self, run: str, at: datetime, changed: Iterator[Rows], log: int) -> SnapshotInfo:
        """One backup with these accounts and ``log`` new log rows."""
        org = self.vault.ensure_org(IDENTITY)
        commit = self.vault.begin(org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
        commit.put_schema(SCHEMA)
        tables = [
            TableCommit("Account", (commit.add("Account", changed),)),
            TableCommit(LOG, (commit.add(LOG, self._notes(log)),)),
        ]
        return commit.finish(tables, as_of=at)

    def _notes(self, count: int) -> Iterator[Rows]:
        for start in range(self.rows, self.rows + count, BATCH):
            size = min(BATCH, self.rows + count - start)
            yield notes(self.random, start, self.random.integers(0, self.records, size))
        self.rows += count

    records: int = 0


def measure(folder: Path, *, rows: int, nights: int) -> dict[str, float]:
    """All figures of one vault in a folder that is empty."""
    store = LocalStore(folder)
    keys = draft_keyring(store, entropy=SystemEntropy())
    vault = create_vault(store, keys=keys, clock=SystemClock(), entropy=SystemEntropy())
    bench = Bench(vault, np.random.default_rng(7), records=max(1, rows // PER_RECORD))
    start = time.process_time()
    parts = np.array_split(np.arange(bench.records), -(-bench.records // BATCH))
    first = bench.commit("load", NOW, (accounts(bench.random, p) for p in parts), rows)
    loaded = time.process_time() - start
    for number in range(1, nights + 1):
        some = np.sort(bench.random.choice(bench.records, max(1, rows // 2_000), replace=False))
        changed = iter([accounts(bench.random, some)])
        bench.commit(f"n{number}", NOW + timedelta(days=number), changed, max(1, rows // 200))
    opened = open_vault(store, keys=keys, clock=SystemClock(), entropy=SystemEntropy())
    org = opened.ensure_org(IDENTITY)
    asked = ids("001", bench.random.integers(0, bench.records, ASKED)).to_pylist()
    history(opened, org, "Account", asked[0])
    took = []
    for record in asked:
        begun = time.perf_counter()
        history(opened, org, "Account", record)
        took.append((time.perf_counter() - begun) * 1e3)
        if sum(took) > 60_000:
            break
    return {
        "history_p95_ms": percentile(took, 0.95),
        "history_median_ms": median(took),
        "load_cpu_s": loaded,
        "stored_mb": first.bytes_added / 1e6,
    }


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=31)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, rows=asked.rows, nights=asked.nights)
    finally:
        shutil.rmtree(folder)
    if asked.keep:
        what = f"change log of {asked.rows:,} rows, {asked.nights} nights"
        keep([Figure("vault", "history_log_1m_p95_ms", figures["history_p95_ms"], "ms", what)])
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
