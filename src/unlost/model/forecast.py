"""Forecast of a quota: samples of its use, and the date at which it will be full."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Sample:
    """The amount of a quota used at an instant, in the quota's unit."""

    at: datetime
    used: float


@dataclass(frozen=True, slots=True)
class Forecast:
    """The trend of the samples.

    ``daily``: growth per day; ``slow`` and ``fast``: the ends of its band, all in the unit of the
    samples. ``stop``: the share of the limit that must not be reached. ``reached``: when it is
    reached at the present growth; ``earliest`` and ``latest``: at the ends of the band; None means
    never. ``since``: the first sample used; the growth before it was different.
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
