"""The search index: its size and cost beside that of earlier rules, and what a search waits for.

    python benchmarks/search_index.py [--rows 1000000] [--waits-only] [--keep]

The same contacts are loaded three times: with words of rules number 2, with the present ones from
the same columns, and with the present ones from all columns by which people search. Each index is
merged before it is weighed. ``--waits-only`` loads them once, with all columns, and searches.
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import polars as pl
import pyarrow as pa

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks import contacts
from benchmarks.measure import median
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import Bench, loaded, observed, timed
from unlost.app.home.process import share_arenas
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Schema, SearchedAs, Table
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.testing.clock import START
from unlost.vault.format.physical import SEARCH, SEARCH_FIELDS, U_ID
from unlost.vault.format.words.tokens import Tokenizer, tokenizer_for
from unlost.vault.maintenance import compactor
from unlost.vault.objects import segment_writer
from unlost.vault.vault import EncryptedVault

ASKED = 40
BATCH = 20_000  # rows that are cut at a time
MORE = ("MailingStreet", *(f"Text{number}" for number in range(8)))
_ENDS = " \t\r\n.,;:!?()[]{}<>\"'«»„“”‚‘’*"


def every_column() -> Table:
    """Contacts with all columns by which people search: a street, and eight short texts too."""
    columns = (
        replace(column, search=SearchedAs.WORDS) if column.name in MORE else column
        for column in contacts.TABLE.columns
    )
    return replace(contacts.TABLE, columns=tuple(columns))


def earlier_tokens(self: Tokenizer, rows: pa.Table) -> pa.Table:
    """Words by rules number 2."""
    ids = pl.Series("record", pl.from_arrow(rows.column(U_ID)))
    parts = []
    for name in self.searched:
        frame = pl.DataFrame([ids, pl.Series("text", pl.from_arrow(rows.column(name)))])
        plain = pl.col("text").str.normalize("NFKC").str.to_lowercase()
        words = plain.str.replace_all("ß", "ss", literal=True).str.replace_all(r"\s+", " ")
        token = words.str.split(" ").list.head(12)
        token = token.list.eval(pl.element().str.strip_chars(_ENDS).str.slice(0, 64))
        if name in self.phones:
            token = plain.str.replace_all("[^0-9]", "").str.strip_chars_start("0")
        frame = frame.drop_nulls("text").select(token.alias("token"), "record")
        part = frame if name in self.phones else frame.explode("token").unique(maintain_order=True)
        parts.append(part.filter(pl.col("token") != "").with_columns(column=pl.lit(name)))
    found = pl.concat(parts).with_columns(table=pl.lit(self.table)).rename({"token": U_ID})
    return (
        found.select(field.name for field in SEARCH_FIELDS)
        .to_arrow()
        .cast(pa.schema(SEARCH_FIELDS))
    )


@contextmanager
def earlier_rules() -> Iterator[None]:
    """Make words by rules number 2, and compress them as earlier releases did."""
    level = mock.patch.object(segment_writer, "MERGED_WORDS_LEVEL", segment_writer.ZSTD_LEVEL)
    with mock.patch.object(Tokenizer, "tokens", earlier_tokens), level:
        yield


def load(folder: Path, table: Table, rows: int) -> tuple[EncryptedVault, str]:
    """A vault with these contacts, whose index is merged."""
    bench = Bench.new(folder, rows=rows, search=True)
    vault = bench.open()
    org = vault.ensure_org(vault_identity())
    commit = vault.begin(org, run="load", kind=CommitKind.BACKUP, identity=vault_identity())
    commit.put_schema(Schema((table,), "f"))
    pages = (observed(contacts.batch(bench.random, numbers)) for numbers in loaded(rows))
    commit.finish([TableCommit(table.name, (commit.add(table.name, pages),))], as_of=START)
    with mock.patch.object(compactor, "due", lambda tiers, **_: [tiers]):
        vault.compact(org, run="compact")
    return bench.open(), org


def vault_identity() -> OrgIdentity:
    """The org of these vaults."""
    return OrgIdentity("bench", "T")


def index_bytes(vault: EncryptedVault, org: str) -> int:
    """The size of the index, with its sidecars."""
    segments = vault.org_vault(org).chain.live().segments[SEARCH].values()
    return sum(live.entry.own_bytes + live.entry.sidecar_bytes for live in segments)


def cutting(table: Table) -> float:
    """CPU seconds that the words of a batch cost, the median of several."""
    batch = contacts.batch(np.random.default_rng(1), np.arange(BATCH))
    rows = pa.Table.from_batches([batch]).append_column(U_ID, batch.column("Id"))
    tokenizer = tokenizer_for(table, names=rows.column_names)
    assert tokenizer is not None
    took = []
    for _ in range(7):
        start = time.process_time()
        tokenizer.tokens(rows)
        took.append(time.process_time() - start)
    return median(took)


def searches(vault: EncryptedVault, org: str, numbers: Sequence[int]) -> dict[str, list[str]]:
    """What people type for the contacts with these numbers, by kind."""
    head = vault.newest_backup(org)
    assert head is not None
    ids = contacts.ids(np.asarray(numbers, dtype=np.int64)).to_pylist()
    rows = head.get("Contact", ids, columns=["LastName", "Name", "Email", "Phone", *MORE[:1]])
    cells = {name: rows.column(name).to_pylist() for name in rows.column_names}
    typed = [contacts.number(number) for number in numbers]
    return {
        "number": typed,
        "number without prefix and zeros": [text.lstrip("C-0") or "0" for text in typed],
        "one name": cells["LastName"],
        "two names": cells["Name"],
        "e-mail": cells["Email"],
        "telephone": cells["Phone"],
        "street": cells["MailingStreet"],
        "name and street": [
            f"{name} {street}"
            for name, street in zip(cells["LastName"], cells["MailingStreet"], strict=True)
        ],
        "three letters": [name[:3] for name in cells["LastName"]],
    }


def waited(vault: EncryptedVault, org: str, rows: int) -> dict[str, float]:
    """Milliseconds of each kind of search, warm."""
    numbers = np.random.default_rng(3).integers(1, rows, ASKED).tolist()
    took = {}
    for kind, texts in searches(vault, org, numbers).items():
        timed(lambda text: vault.search(org, text), texts[:3])
        took[kind] = median(timed(lambda text: vault.search(org, text), texts))
    mistakes = [f"{contacts.number(number)}x"[2:] for number in numbers[:10]]
    took["a suggestion"] = median(timed(lambda text: vault.search_help(org, text), mistakes))
    return took


def measure(folder: Path, rows: int) -> dict[str, float]:
    """All figures, in a folder that is empty."""
    share_arenas()
    with earlier_rules():
        before_s = cutting(contacts.TABLE)
        earlier = index_bytes(*load(folder / "earlier", contacts.TABLE, rows))
    same_s, every_s = cutting(contacts.TABLE), cutting(every_column())
    same = index_bytes(*load(folder / "same", contacts.TABLE, rows))
    vault, org = load(folder / "every", every_column(), rows)
    every = index_bytes(vault, org)
    batch = contacts.batch(np.random.default_rng(1), np.arange(BATCH))
    megabytes = contacts.csv_bytes(batch) / 1e6
    figures = {
        "index_bytes_vs_before": same / earlier,
        "index_mb_per_million_before": earlier / rows,
        "index_mb_per_million": every / rows,
        "cut_ms_per_mb_before": before_s / megabytes * 1e3,
        "cut_ms_per_mb_same_columns": same_s / megabytes * 1e3,
        "cut_ms_per_mb": every_s / megabytes * 1e3,
    }
    for name, value in figures.items():
        print(f"{name:40} {value:10.3f}", flush=True)
    show_waits(waited(vault, org, rows))
    return figures


def show_waits(waits: Mapping[str, float]) -> None:
    """Print what each kind of search waits for."""
    for kind, ms in waits.items():
        print(f"search by {kind:30} {ms:10.1f} ms", flush=True)


def measure_waits(folder: Path, rows: int) -> list[Figure]:
    """What searches wait for among contacts with all columns."""
    share_arenas()
    waits = waited(*load(folder / "every", every_column(), rows), rows)
    show_waits(waits)
    what = f"{rows:,} contacts with 14 searched columns, warm"
    worst = max(waits, key=lambda kind: waits[kind])
    return [
        Figure("vault", "find_14_columns_ms", waits["number"], "ms", f"a number, {what}"),
        Figure("vault", "find_14_columns_worst_ms", waits[worst], "ms", f"{worst}, {what}"),
    ]


def kept(figures: dict[str, float], rows: int) -> list[Figure]:
    """The figures that have a goal, or that a reader wants to know."""
    where = f"{rows:,} contacts"
    ratio, size = figures["index_bytes_vs_before"], figures["index_mb_per_million"]
    what = f"of the same 5 columns, beside rules number 2, {where}"
    return [
        Figure("vault", "index_bytes_vs_before", ratio, "x", what),
        Figure("vault", "index_mb_per_million", size, "MB", f"14 columns, per million, {where}"),
    ]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--waits-only", action="store_true")
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        if options.waits_only:
            figures = measure_waits(folder, options.rows)
        else:
            figures = kept(measure(folder, options.rows), options.rows)
    finally:
        shutil.rmtree(folder)
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
