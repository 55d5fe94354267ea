"""The records that many rows name: the same as cell by cell, without a loop."""

from collections.abc import Mapping, Sequence

import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.named_rows import (
    AT,
    RECORD,
    TABLE,
    TARGETS,
    TEXT,
    by_id,
    names_in,
    naming_rows,
    tables_and_texts,
    with_cells,
)
from unlost.model.named_records import named_records, rewritten
from unlost.model.source.schema import Column, Reference, TableFamily, WireKind

TABLES = ("A", "B", "C")
ids = st.sampled_from(["1", "2", "3", "4"])
kinds = st.sampled_from([None, "", "A", "B", "AB", "other"])
cells = st.one_of(st.none(), st.just(""), ids, st.lists(ids, max_size=4).map(",".join))
rows = st.lists(st.fixed_dictionaries({"Ref": cells, "Kind": kinds}), max_size=12)
families = st.sampled_from([(), (TableFamily("AB", ("A", "B")),)])
references = st.builds(
    Reference,
    st.sampled_from([("A",), ("A", "B"), TABLES]),
    table_column=st.sampled_from([None, "Kind"]),
    separator=st.sampled_from([None, ","]),
    families=families,
)
targets = st.sets(st.tuples(st.sampled_from(TABLES), ids), max_size=8)

type Row = Mapping[str, str | None]


def column_of(reference: Reference) -> Column:
    return Column("Ref", WireKind.REFERENCE, reference=reference)


def arrow(made: Sequence[Row]) -> pa.Table:
    texts = {name: [row[name] for row in made] for name in ("Ref", "Kind")}
    return pa.table({name: pa.array(values, pa.string()) for name, values in texts.items()})


def frame_of(wanted: set[tuple[str, str]]) -> pl.DataFrame:
    parts = [
        by_id(table, pa.array(sorted(i for t, i in wanted if t == table), pa.string()))
        for table in TABLES
    ]
    return pl.concat(parts)


@given(references, rows, targets)
def test_rows_name_the_records_that_their_cells_name(
    reference: Reference, made: list[Row], wanted: set[tuple[str, str]]
) -> None:
    column = column_of(reference)
    expected = [
        (at, table, named.text)
        for at, row in enumerate(made)
        for named in named_records(column, row)
        for table in named.tables
        if (table, named.text) in wanted
    ]
    pairs = naming_rows(arrow(made), column, frame_of(wanted))
    assert sorted(pairs.rows()) == sorted(expected)


@given(references, rows)
def test_names_are_those_of_the_cells(reference: Reference, made: list[Row]) -> None:
    column = column_of(reference)
    expected = [
        (at, (row["Kind"] or None) if reference.table_column else None, named.text)
        for at, row in enumerate(made)
        for named in named_records(column, row)
    ]
    assert names_in(arrow(made), column).rows() == expected


@given(references, rows)
def test_texts_are_grouped_by_the_tables_of_their_records(
    reference: Reference, made: list[Row]
) -> None:
    column = column_of(reference)
    expected: dict[tuple[str, ...], set[str]] = {}
    for row in made:
        for named in named_records(column, row):
            expected.setdefault(named.tables, set()).add(named.text)
    assert tables_and_texts(arrow(made), column) == expected


@given(references, rows)
def test_cells_are_replaced_where_they_stand(reference: Reference, made: list[Row]) -> None:
    def longer(row: Row) -> str | None:
        cell = row["Ref"]
        return None if cell is None else rewritten(reference, cell, lambda text: f"{text}+")

    replaced = with_cells(arrow(made), column_of(reference), longer)
    assert replaced.to_pylist() == [longer(row) for row in made]


def test_equal_rows_are_replaced_once() -> None:
    asked: list[Row] = []
    made: list[Row] = [{"Ref": "1", "Kind": "A"}, {"Ref": "1", "Kind": "B"}] * 100
    reference = Reference(TABLES, table_column="Kind")
    with_cells(arrow(made), column_of(reference), asked.append)
    assert asked == [{"Ref": "1", "Kind": "A"}, {"Ref": "1", "Kind": "B"}]


@pytest.mark.parametrize("table_column", [None, "Kind"])
def test_a_hidden_column_with_the_table_leaves_all_tables_possible(
    table_column: str | None,
) -> None:
    column = column_of(Reference(TABLES, table_column=table_column))
    only = arrow([{"Ref": "1", "Kind": "A"}]).select(["Ref"])
    pairs = naming_rows(only, column, frame_of({("A", "1"), ("B", "1")}))
    assert pairs.rows() == [(0, "A", "1"), (0, "B", "1")]
    assert with_cells(only, column, "".join).to_pylist() == ["Ref"]


def test_texts_may_be_keys_of_other_ids() -> None:
    column = column_of(Reference(("A",), key_column="Login"))
    keys = pl.DataFrame({TABLE: ["A"], TEXT: ["ann"], RECORD: ["007"]}, schema=TARGETS)
    made = arrow([{"Ref": "bob", "Kind": None}, {"Ref": "ann", "Kind": None}])
    pairs = naming_rows(made, column, keys)
    assert pairs.select(AT, RECORD).rows() == [(1, "007")]


def test_cells_may_be_encoded() -> None:
    made = arrow([{"Ref": "1,2", "Kind": "A"}])
    encoded = pa.table({name: made[name].dictionary_encode() for name in made.column_names})
    column = column_of(Reference(TABLES, table_column="Kind", separator=","))
    assert names_in(encoded, column).rows() == [(0, "A", "1"), (0, "A", "2")]
