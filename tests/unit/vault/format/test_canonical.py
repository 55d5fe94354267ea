"""Canonical text: two ways of writing one value are one, and nothing else is."""

from decimal import Decimal, InvalidOperation

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.model.source.schema import WireKind
from unlost.vault.format.canonical import canonical


def written(kind: WireKind, *texts: str | None) -> list[str | None]:
    return canonical(pl.Series("x", list(texts), pl.String), kind).to_list()


@pytest.mark.parametrize("kind", [WireKind.DECIMAL, WireKind.INTEGER])
@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("1.0E7", "10000000"),
        ("10000000.00", "10000000"),
        ("-1.50", "-1.5"),
        ("+5", "5"),
        ("007", "7"),
        ("-0.00", "0"),
        ("0", "0"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1e-3", "0.001"),
        ("12e1", "120"),
        ("123456789012345678", "123456789012345678"),
        ("1.7976931348623157E308", "17976931348623157" + "0" * 292),
        ("", ""),
        ("NaN", "NaN"),
        ("1,5", "1,5"),
        ("1E9999", "1E9999"),
        ("-", "-"),
        (".", "."),
        ("\u0663", "\u0663"),
        ("\u0663.0", "\u0663.0"),
        ("1.\u06630", "1.\u06630"),
        ("1e\u0663", "1e\u0663"),
        (None, None),
    ],
)
def test_numbers(kind: WireKind, text: str | None, plain: str | None) -> None:
    assert written(kind, text) == [plain]


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("2026-01-31T23:59:59.000Z", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31T23:59:59.000+0000", "2026-01-31T23:59:59.000Z"),
        ("2026-02-01T01:29:59+01:30", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31T23:59:59Z", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31 23:59:59", "2026-01-31T23:59:59.000Z"),
        ("2026-01-31T23:59:59.1239Z", "2026-01-31T23:59:59.123Z"),
        ("1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.999Z"),
        ("2026-13-31T23:59:59.000Z", "2026-13-31T23:59:59.000Z"),
        ("soon", "soon"),
        ("", ""),
        (None, None),
    ],
)
def test_instants(text: str | None, plain: str | None) -> None:
    assert written(WireKind.INSTANT, text) == [plain]


@pytest.mark.parametrize(
    ("kind", "text", "plain"),
    [
        (WireKind.TIME, "10:00:00.000Z", "10:00:00.000Z"),
        (WireKind.TIME, "10:00:00", "10:00:00.000Z"),
        (WireKind.TIME, "10:00:00.12", "10:00:00.120Z"),
        (WireKind.TIME, "ten", "ten"),
        (WireKind.TIME, "1\u0660:00:00", "1\u0660:00:00"),
        (WireKind.DATE, "202\u0666-01-31T00:00:00Z", "202\u0666-01-31T00:00:00Z"),
        (WireKind.DATE, "2026-01-31", "2026-01-31"),
        (WireKind.DATE, "2026-01-31T00:00:00.000Z", "2026-01-31"),
        (WireKind.DATE, "2026-01-31T00:00:01.000Z", "2026-01-31T00:00:01.000Z"),
        (WireKind.BOOLEAN, "TRUE", "true"),
        (WireKind.BOOLEAN, "false", "false"),
        (WireKind.TEXT, "1.0E7", "1.0E7"),
        (WireKind.ID, "001", "001"),
        (WireKind.REFERENCE, "001 ", "001 "),
        (WireKind.MULTI, "b;a", "b;a"),
        (WireKind.JSON, '{"a": 1}', '{"a": 1}'),
    ],
)
def test_other_kinds(kind: WireKind, text: str, plain: str) -> None:
    assert written(kind, text, None) == [plain, None]


@pytest.mark.parametrize("kind", list(WireKind))
@given(texts=st.lists(st.text(alphabet="0123456789.-+eET:Z truefalsx", max_size=26), max_size=6))
def test_neighbours_do_not_matter(kind: WireKind, texts: list[str]) -> None:
    """A cheap look at the whole column must not decide what one text becomes."""
    alone = [written(kind, text)[0] for text in texts]
    assert written(kind, *texts) == alone
    assert written(kind, *texts, "something else") == [*alone, written(kind, "something else")[0]]


@pytest.mark.parametrize("kind", list(WireKind))
@given(text=st.text(alphabet="0123456789.-+eE", max_size=12))
def test_canonical_is_final(kind: WireKind, text: str) -> None:
    once = written(kind, text)
    assert written(kind, *once) == once


@given(
    number=st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20)
)
def test_numbers_agree_with_decimal(number: Decimal) -> None:
    if abs(number.as_tuple().exponent) > 99:  # type: ignore[arg-type]
        return
    plain = written(WireKind.DECIMAL, str(number))[0]
    assert plain is not None
    assert Decimal(plain) == number
    assert "E" not in plain


@given(
    a=st.text(alphabet="0123456789.-e", max_size=6), b=st.text(alphabet="0123456789.-e", max_size=6)
)
def test_different_numbers_stay_different(a: str, b: str) -> None:
    try:
        same = Decimal(a) == Decimal(b)
    except InvalidOperation:
        same = a == b
    one, other = written(WireKind.DECIMAL, a)[0], written(WireKind.DECIMAL, b)[0]
    assert (one == other) == same
