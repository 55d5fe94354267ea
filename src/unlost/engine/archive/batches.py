"""Cut an archive into batches of roots, each with all that goes with them. Pure.

A batch is checked, deleted and accounted for before the next one begins, so that a change in the
org, or a fault, concerns few records. With two cases a batch, and a file of the cases 1 and 3:

    batch 0    case 1, case 2, their mails and links
    batch 1    case 3, case 4, their mails and links, the file: its last case goes here

A record goes in the batch of the first record that takes it, but not before any that it needs; the
records that take it wait for it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unlost.engine.archive.settle import Mask, Needs, Numbers, Takes

type Batches = NDArray[np.int64]

STAYS = np.iinfo(np.int64).max
"""The batch of records that do not go."""


@dataclass(frozen=True, slots=True)
class Deletions:
    """The batch of each record, and those that the org deletes along with another one."""

    batch: Batches
    along: Mask

    @property
    def count(self) -> int:
        """The number of batches."""
        used = self.batch[self.batch != STAYS]
        return int(used.max()) + 1 if len(used) else 0


def in_batches(
    going: Mask, *, roots: Numbers, takes: Takes, needs: Needs, at_a_time: int
) -> Deletions:
    """The batches of all records that go, with so many roots in each."""
    batch = np.full(len(going), STAYS, dtype=np.int64)
    leaving = roots[going[roots]]
    batch[leaving] = np.arange(len(leaving)) // at_a_time
    inside = going[takes.owner] & going[takes.taken]
    owner, taken, may = takes.owner[inside], takes.taken[inside], takes.may[inside]
    needed = going[needs.record]
    record, other = needs.record[needed], needs.needed[needed]
    _lower(batch, owner[~may], taken[~may])
    while (unset := going & (batch == STAYS)).any():
        _place_files(batch, unset, owner[may], taken[may], record, other)
        _lower(batch, owner[~may], taken[~may])
    later, earlier = np.concatenate([owner[~may], record]), np.concatenate([taken[~may], other])
    _raise(batch, later, earlier)
    along = np.zeros(len(going), dtype=np.bool_)
    cascading = takes.cascades[inside]
    along[taken[cascading & (owner != taken)]] = True
    return Deletions(batch, _rooted(along, owner[cascading], taken[cascading]))


def _lower(batch: Batches, owner: Numbers, taken: Numbers) -> None:
    """Put each record into the first batch of those that take it."""
    while True:
        before = batch[taken]
        np.minimum.at(batch, taken, batch[owner])
        if (batch[taken] == before).all():
            return


def _place_files(
    batch: Batches, unset: Mask, link: Numbers, file: Numbers, record: Numbers, needed: Numbers
) -> None:
    """Put files into the batch of the last record that has them, or else of their first link."""
    placed = unset[file] & (batch[link] != STAYS)
    files = np.full(len(batch), STAYS, dtype=np.int64)
    np.minimum.at(files, file[placed], batch[link[placed]])
    known = (files[record] != STAYS) & (batch[needed] != STAYS)
    np.maximum.at(files, record[known], batch[needed[known]])
    fresh = files != STAYS
    batch[fresh] = files[fresh]


def _raise(batch: Batches, later: Numbers, earlier: Numbers) -> None:
    """Let each record wait for those that must not go after it."""
    while True:
        before = batch[later]
        np.maximum.at(batch, later, batch[earlier])
        if (batch[later] == before).all():
            return


def _rooted(along: Mask, owner: Numbers, taken: Numbers) -> Mask:
    """The records that really go along: in a circle, where each would wait for another, none does."""
    reached = ~along
    while True:
        more = taken[reached[owner] & ~reached[taken]]
        if not len(more):
            return along & reached
        reached[more] = True
