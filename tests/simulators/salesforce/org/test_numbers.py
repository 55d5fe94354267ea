"""Numbers in JSON and CSV: Java's Double.toString, in Python and in SQL alike."""

from decimal import Decimal

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.model import numbers


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (16147805824397.0, "1.6147805824397E13"),
        (90000000.0, "9.0E7"),
        (1e7, "1.0E7"),
        (9999999.99, "9999999.99"),
        (50000.0, "50000.0"),
        (0.0, "0.0"),
        (0.001, "0.001"),
        (0.0001, "1.0E-4"),
        (-0.00012345, "-1.2345E-4"),
        (-12345678.5, "-1.23456785E7"),
        (1e22, "1.0E22"),
        (100.0, "100.0"),
    ],
)
def test_java_text(value: float, text: str) -> None:
    assert numbers.java(value) == text
    assert _by_sql([value]) == [text]


def _by_sql(values: list[float | None]) -> list[str | None]:
    cursor = duckdb.connect()
    for one in numbers.MACROS:
        cursor.execute(one)
    cursor.execute("CREATE TABLE t (n INTEGER, x DOUBLE)")
    cursor.executemany("INSERT INTO t VALUES (?, ?)", [list(one) for one in enumerate(values)])
    rows = cursor.execute(f"SELECT {numbers.java_sql('x')} FROM t ORDER BY n").fetchall()
    cursor.close()
    return [one[0] for one in rows]


@given(
    st.lists(
        st.floats(allow_nan=False, allow_infinity=False).filter(lambda one: one != 0),
        min_size=1,
        max_size=20,
    )
)
def test_sql_writes_what_python_writes(values: list[float]) -> None:
    texts = _by_sql(list(values))
    assert texts == [numbers.java(one) for one in values]
    assert [float(one or "") for one in texts] == values


def test_null_stays_null() -> None:
    assert _by_sql([None, 1.5]) == [None, "1.5"]


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ("50000.00", "50000.00"),
        ("12345678.50", "1.23456785E7"),
        ("10000000.00", "1.0E7"),
        ("999999999999999999", "999999999999999999"),
        ("-10000000", "-1.0E7"),
        ("0.000001", "0.000001"),
    ],
)
def test_json_token(value: str, token: str) -> None:
    number = numbers.Number(value)
    assert number.token == token
    assert Decimal(token) == Decimal(value)
    assert numbers.write_json({"n": number}) == b'{"n":' + token.encode() + b"}"


def test_json_of_half_a_surrogate_pair_is_escaped() -> None:
    assert numbers.write_json(["\ud800", numbers.Number("1.5")]) == b'["\\ud800", 1.5]'


def test_pretty_json_is_indented() -> None:
    assert numbers.write_json({"a": [1]}, pretty=True).count(b"\n") > 2


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError, match="no JSON for object"):
        numbers.write_json(object())
