"""Names that are locked at an address, after too many wrong passwords."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from axes.models import AccessAttempt
from django.db.models import Max, Sum

from unlost.catalog.connection import returned_connection
from unlost.model.access import LOCKED_AFTER, LOCKED_FOR


@dataclass(frozen=True, slots=True)
class Lockout:
    """A name that cannot sign in from an address until ``until``."""

    name: str
    address: str
    failures: int
    until: datetime


def list_lockouts(*, at: datetime, name: str | None = None) -> Sequence[Lockout]:
    """Current lockouts, of one name or of all, the newest first."""
    with returned_connection():
        rows = AccessAttempt.objects.filter(
            attempt_time__gt=at - LOCKED_FOR, username__isnull=False
        )
        rows = rows if name is None else rows.filter(username=name.lower())
        attempts = (
            rows.order_by()
            .values("username", "ip_address")
            .annotate(failures=Sum("failures_since_start"), newest=Max("attempt_time"))
            .filter(failures__gte=LOCKED_AFTER)
            .order_by("-newest")
        )
        return [
            Lockout(
                row["username"],
                row["ip_address"] or "",
                row["failures"],
                row["newest"] + LOCKED_FOR,
            )
            for row in attempts
        ]


def forget_failures(name: str) -> int:
    """Let a name try again from everywhere; returns the number of addresses with failures."""
    with returned_connection():
        rows = AccessAttempt.objects.filter(username=name.lower())
        addresses = int(rows.values("ip_address").distinct().count())
        rows.delete()
        return addresses
