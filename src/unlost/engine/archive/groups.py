"""Groups of records that refer to each other. If one of them must stay, its group stays."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[np.uint32]
type Mask = NDArray[np.bool_]


def groups_of(
    going: Mask, pairs: Sequence[tuple[Numbers, Numbers]], *, most: int
) -> NDArray[np.int64]:
    """The group of each record that goes, from 1 on; 0 for all others.

    ``pairs``: numbers of records that refer to each other. At most ``most`` records are in all
    groups together: the groups of the records that were met first.
    """
    least = _smallest_connected(going, pairs)
    members, sizes = np.unique(least[going], return_counts=True)
    chosen = members[_fitting(sizes, most)]
    groups = np.zeros(len(going), dtype=np.int64)
    place = np.searchsorted(chosen, least)
    inside = going & (place < len(chosen))
    inside[inside] = chosen[place[inside]] == least[inside]
    groups[inside] = place[inside] + 1
    return groups


def _fitting(sizes: NDArray[np.int64], most: int) -> Mask:
    """The groups that are taken one after the other as long as they fit."""
    fits = np.zeros(len(sizes), dtype=np.bool_)
    total = 0
    for at, size in enumerate(sizes.tolist()):
        if total + size <= most:
            fits[at] = True
            total += size
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
