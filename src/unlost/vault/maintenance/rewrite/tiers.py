"""Tiers: the rule which segments of a table are merged, and when. Pure.

A *tier* consists of the segments with the versions of the same commits: one backup, or several
backups that were merged. Tiers from some tier to the newest are merged as soon as there are several
and the oldest of them is no larger than the others together:

    rows of tiers, oldest first   1000  8  2  1  1  1  1  1  1     newer than 8: 8 rows in all
    after the merge               1000 16

Each merge at least doubles the oldest tier in it. A version is therefore rewritten only as often as
the number of backups can be halved, and the number of tiers grows no faster. A first load, far
larger than all later backups, is rewritten only when so many of its records have changed that
reading both is no longer worthwhile. See docs/adr/0020.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from unlost.vault.commits.state import LiveSegment

MIN_TIERS = 8  # fewer tiers are not merged, unless they have ``MIN_SEGMENTS``
MIN_SEGMENTS = 64
MIN_LOAD_ROWS = 100_000  # a tier with fewer rows is not merged alone
MAX_DEPTH = 8  # a large tier is merged if more of its segments may contain the same id
CLOSED_SHARE = 0.3  # the oldest tier is merged if more of its records have a newer version


@dataclass(frozen=True, slots=True)
class Tier:
    """Segments of a table with the versions of the same commits, oldest first."""

    first: int
    last: int
    segments: tuple[LiveSegment, ...]

    @property
    def rows(self) -> int:
        """Number of versions."""
        return sum(live.entry.rows for live in self.segments)

    @property
    def depth(self) -> int:
        """Maximum number of its segments that may contain the same id."""
        return depth(self.segments)


def tiers_of(segments: Sequence[LiveSegment]) -> list[Tier]:
    """Group the segments of a table into tiers, oldest first."""
    ordered = sorted(segments, key=lambda live: live.precedence)
    reaches = groupby(ordered, key=lambda live: (live.first, live.last))
    return [Tier(first, last, tuple(reach_segments)) for (first, last), reach_segments in reaches]


def depth(segments: Iterable[LiveSegment]) -> int:
    """Return the maximum number of segments whose id ranges overlap."""
    # At equal ids a begin sorts before an end, since both ends of a range belong to it.
    begins = [(live.entry.min_id, 0) for live in segments]
    ends = [(live.entry.max_id, 1) for live in segments]
    open_now = deepest = 0
    for _, end in sorted(begins + ends):
        open_now += -1 if end else 1
        deepest = max(deepest, open_now)
    return deepest


class Overlap:
    """Counts overlapping segments while they are added one by one."""

    def __init__(self) -> None:
        self._begins: list[str] = []
        self._ends: list[str] = []

    def add(self, live: LiveSegment) -> None:
        """Add a segment."""
        insort(self._begins, live.entry.min_id)
        insort(self._ends, live.entry.max_id)

    def with_(self, live: LiveSegment) -> int:
        """Return the maximum overlap within the range of this segment, if it were added."""
        low, high = live.entry.min_id, live.entry.max_id
        first, last = bisect_right(self._begins, low), bisect_right(self._begins, high)
        places = [low, *self._begins[first:last]]
        return 1 + max(self._open_at(place) for place in places)

    def _open_at(self, place: str) -> int:
        return bisect_right(self._begins, place) - bisect_left(self._ends, place)


def due(tiers: Sequence[Tier], *, closed: Callable[[], int]) -> list[Sequence[Tier]]:
    """Select the merges, each of several neighboring tiers or within one tier.

    ``closed`` counts the records of the oldest tier that have a newer version. It reads data, and
    is called only if the answer matters.
    """
    begin = _begin(tiers)
    if 0 < begin < len(tiers) and _worn(tiers, closed):
        begin = 0
    alone = [[tier] for tier in tiers[:begin] if _tangled(tier)]
    return [*alone, tiers[begin:]] if begin < len(tiers) else [*alone]


def _begin(tiers: Sequence[Tier]) -> int:
    """Return the oldest tier that the newer ones outweigh, if there are enough; else the end."""
    rows = [tier.rows for tier in tiers]
    for at in range(len(tiers) - 1):
        if rows[at] <= sum(rows[at + 1 :]) and _enough(tiers[at:]):
            return at
    return len(tiers)


def _enough(tiers: Sequence[Tier]) -> bool:
    return len(tiers) >= MIN_TIERS or sum(len(tier.segments) for tier in tiers) >= MIN_SEGMENTS


def _tangled(tier: Tier) -> bool:
    """Return true if so many segments of a tier overlap that they are merged among themselves."""
    return tier.rows >= MIN_LOAD_ROWS and tier.depth > MAX_DEPTH


def _worn(tiers: Sequence[Tier], closed: Callable[[], int]) -> bool:
    # ``closed`` reads keys of all newer tiers, so the cheap upper bound is tried first.
    enough = tiers[0].rows * CLOSED_SHARE
    return sum(tier.rows for tier in tiers[1:]) > enough and closed() > enough
