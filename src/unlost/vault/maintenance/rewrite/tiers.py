"""Which segments of a table are merged, and when. Pure.

The segments with the versions of the same commits are a *tier*: what one night brought, or what was
merged from many. Tiers are merged from some tier to the newest once they are several and the oldest
of them is no larger than the others together. So each merge at least doubles its oldest tier: a
version is written again only as often as the number of nights can be halved, and the number of
tiers grows no faster. A first load, far larger than all nights, stays as it is until so much of it
was changed that reading the rest of it as of today is not worth two looks.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from unlost.vault.commits.state import LiveSegment

FEWEST = 8  # tiers that are worth a merge
MANY = 64  # segments that are, where a night brings many to one table
LOAD_ROWS = 100_000  # from which on a single tier is worth one
DEEPEST = 8  # segments of such a tier that may hold the same id
CLOSED_PART = 0.3  # of the oldest tier's records: from there on it is written again


@dataclass(frozen=True, slots=True)
class Tier:
    """The segments of a table with the versions of the same commits, oldest first."""

    first: int
    last: int
    segments: tuple[LiveSegment, ...]

    @property
    def rows(self) -> int:
        """Versions in it."""
        return sum(live.entry.rows for live in self.segments)

    @property
    def depth(self) -> int:
        """How many of its segments may hold the same id."""
        return depth(self.segments)


def tiers_of(segments: Sequence[LiveSegment]) -> list[Tier]:
    """The tiers of a table, oldest first."""
    ordered = sorted(segments, key=lambda live: live.rank)
    reaches = groupby(ordered, key=lambda live: (live.first, live.last))
    return [Tier(first, last, tuple(reach_segments)) for (first, last), reach_segments in reaches]


def depth(segments: Iterable[LiveSegment]) -> int:
    """The most segments whose ranges of ids overlap in one place."""
    begins = [(live.entry.min_id.encode(), 0) for live in segments]
    ends = [(live.entry.max_id.encode(), 1) for live in segments]
    open_now = deepest = 0
    for _, end in sorted(begins + ends):
        open_now += -1 if end else 1
        deepest = max(deepest, open_now)
    return deepest


class Overlap:
    """How many segments overlap, while they come one by one."""

    def __init__(self) -> None:
        self._begins: list[bytes] = []
        self._ends: list[bytes] = []

    def add(self, live: LiveSegment) -> None:
        """Take one more in."""
        insort(self._begins, live.entry.min_id.encode())
        insort(self._ends, live.entry.max_id.encode())

    def with_(self, live: LiveSegment) -> int:
        """The most that overlap in one place of this segment, which is counted too."""
        low, high = live.entry.min_id.encode(), live.entry.max_id.encode()
        first, last = bisect_right(self._begins, low), bisect_right(self._begins, high)
        places = [low, *self._begins[first:last]]
        return 1 + max(self._open_at(place) for place in places)

    def _open_at(self, place: bytes) -> int:
        return bisect_right(self._begins, place) - bisect_left(self._ends, place)


def due(tiers: Sequence[Tier], *, closed: Callable[[], int]) -> list[Sequence[Tier]]:
    """Select the merges, each of several neighbouring tiers or within one tier.

    ``closed`` counts the records of the oldest tier that have a newer version; it is asked only
    where the answer may decide.
    """
    begin = _begin(tiers)
    if 0 < begin < len(tiers) and _worn(tiers, closed):
        begin = 0
    alone = [[tier] for tier in tiers[:begin] if _tangled(tier)]
    return [*alone, tiers[begin:]] if begin < len(tiers) else [*alone]


def _begin(tiers: Sequence[Tier]) -> int:
    """The oldest tier that the newer ones outweigh together, if they are enough; else the end."""
    rows = [tier.rows for tier in tiers]
    for at in range(len(tiers) - 1):
        if rows[at] <= sum(rows[at + 1 :]) and _enough(tiers[at:]):
            return at
    return len(tiers)


def _enough(tiers: Sequence[Tier]) -> bool:
    return len(tiers) >= FEWEST or sum(len(tier.segments) for tier in tiers) >= MANY


def _tangled(tier: Tier) -> bool:
    """Whether so many segments of a tier overlap that it is merged in itself."""
    return tier.rows >= LOAD_ROWS and tier.depth > DEEPEST


def _worn(tiers: Sequence[Tier], closed: Callable[[], int]) -> bool:
    enough = tiers[0].rows * CLOSED_PART
    return sum(tier.rows for tier in tiers[1:]) > enough and closed() > enough
