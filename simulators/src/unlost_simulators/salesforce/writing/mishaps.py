"""What may strike the rows of a request from outside: locks, and storage that ends before its time.

The org itself knows no faults; whoever plants them gives it a ``Mishaps``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.request import Row, RowError, RowResult, Verb

if TYPE_CHECKING:
    from unlost_simulators.salesforce.writing.job import Job


class Mishaps(Protocol):
    """Says which rows of a write are struck; asked inside the org's transaction."""

    def locked(self, job: Job, keys: Sequence[str | None]) -> Mapping[int, RowError]:
        """Refusals by place; ``keys`` are the ids that the rows name, None where there is none."""
        ...

    def room(self, job: Job, rows: int) -> int | None:
        """How many of so many new rows still fit; None for all of them."""
        ...

    def grown(self, job: Job, rows: int) -> None:
        """So many rows were added."""
        ...


class NoMishaps:
    """Nothing ever happens."""

    def locked(self, job: Job, keys: Sequence[str | None]) -> Mapping[int, RowError]:
        """No row is locked."""
        del job, keys
        return {}

    def room(self, job: Job, rows: int) -> int | None:
        """Everything fits."""
        del job, rows
        return None

    def grown(self, job: Job, rows: int) -> None:
        """Counts nothing."""
        del job, rows


def locked_places(job: Job, rows: Sequence[Row]) -> Mapping[int, RowError]:
    """The places of a request that a mishap strikes."""
    if job.by_platform:
        return {}
    named = [next((row[key] for key in row if key.lower() == "id"), None) for row in rows]
    return job.org.mishaps.locked(job, [str(one) if one else None for one in named])


def refuse_surplus(job: Job, drafts: Sequence[Draft]) -> None:
    """Refuse the new rows for which a mishap leaves no room."""
    room = None if job.by_platform else job.org.mishaps.room(job, len(drafts))
    for draft in () if room is None else drafts[room:]:
        draft.refuse(refusals.NO_ROOM)


def note(job: Job, results: Sequence[RowResult]) -> None:
    """Tell what was added."""
    if job.verb in {Verb.CREATE, Verb.UNDELETE}:
        added = sum(one.success for one in results)
    else:
        added = sum(bool(one.created) for one in results)
    if added:
        job.org.mishaps.grown(job, added)
