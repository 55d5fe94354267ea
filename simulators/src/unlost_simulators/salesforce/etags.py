"""Entity tags and modification times of describes, which no clock of the org records.

A describe counts as modified when its content is first seen to differ. The org's clock may stand
still, so a new content always gets a time later than the last answer with the old one: otherwise
``If-Modified-Since`` would hide a change made in the same second.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
        digest = hashlib.sha256(content).hexdigest()[:32]
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


def unchanged(
    headers_etag: str | None, since: str | None, *, etag: str, modified: datetime
) -> bool:
    """Decide a conditional request (``If-None-Match`` wins over ``If-Modified-Since``)."""
    if headers_etag is not None:
        given = {_bare(part) for part in headers_etag.split(",")}
        return "*" in given or _bare(etag) in given
    if since is None:
        return False
    try:
        return modified <= parsedate_to_datetime(since)
    except (TypeError, ValueError):
        return False


def _bare(tag: str) -> str:
    return tag.strip().removeprefix("W/").strip('"').removesuffix("--gzip")
