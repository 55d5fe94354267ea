"""Where rendered results lie on disk, and when a second job may use the first one's.

The key of a result is its SQL, its form, and the revision of the org's rows: the same query of an
unchanged org is rendered, and compressed, once.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from unlost_simulators.salesforce.bulk.render import (
    Connection,
    CsvForm,
    Rendered,
    load,
    render,
)


@dataclass(frozen=True, slots=True)
class ResultKey:
    """What a rendered result depends on."""

    sql: str
    headers: Sequence[str]
    form: CsvForm
    revision: str

    def name(self) -> str:
        """Give the folder name of the result."""
        parts = (self.sql, "\0".join(self.headers), repr(self.form), self.revision)
        return hashlib.sha256("\1".join(parts).encode()).hexdigest()[:40]


@dataclass(slots=True)
class ResultCache:
    """Rendered results under one folder."""

    root: Path
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: ResultKey, connect: Callable[[], Connection]) -> Rendered:
        """Give the result of this key, rendering it when it is new."""
        name = key.name()
        folder = self.root / name
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            if folder.exists():
                return load(folder)
            unfinished = self.root / f"{name}.part"
            render(connect(), key.sql, headers=key.headers, form=key.form, folder=unfinished)
            unfinished.rename(folder)
            return load(folder)
