"""Saved archive policies: their schedules, and the nights in which the service runs them.

DUE ──> PLANNING ──> PLANNED ──────────────────────> RUNNING ──> DONE
         │              └──> WAITING for approval ──────^
         └──> NOTHING to archive, FAILED; from each open state DROPPED
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from unlost.model.archive import ArchivePolicy
from unlost.model.errors import UsageError
from unlost.model.message import Message

LARGEST_DAY = 200_000  # records of a day; a plan cannot have more
USUAL_DAY = 1_000  # also in the help of the form
NIGHTLY, OFF = "nightly", "off"
NOT_SAVED = "new"  # the version of a policy that is not saved
# A preview shows a backup. After a week of new records it no longer shows the effect of a schedule.
PREVIEW_LASTS = timedelta(days=7)


class Weekday(StrEnum):
    """A day of the week, in their order."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


WEEK = tuple(Weekday)


def days_of(text: str) -> tuple[Weekday, ...]:
    """Parse days such as ``mon,thu``, or ``nightly``; raises UsageError (``archive-days``)."""
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    if names == [NIGHTLY]:
        return WEEK
    unknown = next((name for name in names if name not in set(Weekday)), None)
    if unknown is not None or not names:
        raise UsageError(
            "archive-days",
            "{text!r} is not a list of days.",
            next_step="Write days as mon,thu, or use `nightly`.",
            text=text,
        )
    return tuple(day for day in WEEK if day.value in names)


def days_text(days: Sequence[Weekday]) -> str:
    """Return days as they are typed: ``mon,thu``, ``nightly``, or ``off`` for none."""
    if tuple(days) == WEEK:
        return NIGHTLY
    return ",".join(days) or OFF


@dataclass(frozen=True, slots=True)
class SavedPolicy:
    """An archive policy that an org saved under its name, and its schedule.

    ``days``: after the scheduled backups of these days the service archives at most ``daily_limit``
    records, for ``owner`` (a person, PERSON/TOKEN, or a user of the home's machine), if it ``is_on``.
    ``account``: the owner's account, empty for a user of the machine. ``previewed``: when a person
    last saw the effect of the policy as it is, ``previewed_by`` and ``previewer``: this person and
    their account; ``may_be_large``: a person agreed that it archives more than half of a table.
    ``problem``: why nothing was archived last time; a schedule that Unlost switched off has one, too.
    """

    id: int
    org: str
    oid: str
    policy: ArchivePolicy
    owner: str
    account: str
    at: datetime
    days: tuple[Weekday, ...] = ()
    is_on: bool = False
    on_since: datetime | None = None
    daily_limit: int = USUAL_DAY
    previewed: datetime | None = None
    may_be_large: bool = False
    problem: Message | None = None
    previewed_by: str = ""
    previewer: str = ""

    @property
    def version(self) -> str:
        """A hash that changes with each save, switch-off and problem."""
        problem = self.problem.sentence if self.problem is not None else ""
        state = f"{self.at.timestamp()}/{self.is_on}/{problem}"
        return hashlib.sha256(state.encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """The name of the policy in its org."""
        return self.policy.name

    def runs_on(self, day: date) -> bool:
        """Return True if its schedule is on, and has the weekday of a day."""
        return self.is_on and WEEK[day.weekday()] in self.days


class ArchiveNightState(StrEnum):
    """The state of a policy in one night."""

    DUE = "due"
    PLANNING = "planning"
    PLANNED = "planned"
    WAITING = "waiting"  # for a second person
    RUNNING = "running"  # the service has its run
    DONE = "done"
    NOTHING = "nothing"  # no record could go
    FAILED = "failed"
    DROPPED = "dropped"  # switched off, replaced by the next night, or cancelled

    @property
    def is_open(self) -> bool:
        """True while it is not over."""
        return self in OPEN_NIGHTS

    @property
    def is_before_run(self) -> bool:
        """True while the service does not have its run yet."""
        return self.is_open and self is not ArchiveNightState.RUNNING


OPEN_NIGHTS = frozenset({
    ArchiveNightState.DUE, ArchiveNightState.PLANNING, ArchiveNightState.PLANNED,
    ArchiveNightState.WAITING, ArchiveNightState.RUNNING,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ArchiveNight:
    """A policy in one night: the backup ``night`` after which it is due.

    ``plan``: the stored plan; ``run``: the archive that it became. ``next_at``: the next attempt, if
    one failed; ``tries`` counts all attempts that were put off, ``failures`` those that failed.
    ``error``: why it failed, or was dropped.
    """

    id: int
    policy: int
    name: str
    org: str
    oid: str
    night: str
    state: ArchiveNightState
    begun_at: datetime
    plan: str = ""
    run: str = ""
    tries: int = 0
    next_at: datetime | None = None
    ended_at: datetime | None = None
    error: Message | None = None
    failures: int = 0
