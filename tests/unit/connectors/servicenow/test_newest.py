"""What the newest rows of a table prove about all its rows."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import pytest

from unlost.connectors.servicenow.http.api import RawPage
from unlost.connectors.servicenow.schema.newest import PROBED_ROWS, NewestRows

DAYS = [f"2026-08-{day:02d} 09:00:00" for day in range(PROBED_ROWS, 0, -1)]
MIXED = [f"{(number * 7) % 10:032x}" for number in range(PROBED_ROWS)]
TOTAL = 400
AT = datetime(2026, 8, 12, 2, tzinfo=UTC)
LATER = "2026-08-11 00:00:00"


def page(
    stamps: Sequence[object], ids: Sequence[str] = MIXED, *, total: int | None = TOTAL
) -> RawPage:
    rows = [
        {"sys_updated_on": msgspec.Raw(msgspec.json.encode(stamp)),
         "sys_id": msgspec.Raw(msgspec.json.encode(record))}
        for stamp, record in zip(stamps, ids, strict=False)
    ]  # fmt: skip
    return RawPage(rows, total, AT)


def test_rows_in_the_order_of_their_stamps_prove_count_and_last_change() -> None:
    newest = NewestRows.of(page(DAYS))
    assert newest == NewestRows(DAYS[0], TOTAL, AT)
    assert newest.is_before(LATER)
    assert not newest.is_before(DAYS[0])


@pytest.mark.parametrize("total", [0, 1, PROBED_ROWS])
def test_a_table_in_one_page_is_proved_in_any_order(total: int) -> None:
    stamps = DAYS[::-1][:total]
    newest = NewestRows.of(page(stamps, sorted(MIXED), total=total))
    assert newest == NewestRows(max(stamps, default=""), total, AT)
    assert newest.is_before(LATER)


@pytest.mark.parametrize(
    "unproved",
    [
        pytest.param(page(DAYS[:-1]), id="a-row-is-hidden"),
        pytest.param(page([], total=TOTAL), id="all-rows-are-hidden"),
        pytest.param(page(DAYS, total=None), id="no-count"),
        pytest.param(page([*DAYS[:-1], ""]), id="a-stamp-is-hidden"),
        pytest.param(page([*DAYS[:-1], None]), id="a-stamp-is-no-text"),
        pytest.param(page(["11.08.2026 09:00:00"], total=1), id="a-stamp-of-another-form"),
    ],
)
def test_a_hidden_row_or_stamp_proves_nothing(unproved: RawPage) -> None:
    assert NewestRows.of(unproved) is None


@pytest.mark.parametrize(
    "unsorted",
    [
        pytest.param(page(DAYS[::-1]), id="stamps-rise"),
        pytest.param(page(DAYS, sorted(MIXED)), id="the-ids-are-sorted-too"),
        pytest.param(page([DAYS[0]] * PROBED_ROWS, sorted(MIXED)), id="all-stamps-are-the-same"),
    ],
)
def test_a_sort_that_may_be_dropped_proves_the_count_alone(unsorted: RawPage) -> None:
    newest = NewestRows.of(unsorted)
    assert newest is not None
    assert newest.total == TOTAL
    assert not newest.is_before(LATER)


def test_capital_letters_do_not_hide_that_ids_are_sorted() -> None:
    ids = [f"{number:x}".upper() if number % 2 else f"{number:x}" for number in range(10, 20)]
    newest = NewestRows.of(page(DAYS, sorted(ids, key=str.lower)))
    assert newest is not None
    assert not newest.is_before(LATER)
