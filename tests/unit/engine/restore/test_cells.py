"""Digests of cells: the same for whatever means the same."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from unlost.engine.restore.values.cells import (
    briefs,
    different,
    digest,
    digest_of,
    digests,
    digests_of,
)
from unlost.engine.sameness import same
from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind
from unlost.testing.strategies import texts

VOLATILE = frozenset({ColumnTrait.VOLATILE})
TABLE = Table(
    "Account",
    (
        Column("Name", WireKind.TEXT),
        Column("Turnover", WireKind.DECIMAL),
        Column("At", WireKind.INSTANT),
        Column("Active", WireKind.BOOLEAN),
        Column("Score", WireKind.INTEGER, traits=VOLATILE),
        Column("Body", WireKind.BINARY),
    ),
)
COLUMNS = ("Name", "Turnover", "At", "Active", "Score", "Gone")
NUMBERS = st.sampled_from(["1", "1.0", "1e0", "2", "x", None])
STATES = st.fixed_dictionaries(
    {
        "Name": st.one_of(texts(), st.sampled_from(["y" * 64, "y" * 70])),
        "Turnover": NUMBERS,
        "At": st.sampled_from(["2026-01-02T03:04:05.000Z", "2026-01-02T03:04:05+00:00", None]),
        "Active": st.sampled_from(["true", "True", "false", None]),
        "Score": NUMBERS,
        "Gone": texts(),
    }
)


def test_another_way_of_writing_is_no_difference() -> None:
    one = {"Name": "A", "Turnover": "10000000.00", "At": "2026-01-02T03:04:05.000Z"}
    other = {"At": "2026-01-02T03:04:05.000+0000", "Turnover": "1.0E7", "Name": "A"}
    assert digest(TABLE, one) == digest(TABLE, other)
    assert len(digest(TABLE, one)) == 32


def test_null_and_absent_and_volatile_say_nothing() -> None:
    told = {"Name": "A", "Turnover": None, "Score": "7", "Body": "x"}
    assert digest(TABLE, told) == digest(TABLE, {"Name": "A"})


def test_a_value_in_another_column_is_a_difference() -> None:
    assert digest(TABLE, {"Name": "A"}) != digest(TABLE, {"Gone": "A"})
    assert digest(TABLE, {"Name": "A,B"}) != digest(TABLE, {"Name": "A", "Gone": "B"})


def test_columns_that_differ_come_in_the_order_asked_for() -> None:
    one = {"Name": "A", "Turnover": "1", "Gone": None}
    other = {"Name": "B", "Turnover": "1.0", "Gone": "x"}
    assert different(TABLE, one, other, ("Gone", "Turnover", "Name")) == ("Gone", "Name")


def test_a_long_text_is_held_by_its_digest() -> None:
    long, longer = "x" * 65, "x" * 66
    assert briefs(TABLE, {"Name": long})["Name"] != long
    assert digest(TABLE, {"Name": long}) != digest(TABLE, {"Name": longer})
    (told,) = briefs(TABLE, {"Name": long})["Name"]
    assert digest(TABLE, {"Name": told}) != digest(TABLE, {"Name": long})
    assert digest_of(briefs(TABLE, {"Name": long})) == digest(TABLE, {"Name": long})


@given(st.lists(STATES, max_size=6), st.lists(st.sampled_from(COLUMNS), unique=True))
def test_batches_agree_with_single_rows(
    states: list[dict[str, str | None]], columns: list[str]
) -> None:
    arrays = {name: pa.array([s[name] for s in states], pa.string()) for name in COLUMNS}
    found = digests(TABLE, pa.table(arrays), columns)
    assert found == [digest(TABLE, {name: s[name] for name in columns}) for s in states]


@given(st.lists(st.tuples(STATES, st.sets(st.sampled_from(COLUMNS))), max_size=6))
def test_rows_with_different_cells_agree_with_single_ones(
    told: list[tuple[dict[str, str | None], set[str]]],
) -> None:
    rows = [{name: state[name] for name in names} for state, names in told]
    assert digests_of(TABLE, rows) == [digest(TABLE, one) for one in rows]


@given(STATES, STATES)
def test_equal_digests_mean_the_same(
    one: dict[str, str | None], other: dict[str, str | None]
) -> None:
    alike = all(
        same(column.kind, one[name], other[name])
        for name in ("Name", "Turnover", "At", "Active", "Gone")
        if (column := TABLE.column(name) or Column(name, WireKind.TEXT))
    )
    assert (digest(TABLE, one) == digest(TABLE, other)) == alike
