"""The scenarios for measurements have the sizes that the figures name."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import pytest

from simulators.servicenow.clients import BASE
from unlost_simulators.company.times import OPENING
from unlost_simulators.kit import blobs
from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.model.columns import JOURNALS
from unlost_simulators.servicenow.scenarios.chocolate.bench_tables import CHANGED, NAMES
from unlost_simulators.servicenow.server import InstanceOptions, build
from unlost_simulators.servicenow.simulator import Simulator


def opened(name: str) -> Iterator[Simulator]:
    simulator = build(InstanceOptions(scenario=name, opens=OPENING), base_url=BASE)
    yield simulator
    simulator.close()


@pytest.fixture(scope="module")
def incidents() -> Iterator[Simulator]:
    yield from opened("bench-incidents")


@pytest.fixture(scope="module")
def tables() -> Iterator[Simulator]:
    yield from opened("bench-tables")


def test_incidents_have_60_columns_and_values_in_most(incidents: Simulator) -> None:
    instance = incidents.instance
    columns = instance.schema.columns("incident").values()
    stored = [each.name for each in columns if each.kind not in JOURNALS and not each.virtual]
    assert len(stored) == 60
    rows = instance.store.select("incident", Where())
    assert len(rows) == 1_000
    filled = {name for row in rows for name in stored if row[name]}
    assert len(filled) >= 56


def test_each_attachment_has_bytes_of_its_hash_and_an_incident(incidents: Simulator) -> None:
    store = incidents.instance.store
    rows = store.select("sys_attachment", Where())
    known = {row["sys_id"] for row in store.select("incident", Where())}
    assert len(rows) == len({row["hash"] for row in rows}) == 100
    assert {row["table_sys_id"] for row in rows} <= known
    recipe, _ = store.content(rows[0]["sys_id"])
    kind, seed, size = blobs.parse(recipe)
    body = b"".join(blobs.BlobRecipe(kind, int(seed), size).chunks())
    assert hashlib.sha256(body).hexdigest() == rows[0]["hash"]
    assert str(len(body)) == rows[0]["size_bytes"]


def test_a_day_changes_a_record_in_20_of_300_tables(tables: Simulator) -> None:
    store = tables.instance.store
    assert len(NAMES) == 300
    assert {store.count(name) for name in NAMES[1:]} == {100}
    assert tables.acts["change-tables"](tables.instance) == {"updated": 20}
    marked = Where("u_remark = ?", ("checked",))
    assert [name for name in NAMES[1:] if store.count(name, marked)] == list(CHANGED)
    assert any(tables.instance.schema[name].extends for name in CHANGED)
