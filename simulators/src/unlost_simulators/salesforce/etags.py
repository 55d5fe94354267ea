"""Entity tags of records and describes, and the times of describes, which no clock records.

A describe counts as modified when its content is first seen to differ. The org's clock may stand
still, so a new content always gets a time later than the last answer with the old one: otherwise
``If-Modified-Since`` would hide a change made in the same second.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


@dataclass(slots=True)
class _Seen:
    digest: str
    modified: datetime
    served: datetime


@dataclass(slots=True)
class DescribeStamps:
    """When each described thing last changed, per user and thing."""

    now: Callable[[], datetime]
    _seen: dict[tuple[str, str], _Seen] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def stamp(self, key: tuple[str, str], content: bytes) -> tuple[str, datetime]:
        """Give the entity tag (with quotes) and the time of the last change."""
        digest = _digest(content)
        now = self.now().replace(microsecond=0)
        with self._lock:
            seen = self._seen.get(key)
            if seen is None:
                seen = self._seen[key] = _Seen(digest, now, now)
            elif seen.digest != digest:
                later = max(now, seen.served + timedelta(seconds=1))
                seen = self._seen[key] = _Seen(digest, later, later)
            seen.served = max(now, seen.served)
            return f'"{digest}"', seen.modified


def of_record(record: Mapping[str, object]) -> str:
    """Give the entity tag (with quotes) of a record, the same in every version of the API."""
    fields = {name: value for name, value in record.items() if name != "attributes"}
    return f'"{_digest(json.dumps(fields, default=str, sort_keys=True).encode())}"'


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:32]


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
