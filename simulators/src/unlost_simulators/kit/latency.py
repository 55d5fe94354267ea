"""Response times of an org in real time, drawn anew for each call."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

P99 = 2.3263  # standard deviations of a normal distribution below which 99 of 100 values lie


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds of real time before a call is served; one of a hundred takes ``p99_seconds``."""

    median_seconds: float = 0.0
    p99_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Refuse what is no distribution."""
        if not 0 <= self.median_seconds <= self.p99_seconds:
            raise ValueError("the median lies between 0 and the 99th of a hundred")

    def draw(self, dice: random.Random) -> float:
        """Seconds of one call: log-normal, as networks are."""
        if self.median_seconds == 0:
            return 0.0
        width = math.log(self.p99_seconds / self.median_seconds) / P99
        return self.median_seconds * math.exp(width * dice.gauss(0.0, 1.0))
