"""Conditional requests: entity tags, and the dates of headers.

Source: RFC 9110 (13.1 for the order of conditions, 8.8.3 for entity tags).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime


def unchanged(
    wanted_tags: str | None, since: str | None, *, etag: str, modified: datetime | None
) -> bool:
    """Decide a conditional request (``If-None-Match`` wins over ``If-Modified-Since``)."""
    if wanted_tags is not None:
        return matches(wanted_tags, etag)
    when = None if since is None else http_instant(since)
    return when is not None and modified is not None and modified <= when


def matches(header: str, etag: str) -> bool:
    """Return true if a list of entity tags (or ``*``) has the tag, compressed or not."""
    given = {_bare(part) for part in header.split(",")}
    return "*" in given or _bare(etag) in given


def http_instant(text: str) -> datetime | None:
    """Read a date of an HTTP header; None for what is no date."""
    try:
        when = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/").strip('"').removesuffix("--gzip")


def http_date(when: datetime) -> str:
    """Give an instant as HTTP headers write it."""
    return format_datetime(when, usegmt=True)
