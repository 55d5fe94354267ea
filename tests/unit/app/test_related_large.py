"""A customer with more archived records than a page names still leads to all of them."""

from collections.abc import Callable, Iterator

import pyarrow as pa
import pytest

from unlost.app.records.archived.archived_rows import ArchivedRows
from unlost.app.records.relations import referring
from unlost.app.records.relations.referring import ReferenceSearch
from unlost.model.org import OrgIdentity
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Column, DeleteRule, Reference, Schema, Table, WireKind
from unlost.model.vault.snapshot import CommitKind, TableCommit
from unlost.testing.clock import START, VirtualClock
from unlost.testing.vault import memory_vault

CASES, ARCHIVED, CUSTOMERS = 30_000, 24_000, 2
CUSTOMER = "A0"
IDENTITY = OrgIdentity("memory", "one")


def table(name: str, **references: str) -> Table:
    """A table of texts and references that are deleted with their targets."""
    columns = [Column("Id", WireKind.TEXT), Column("Name", WireKind.TEXT)]
    columns += [
        Column(column, WireKind.REFERENCE, reference=Reference((target,), DeleteRule.CASCADE))
        for column, target in references.items()
    ]
    return Table(name, tuple(columns), name_column="Name")


SCHEMA = Schema(
    (table("Account"), table("Case", AccountId="Account"), table("Mail", CaseId="Case")), "f"
)


def case(number: int) -> dict[str, str]:
    return {"Id": f"C{number:06}", "Name": "a", "AccountId": f"A{number % CUSTOMERS}"}


def mail(number: int) -> dict[str, str]:
    """Each case has a mail; those of the live cases are archived, too."""
    return {"Id": f"M{number:06}", "Name": "b", "CaseId": f"C{number:06}"}


def rows(make: Callable[[int], dict[str, str]], numbers: range, op: Op) -> Iterator[Rows]:
    cells = pa.RecordBatch.from_pylist([make(number) for number in numbers])
    count = len(cells)
    yield Rows(
        ids=cells.column("Id"),
        ops=pa.array([op.value] * count),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=cells,
        observed_at=START,
    )


@pytest.fixture(scope="module")
def archive() -> ArchivedRows:
    """Most cases are archived, and the mails of all of them."""
    vault = memory_vault(VirtualClock())
    org = vault.ensure_org(IDENTITY)
    accounts = rows(lambda n: {"Id": f"A{n}", "Name": "c"}, range(CUSTOMERS), Op.STATE)
    every, old = range(CASES), range(ARCHIVED)
    nights = (
        (CommitKind.BACKUP, rows(case, every, Op.STATE), rows(mail, every, Op.STATE)),
        (CommitKind.ARCHIVE, rows(case, old, Op.ARCHIVED), rows(mail, every, Op.ARCHIVED)),
    )
    for kind, cases, mails in nights:
        commit = vault.begin(org, run=kind.value, kind=kind, identity=IDENTITY)
        commit.put_schema(SCHEMA)
        parts = {"Case": cases, "Mail": mails}
        if kind is CommitKind.BACKUP:
            parts = {"Account": accounts, **parts}
        added = [TableCommit(name, (commit.add(name, part),)) for name, part in parts.items()]
        commit.finish(added, as_of=START)
    return ArchivedRows(vault, org, vault.at(org, 2, forgotten=True), 2)


def around(archive: ArchivedRows, *, only: bool) -> tuple[dict[str, int], ReferenceSearch]:
    """The number of archived records by table."""
    search = ReferenceSearch(archive.head, archive=archive, only_archived=only)
    search.around(SCHEMA.tables[0], CUSTOMER)
    return {name: len(search.archived(name)) for name in ("Case", "Mail")}, search


@pytest.mark.parametrize("only", [True, False])
def test_all_archived_records_of_a_large_customer_are_found(
    archive: ArchivedRows, monkeypatch: pytest.MonkeyPatch, only: bool
) -> None:
    monkeypatch.setattr(referring, "CHUNK", 1_000)
    counts, search = around(archive, only=only)
    assert counts == {"Case": ARCHIVED // CUSTOMERS, "Mail": CASES // CUSTOMERS}
    assert search.unsearched == set()


def test_a_table_with_more_live_rows_than_are_read_has_its_archived_ones(
    archive: ArchivedRows, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(referring, "MOST_ROWS", 0)
    counts, search = around(archive, only=False)
    assert counts == {"Case": ARCHIVED // CUSTOMERS, "Mail": ARCHIVED // CUSTOMERS}
    assert search.unsearched == {"Case"}, "and so the mails of its live records"
