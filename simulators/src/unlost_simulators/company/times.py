"""Times of the company: the evening on which its story opens, and when things happened before."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np

from unlost_simulators.company.draws import Numbers, Rows

# No fact is younger. A simulator that opens at another time moves all times by whole days.
OPENING = datetime(2026, 11, 2, 18, 0, tzinfo=UTC)
OPENING_SECONDS = int(OPENING.timestamp())
DAY = 86_400


def ago(days: float) -> datetime:
    """An instant before the opening, in whole seconds."""
    return (OPENING - timedelta(days=days)).replace(microsecond=0)


def day(days: float) -> date:
    """A date before the opening."""
    return ago(days).date()


def created_at(rows: Rows, *, days: int = 1_800) -> Numbers:
    """Creation times in seconds since 1970, within the last `days` days before the opening."""
    return OPENING_SECONDS - 3_600 - rows.below("created", days * DAY)


def modified_at(rows: Rows, *, days: int = 1_800) -> Numbers:
    """Times of the last change by a user; in four of ten rows, the creation."""
    created = created_at(rows, days=days)
    remaining = np.maximum(OPENING_SECONDS - created, 1)
    return created + np.where(rows.chance("touched", 60), rows.below("modified", remaining), 0)
