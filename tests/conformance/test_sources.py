"""The sources of this house keep the promises of a Source."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import json_answer
from unlost.model.ports.source import Source
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table, WireKind
from unlost.testing.clock import VirtualClock
from unlost.testing.connectors import SourceContract
from unlost.testing.org import MemoryOrg
from unlost.testing.source import INSTANT, MemorySource


def a_fake_org(**settings: object) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    org.describes = {
        "Account": describe("Account", *system_fields(), field("Name", nameField=True)),
        "AccountHistory": describe(
            "AccountHistory", *system_fields(), field("AccountId", "reference", referenceTo=["Account"]),
            field("Field"), field("OldValue"), field("NewValue"), field("CreatedById", "reference"),
        ),
        "Odd": describe("Odd", field("Id", "id"), replicateable=False),
        "Empty": describe("Empty", *system_fields()),
        "AccountFeed": describe("AccountFeed", *system_fields()),
    }  # fmt: skip
    org.rows = {
        "Account": [row(id_of("001", n), deleted=n % 7 == 0, Name=f"N {n}") for n in range(60)],
        "AccountHistory": [row(id_of("017", n), Field="Name", AccountId=id_of("001", n)) for n in range(9)],
        "Odd": [{"Id": id_of("a00", n)} for n in range(3)],
        "Empty": [],
    }  # fmt: skip
    org.page_rows = 25
    limits = {"DataStorageMB": {"Max": 5, "Remaining": 1}}
    org.wire.on("GET", "/limits$", json_answer(limits))
    return org


class TestSalesforceByRest(SourceContract):
    """The Salesforce connector reading by REST."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        with a_fake_org().source() as source:
            yield source


class TestSalesforceByBulk(SourceContract):
    """The Salesforce connector reading by Bulk API 2.0, page after page."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        with a_fake_org(bulk_above=0, page_rows=25).source() as source:
            yield source


class TestSalesforceInParallel(SourceContract):
    """The Salesforce connector reading pages of a Bulk job in any order."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        org = a_fake_org(bulk_above=0, parallel_pages_above=10)
        org.bulk_pages = 20
        with org.source() as source:
            yield source


def a_memory_org() -> MemoryOrg:
    org = MemoryOrg(VirtualClock())
    org.add_table("Customer", {"Name": WireKind.TEXT}, logged=True)
    org.add_table("Paper", {"Name": WireKind.TEXT}, files=True)
    customers = [org.create("Customer", {"Name": f"N{number}"}) for number in range(9)]
    org.attach("Paper", "a.txt", b"text")
    org.clock.advance(days=1)
    org.update("Customer", customers[1], {"Name": "other"})
    org.delete("Customer", customers[2])
    return org


class TestMemorySource(SourceContract):
    """The fake source with which the engine is tested."""

    @pytest.fixture
    def source(self) -> MemorySource:
        return MemorySource(a_memory_org())


# --- sources that break a promise -----------------------------------------------------------------


class Untimed(MemorySource):
    """Does not understand the time of a change."""

    def _rows(self, *words: Any) -> Rows:
        rows = super()._rows(*words)
        return replace(rows, modified_at=pa.nulls(len(rows), INSTANT))


class Anonymous(MemorySource):
    """Does not read the user of a change."""

    def _rows(self, *words: Any) -> Rows:
        rows = super()._rows(*words)
        return replace(rows, modified_by=pa.nulls(len(rows), pa.string()))


class CountsMore(MemorySource):
    """Counts rows that it does not deliver."""

    def count(self, table: Table) -> int:
        return super().count(table) + 1


class Hidden(MemorySource):
    """Lists a record that no complete read has."""

    def census(self, table: Table) -> Iterator[pa.Array]:
        yield from super().census(table)
        yield pa.array(["hidden"])


BROKEN = {
    Untimed: "test_times_and_users_of_changes_are_read",
    Anonymous: "test_times_and_users_of_changes_are_read",
    CountsMore: "test_a_full_plan_delivers_every_live_record",
    Hidden: "test_a_full_plan_delivers_every_live_record",
}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_source_is_noticed(kind: type[MemorySource]) -> None:
    source = kind(a_memory_org())
    with pytest.raises(AssertionError):
        getattr(SourceContract(), BROKEN[kind])(source, list(source.discover().tables))


@pytest.mark.parametrize("kind", [Hidden, CountsMore])
def test_a_read_that_says_it_is_incomplete_may_lack_records(kind: type[MemorySource]) -> None:
    source = kind(a_memory_org())
    source.read_incomplete = True
    tables = [table for table in source.discover().tables if table.name == "Customer"]
    SourceContract().test_a_full_plan_delivers_every_live_record(source, tables)
