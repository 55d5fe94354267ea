"""When an org is backed up by itself: values, in the org's own zone."""

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
    """A part of each day, ``begins`` included and ``ends`` not; it may go on past midnight."""

    begins: time
    ends: time

    def holds(self, at: time) -> bool:
        """True if this time of day lies in it."""
        if self.begins <= self.ends:
            return self.begins <= at < self.ends
        return at >= self.begins or at < self.ends

    @property
    def minutes(self) -> int:
        """How long it is."""
        return (_minute(self.ends) - _minute(self.begins)) % DAY_MINUTES


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Times are the org's own, whole minutes.

    ``calls`` is the part of the org's API calls of a day that may be used, in percent.
    ``nightly`` begins the backup of a day (None: none by itself), spread over ``window`` minutes so
    that many orgs do not begin at once. Nothing begins in the ``blackout`` hours. ``hourly`` names
    tables that are backed up every hour between the nights.
    """

    nightly: time | None = time(1, 0)
    window: int = 60
    blackout: tuple[Hours, ...] = ()
    calls: int = CALLS_SHARE
    hourly: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.window <= LONGEST_WINDOW:
            raise _wrong(f"The window of {self.window} minutes is not between 0 and 720.")
        if not LEAST_CALLS <= self.calls <= 100:
            raise _wrong(f"{self.calls} is not between {LEAST_CALLS} and 100 percent.")
        if any(hours.minutes == 0 for hours in self.blackout):
            raise _wrong("Blackout hours that end when they begin are no hours at all.")
        if not _some_time_is_left(self.blackout):
            raise _wrong("The blackout hours leave no time of the day for a backup.")

    def forbids(self, at: time) -> bool:
        """True if nothing may begin at this time of day."""
        return any(hours.holds(at) for hours in self.blackout)


@dataclass(frozen=True, slots=True)
class DueBackup:
    """A backup whose time has come.

    ``night`` names the day and the time that was set for it, as in ``2026-10-25T01:00``: the name
    stays the same when a clock change lets that time come twice. ``begins`` is the instant.
    ``missed`` are the names of earlier nights that had no chance; this one makes up for them.
    """

    night: str
    begins: datetime
    missed: tuple[str, ...] = ()


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _some_time_is_left(blackout: Sequence[Hours]) -> bool:
    times = (time(minute // 60, minute % 60) for minute in range(DAY_MINUTES))
    return not blackout or any(not any(h.holds(at) for h in blackout) for at in times)


def _wrong(sentence: str) -> UsageError:
    return UsageError(
        "schedule-invalid", sentence, next_step="See `unlost schedule set --help` for what goes."
    )
