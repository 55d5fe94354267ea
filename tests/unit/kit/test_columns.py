"""Instants: each spelling that a source uses, and never one that spoils another."""

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unlost.kit.columns import INSTANT, Zoneless, column_or_null, instants

AT = datetime(2026, 1, 31, 10, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Far enough from the first and the last year for any offset.
times = st.datetimes(min_value=datetime(2, 1, 1), max_value=datetime(9998, 12, 31))  # noqa: DTZ001
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))


def millis(texts: list[str | None], zoneless: Zoneless = Zoneless.UNKNOWN) -> list[int | None]:
    """Milliseconds since 1970."""
    return instants(pa.array(texts, pa.string()), zoneless=zoneless).cast(pa.int64()).to_pylist()


def exact(at: datetime) -> int:
    """Python's milliseconds since 1970, without what is finer."""
    return (at.replace(microsecond=at.microsecond // 1000 * 1000) - EPOCH) // timedelta(
        milliseconds=1
    )


def test_instants_of_all_spellings() -> None:
    texts = [
        "2026-01-31T10:00:00.000Z",
        "2026-01-31T10:00:00.007+0000",
        "2026-01-31T12:00:00+02:00",
    ]
    got = instants(pa.array([*texts, None])).to_pylist()
    assert got == [AT, AT.replace(microsecond=7000), AT, None]


def test_what_is_no_instant_is_null_and_spoils_no_other() -> None:
    got = instants(pa.array(["2026-01-31", "x", "", "2026-01-31T10:00:00Z"]))
    assert got.type == INSTANT
    assert got.is_valid().to_pylist() == [False, False, False, True]


def test_a_modified_time_without_a_zone_is_not_lost_where_it_is_utc() -> None:
    """Once it became null without a word."""
    texts = pa.array(["2026-11-27 12:48:41", None, "2026-11-27 12:48:42"])
    wanted = [datetime(2026, 11, 27, 12, 48, 41, tzinfo=UTC), None]
    got = instants(texts, zoneless=Zoneless.UTC)
    assert got.type == INSTANT
    assert got.to_pylist()[:2] == wanted
    assert instants(texts).null_count == 3


def test_seven_digits_of_a_second_are_cut_to_milliseconds() -> None:
    """Once they became null without a word."""
    got = instants(pa.array(["2026-11-27T12:48:41.1239567Z", "1969-12-31T23:59:59.9999999Z"]))
    assert got.to_pylist() == [
        datetime(2026, 11, 27, 12, 48, 41, 123000, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=UTC),
    ]


def test_a_day_that_no_calendar_has_is_null() -> None:
    """Once it ended the read of the whole table with an error of the library."""
    texts = ["2026-02-30T10:00:00Z", "1900-02-29T10:00:00Z", "2026-01-31T24:00:00Z", "x"]
    assert millis(texts) == [None] * 4
    assert millis(["2000-02-29T00:00:00Z", "x"])[0] == 951_782_400_000


def test_a_date_alone_is_no_instant() -> None:
    assert millis(["2026-01-31"], Zoneless.UTC) == [None]
    assert millis(["2026-01-31", "2026-01-31 10:00:00"], Zoneless.UTC)[0] is None


def test_a_column_without_any_text_stays_without() -> None:
    assert millis([None, None], Zoneless.UTC) == [None, None]
    assert millis([], Zoneless.UTC) == []


@given(times, offsets)
def test_any_time_with_an_offset_is_pythons(at: datetime, zone: timezone) -> None:
    text = at.replace(tzinfo=zone).isoformat()
    assert millis([text]) == [exact(datetime.fromisoformat(text))]


@given(times, st.sampled_from(["T", " "]))
def test_any_time_without_a_zone_is_pythons_in_utc(at: datetime, separator: str) -> None:
    text = at.isoformat(separator)
    assert millis([text], Zoneless.UTC) == [exact(at.replace(tzinfo=UTC))]
    assert millis([text]) == [None]


@given(times, st.text("0123456789", min_size=1, max_size=12), st.sampled_from(["Z", "", "+00:00"]))
def test_any_number_of_digits_is_cut(at: datetime, digits: str, zone: str) -> None:
    text = f"{at.replace(microsecond=0).isoformat()}.{digits}{zone}"
    thousandths = int((digits + "00")[:3])
    whole = exact(at.replace(microsecond=0, tzinfo=UTC))
    assert millis([text], Zoneless.UTC) == [whole + thousandths]


SHAPES = r"\d{4}-(0\d|1[0-3])-[0-3]\d([T ][0-2]\d(:[0-6]\d(:[0-6]\d(\.\d{0,9})?)?)?)?(Z|z|[+-]\d\d(:?\d\d)?)?"


@pytest.mark.parametrize("zoneless", list(Zoneless))
@given(
    texts=st.lists(st.from_regex(SHAPES, fullmatch=True) | times.map(str) | st.text(), max_size=4)
)
def test_no_cell_depends_on_its_neighbours(zoneless: Zoneless, texts: list[str]) -> None:
    alone = [millis([text], zoneless)[0] for text in texts]
    assert millis(texts, zoneless) == alone
    assert millis([*texts, "x"], zoneless) == [*alone, None]


def test_a_missing_column_is_null() -> None:
    batch = pa.RecordBatch.from_pydict({"A": ["x"]})
    assert column_or_null(batch, "A").to_pylist() == ["x"]
    assert column_or_null(batch, "B").to_pylist() == [None]
    assert column_or_null(batch, None).to_pylist() == [None]
