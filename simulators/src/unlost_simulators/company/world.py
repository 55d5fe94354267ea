"""The company at one seed and size: which facts belong together, by their row numbers.

A fact finds its parents by arithmetic, without a look at their rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.sizes import CompanySizes

BATCH = 10_000
FIRST_GENERATED = 1_000
"""Generated cases, orders and tickets are numbered from here; written-out ones lie below."""


@dataclass(frozen=True, slots=True)
class Company[Sizes: CompanySizes]:
    """The made-up company at one seed and size.

    Customers have one sequence of numbers: first the businesses, then the private customers. So
    have people: first the contacts of businesses, then the private customers.
    """

    seed: int
    sizes: Sizes

    @property
    def customers(self) -> int:
        """Generated customers of both kinds."""
        return self.sizes.businesses + self.sizes.private_customers

    @property
    def people(self) -> int:
        """Generated people at customers, private customers included."""
        return self.sizes.contacts + self.sizes.private_customers

    def customer_of(self, contact: Numbers) -> Numbers:
        """The customer of a person: in turn, one in five anywhere."""
        business = max(self.sizes.businesses, 1)
        rows = Rows(self.seed, "ContactAccount", contact)
        paired = business + contact - self.sizes.contacts
        turn = np.where(
            rows.chance("stray", 20), rows.below("account", business), contact % business
        )
        return np.where(contact < self.sizes.contacts, turn, paired)

    def person_at(self, customer: Numbers, rows: Rows, column: str) -> Numbers:
        """A contact, mostly at that customer."""
        business = max(self.sizes.businesses, 1)
        rounds = max(self.sizes.contacts // business, 1)
        contact = customer % business + rows.below(column, rounds) * business
        return contact % max(self.sizes.contacts, 1)


def runs(count: int, *, size: int = BATCH) -> Iterator[Numbers]:
    """The row numbers of `count` facts, in runs of at most `size`: the argument of each maker."""
    for first, length in batches(count, size):
        yield np.arange(first, first + length, dtype=np.int64)


def batches(count: int, size: int) -> Iterator[tuple[int, int]]:
    """(first, count) of the runs of at most `size` rows that make up `count` rows."""
    for first in range(0, count, size):
        yield first, min(size, count - first)
