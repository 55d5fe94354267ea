"""When an allowance will be full: samples of what is used, and where they lead."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """What was used of an allowance at an instant, in the allowance's unit."""

    at: datetime
    used: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """Where the samples lead.

    ``daily`` is the growth a day, ``slow`` and ``fast`` are the ends of its band, all in the unit of
    the samples. ``stop`` is the share of the limit that must not be reached. The instants tell when
    it is: ``reached`` as it grows now, ``earliest`` and ``latest`` by the band; None: never.
    ``since`` is the first sample that was believed: before it, it grew otherwise.
    """

    now: float
    limit: float
    stop: float
    daily: float
    slow: float
    fast: float
    since: datetime
    samples: int
    reached: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
