"""Tables, classes and rows below the API."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.instance import Instance
from unlost_simulators.servicenow.model import ids, times
from unlost_simulators.servicenow.model.columns import Column, TableDef
from unlost_simulators.servicenow.model.schema import Schema
from unlost_simulators.servicenow.store.cells import cell_texts
from unlost_simulators.servicenow.store.store import Slice, Store, equals

BASE = TableDef(
    name="base", label="Base", extendable=True, columns=(Column(name="name", label="Name"),)
)
CHILD = TableDef(
    name="child", label="Child", extends="base",
    columns=(Column(name="extra", label="Extra", indexed=True),),
)  # fmt: skip
OTHER = TableDef(name="other", label="Other", extends="base")


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(Schema.of((BASE, CHILD, OTHER)))
    made.insert("child", {"sys_id": "1", "sys_class_name": "child", "name": "a", "extra": "x"})
    made.insert("other", {"sys_id": "2", "sys_class_name": "other", "name": "b"})
    yield made
    made.close()


def test_a_row_belongs_to_each_class_of_its_lineage(store: Store) -> None:
    assert store.schema.lineage("child") == ["child", "base"]
    assert store.schema.classes("base") == ["base", "child", "other"]
    assert [row["sys_id"] for row in store.select("base", Where())] == ["1", "2"]
    assert [row["sys_id"] for row in store.select("child", Where())] == ["1"]
    row = store.get("base", "1")
    assert row is not None
    assert "extra" not in row
    whole = store.whole("base", "1")
    assert whole is not None
    assert (whole[0], whole[1]["extra"]) == ("child", "x")
    assert store.whole("other", "1") is None
    assert store.count("base") == 2


def test_a_row_of_an_unknown_class_has_the_columns_of_the_base(store: Store) -> None:
    store.update("base", "1", {"sys_class_name": "gone"})
    whole = store.whole("base", "1")
    assert whole is not None
    assert whole[0] == "base"


def test_an_error_rolls_everything_back(store: Store) -> None:
    def fail() -> None:
        with store.database.writing():
            store.delete("child", Where())
            with store.database.writing():
                store.update("base", "2", {"name": "c"})
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [row["name"] for row in store.select("base", Where())] == ["a", "b"]


def test_pages_and_conditions(store: Store) -> None:
    assert store.select("base", equals("name", "B"), Slice(limit=1))[0]["sys_id"] == "2"
    assert store.select("base", Where(), Slice("name DESC", 1, 1))[0]["sys_id"] == "1"


def test_an_ancestor_must_exist() -> None:
    with pytest.raises(ValueError, match="nothing"):
        Schema.of((TableDef(name="x", label="X", extends="nothing"),))


def test_a_column_stands_for_a_row(store: Store) -> None:
    assert store.schema.display_column("child") == "name"
    assert Schema.of((TableDef(name="x", label="X"),)).display_column("x") is None


def test_typed_columns_become_texts() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    table = pa.table({
        "when": pa.array([when, None], pa.timestamp("ms", tz="UTC")),
        "day": pa.array([date(2026, 1, 2), None]),
        "flag": pa.array([True, None]),
        "number": pa.array([7, None]),
    })  # fmt: skip
    assert [cell_texts(column) for column in table.columns] == [
        ["2026-01-02 03:04:05", ""], ["2026-01-02", ""], ["true", ""], ["7", ""],
    ]  # fmt: skip


def test_sys_ids_are_unique_and_stay_the_same() -> None:
    numbers = np.arange(5_000, dtype=np.int64)
    made = ids.generated("incident", numbers).to_pylist()
    assert len({*made, *ids.generated("problem", numbers).to_pylist()}) == 10_000
    assert {len(each) for each in made} == {32}
    assert ids.generated("incident", numbers[7:8]).to_pylist() == made[7:8]
    assert ids.fixed("a", "b") == ids.fixed("a", "b") != ids.fixed("b", "a")
    assert len(ids.fresh()) == 32


def test_what_is_no_instant_stays() -> None:
    assert times.shown("soon", "GMT") == times.typed("soon", "GMT") == "soon"
    assert times.shown("2026-07-01 12:00:00", "Europe/Brussels") == "2026-07-01 14:00:00"
    assert times.typed("2026-07-01 14:00:00", "Europe/Brussels") == "2026-07-01 12:00:00"


def test_a_file_keeps_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.db"
    first = Store(Schema.of((BASE,)), path)
    first.insert("base", {"sys_id": "1", "name": "a"})
    first.close()
    again = Store(Schema.of((BASE, CHILD)), path)
    assert not again.is_empty()
    assert again.select("base", Where())[0]["name"] == "a"
    again.close()


def test_the_schema_answers_as_tables(instance: Instance) -> None:
    store = instance.store
    (table,) = store.select("sys_db_object", equals("name", "incident"))
    (parent,) = store.select("sys_db_object", equals("sys_id", table["super_class"]))
    assert (parent["name"], table["number_ref"]) == ("task", "INC")
    where = equals("name", "incident").also(equals("element", "caller_id"))
    (entry,) = store.select("sys_dictionary", where)
    assert (entry["internal_type"], entry["reference"]) == ("reference", "sys_user")
    collection = equals("name", "sys_audit").also(equals("internal_type", "collection"))
    (row,) = store.select("sys_dictionary", collection)
    assert "no_update" in row["attributes"]
    inherited = equals("name", "incident").also(equals("element", "number"))
    assert store.select("sys_dictionary", inherited) == []
    states = store.select("sys_choice", equals("name", "incident").also(equals("element", "state")))
    assert {row["label"] for row in states} >= {"New", "Resolved"}
    assert store.select("sys_m2m", equals("m2m_to_table", "task_ci"))
