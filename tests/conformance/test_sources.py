"""The sources of this house keep the promises of a Source."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import json_answer
from unlost.model.errors import IntegrityError
from unlost.model.ports.source import Source
from unlost.model.source.reading import FileRef, Page, ReadTask, Rows
from unlost.model.source.schema import ColumnTrait, Schema, Table, WireKind
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


class CodesById(MemorySource):
    """Delivers another text in a look-up than in a read."""

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        for page in super().read_ids(table, ids):
            yield with_column(page, "Name", lambda texts: [f"code of {text}" for text in texts])


class Narrow(MemorySource):
    """Omits a column."""

    def _rows(self, *words: Any) -> Rows:
        rows = super()._rows(*words)
        assert rows.cells is not None
        return replace(rows, cells=rows.cells.drop_columns(["Modified"]))


class ShortOfIds(MemorySource):
    """Looks up the first ids of a call only, as a server with a limit does."""

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        return super().read_ids(table, ids[:200])

    def live_among(self, wanted: Sequence[tuple[Table, Sequence[str]]]) -> Sequence[frozenset[str]]:
        return super().live_among([(table, ids[:200]) for table, ids in wanted])


class Fileless(MemorySource):
    """Does not know of files."""

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        return ()


class Misnamed(MemorySource):
    """Names a column that has no files."""

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        return [replace(ref, column="Name") for ref in super().files_in(table, rows)]


class Unlisted(MemorySource):
    """Refuses a census."""

    def census(self, table: Table) -> Iterator[pa.Array]:
        raise IntegrityError("not-whole", "The list of {table} is not whole.", table=table.name)


class Fickle(MemorySource):
    """Delivers a new text in each read."""

    volatile = False

    def discover(self) -> Schema:
        schema = super().discover()
        return replace(schema, tables=tuple(map(self._described, schema.tables)))

    def _described(self, table: Table) -> Table:
        traits = frozenset({ColumnTrait.VOLATILE} if self.volatile else ())
        columns = (replace(c, traits=traits) if c.name == "Name" else c for c in table.columns)
        return replace(table, columns=tuple(columns))

    def read(self, task: ReadTask) -> Iterator[Page]:
        for page in super().read(task):
            number = len(self.calls)
            yield with_column(page, "Name", lambda texts, at=number: [str(at)] * len(texts))


class Volatile(Fickle):
    """Says that it does."""

    volatile = True


def with_column(page: Page, name: str, change: Callable[[list[str]], list[str]]) -> Page:
    cells = page.rows.cells
    if cells is None or name not in cells.schema.names:
        return page
    columns = cells.to_pydict()
    columns[name] = change(columns[name])
    return replace(page, rows=replace(page.rows, cells=pa.RecordBatch.from_pydict(columns)))


BROKEN = [
    (Untimed, "test_times_and_users_of_changes_are_read"),
    (Anonymous, "test_times_and_users_of_changes_are_read"),
    (CountsMore, "test_a_full_plan_delivers_every_live_record"),
    (Hidden, "test_a_full_plan_delivers_every_live_record"),
    (Unlisted, "test_a_full_plan_delivers_every_live_record"),
    (Unlisted, "test_a_census_names_each_id_once_and_is_counted"),
    (CodesById, "test_ids_lead_back_to_their_rows"),
    (ShortOfIds, "test_ids_lead_back_to_their_rows"),
    (ShortOfIds, "test_live_records_are_told_from_all_others"),
    (Narrow, "test_rows_have_all_columns"),
    (Fickle, "test_reading_twice_gives_the_same"),
    (Fileless, "test_files_open_whole"),
    (Misnamed, "test_files_open_whole"),
]


@pytest.mark.parametrize(("kind", "promise"), BROKEN)
def test_a_broken_source_is_noticed(kind: type[MemorySource], promise: str) -> None:
    source = kind(a_memory_org())
    tables = [table for table in source.discover().tables if not table.name.endswith("History")]
    getattr(SourceContract(), promise)(MemorySource(source.org), tables)
    with pytest.raises(AssertionError):
        getattr(SourceContract(), promise)(source, tables)


def test_a_volatile_column_may_change_from_read_to_read() -> None:
    source = Volatile(a_memory_org())
    tables = list(source.discover().tables)
    SourceContract().test_reading_twice_gives_the_same(source, tables)


@pytest.mark.parametrize(
    "promise",
    [
        "test_a_full_plan_delivers_every_live_record",
        "test_a_census_names_each_id_once_and_is_counted",
    ],
)
def test_a_census_may_fail_if_reads_say_that_they_are_incomplete(promise: str) -> None:
    source = Unlisted(a_memory_org())
    source.read_incomplete = True
    getattr(SourceContract(), promise)(source, list(source.discover().tables))


@pytest.mark.parametrize("kind", [Hidden, CountsMore])
def test_a_read_that_says_it_is_incomplete_may_lack_records(kind: type[MemorySource]) -> None:
    source = kind(a_memory_org())
    source.read_incomplete = True
    tables = [table for table in source.discover().tables if table.name == "Customer"]
    SourceContract().test_a_full_plan_delivers_every_live_record(source, tables)
