"""The budget of an org's API calls, shared by all runs and processes of a home.

The source counts for itself and tells; between two reports the calls taken here are added. A part
of the source's limit stays for everybody else who uses the same allowance.
"""

import threading
from datetime import datetime, timedelta

from django.db.models import F, Q

from unlost.catalog.connection import own_connection
from unlost.catalog.models import ApiBudget
from unlost.model.errors import LimitReached
from unlost.model.ports import Clock

RESERVE = 20  # percent of the limit that are left to other integrations
BUNDLE = 20  # calls taken from the database at a time
STALE = timedelta(hours=1)  # an older report says nothing about now: ask the source again
PAUSE = timedelta(hours=1)  # allowances roll over 24 hours, so that some calls come back each hour


class SqlBudget:
    """Takes calls in bundles by one conditional update (port ``Budget``)."""

    def __init__(self, org: str, *, clock: Clock, reserve: int = RESERVE) -> None:
        """``org`` is the oid; ``reserve`` the percentage that is not for us."""
        self._org = org
        self._clock = clock
        self._ours = 100 - reserve
        self._lock = threading.Lock()
        self._left = 0

    def take(self, calls: int = 1) -> None:
        """Ask before calling; raises LimitReached when our share is spent."""
        with self._lock:
            if self._left < calls:
                bundle = max(BUNDLE, calls)
                if not self._draw(bundle):
                    raise self._spent()
                self._left += bundle
            self._left -= calls

    def report(self, *, used: int, limit: int) -> None:
        """What the source last said about its calls of the day."""
        seen = {"used": used, "limit": limit, "taken": 0, "reported_at": self._clock.now()}
        with self._lock, own_connection():
            ApiBudget.objects.update_or_create(oid=self._org, defaults=seen)

    def _draw(self, calls: int) -> bool:
        """Take from the row if it allows; one statement, so that processes cannot overdraw."""
        room = F("limit") * self._ours / 100 - F("taken") - calls
        fits = Q(limit__isnull=True) | Q(used__lte=room)
        stale = Q(reported_at__lt=self._clock.now() - STALE)
        with own_connection():
            ApiBudget.objects.get_or_create(oid=self._org)
            row = ApiBudget.objects.filter(oid=self._org)
            return bool(row.filter(fits | stale).update(taken=F("taken") + calls))

    def _spent(self) -> LimitReached:
        return LimitReached(
            "api-budget-spent",
            "The org's API calls of the day are used up, but for the part that is left to other "
            "programs.",
            next_step="Start the backup again in an hour: it goes on where it stopped.",
            resume_at=self._clock.now() + PAUSE,
        )


def calls_of_the_day(oid: str, *, now: datetime) -> tuple[int | None, int | None]:
    """Calls used and allowed as the source last told, none where that is too long ago."""
    with own_connection():
        row = ApiBudget.objects.filter(oid=oid).first()
    if row is None or row.reported_at is None or now - row.reported_at > STALE:
        return None, None
    return row.used + row.taken, row.limit
