"""Groups of records that refer to each other. If one of them must stay, its group stays."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[np.uint32]
type Mask = NDArray[np.bool_]


class Ranking(Enum):
    """The way in which the numbers of records make the rank of their group."""

    LEAST = auto()
    LARGEST = auto()


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """The order of groups: the smallest rank first, equal ones by the record that was met first.

    ``values``: a number for each record. The rank of a group is the least of them, or minus their
    sum (``Ranking.LARGEST``).
    """

    values: NDArray[np.float64]
    ranking: Ranking

    def ranks(self, places: NDArray[np.intp], count: int) -> NDArray[np.float64]:
        """Return the rank of each group. ``places``: the groups of the records in ``values``."""
        if self.ranking is Ranking.LARGEST:
            return -np.bincount(places, weights=self.values, minlength=count)
        ranks = np.full(count, np.inf)
        np.minimum.at(ranks, places, self.values)
        return ranks

    def of(self, records: Mask) -> "GroupOrder":
        """Return the order for some of the records."""
        return GroupOrder(self.values[records], self.ranking)


@dataclass(frozen=True, slots=True)
class BinLimit:
    """The records that may enter the recycle bin. ``enters``: true for records that do so."""

    enters: Mask
    most: int


def groups_of(
    going: Mask,
    pairs: Sequence[tuple[Numbers, Numbers]],
    *,
    most: int,
    order: GroupOrder | None = None,
    bin_limit: BinLimit | None = None,
) -> NDArray[np.int64]:
    """The group of each record that goes, from 1 on; 0 for all others.

    ``pairs``: numbers of records that refer to each other. At most ``most`` records are in all
    groups together: the first ones in ``order``, or those of the records that were met first.
    """
    least = _smallest_connected(going, pairs)
    members, places, sizes = np.unique(least[going], return_inverse=True, return_counts=True)
    sequence = np.arange(len(members))
    if order is not None:
        sequence = np.argsort(order.of(going).ranks(places, len(members)), kind="stable")
    entering, room = np.zeros(len(members)), 0
    if bin_limit is not None:
        room = bin_limit.most
        entering = np.bincount(places, weights=bin_limit.enters[going], minlength=len(members))
    fits = _fitting(sizes[sequence], most, entering[sequence], room)
    numbers = np.zeros(len(members), dtype=np.int64)
    numbers[sequence[fits]] = np.arange(1, np.count_nonzero(fits) + 1)
    groups = np.zeros(len(going), dtype=np.int64)
    groups[going] = numbers[places]
    return groups


def _fitting(sizes: NDArray[np.int64], most: int, entering: NDArray[np.float64], room: int) -> Mask:
    """The groups that are taken one after the other as long as they fit, also into the recycle bin."""
    fits = np.zeros(len(sizes), dtype=np.bool_)
    total, in_bin = 0, 0.0
    for at, (size, enters) in enumerate(zip(sizes.tolist(), entering.tolist(), strict=True)):
        if total + size <= most and in_bin + enters <= room:
            fits[at] = True
            total += size
            in_bin += enters
    return fits


def _smallest_connected(going: Mask, pairs: Sequence[tuple[Numbers, Numbers]]) -> NDArray[np.int64]:
    """For each record the smallest number that it is connected with, over records that go."""
    least = np.arange(len(going), dtype=np.int64)
    edges = [(a[both], b[both]) for a, b in pairs for both in [going[a] & going[b]]]
    while True:
        before = least.copy()
        for a, b in edges:
            smaller = np.minimum(least[a], least[b])
            np.minimum.at(least, a, smaller)
            np.minimum.at(least, b, smaller)
        least = least[least]  # the smallest number of the smallest one is as good
        if (least == before).all():
            return least
