"""The retention of archived records: each archive names the period of its policy.

    archived on 1 March, keep_days 365 ──> from 1 March of the next year on, its records are due

The period of an archive never changes. An archive without a period, or whose period is unknown,
keeps its records for ever. See docs/adr/0057.
"""

from dataclasses import dataclass
from datetime import date, timedelta

from unlost.model.errors import UsageError

SHORTEST_DAYS = 30  # longer than any recycle bin: an erased id must not come back
LONGEST_DAYS = 36_500


def check_keep_days(days: int) -> None:
    """Raise UsageError (``archive-keep-days``) unless it is a period, or 0 for none."""
    if days and not SHORTEST_DAYS <= days <= LONGEST_DAYS:
        raise UsageError(
            "archive-keep-days",
            "Archived records can be kept for {shortest} to {longest:,} days, not for {days:,}.",
            next_step="Choose another number of days, or 0 to keep them for ever.",
            shortest=SHORTEST_DAYS,
            longest=LONGEST_DAYS,
            days=days,
        )


@dataclass(frozen=True, slots=True)
class ArchivePeriod:
    """The period of an archive run: that of its policy when it was planned. 0 days: for ever."""

    run: str
    policy: str
    keep_days: int


@dataclass(frozen=True, slots=True)
class ArchiveCommit:
    """An archive in the vault: the ``number`` of its commit, and its ``day`` in the org's zone.

    ``period``: None if its journal was erased before the home knew it.
    """

    number: int
    run: str
    day: date
    period: ArchivePeriod | None

    @property
    def ends(self) -> date | None:
        """The day from which on its records are due; None for never."""
        if self.period is None or not self.period.keep_days:
            return None
        return self.day + timedelta(days=self.period.keep_days)

    def is_due(self, today: date) -> bool:
        """Return True if its period has ended."""
        return self.ends is not None and self.ends <= today
