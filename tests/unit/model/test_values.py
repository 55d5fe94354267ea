"""The words as values: frozen, and the same again after a journey through JSON."""

import importlib
import pickle
import pkgutil
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import get_args

import msgspec
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unlost.model
from unlost.model.finding import Finding, Severity
from unlost.model.org import OrgIdentity
from unlost.model.plan import PlanStep, RecordKey, RestorePlan
from unlost.model.source.quota import Quota
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, TableTrait, WireKind
from unlost.model.source.writing import RowOutcome, WriteCapability, WriteOp, WriteRow
from unlost.model.vault.certificate import Certificate, TableLine
from unlost.model.vault.snapshot import (
    Added,
    ChangeKind,
    Counts,
    SnapshotInfo,
    TableCommit,
    TableState,
    Version,
)

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(unlost.model.__path__, "unlost.model.")
]
VALUES = sorted(
    {
        value
        for module in MODULES
        for value in vars(module).values()
        if isinstance(value, type) and is_dataclass(value)
    },
    key=lambda value: value.__name__,
)
# What runs checkpoint, plans hold, or people get as JSON.
JSON = [
    Added, Certificate, Finding, OrgIdentity, RowOutcome, RestorePlan, Schema, SnapshotInfo,
    TableCommit, TableLine, TableState, Version, WriteCapability, WriteRow,
]  # fmt: skip

instants = st.datetimes(timezones=st.just(UTC), min_value=datetime(1970, 1, 1))  # noqa: DTZ001
st.register_type_strategy(datetime, instants)
st.register_type_strategy(float, st.floats(allow_nan=False, allow_infinity=False))
st.register_type_strategy(
    Mapping,
    lambda kind: st.dictionaries(*map(st.from_type, get_args(kind)), max_size=3),
)
st.register_type_strategy(int, st.integers(-(2**63), 2**63 - 1))


def test_there_are_many_words() -> None:
    assert len(VALUES) > 50
    assert set(JSON) <= set(VALUES)


@pytest.mark.parametrize("value", VALUES, ids=lambda value: value.__name__)
def test_a_value_is_frozen_and_has_no_other_attributes(value: type) -> None:
    assert value.__dataclass_params__.frozen
    assert hasattr(value, "__slots__")
    made = object.__new__(value)
    with pytest.raises((FrozenInstanceError, TypeError, AttributeError)):
        setattr(made, next((field.name for field in fields(value)), "other"), None)


@pytest.mark.parametrize("value", JSON, ids=lambda value: value.__name__)
@settings(max_examples=25)
@given(data=st.data())
def test_json_and_back(value: type, data: st.DataObject) -> None:
    made = data.draw(st.from_type(value))
    assert msgspec.json.decode(msgspec.json.encode(made), type=value) == made


def test_counts_add_up() -> None:
    total = Counts(1, 2, 3, 4, 5, 6) + Counts(10, 20, 30, 40, 50, 60)
    assert total == Counts(11, 22, 33, 44, 55, 66)
    assert sum([], Counts()) == Counts()


def test_an_org_is_told_by_its_tenant_not_by_its_label() -> None:
    one = OrgIdentity("salesforce", "00D1", label="One")
    assert one.same_org(OrgIdentity("salesforce", "00D1", label="Renamed", zone="Asia/Tokyo"))
    assert not one.same_org(OrgIdentity("salesforce", "00D2", label="One"))
    assert not one.same_org(OrgIdentity("dataverse", "00D1", label="One"))


def test_a_quota_without_a_limit_is_not_used_up() -> None:
    assert Quota("calls", 25, 100, "calls").share == 0.25
    assert Quota("calls", 25, 0, "calls").share == 0.0


def test_quotas_of_old_certificates_are_storage_by_their_names() -> None:
    assert Quota("data storage", 1, 2, "bytes").is_storage
    assert not Quota("Bulk query results a day", 1, 2, "bytes").is_storage
    assert not Quota("API calls", 1, 2, "calls").is_storage


def test_only_a_state_is_alive() -> None:
    assert [op for op in Op if op.alive] == [Op.STATE]


def test_tables_columns_and_traits_are_found_by_name() -> None:
    phone = Column("Phone", WireKind.TEXT, traits=frozenset({ColumnTrait.PHONE}))
    account = Table("Account", (phone,), traits=frozenset({TableTrait.CENSUS}))
    schema = Schema((account,), "f")
    assert schema.table("Account") is account
    assert schema.table("account") is None
    assert account.column("Phone") is phone
    assert account.column("phone") is None
    assert phone.has(ColumnTrait.PHONE)
    assert not phone.has(ColumnTrait.NAME)
    assert account.has(TableTrait.CENSUS)
    assert not account.has(TableTrait.INCREMENTAL)


def test_a_lookup_by_name_is_no_part_of_a_schema() -> None:
    name, phone = Column("Name", WireKind.TEXT), Column("Phone", WireKind.TEXT)
    schema = Schema((Table("Account", (name, phone)), Table("Contact", (name,))), "f")
    fresh = Schema(schema.tables, "f")
    assert schema.table("Contact") is schema.tables[1]
    assert schema == fresh
    assert hash(schema) == hash(fresh)
    other = replace(schema, tables=schema.tables[:1])
    assert other.table("Contact") is None
    assert schema.table("Contact") is schema.tables[1]
    assert pickle.loads(pickle.dumps(schema)).table("Contact") == schema.tables[1]


def test_the_first_of_two_tables_with_one_name_counts() -> None:
    first, second = Table("Account", (), label="First"), Table("Account", (), label="Second")
    assert Schema((first, second), "f").table("Account") is first


def test_rows_are_as_many_as_their_ids() -> None:
    nothing = pa.nulls(2, pa.string())
    ids = pa.array(["a", "b"])
    stamps = pa.nulls(2, pa.timestamp("ms", tz="UTC"))
    assert len(Rows(ids, ids, stamps, nothing, None, datetime(2026, 1, 1, tzinfo=UTC))) == 2


@given(step=st.from_type(PlanStep))
def test_a_step_of_a_plan_is_about_one_record(step: PlanStep) -> None:
    assert step.key == RecordKey(step.table, step.record)
    assert str(step.key) == f"{step.table}/{step.record}"


def test_a_table_lets_one_do_what_it_says() -> None:
    table = WriteCapability("Account", ops=frozenset({WriteOp.UPDATE}))
    assert table.allows(WriteOp.UPDATE)
    assert not table.allows(WriteOp.CREATE)


def test_words_of_kinds_are_what_people_read() -> None:
    assert [*map(str, Severity)] == ["note", "gap"]
    assert [*map(str, ChangeKind)] == ["created", "changed", "deleted", "revived", "archived"]
