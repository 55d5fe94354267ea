"""Mails with bodies of 20 kB and a month of nights: how long the history of one of them takes.

    python benchmarks/vault_mails.py [--mails 100000] [--nights 31] [--keep]

A night brings a hundredth of new mails and changes the status of as many others; it is kept small as the
service does it. Bodies are sentences of made-up words, so that they compress as text does.
"""

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.measure import median, percentile
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import IDENTITY, NOW, Bench, observed, timed
from unlost.app.home.process import share_arenas
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, TableCommit

MAIL = Table(
    "EmailMessage",
    (
        Column("Id", WireKind.ID),
        Column("Subject", WireKind.TEXT, traits=frozenset({ColumnTrait.NAME})),
        Column("FromAddress", WireKind.TEXT, traits=frozenset({ColumnTrait.EMAIL})),
        Column("Status", WireKind.TEXT),
        Column("MessageDate", WireKind.INSTANT),
        Column("TextBody", WireKind.TEXT),
    ),
    name_column="Subject",
)
BODY = 20_000  # characters of a body
WORDS, WORD = 20_000, 7  # in the language of the mails, letters of each
PAGE = 500
ASKED = 300
PART = 100  # one of so many is new each night, and one of so many changes


class Mails:
    """Mails by number and night."""

    def __init__(self, random: np.random.Generator) -> None:
        self._random = random
        letters = random.integers(97, 123, (WORDS, WORD), dtype=np.uint8)
        self._words = np.concatenate([letters, np.full((WORDS, 1), 32, np.uint8)], axis=1)

    def rows(self, numbers: NDArray[np.int64], night: int) -> pa.RecordBatch:
        """These mails; bodies follow from the numbers, so that a change leaves them as they are."""
        text = pa.array(numbers).cast(pa.string())
        count = len(numbers)
        columns = {
            "Id": pa.array(np.char.add("02sAk00000", np.char.zfill(numbers.astype("U8"), 8))),
            "Subject": pc.binary_join_element_wise("Order", text, " "),
            "FromAddress": pc.binary_join_element_wise("buyer", text, "@example.com", ""),
            "Status": pa.array([f"{night % 5}"] * count),
            "MessageDate": pa.array(["2026-03-01T08:00:00.000Z"] * count),
            "TextBody": self._bodies(numbers),
        }
        return pa.RecordBatch.from_pydict(columns)

    def _bodies(self, numbers: NDArray[np.int64]) -> pa.Array:
        many = BODY // (WORD + 1)
        drawn = np.stack([np.random.default_rng(int(n)).zipf(1.3, many) % WORDS for n in numbers])
        body = self._words[drawn].tobytes()
        size = many * (WORD + 1)
        offsets = np.arange(0, len(numbers) * size + 1, size, dtype=np.int32)
        return pa.Array.from_buffers(
            pa.string(), len(numbers), [None, pa.py_buffer(offsets), pa.py_buffer(body)]
        )


def night(bench: Bench, mails: Mails, numbers: NDArray[np.int64], number: int) -> None:
    """One night, and its upkeep."""
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    run = vault.begin(org, run=f"night-{number}", kind=CommitKind.BACKUP, identity=IDENTITY)
    if number == 0:
        run.put_schema(Schema((MAIL,), "m"))
    added = run.add(MAIL.name, pages(mails, numbers, number))
    run.finish([TableCommit(MAIL.name, (added,))], as_of=NOW + timedelta(days=number))
    vault.compact(org, run=f"compact-{number}")
    vault.sweep(org, run=f"sweep-{number}")


def pages(mails: Mails, numbers: NDArray[np.int64], number: int) -> Iterator[object]:
    """Mails as a source gives them."""
    for start in range(0, len(numbers), PAGE):
        yield observed(mails.rows(numbers[start : start + PAGE], number))


def lived(bench: Bench, mails: Mails, nights: int) -> int:
    """All nights; how many mails there are."""
    held, part = bench.rows, max(1, bench.rows // PART)
    night(bench, mails, np.arange(held), 0)
    for number in range(1, nights + 1):
        changed = np.sort(bench.random.choice(held, part, replace=False))
        night(bench, mails, np.concatenate([changed, np.arange(held, held + part)]), number)
        held += part
    return held


def measure(folder: Path, *, count: int, nights: int) -> dict[str, float]:
    """Histories of mails drawn by chance, warm, in a vault in a folder that is empty."""
    share_arenas()
    bench = Bench.new(folder, rows=count, search=True)
    held = lived(bench, Mails(bench.random), nights)
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    numbers = bench.random.integers(0, held, ASKED)
    keys = np.char.add("02sAk00000", np.char.zfill(numbers.astype("U8"), 8)).tolist()
    found = vault.history(org, MAIL.name, keys[0])
    assert len(found[0].cells["TextBody"] or "") == BODY
    took = timed(lambda key: vault.history(org, MAIL.name, key), keys)
    return {
        "mails": held,
        "vault_mb": vault.usage(org).bytes / 1e6,
        "mail_history_p95_ms": percentile(took, 0.95),
        "mail_history_median_ms": median(took),
    }


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=100_000)
    parser.add_argument("--nights", type=int, default=31)
    parser.add_argument("--keep", action="store_true")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, count=asked.mails, nights=asked.nights)
    finally:
        shutil.rmtree(folder)
    print(json.dumps({name: round(value, 3) for name, value in figures.items()}))
    if asked.keep:
        what = f"bodies of 20 kB, warm, {int(figures['mails']):,} mails, {asked.nights} nights"
        value = figures["mail_history_p95_ms"]
        keep([Figure("vault", "mail_history_p95_ms", value, "ms", what)])


if __name__ == "__main__":
    main()
