"""The same load and nights in PostgreSQL history tables and in Delta tables: size, night, lookup.

    python benchmarks/other_stores.py [--rows 1000000] [--nights 31] [--merged-nights 3] [--keep]

Rows and changes are those of ``vault_nights``: same seed, same numbers. The PostgreSQL server is the one that
the tests use. It keeps a table of versions, as Delta does in one of its two forms; in the other form it
merges each night into the present state, and its versions are what the table was.
"""

import argparse
import io
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

sys.path.insert(0, str(Path(__file__).parents[1]))

import deltalake
import numpy as np
import psycopg
import pyarrow as pa
from pyarrow import csv
from tests.postgres import postgres

from benchmarks import contacts
from benchmarks.file_backups import size_of
from benchmarks.measure import median
from benchmarks.results import Figure, keep, versions
from benchmarks.vault_nights import IDENTITY, SEED, Bench, changed, loaded, observed, timed
from unlost.app.home.process import share_arenas
from unlost.vault.vault import EncryptedVault

ASKED = 100
NIGHT = "night"
COLUMNS = [column.name for column in contacts.TABLE.columns]
MEGA = 1e6


class Kept(Protocol):
    """Somewhere that versions are kept."""

    def night(self, number: int, pages: Sequence[pa.RecordBatch]) -> None:
        """Keep what a night brought."""
        ...

    def versions(self, ident: str) -> int:
        """How many versions it reads of a record, all columns of them."""
        ...

    def megabytes(self) -> float:
        """What it takes on the disk."""
        ...


class Vault:
    """Ours, kept small after each night as the service does it, with search."""

    def __init__(self, folder: Path, *, rows: int) -> None:
        self._bench = Bench.new(folder, rows=rows, search=True)
        self._folder = folder
        self._vault: EncryptedVault = self._bench.open()

    def night(self, number: int, pages: Sequence[pa.RecordBatch]) -> None:
        """A backup, the vault opened anew. Keeping it small is not counted; see ``tidy``."""
        self._vault = self._bench.open()
        run = f"night-{number}" if number else "load"
        self._bench.commit(self._vault, run, map(observed, pages))

    def tidy(self, number: int) -> None:
        """What the service does after a night."""
        org = self._vault.ensure_org(IDENTITY)
        self._vault.compact(org, run=f"compact-{number}")

    def versions(self, ident: str) -> int:
        """As the record page reads them."""
        return len(self._vault.history(self._vault.ensure_org(IDENTITY), "Contact", ident))

    def megabytes(self) -> float:
        """All that snapshots are read from; what was replaced waits some days before it goes."""
        return self._vault.usage(self._vault.ensure_org(IDENTITY)).bytes / MEGA


class Tables:
    """A table of versions in PostgreSQL, found by id and by number."""

    def __init__(self, url: str) -> None:
        self._session = psycopg.connect(url, autocommit=True)
        columns = ", ".join(f'"{name}" text' for name in COLUMNS)
        self._session.execute(f'CREATE TABLE versions ({columns}, {NIGHT} int, '
                              f'PRIMARY KEY ("Id", {NIGHT}))'.encode())  # fmt: skip
        self._session.execute('CREATE INDEX ON versions ("Number__c")')
        self._session.execute(f"CREATE TEMP TABLE staged ({columns})".encode())

    def night(self, number: int, pages: Sequence[pa.RecordBatch]) -> None:
        """In one transaction: what differs from the newest version of its record is another one."""
        newest = f'SELECT * FROM versions WHERE "Id" = s."Id" ORDER BY {NIGHT} DESC LIMIT 1'
        theirs, ours = (", ".join(f'{one}."{name}"' for name in COLUMNS) for one in ("v", "s"))
        new = (f"INSERT INTO versions SELECT s.*, {number} FROM staged s LEFT JOIN LATERAL ({newest}) v "
               f"ON true WHERE ROW({theirs}) IS DISTINCT FROM ROW({ours})")  # fmt: skip
        with self._session.transaction():
            self._session.execute("TRUNCATE staged")
            with self._session.cursor().copy("COPY staged FROM STDIN (FORMAT csv)") as copy:
                for page in pages:
                    copy.write(as_csv(page))
            self._session.execute(new.encode())
        if number == 0:
            self._session.execute("VACUUM ANALYZE versions")

    def versions(self, ident: str) -> int:
        """By the primary key."""
        found = self._session.execute('SELECT * FROM versions WHERE "Id" = %s', [ident])
        return len(found.fetchall())

    def megabytes(self) -> float:
        """The table and its indexes."""
        found = self._session.execute("SELECT pg_total_relation_size('versions')").fetchone()
        assert found is not None
        return found[0] / MEGA


class Appended:
    """A Delta table of versions; nothing is compared."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._opened: deltalake.DeltaTable | None = None

    def night(self, number: int, pages: Sequence[pa.RecordBatch]) -> None:
        """Another commit."""
        self._opened = None
        rows = pa.Table.from_batches(pages)
        nights = pa.array(np.full(len(rows), number, np.int32))
        deltalake.write_deltalake(
            self._folder, rows.append_column(NIGHT, nights), mode="append", writer_properties=ZSTD
        )

    def versions(self, ident: str) -> int:
        """By the statistics that Parquet has, for Delta has no index."""
        if self._opened is None:
            self._opened = deltalake.DeltaTable(self._folder)
        return len(found_in(self._opened, ident))

    def megabytes(self) -> float:
        """Data and log."""
        return size_of(self._folder)


class Merged:
    """A Delta table of the present state, into which each night is merged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def night(self, number: int, pages: Sequence[pa.RecordBatch]) -> None:
        """MERGE by id."""
        rows = pa.Table.from_batches(pages)
        if number == 0:
            deltalake.write_deltalake(self._folder, rows, writer_properties=ZSTD)
            return
        table = deltalake.DeltaTable(self._folder)
        merging = table.merge(
            rows, predicate='s."Id" = t."Id"', source_alias="s", target_alias="t",
            writer_properties=ZSTD,
        )  # fmt: skip
        merging.when_matched_update_all().when_not_matched_insert_all().execute()

    def versions(self, ident: str) -> int:
        """The record in each version of the table."""
        table = deltalake.DeltaTable(self._folder)
        found = set[str]()
        for number in range(table.version() + 1):
            table.load_as_version(number)
            found |= {json.dumps(row) for row in found_in(table, ident).to_pylist()}
        return len(found)

    def megabytes(self) -> float:
        """Data and log: old files are what old versions are read from."""
        return size_of(self._folder)


ZSTD = deltalake.WriterProperties(compression="ZSTD")


def found_in(table: deltalake.DeltaTable, ident: str) -> pa.Table:
    """The rows of a record, by the engine that comes with it: pyarrow cannot filter what MERGE writes."""
    engine = deltalake.QueryBuilder().register("t", table)
    found = engine.execute(f"SELECT * FROM t WHERE \"Id\" = '{ident}'")
    return pa.table(found.read_all())


def as_csv(page: pa.RecordBatch) -> bytes:
    """As COPY reads it: what is empty without quotes is null."""
    out = io.BytesIO()
    options = csv.WriteOptions(include_header=False, quoting_style="all_valid")
    csv.write_csv(page, out, options)
    return out.getvalue()


@dataclass(frozen=True, slots=True)
class Costs:
    """Megabytes of all nights, seconds of a night (median), milliseconds of a lookup (median)."""

    megabytes: float
    night_s: float
    lookup_ms: float


def lived(kept: Kept, *, rows: int, nights: int, after: Callable[[int], None]) -> Costs:
    """The load and these nights; then records drawn by chance are looked up, warm."""
    random = np.random.default_rng(SEED)
    kept.night(0, [contacts.batch(random, numbers) for numbers in loaded(rows)])
    took, touched = [], dict[int, int]()
    for number in range(1, nights + 1):
        parts = changed(random, rows)
        pages = [contacts.batch(random, part) for part in parts]
        start = time.perf_counter()
        kept.night(number, pages)
        took.append(time.perf_counter() - start)
        for one in np.concatenate(parts).tolist():
            touched[one] = touched.get(one, 0) + 1
        after(number)
    asked = np.random.default_rng(SEED + 1).integers(0, rows, ASKED).tolist()
    idents = contacts.ids(np.array(asked)).to_pylist()
    told = [kept.versions(ident) for ident in idents]
    assert told == [1 + touched.get(one, 0) for one in asked]
    return Costs(kept.megabytes(), median(took), median(timed(kept.versions, idents)))


def compared(name: str, ours: Costs, theirs: Costs, told: str, **peers: str) -> list[Figure]:
    """Ours over theirs; ``peers`` are versions of what was measured with."""
    made = [
        ("size", "MB", ours.megabytes, theirs.megabytes),
        ("night", "s", ours.night_s, theirs.night_s),
        ("lookup", "ms", ours.lookup_ms, theirs.lookup_ms),
    ]
    return [
        Figure("vault", f"{what}_vs_{name}", mine / other, "ratio", f"{mine:,.4g} {unit}; {told}",
               f"{name.replace('_', ' ')}, {unit}", round(other, 3), mine / other,
               versions=versions(**peers))
        for what, unit, mine, other in made
    ]  # fmt: skip


def measure(folder: Path, *, rows: int, nights: int, merged: int) -> list[Figure]:
    """All of them, in a folder that is empty."""

    def nothing(_: int) -> None:
        pass

    own = Vault(folder / "vault", rows=rows)
    ours = shown("vault", lived(own, rows=rows, nights=nights, after=own.tidy))
    with postgres() as server:
        tables = Tables(server.database())
        theirs = shown("postgres", lived(tables, rows=rows, nights=nights, after=nothing))
    delta = Appended(folder / "appended")
    appended = shown("delta", lived(delta, rows=rows, nights=nights, after=nothing))
    few = Vault(folder / "few", rows=rows)
    fewer = shown("vault", lived(few, rows=rows, nights=merged, after=few.tidy))
    again = Merged(folder / "merged")
    into = shown("delta merged", lived(again, rows=rows, nights=merged, after=nothing))
    version = deltalake.__version__
    told = f"{rows:,} rows, 0.5 % changed a night, "
    return [
        *compared("postgres", ours, theirs, f"{told}{nights} nights"),
        *compared("delta", ours, appended, f"{told}{nights} nights", deltalake=version),
        *compared("delta_merged", fewer, into, f"{told}{merged} nights", deltalake=version),
    ]


def shown(name: str, costs: Costs) -> Costs:
    """The same; whoever waits sees them at once."""
    print(f"  {name}: {costs.megabytes:,.0f} MB, a night {costs.night_s:.3f} s, "
          f"a lookup {costs.lookup_ms:.2f} ms", flush=True)  # fmt: skip
    return costs


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--nights", type=int, default=31)
    parser.add_argument("--merged-nights", type=int, default=3)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    share_arenas()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        made = measure(folder, rows=asked.rows, nights=asked.nights, merged=asked.merged_nights)
    finally:
        shutil.rmtree(folder)
    for figure in made:
        print(f"  {figure.key}: {figure.value:.4f} ({figure.peer}: {figure.peer_value})")
    if asked.keep:
        keep(made)


if __name__ == "__main__":
    main()
