"""Answers that are a page of a Bulk result."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from unlost_simulators.kit.http.calls import Answer, FileSlice


@dataclass(frozen=True, slots=True)
class PageFacts:
    """The source of a Bulk result page: its compressed file, and a way to omit rows.

    ``gzip`` gives the file of the whole page, compressed once; ``without`` gives the rows of the
    page less the last so many.
    """

    gzip: Callable[[], Path]
    without: Callable[[int], FileSlice]


@dataclass(slots=True, kw_only=True)
class PageAnswer(Answer):
    """A page of a Bulk result, which faults shorten and compression takes from a file."""

    page: PageFacts
