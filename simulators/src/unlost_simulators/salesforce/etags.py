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
from datetime import datetime, timedelta


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
