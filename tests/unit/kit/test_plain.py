"""The answers of a simple source are those of a source that has nothing of a kind."""

import re
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

import pyarrow as pa
import pytest

from unlost.kit.plain import PlainConnector, PlainPlanning, PlainSource, PlainWriter
from unlost.model.archive_facts import ArchiveFacts
from unlost.model.bypass import AutomationList, Bypass, BypassState
from unlost.model.errors import NotFound, UsageError
from unlost.model.losses import LossRule
from unlost.model.source.locks import NO_LOCKS
from unlost.model.source.reading import (
    Cursor,
    FileRef,
    Op,
    Page,
    Proof,
    ReadTask,
    Ready,
    RowCheckPart,
    Rows,
)
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, TableTrait, WireKind
from unlost.model.source.writing import MissingPermission, RecordQuery, WriteRow
from unlost.testing.clock import START
from unlost.testing.source import INSTANT

NUMBER = Column("number", WireKind.TEXT, traits=frozenset({ColumnTrait.UNIQUE}))
CUSTOMER = Table(
    "customer",
    (Column("id", WireKind.ID), NUMBER, Column("at", WireKind.INSTANT)),
    id_column="id",
    modified_column="at",
    traits=frozenset({TableTrait.OPENED}),
)
LOG = Table("log", (Column("id", WireKind.ID),), id_column="id")
SCHEMA = Schema((CUSTOMER, LOG), "all")
TASK = ReadTask("customer", "search", full=True)
BYPASS = Bypass("flag", "Quiet")


class Shop(PlainConnector):
    id_pattern = re.compile(r"c\d+")


def rows_of(records: dict[str, Op]) -> Rows:
    ids = pa.array(records, pa.string())
    ops = pa.array([op.value for op in records.values()], pa.string())
    cells = pa.RecordBatch.from_pydict({"id": ids})
    return Rows(
        ids, ops, pa.nulls(len(ids), INSTANT), pa.nulls(len(ids), pa.string()), cells, START
    )


class ShopSource(PlainSource):
    def __init__(self, records: dict[str, Op]) -> None:
        self.records = records
        self.schema = SCHEMA

    def discover(self) -> Schema:
        return self.schema

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        for record in ids:
            if record in self.records:
                yield Page(rows_of({record: self.records[record]}), Proof(1, 1))


class ShopWriter(PlainWriter):
    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        return ()

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        return AutomationList()

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        return rows_of(dict.fromkeys(ids, Op.STATE))


def test_a_connector_knows_its_ids_and_the_tables_that_people_open() -> None:
    shop = Shop()
    assert shop.record_ids("c1") == ("c1",)
    assert shop.record_ids("c1 ") == ()
    assert shop.loss_rules(SCHEMA).tables == {"customer": LossRule()}
    assert shop.display_rule(CUSTOMER).number_columns == ("number",)
    assert shop.display_rule(CUSTOMER).system_columns == {"id", "at"}
    assert shop.display_rule(LOG).number_columns == ()
    assert "secret-refused" in shop.sign_in().errors
    assert shop.storage_stop == 1.0


def test_a_connector_has_nothing_else() -> None:
    shop = Shop()
    assert shop.browser_sign_in() is None
    assert shop.file_versions(SCHEMA) is None
    assert shop.archive_facts(SCHEMA) == ArchiveFacts()
    assert shop.record_address({}, "customer", "c1") == ""
    nothing: list[Any] = [
        shop.bypass_kinds(), shop.storage_rules(SCHEMA), shop.mail_rules(SCHEMA),
        shop.shared_files(SCHEMA), shop.archive_policies(SCHEMA), shop.expiries({"api_key": "k"}),
    ]  # fmt: skip
    assert not any(nothing)


def test_a_source_finds_live_records_among_those_that_it_reads() -> None:
    source = ShopSource({"c1": Op.STATE, "c2": Op.DELETED, "c3": Op.STATE})
    live = source.live_among([(CUSTOMER, ["c1", "c2", "c4"]), (CUSTOMER, ["c3"]), (LOG, [])])
    assert live == [frozenset({"c1"}), frozenset({"c3"}), frozenset()]


def test_rights_are_read_again_for_the_tables_of_a_schema() -> None:
    source = ShopSource({})
    assert source.grants(SCHEMA) == SCHEMA.grants()
    source.schema = Schema((CUSTOMER, Table("other", (), grants=("x",))), "fewer")
    assert source.grants(SCHEMA) == {"customer": frozenset({"fewer"})}


def test_a_source_reads_each_task_alone_and_has_no_files() -> None:
    source = ShopSource({})
    assert source.prepare(TASK) == Ready((TASK,))
    assert list(source.read_together([TASK])) == [(TASK, None)]
    part = RowCheckPart(0, 1)
    nothing: list[Any] = [
        source.quotas(), source.checklist(SCHEMA), source.deleted_along(CUSTOMER),
        source.record_counts(), source.files_in(CUSTOMER, rows_of({"c1": Op.STATE})),
        source.plan_row_check(CUSTOMER, Cursor("1"), part, stored=lambda: iter(())),
    ]  # fmt: skip
    assert not any(nothing)
    with pytest.raises(NotFound) as caught:
        source.open_file(FileRef("customer", "c1", "file"))
    assert caught.value.code == "file-missing"


def test_a_writer_fetches_query_by_query() -> None:
    writer = ShopWriter()
    queries = [RecordQuery(CUSTOMER, ids, ["id"]) for ids in (["c1"], ["c2", "c3"])]
    answers = writer.fetch_several(queries)
    assert [rows.ids.to_pylist() for rows in answers] == [["c1"], ["c2", "c3"]]
    with pytest.raises(UsageError) as caught:
        writer.upload(CUSTOMER, WriteRow("k"), BytesIO(), token="t")
    assert caught.value.code == "no-file-column"


def test_automation_and_missing_permissions_have_no_plain_answer() -> None:
    assert PlainPlanning.__abstractmethods__ == {"automation", "missing"}
    assert PlainWriter.__abstractmethods__ == {"automation", "missing", "fetch"}


def test_a_simple_source_has_no_bypass() -> None:
    planning = writer = ShopWriter()
    assert planning.locks({"customer": ("c1",)}) == NO_LOCKS
    calls: list[Any] = [
        lambda: planning.bypass(BYPASS), lambda: planning.check_bypass(BYPASS),
        lambda: writer.bypass(BYPASS, user="u"),
        lambda: writer.set_bypass(BYPASS, BypassState(on=True)),
    ]  # fmt: skip
    for call in calls:
        with pytest.raises(UsageError) as caught:
            call()
        assert caught.value.code == "bypass-unknown"
    writer.prepare([CUSTOMER])
    planning.check_hard_delete()
