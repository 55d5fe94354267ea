"""Texts of numbers: digits of a binary fraction go, digits that may be exact stay."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from unlost.engine.numbers import all_numbers, is_number, without_binary_digits


def plain(*texts: str | None) -> list[str | None]:
    return without_binary_digits(pa.array(texts, pa.string())).to_pylist()


@pytest.mark.parametrize(
    "text",
    [
        "139.758964",
        "139.758964000000000",
        "139.758963999999984",  # a double times 10^15, as DuckDB casts it to a decimal
        "139.758963999999992",  # as Java's BigDecimal.setScale and C's printf round it
    ],
)
def test_a_number_that_went_through_a_double_is_the_number_that_was_meant(text: str) -> None:
    assert [Decimal(each or "") for each in plain(text, f"-{text}")] == [
        Decimal("139.758964"),
        Decimal("-139.758964"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "1000000000000000.01",  # exact: 18 digits of a currency
        "123456789012.000001",
        "1234567890123456.78",
        "0.1234567890123456",
        "139.75896399999998",  # the shortest text of another double
        "139.758963999999985",
        "99999999999999999999.5",
        "0.1000000000000000055511151231257827",
    ],
)
def test_digits_that_may_be_exact_stay(text: str) -> None:
    assert plain(text, f"-{text}") == [text, f"-{text}"]


@pytest.mark.parametrize(
    "text",
    ["999999999999999999", "1.0E7", "139.758963999999984E0", "139,758963999999984", "x" * 40, ""],
)
def test_other_texts_are_not_touched(text: str) -> None:
    assert plain(text, None) == [text, None]
    assert plain(text, "139.758963999999984", None)[0] == text


SHORT = st.decimals(
    min_value=Decimal("0.00001"), max_value=Decimal(10**9), places=6, allow_nan=False
).filter(lambda number: len(number.normalize().as_tuple().digits) <= 15)


@given(number=SHORT, places=st.integers(6, 15), sign=st.sampled_from(["", "-"]))
@example(number=Decimal("139.758964"), places=15, sign="")
@example(number=Decimal("0.000010"), places=15, sign="-")
def test_every_way_through_a_double_leads_back(number: Decimal, places: int, sign: str) -> None:
    double = float(number)
    whole = round(double * float(10**places))
    texts = [
        f"{sign}{whole // 10**places}.{whole % 10**places:0{places}d}",
        f"{sign}{Decimal(double):.{places}f}",
        f"{sign}{number:.{places}f}",
    ]
    texts = [text for text in texts if len(text.strip("-")) <= 19 and abs(Decimal(text)) > 0]
    meant = Decimal(f"{sign}{number}")
    for text, short in zip(texts, plain(*texts), strict=True):
        assert short is not None
        # Up to 15 digits a text says what it means.
        exact = len(Decimal(text).as_tuple().digits) <= 15
        assert Decimal(short) == (Decimal(text) if exact else meant)


@given(texts=st.lists(st.none() | st.text("0123456789.-+eE,x", max_size=22), max_size=6))
def test_neighbours_do_not_matter(texts: list[str | None]) -> None:
    assert plain(*texts) == [plain(text)[0] for text in texts]


@given(text=st.text("0123456789.-+eE, _nainfty\n\u0663", max_size=12))
@example(text="nan")
@example(text="1e999")
@example(text="5\n")
@example(text=" 5")
@example(text="1_000")
@example(text="1542,50")
def test_a_column_and_a_single_text_agree_on_numbers(text: str) -> None:
    for others in ([], ["1"], [None]):
        assert all_numbers(pa.array([text, *others], pa.string())) is is_number(text)


def test_a_column_without_texts_has_only_numbers() -> None:
    assert all_numbers(pa.array([], pa.string()))
    assert all_numbers(pa.array([None], pa.string()))
