"""A range of ids of which no change is told, asked for in one question."""

from datetime import timedelta

import pyarrow as pa
import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from unlost.connectors.salesforce.ids import order
from unlost.connectors.salesforce.reading.work import TaskKind, work_of
from unlost.connectors.salesforce.soql import id_range
from unlost.model.source.reading import IdRange
from unlost.model.source.schema import TableTrait
from unlost.testing.clock import START


def org_of(**settings: object) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    org.describes = {
        "Account": describe("Account", *system_fields(), field("Name", nameField=True)),
        "CaseStatus": describe("CaseStatus", *system_fields()),
        "FeedItem": describe("FeedItem", *system_fields()),
        "Odd": describe("Odd", field("Id", "id"), replicateable=False),
    }
    org.rows = {"Account": [row(id_of("001", n), Name=f"N {n}") for n in range(9)]}
    return org


@pytest.mark.parametrize(
    ("table", "rows", "kind"),
    [
        ("Account", 2_000, TaskKind.REST),
        ("Account", 2_001, TaskKind.BULK),
        ("CaseStatus", 90_000, TaskKind.REST),
    ],
)
def test_a_range_takes_one_question_and_nothing_is_counted(
    table: str, rows: int, kind: TaskKind
) -> None:
    org = org_of(bulk_above=2_000)
    with org.source() as source:
        found = org.table(source, table)
        cursor = source.cursor_at(found, START)
        before = len(org.wire.made("GET", "query"))
        low, high = id_of("001", 2), id_of("001", 5)
        (task,) = source.plan_reads(found, cursor, ids=IdRange(low, high, rows))
        assert len(org.wire.made("GET", "query")) == before
    chosen, work = work_of(task)
    assert (chosen, task.full) == (kind, False)
    stamp = (START - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert work.reading.soql.endswith(
        f" WHERE Id >= '{low}' AND Id < '{high}' AND SystemModstamp < {stamp}"
    )


def test_ranges_are_open_at_their_ends() -> None:
    assert id_range("", None) == ""
    assert id_range("", "b") == "Id < 'b'"
    assert id_range("a", None) == "Id >= 'a'"


def test_tables_that_are_read_whole_now_and_then_have_no_ranges() -> None:
    org = org_of()
    with org.source() as source:
        ranged = {t.name for t in source.discover().tables if t.has(TableTrait.ID_RANGES)}
    assert ranged == {"Account", "CaseStatus"}


def test_ids_count_digits_then_small_letters_then_large_ones() -> None:
    ids = pa.array(["001A", "001a", "0019"])
    ranks = dict(zip(ids.to_pylist(), order(ids).to_pylist(), strict=True))
    assert sorted(ranks, key=lambda one: ranks[one].encode()) == ["0019", "001a", "001A"]
