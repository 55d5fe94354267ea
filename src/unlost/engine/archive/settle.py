"""Settle which records of a graph leave the org. Pure: numbered records and NumPy arrays.

Roots are the records that a policy selects. A record *takes* others with it, such as a case its
mails, and it may *need* others to go, such as a file its last link:

    case 1 ──takes──▶ mail 2 ──takes──▶ link 3 ──may take──▶ file 4
                                                 file 4 needs links 3 and 5

Link 5 stays, so file 4 stays, while case 1 goes. If mail 2 could not go, case 1 would stay too, and
with it all that only it takes: nothing is torn apart. A record goes if a root that goes takes it,
and if everything that it takes and needs goes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

type Numbers = NDArray[np.uint32]
type Mask = NDArray[np.bool_]

OUTSIDE = np.iinfo(np.uint32).max
"""The number of every record that is not in the graph, and stays."""


@dataclass(frozen=True, slots=True)
class Takes:
    """Pairs of records: with ``owner`` goes ``taken``.

    ``may``: where the taken one may stay behind. Elsewhere the owner stays if the taken one does.
    """

    owner: Numbers
    taken: Numbers
    may: Mask


@dataclass(frozen=True, slots=True)
class Needs:
    """Pairs of records: ``record`` can go only if ``needed`` goes, which may be ``OUTSIDE``."""

    record: Numbers
    needed: Numbers


def settle(count: int, *, roots: Numbers, stopped: Mask, takes: Takes, needs: Needs) -> Mask:
    """The records that go, of ``count`` records; those that are ``stopped`` stay.

    Each round can only keep more records, so that it ends. A few rounds are usual.
    """
    stays = stopped.copy()
    while True:
        keep_owners(stays, takes)
        goes = _reached(count, roots, stays, takes)
        # Records that go although one that they need stays.
        unmet = needs.record[goes[needs.record] & ~met_needs(goes, needs)]
        if not len(unmet):
            return goes
        stays[unmet] = True


def keep_owners(stays: Mask, takes: Takes) -> None:
    """Keep the owners of records that stay, and their owners."""
    must = ~takes.may
    owner, taken = takes.owner[must], takes.taken[must]
    while True:
        more = owner[stays[taken] & ~stays[owner]]
        if not len(more):
            return
        stays[more] = True


def _reached(count: int, roots: Numbers, stays: Mask, takes: Takes) -> Mask:
    """The records that the remaining roots take."""
    goes = np.zeros(count, dtype=np.bool_)
    goes[roots[~stays[roots]]] = True
    while True:
        more = takes.taken[goes[takes.owner] & ~goes[takes.taken] & ~stays[takes.taken]]
        if not len(more):
            return goes
        goes[more] = True


def met_needs(goes: Mask, needs: Needs) -> Mask:
    """True for each pair whose needed record goes."""
    inside = needs.needed != OUTSIDE
    met = np.zeros(len(needs.needed), dtype=np.bool_)
    met[inside] = goes[needs.needed[inside]]
    return met
