"""Schedules: when an org is backed up automatically, in the org's own time zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time

from unlost.model.errors import UsageError

DAY_MINUTES = 24 * 60
LONGEST_WINDOW = 12 * 60
CALLS_SHARE = 50  # percent of an org's API calls of a day
LEAST_CALLS = 15


@dataclass(frozen=True, slots=True)
class Hours:
    """A part of each day, from ``begins`` up to but not including ``ends``; may pass midnight."""

    begins: time
    ends: time

    def holds(self, at: time) -> bool:
        """Return true if this time of day is in it."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    @property
    def minutes(self) -> int:
        """Length in minutes."""
        return (_minute(self.ends) - _minute(self.begins)) % DAY_MINUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Backup times of an org, in its own time zone and in whole minutes.

    ``calls``: percentage of the org's daily API calls that may be used. ``nightly``: start of the
    daily backup (None: no automatic one), spread over ``window`` minutes so that many orgs do not
    start together. ``blackout``: hours in which nothing starts. ``hourly``: tables that are also
    backed up every hour between.
    """

    nightly: time | None = time(1, 0)
    window: int = 60
    blackout: tuple[Hours, ...] = ()
    calls: int = CALLS_SHARE
    hourly: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.window <= LONGEST_WINDOW:
            raise _wrong(
                "The window must be between 0 and {longest} minutes, not {window}.",
                longest=LONGEST_WINDOW,
                window=self.window,
            )
        if not LEAST_CALLS <= self.calls <= 100:
            raise _wrong(
                "The share of API calls must be between {least} and 100 percent, not {calls}.",
                least=LEAST_CALLS,
                calls=self.calls,
            )
        if any(hours.minutes == 0 for hours in self.blackout):
            raise _wrong("Blackout hours must not start and end at the same time.")
        if not _some_time_is_left(self.blackout):
            raise _wrong("The blackout hours leave no time of the day for a backup.")

    def forbids(self, at: time) -> bool:
        """Return true if nothing may start at this time of day."""
        return any(hours.holds(at) for hours in self.blackout)


@dataclass(frozen=True, slots=True)
class DueBackup:
    """A backup that is due.

    ``night``: the scheduled day and time, as in ``2026-10-25T01:00``; the name stays the same when
    a clock change repeats that time. ``begins``: the instant. ``missed``: names of earlier nightly
    backups that could not run; this one makes up for them.
    """

    night: str
    begins: datetime
    missed: tuple[str, ...] = ()


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _some_time_is_left(blackout: Sequence[Hours]) -> bool:
    times = (time(minute // 60, minute % 60) for minute in range(DAY_MINUTES))
    return not blackout or any(not any(h.holds(at) for h in blackout) for at in times)


def _wrong(template: str, **args: object) -> UsageError:
    return UsageError(
        "schedule-invalid",
        template,
        next_step="See `unlost schedule set --help` for the valid values.",
        **args,
    )
