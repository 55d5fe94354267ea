"""Conditional requests."""

from datetime import UTC, datetime, timedelta

from unlost_simulators.kit.http.conditional import http_date, http_instant, matches, unchanged


def test_conditional_requests() -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    later = http_date(when + timedelta(hours=1))
    assert unchanged('"abc--gzip"', None, etag='"abc"', modified=when)
    assert unchanged('W/"x", "abc"', None, etag='"abc"', modified=when)
    assert not unchanged('"abd"', later, etag='"abc"', modified=when)
    assert unchanged(None, http_date(when), etag='"abc"', modified=when)
    assert not unchanged(None, http_date(when - timedelta(1)), etag='"abc"', modified=when)
    assert not unchanged(None, "not a date", etag='"abc"', modified=when)
    assert not unchanged(None, None, etag='"abc"', modified=when)


def test_a_list_of_tags_or_a_star_matches() -> None:
    assert matches('"a", W/"b"', '"b"')
    assert matches("*", '"anything"')
    assert not matches('"a"', '"b"')


def test_dates_of_headers_are_instants_in_utc() -> None:
    when = datetime(2026, 3, 1, 12, tzinfo=UTC)
    assert http_date(when) == "Sun, 01 Mar 2026 12:00:00 GMT"
    assert http_instant(http_date(when)) == when
    assert http_instant("Sun, 01 Mar 2026 12:00:00") == when
