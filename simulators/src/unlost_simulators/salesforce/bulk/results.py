"""Storage of rendered results on disk, and their reuse by a second job.

The key of a result is its SQL, its form, and the revision of the org's rows: the same query of an
unchanged org is rendered, and compressed, once.
"""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
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
    """Everything that a rendered result depends on."""

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
    """Rendered results under one folder; the least recently used ones are removed first.

    ``in_use``: folders that live jobs still refer to; these stay, however large.
    """

    root: Path
    max_bytes: int = 8 << 30
    in_use: Callable[[], AbstractSet[Path]] = frozenset
    _sizes: OrderedDict[str, int] = field(default_factory=OrderedDict)
    _locks: dict[str, threading.Lock] = field(default_factory=dict)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: ResultKey, connect: Callable[[], Connection]) -> Rendered:
        """Give the result of this key, rendering it when it is new."""
        name = key.name()
        with self._guard:
            lock = self._locks.setdefault(name, threading.Lock())
        with lock:
            folder = self.root / name
            if not folder.exists():
                self._render(key, connect, folder)
            result = load(folder)
        self._note(name, result.size)
        return result

    def _render(self, key: ResultKey, connect: Callable[[], Connection], folder: Path) -> None:
        unfinished = folder.with_suffix(".part")
        shutil.rmtree(unfinished, ignore_errors=True)
        render(connect(), key.sql, headers=key.headers, form=key.form, folder=unfinished)
        unfinished.rename(folder)

    def _note(self, name: str, size: int) -> None:
        with self._guard:
            self._sizes[name] = size
            self._sizes.move_to_end(name)
            in_use = self.in_use()
            for old in list(self._sizes)[:-1]:
                if sum(self._sizes.values()) <= self.max_bytes:
                    return
                if self.root / old not in in_use:
                    del self._sizes[old]
                    shutil.rmtree(self.root / old, ignore_errors=True)
