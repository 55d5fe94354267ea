"""A vault in a bucket that is 30 ms away: what a person waits for, and what a night asks of it.

    python benchmarks/far_vault.py [--rows 1000000] [--nights 31] [--keep]

Each request takes 30 ms more, and so does each page of a list. The vault has one table of contacts, kept small
after each night as the service does it, and 50 tables of 200 rows, of which a night changes 20 each. Cold is a
new process on a new machine: keys, vault and history of one record. Warm is the same process, asked again about
another record; and a new process on the same machine.
"""

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa

from benchmarks import contacts
from benchmarks.measure import median
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import IDENTITY, NOW, Bench, changed, load, observed
from unlost.app.home.process import share_arenas
from unlost.app.home.system import SystemClock, SystemEntropy
from unlost.model.source.schema import Column, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.model.vault.store import ListedObject, Store, StoreProperties
from unlost.vault.keys.key_slots import add_slot
from unlost.vault.keys.opening import open_keyring
from unlost.vault.keys.service_key import SERVICE_SLOT, ServiceKey, write_service_key
from unlost.vault.keys.unlock import ByServiceKeyFile
from unlost.vault.stores.cached import CachedStore
from unlost.vault.stores.pieces import RangeCache
from unlost.vault.vault import EncryptedVault, open_vault

SMALL = replace(IDENTITY, tenant="small")
LATENCY = 0.03  # seconds of a request
PAGE = 1_000  # names of one answer to a list
TABLES, TABLE_ROWS, TABLE_CHANGED = 50, 200, 20
CACHE = 512_000_000
ASKED = 20
RUNS = 5


class FarStore:
    """Another store, whose files are far away; counts what it is asked."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner
        self._lock = threading.Lock()
        self.asked: Counter[str] = Counter()

    @property
    def properties(self) -> StoreProperties:
        """Facts about the store."""
        return replace(self._inner.properties, folder=None)

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object."""
        self._travel("put")
        return self._inner.put_new(name, data)

    def put_stream(self, name: str, chunks: Iterator[bytes]) -> bool:
        """Create an object from chunks, which go out together."""
        return self.put_new(name, b"".join(chunks))

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        self._travel("get")
        return self._inner.get(name)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        self._travel("get")
        return self._inner.get_range(name, start=start, length=length)

    def size(self, name: str) -> int | None:
        """Size in bytes."""
        self._travel("head")
        return self._inner.size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin so."""
        found = list(self._inner.list(prefix))
        for _ in range(0, max(1, len(found)), PAGE):
            self._travel("list")
        return iter(found)

    def delete(self, name: str) -> bool:
        """Remove an object: a look whether it is there, and the request."""
        self._travel("head")
        self._travel("delete")
        return self._inner.delete(name)

    def path(self, name: str) -> None:
        """There are no files."""

    def _travel(self, what: str) -> None:
        with self._lock:
            self.asked[what] += 1
        time.sleep(LATENCY)

    @contextmanager
    def counted(self) -> Iterator[Counter[str]]:
        """What is asked from now on."""
        self.asked = Counter()
        yield self.asked


def opened(store: Store, key: Path) -> EncryptedVault:
    """The vault as a new process opens it, with the service's key."""
    keys = open_keyring(store, ByServiceKeyFile(key), entropy=SystemEntropy())
    return open_vault(store, keys=keys, clock=SystemClock(), entropy=SystemEntropy())


def on_machine(store: Store, folder: Path) -> Store:
    """The store as a home reaches it that keeps pieces in a folder."""
    return CachedStore(store, pieces=RangeCache(folder, limit=CACHE, clock=SystemClock()))


def filled(bench: Bench, nights: int) -> str:
    """The nights of the contacts, each kept small; the org."""
    load(bench)
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    for number in range(1, nights + 1):
        parts = changed(bench.random, bench.rows)
        pages = [observed(contacts.batch(bench.random, part)) for part in parts]
        bench.commit(vault, f"night-{number}", iter(pages))
        vault.compact(org, run=f"compact-{number}")
        vault.sweep(org, run=f"sweep-{number}")
    return org


def seconds(call: Callable[[], object]) -> float:
    """How long a call takes."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def looking(bench: Bench, far: FarStore, org: str, *, folder: Path, key: Path) -> dict[str, float]:
    """What a look at a record takes: cold, again, and in a new process on the same machine."""
    ids = contacts.ids(bench.random.integers(0, bench.rows, ASKED)).to_pylist()
    cold: list[tuple[float, int, int]] = []
    for run in range(RUNS):
        store = on_machine(far, folder / f"machine-{run}")
        with far.counted() as asked:
            took = seconds(lambda s=store: opened(s, key).history(org, "Contact", ids[0]))
        cold.append((took, asked["get"], asked.total()))
    store = on_machine(far, folder / "machine-0")
    again = [
        seconds(lambda: opened(store, key).history(org, "Contact", ids[0])) for _ in range(RUNS)
    ]
    vault = opened(store, key)
    for ident in ids:
        vault.history(org, "Contact", ident)
    warm = [seconds(lambda i=ident: vault.history(org, "Contact", i)) for ident in ids]
    return {
        "cold_s": median([took for took, _, _ in cold]),
        "cold_gets": max(gets for _, gets, _ in cold),
        "cold_requests": max(count for _, _, count in cold),
        "again_s": median(again),
        "warm_ms": median(warm) * 1e3,
    }


def small_tables() -> Schema:
    """Fifty tables of two columns."""
    columns = (Column("Id", WireKind.ID), Column("Name", WireKind.TEXT))
    return Schema(tuple(Table(f"Small{n}", columns) for n in range(TABLES)), "small")


def small_rows(count: int, night: int) -> pa.RecordBatch:
    """Rows of one of them as they are from a night on."""
    names = [f"Name {n} {night}" for n in range(count)]
    return pa.RecordBatch.from_pydict({"Id": contacts.ids(np.arange(count)), "Name": names})


def small_night(vault: EncryptedVault, number: int) -> None:
    """A night of the fifty tables; the first one brings all rows."""
    org = vault.ensure_org(SMALL)
    run = vault.begin(org, run=f"small-{number}", kind=CommitKind.BACKUP, identity=SMALL)
    run.put_schema(small_tables())
    count = TABLE_CHANGED if number else TABLE_ROWS
    parts = [
        TableCommit(table.name, (run.add(table.name, [observed(small_rows(count, number))]),))
        for table in small_tables().tables
    ]
    run.finish(parts, as_of=NOW + timedelta(days=100 + number))


def night(bench: Bench, far: FarStore, *, folder: Path, key: Path) -> dict[str, float]:
    """What a night with fifty changed tables asks of the bucket."""
    small_night(bench.open(), 0)
    small_night(opened(on_machine(far, folder / "machine-0"), key), 1)
    with far.counted() as asked:
        vault = opened(on_machine(far, folder / "machine-0"), key)
        took = seconds(lambda: small_night(vault, 2))
    told = {f"night_{what}s": float(count) for what, count in asked.items()}
    return {"night_requests": asked.total(), "night_s": took, **told}


def measure(folder: Path, *, rows: int, nights: int) -> dict[str, float]:
    """All figures, in a folder that is empty."""
    share_arenas()
    bench = Bench.new(folder / "vault", rows=rows, search=True)
    key, secret = folder / "service.key", ServiceKey.new(bench.keys, entropy=SystemEntropy())
    write_service_key(secret, key, store=bench.store)
    add_slot(bench.store, bench.keys, secret, slot=SERVICE_SLOT, entropy=SystemEntropy())
    org = filled(bench, nights)
    far = FarStore(bench.store)
    figures = looking(bench, far, org, folder=folder, key=key)
    return figures | night(bench, far, folder=folder, key=key)


def kept(figures: dict[str, float], rows: int, nights: int) -> list[Figure]:
    """The figures that have a goal, and what a night asks."""
    where = f"{rows:,} rows, {nights} nights, 30 ms a request"
    return [
        Figure(
            "vault",
            "s3_history_cold_s",
            figures["cold_s"],
            "s",
            f"new process, new machine, {where}",
        ),
        Figure(
            "vault",
            "s3_history_cold_gets",
            figures["cold_gets"],
            "GETs",
            f"objects and parts of objects read for it, {where}",
        ),
        Figure(
            "vault",
            "s3_history_cold_requests",
            figures["cold_requests"],
            "requests",
            f"with lists and looks whether something is there, {where}",
        ),
        Figure("vault", "s3_history_again_s", figures["again_s"], "s", f"new process, {where}"),
        Figure("vault", "s3_history_warm_ms", figures["warm_ms"], "ms", f"same process, {where}"),
        Figure(
            "vault", "s3_night_50_tables_requests", figures["night_requests"], "requests", where
        ),
    ]


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
        keep(kept(figures, asked.rows, asked.nights))
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))


if __name__ == "__main__":
    main()
