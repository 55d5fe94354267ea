"""Date literals: the days that each stands for."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost_simulators.salesforce.soql.grammar.dates import Span, span

TODAY = date(2026, 11, 25)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("TODAY", (2026, 11, 25), (2026, 11, 26)),
        ("yesterday", (2026, 11, 24), (2026, 11, 25)),
        ("TOMORROW", (2026, 11, 26), (2026, 11, 27)),
        ("THIS_WEEK", (2026, 11, 22), (2026, 11, 29)),
        ("LAST_WEEK", (2026, 11, 15), (2026, 11, 22)),
        ("NEXT_WEEK", (2026, 11, 29), (2026, 12, 6)),
        ("THIS_MONTH", (2026, 11, 1), (2026, 12, 1)),
        ("LAST_MONTH", (2026, 10, 1), (2026, 11, 1)),
        ("NEXT_MONTH", (2026, 12, 1), (2027, 1, 1)),
        ("LAST_90_DAYS", (2026, 8, 27), (2026, 11, 26)),
        ("NEXT_90_DAYS", (2026, 11, 26), (2027, 2, 24)),
        ("LAST_N_DAYS:7", (2026, 11, 18), (2026, 11, 26)),
        ("NEXT_N_DAYS:7", (2026, 11, 26), (2026, 12, 3)),
        ("N_DAYS_AGO:2", (2026, 11, 23), (2026, 11, 24)),
        ("LAST_N_WEEKS:2", (2026, 11, 8), (2026, 11, 22)),
        ("NEXT_N_WEEKS:1", (2026, 11, 29), (2026, 12, 6)),
        ("N_WEEKS_AGO:1", (2026, 11, 15), (2026, 11, 22)),
        ("LAST_N_MONTHS:12", (2025, 11, 1), (2026, 11, 1)),
        ("NEXT_N_MONTHS:2", (2026, 12, 1), (2027, 2, 1)),
        ("N_MONTHS_AGO:11", (2025, 12, 1), (2026, 1, 1)),
        ("THIS_QUARTER", (2026, 10, 1), (2027, 1, 1)),
        ("LAST_QUARTER", (2026, 7, 1), (2026, 10, 1)),
        ("NEXT_FISCAL_QUARTER", (2027, 1, 1), (2027, 4, 1)),
        ("LAST_N_QUARTERS:4", (2025, 10, 1), (2026, 10, 1)),
        ("NEXT_N_QUARTERS:1", (2027, 1, 1), (2027, 4, 1)),
        ("N_QUARTERS_AGO:1", (2026, 7, 1), (2026, 10, 1)),
        ("THIS_YEAR", (2026, 1, 1), (2027, 1, 1)),
        ("LAST_FISCAL_YEAR", (2025, 1, 1), (2026, 1, 1)),
        ("NEXT_YEAR", (2027, 1, 1), (2028, 1, 1)),
        ("LAST_N_YEARS:3", (2023, 1, 1), (2026, 1, 1)),
        ("NEXT_N_YEARS:2", (2027, 1, 1), (2029, 1, 1)),
        ("N_YEARS_AGO:1", (2025, 1, 1), (2026, 1, 1)),
    ],
)
def test_spans(text: str, start: tuple[int, int, int], end: tuple[int, int, int]) -> None:
    assert span(text, TODAY) == Span(date(*start), date(*end))


@pytest.mark.parametrize("text", ["SOMEDAY", "TODAY:3", "LAST_N_DAYS", "LAST_N_DAYS:x", "N_X:1"])
def test_what_is_no_date_literal(text: str) -> None:
    assert span(text, TODAY) is None


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_this_spans_hold_today_and_neighbours_touch(today: date) -> None:
    for unit in ("WEEK", "MONTH", "QUARTER", "YEAR"):
        last, this, following = (span(f"{one}_{unit}", today) for one in ("LAST", "THIS", "NEXT"))
        assert None not in {last, this, following}
        assert last.end == this.start <= today < this.end == following.start
    assert span("N_DAYS_AGO:400", today) == Span(
        today - timedelta(days=400), today - timedelta(days=399)
    )
