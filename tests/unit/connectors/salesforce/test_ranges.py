"""A range of ids of which no change is told, asked for in one question."""

import re
from collections.abc import Iterator
from datetime import timedelta

import pyarrow as pa
import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from unlost.connectors.salesforce.ids import order
from unlost.connectors.salesforce.reading import parts as parts_module
from unlost.connectors.salesforce.reading.parts import id_condition
from unlost.connectors.salesforce.reading.work import TaskKind, work_of
from unlost.connectors.salesforce.soql import id_range
from unlost.model.source.reading import RowCheckPart
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


def ids(count: int) -> Iterator[pa.Array]:
    """Ids in an order that is not theirs, in two arrays."""
    every = [id_of("001", n) for n in range(count)]
    yield pa.array(every[::-2], pa.string())
    yield pa.array(every[-2::-2], pa.string())


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
        assert cursor is not None
        low, high = id_of("001", 3), id_of("001", 6)
        part = RowCheckPart(1, 3, rows)
        (task,) = source.plan_row_check(found, cursor, part, stored=lambda: ids(9))
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


def test_a_part_that_is_the_whole_table_reads_no_id_of_the_vault() -> None:
    def refused() -> Iterator[pa.Array]:
        raise AssertionError

    assert id_condition(RowCheckPart(0, 1, 9), refused) == ""


@pytest.mark.parametrize(("count", "of"), [(9, 2), (64, 7), (2, 5), (0, 3)])
def test_parts_follow_each_other_without_a_gap(count: int, of: int) -> None:
    parts = [RowCheckPart(number, of, -(-count // of)) for number in range(of)]
    conditions = [id_condition(part, lambda: ids(count)) for part in parts]
    ends = [re.findall(r"(>=|<) '(\w+)'", condition) for condition in conditions]
    low = ["", *(dict(end).get(">=", "") for end in ends[1:])]
    high = [dict(end).get("<") for end in ends]
    assert low[1:] == [end or "" for end in high[:-1]]
    assert high[-1] is None


def test_a_sample_is_the_same_on_each_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parts_module, "SAMPLE", 16)
    part = RowCheckPart(1, 4, 16)
    condition = id_condition(part, lambda: ids(64))
    assert condition == id_condition(part, lambda: reversed([*ids(64)]))
    assert condition.count("Id ") == 2


def test_tables_that_are_read_whole_now_and_then_have_no_ranges() -> None:
    org = org_of()
    with org.source() as source:
        ranged = {t.name for t in source.discover().tables if t.has(TableTrait.ROW_CHECK)}
    assert ranged == {"Account", "CaseStatus"}


def test_ids_count_digits_then_small_letters_then_large_ones() -> None:
    ids = pa.array(["001A", "001a", "0019"])
    ranks = dict(zip(ids.to_pylist(), order(ids).to_pylist(), strict=True))
    assert sorted(ranks, key=lambda one: ranks[one].encode()) == ["0019", "001a", "001A"]
