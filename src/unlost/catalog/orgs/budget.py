"""The budget of an org's API calls, shared by all runs and processes of a home.

Two limits apply. The calls of this home in the last 24 hours are counted here, by the hour: they
must stay below its share of the source's limit, a part of which is reserved for restores. And the
source's count of all programs must leave some room: between two of its reports the calls taken here
are added to it.
"""

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import ApiBudget, ApiHour
from unlost.model.errors import LimitReached
from unlost.model.ports.system import Clock
from unlost.model.runs.schedule import CALLS_SHARE

FOR_RESTORES = 10  # percent of the limit that backups leave of our share to restores
TOTAL = 80  # percent of the limit, used by all programs, up to which a backup still calls
TOTAL_FOR_RESTORES = 95
NEWS = timedelta(seconds=1)  # a report within this time is written only if it is much more
BUNDLE = 20  # calls taken from the database at a time,
LARGEST = 160  # and by a long run, if the source has no limit
DAY = timedelta(hours=24)  # allowances cover any 24 hours
HOUR = timedelta(hours=1)
STALE = timedelta(hours=1)  # an older report is ignored: the source must be asked again
PAUSE = timedelta(hours=1)  # allowances roll over 24 hours, so each hour returns some calls


@dataclass(frozen=True, slots=True)
class BudgetShare:
    """The parts of the limit, in percent, that may be used: by this home, and by all programs."""

    ours: int = CALLS_SHARE - FOR_RESTORES
    total: int = TOTAL

    @classmethod
    def of_backups(cls, share: int) -> "BudgetShare":
        """A home's share without the part reserved for restores."""
        return cls(max(1, share - FOR_RESTORES), TOTAL)

    @classmethod
    def of_restores(cls, share: int) -> "BudgetShare":
        """All of a home's share."""
        return cls(share, TOTAL_FOR_RESTORES)


class SqlBudget:
    """Takes calls in bundles, each counted in one transaction (port ``Budget``)."""

    def __init__(self, org: str, *, clock: Clock, share: BudgetShare | None = None) -> None:
        """``org`` is the oid."""
        self._org = org
        self._clock = clock
        self._share = share or BudgetShare()
        self._lock = threading.Lock()
        self._left = 0
        self._drawn = 0
        self._told: tuple[datetime, int, int] | None = None

    def take(self, calls: int = 1) -> None:
        """Take calls before making them; raises LimitReached when the home's share is used up."""
        with self._lock:
            if self._left < calls:
                bundle = max(self._bundle(), calls)
                self._draw(bundle)
                self._drawn += bundle
                self._left += bundle
            self._left -= calls

    def _bundle(self) -> int:
        """Calls to draw at once. Without a limit, a quarter of them may stay unused."""
        return BUNDLE if self._told else max(BUNDLE, min(LARGEST, self._drawn // 4))

    def report(self, *, used: int, limit: int) -> None:
        """Record the source's own count of the day's calls; it is written now and then.

        The unwritten difference counts as taken: the table never shows less than was used.
        """
        now = self._clock.now()
        with self._lock:
            if not self._tells(used, limit, now=now):
                return
            seen = {"used": used, "limit": limit, "taken": 0, "reported_at": now}
            with returned_connection():
                ApiBudget.objects.update_or_create(oid=self._org, defaults=seen)
            self._told = now, used, limit

    def _tells(self, used: int, limit: int, *, now: datetime) -> bool:
        """True if a report is news compared with the one that this process wrote a moment ago."""
        if self._told is None:
            return True
        at, before, most = self._told
        return now - at >= NEWS or limit != most or not 0 <= used - before < BUNDLE

    def _draw(self, calls: int) -> None:
        """Take calls if the tables allow it, under a lock: processes cannot overdraw together."""
        now = self._clock.now()
        with returned_connection(), transaction.atomic():
            ApiBudget.objects.get_or_create(oid=self._org)
            row = ApiBudget.objects.select_for_update().get(oid=self._org)
            hours = list(ApiHour.objects.filter(oid=self._org, hour__gt=now - DAY - HOUR))
            again = _spent_until(row, hours, calls, share=self._share, now=now)
            if again is not None:
                raise _spent(again)
            ApiBudget.objects.filter(oid=self._org).update(taken=F("taken") + calls)
            _count(self._org, calls, now=now)


def _spent_until(
    row: ApiBudget, hours: Sequence[ApiHour], calls: int, *, share: BudgetShare, now: datetime
) -> datetime | None:
    """The time at which calls return, if there is no room for ``calls`` now; None if there is."""
    if row.limit is None:
        return None
    ours = row.limit * share.ours / 100 - calls
    spent = sum(hour.calls for hour in hours)
    if spent > ours:
        return _free_again_at(hours, spent - ours, now=now)
    fresh = row.reported_at is not None and now - row.reported_at <= STALE
    if fresh and row.used + row.taken > row.limit * share.total / 100 - calls:
        return now + PAUSE
    return None


def _free_again_at(hours: Sequence[ApiHour], over: float, *, now: datetime) -> datetime:
    """The time at which ``over`` calls of this home are a day old; an hour counts to its end."""
    for hour in sorted(hours, key=lambda api_hour: api_hour.hour):
        over -= hour.calls
        if over <= 0:
            return max(hour.hour + HOUR + DAY, now + timedelta(minutes=1))
    return now + PAUSE


def _count(oid: str, calls: int, *, now: datetime) -> None:
    hour = now.replace(minute=0, second=0, microsecond=0)
    updated = ApiHour.objects.filter(oid=oid, hour=hour).update(calls=F("calls") + calls)
    if not updated:
        ApiHour.objects.create(oid=oid, hour=hour, calls=calls)
        # Once an hour is often enough to clean up.
        ApiHour.objects.filter(oid=oid, hour__lte=now - 2 * DAY).delete()


def _spent(again: datetime) -> LimitReached:
    return LimitReached(
        "api-budget-spent",
        "Unlost has used its share of the org's daily API calls. The rest is reserved for "
        "other programs.",
        next_step="The run resumes automatically when calls are available again. Change the "
        "share with `unlost schedule set ORG --calls PERCENT`.",
        resume_at=again,
    )


def calls_of_the_day(oid: str, *, now: datetime) -> tuple[int | None, int | None]:
    """Calls used and allowed by the source's last report; None for both if it is too old."""
    with returned_connection():
        row = ApiBudget.objects.filter(oid=oid).first()
    if row is None or row.reported_at is None or now - row.reported_at > STALE:
        return None, None
    return row.used + row.taken, row.limit
