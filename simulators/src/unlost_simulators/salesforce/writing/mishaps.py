"""External faults of a request's rows: locks, and storage that ends early.

The org itself knows no faults; the code that plants them gives it a ``Mishaps``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from unlost_simulators.salesforce.writing.request import Channel, RowError, Verb


@dataclass(frozen=True, slots=True)
class WriteSubject:
    """The write that a mishap may strike; ``object`` is an API name."""

    object: str
    verb: Verb
    channel: Channel


class Mishaps(Protocol):
    """Selects the rows of a write that fail; called inside the org's transaction."""

    def locked(self, subject: WriteSubject, keys: Sequence[str | None]) -> Mapping[int, RowError]:
        """Refusals by place; ``keys`` are the ids that the rows name, None where there is none."""
        ...

    def may_strike(self, subject: WriteSubject) -> bool:
        """Return true if rows of such a write may be locked."""
        ...

    def fitting_rows(self, subject: WriteSubject, rows: int) -> int | None:
        """Return how many of these new rows still fit; None for all of them."""
        ...

    def count_added(self, subject: WriteSubject, rows: int) -> None:
        """Count rows that were added."""
        ...


class NoMishaps:
    """An org without mishaps."""

    def locked(self, subject: WriteSubject, keys: Sequence[str | None]) -> Mapping[int, RowError]:
        """Lock no row."""
        del subject, keys
        return {}

    def may_strike(self, subject: WriteSubject) -> bool:
        """Strike nothing."""
        del subject
        return False

    def fitting_rows(self, subject: WriteSubject, rows: int) -> int | None:
        """Let all rows fit."""
        del subject, rows
        return None

    def count_added(self, subject: WriteSubject, rows: int) -> None:
        """Do nothing."""
        del subject, rows
