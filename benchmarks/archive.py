"""What a person waits for who looks at an archive policy, in an org with a million cases.

    python benchmarks/archive.py [--cases 1000000] [--keep]

Each case has two mails, and each fifth a file with one version; half of the cases are closed and
old. They go straight into the vault. Then a new process previews a policy for these cases.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from benchmarks.measure import run
from benchmarks.results import Figure, keep
from benchmarks.vault_nights import IDENTITY, Bench, observed
from unlost.app.home.process import share_arenas
from unlost.connectors.salesforce.archive_facts import archive_facts
from unlost.connectors.salesforce.storage import shared_files, storage_rules
from unlost.engine.archive.preview import preview
from unlost.model.archive import (
    ArchiveBranch,
    ArchivePolicy,
    BranchRule,
    Comparison,
    Condition,
)
from unlost.model.source.schema import Column, DeleteRule, Reference, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, TableCommit

NOW = datetime(2026, 6, 1, tzinfo=UTC)
PAGE = 20_000
MAILS, FILES = 2, 5  # mails of a case; one of so many cases has a file
WORDS = 2_000
PREFIXES = {
    "Case": "500", "EmailMessage": "02s", "ContentDocument": "069", "ContentVersion": "068",
    "ContentDocumentLink": "06A",
}  # fmt: skip
POLICY = ArchivePolicy(
    "closed cases",
    "Case",
    (
        Condition("Status", Comparison.IS, ("Closed",)),
        Condition("ClosedDate", Comparison.OLDER, days=365),
    ),
    (ArchiveBranch("EmailMessage", "ParentId", BranchRule.TAKE),),
)

type Numbers = NDArray[np.int64]


def _reference(name: str, *tables: str, rule: DeleteRule = DeleteRule.CASCADE) -> Column:
    return Column(name, WireKind.REFERENCE, reference=Reference(tables, rule))


TABLES = (
    Table(
        "Case",
        (
            Column("Id", WireKind.ID),
            Column("CaseNumber", WireKind.TEXT),
            Column("Status", WireKind.TEXT),
            Column("ClosedDate", WireKind.INSTANT),
            Column("Description", WireKind.TEXT),
        ),
    ),
    Table(
        "EmailMessage",
        (
            Column("Id", WireKind.ID),
            _reference("ParentId", "Case", rule=DeleteRule.SET_NULL),
            Column("Subject", WireKind.TEXT),
            Column("TextBody", WireKind.TEXT),
            Column("HtmlBody", WireKind.TEXT),
        ),
    ),
    Table("ContentDocument", (Column("Id", WireKind.ID), Column("Title", WireKind.TEXT))),
    Table(
        "ContentVersion",
        (
            Column("Id", WireKind.ID),
            _reference("ContentDocumentId", "ContentDocument"),
            Column("ContentSize", WireKind.INTEGER),
        ),
    ),
    Table(
        "ContentDocumentLink",
        (
            Column("Id", WireKind.ID),
            _reference("ContentDocumentId", "ContentDocument"),
            _reference("LinkedEntityId", "Case", "EmailMessage"),
        ),
    ),
)
SCHEMA = Schema(TABLES, "f")


class Desk:
    """The rows of each table, by number."""

    def __init__(self, cases: int) -> None:
        self.cases = cases
        self._random = np.random.default_rng(5)
        letters = self._random.integers(97, 123, (WORDS, 8), dtype=np.uint8)
        self._words = pa.array([bytes(row).decode("ascii") for row in letters])
        self.tables: dict[str, tuple[int, Callable[[Numbers], dict[str, pa.Array]]]] = {
            "Case": (cases, self._cases),
            "EmailMessage": (MAILS * cases, self._mails),
            "ContentDocument": (cases // FILES, self._documents),
            "ContentVersion": (cases // FILES, self._versions),
            "ContentDocumentLink": (cases // FILES, self._links),
        }

    def pages(self, table: str) -> Iterator[pa.RecordBatch]:
        """All rows of a table, in pages."""
        count, cells = self.tables[table]
        for start in range(0, count, PAGE):
            numbers = np.arange(start, min(start + PAGE, count))
            columns = {"Id": ids(table, numbers), **cells(numbers)}
            yield pa.RecordBatch.from_arrays(list(columns.values()), names=list(columns))

    def _cases(self, numbers: Numbers) -> dict[str, pa.Array]:
        closed = pa.array(numbers % 2 == 0)
        return {
            "CaseNumber": pa.array(numbers).cast(pa.string()),
            "Status": pc.if_else(closed, "Closed", "New"),
            "ClosedDate": pc.if_else(closed, "2024-03-04T05:06:07.000Z", None),
            "Description": self._text(len(numbers), 20),
        }

    def _mails(self, numbers: Numbers) -> dict[str, pa.Array]:
        text = self._text(len(numbers), 60)
        return {
            "ParentId": ids("Case", numbers // MAILS),
            "Subject": self._text(len(numbers), 4),
            "TextBody": text,
            "HtmlBody": pc.binary_join_element_wise("<html><p>", text, "</p></html>", ""),
        }

    def _documents(self, numbers: Numbers) -> dict[str, pa.Array]:
        return {"Title": self._text(len(numbers), 3)}

    def _versions(self, numbers: Numbers) -> dict[str, pa.Array]:
        sizes = self._random.integers(1_000, 5_000_000, len(numbers))
        return {
            "ContentDocumentId": ids("ContentDocument", numbers),
            "ContentSize": pa.array(sizes).cast(pa.string()),
        }

    def _links(self, numbers: Numbers) -> dict[str, pa.Array]:
        return {
            "ContentDocumentId": ids("ContentDocument", numbers),
            "LinkedEntityId": ids("Case", numbers * FILES),
        }

    def _text(self, count: int, words: int) -> pa.Array:
        drawn = self._random.integers(0, WORDS, count * words)
        offsets = pa.array(np.arange(0, count * words + 1, words), pa.int32())
        lists = pa.ListArray.from_arrays(offsets, self._words.take(pa.array(drawn)))
        return pc.binary_join(lists, " ")


def ids(table: str, numbers: Numbers) -> pa.Array:
    """Ids of 18 characters."""
    digits = pc.utf8_lpad(pa.array(numbers).cast(pa.string()), width=12, padding="0")
    return pc.binary_join_element_wise(PREFIXES[table], digits, "AAA", "")


def load(folder: Path, cases: int) -> None:
    """A vault with all rows, and the keys beside it."""
    bench, desk = Bench.new(folder, rows=cases, search=False), Desk(cases)
    vault = bench.open()
    org = vault.ensure_org(IDENTITY)
    commit = vault.begin(org, run="load", kind=CommitKind.BACKUP, identity=IDENTITY)
    commit.put_schema(SCHEMA)
    added = [
        TableCommit(name, (commit.add(name, map(observed, desk.pages(name))),))
        for name in desk.tables
    ]
    commit.finish(added, as_of=NOW)
    bench.leave(folder)


def look(folder: Path) -> dict[str, float]:
    """Preview the policy as a new process does; seconds, and numbers to check."""
    vault = Bench.again(folder, rows=0, search=False).open()
    (org,) = vault.orgs()
    started = time.perf_counter()
    head = vault.newest_backup(org)
    assert head is not None
    schema = head.schema()
    shown = preview(
        head,
        POLICY,
        storage_rules(schema),
        shared=shared_files(schema),
        facts=archive_facts(schema),
        now=NOW,
    )
    took = time.perf_counter() - started
    counts = {table.table: table.records for table in shown.tables}
    return {"seconds": took, "megabytes": sum(shown.bytes.values()) / 1e6, **counts}


def measure(folder: Path, cases: int) -> list[Figure]:
    """The wait and the memory of a preview."""
    load(folder, cases)
    costs = [run([__file__, "--look", str(folder)]) for _ in range(3)]
    middle = sorted(costs, key=lambda cost: float(cost.said["seconds"]))[1]
    print(
        json.dumps(middle.said), f"{middle.peak_mb:.0f} MB", f"{middle.cpu_s:.1f} CPU-s", flush=True
    )
    assert middle.said["Case"] == cases // 2, "half of the cases are closed"
    assert middle.said["EmailMessage"] == MAILS * cases // 2
    assert middle.said["ContentDocument"] == cases // FILES // 2
    what = f"{cases:,} cases, {MAILS * cases:,} mails, {cases // FILES:,} files, in a new process"
    return [
        Figure("archive", "preview_s", float(middle.said["seconds"]), "s", what, runs=3),
        Figure("archive", "preview_cpu_s", middle.cpu_s, "s", what, runs=3),
        Figure("archive", "preview_rss_mb", middle.peak_mb, "MB", what, runs=3),
    ]


def main() -> None:
    """Measure, print, and keep if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--look", type=Path)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    share_arenas()
    if options.look is not None:
        print(json.dumps(look(options.look)))
        return
    folder = Path(tempfile.mkdtemp(prefix="unlost-bench-"))
    try:
        figures = measure(folder, options.cases)
    finally:
        shutil.rmtree(folder)
    if options.keep:
        keep(figures)


if __name__ == "__main__":
    main()
