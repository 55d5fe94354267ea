"""Random draws that depend on (seed, table, column, row number) alone.

A batch of any size, in any order, in any process, gives the same values for the same rows. This file
knows numbers only: no names, no tables of a system.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

type Numbers = NDArray[np.int64]
type Bits = NDArray[np.uint64]
type Flags = NDArray[np.bool_]

# The three multipliers of splitmix64 (Steele, Lea, Flood: Fast splittable pseudorandom number
# generators, 2014). Uniform enough for made-up people, and one pass of integer arithmetic.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)


def _mixed(state: Bits) -> Bits:
    state = (state ^ (state >> np.uint64(30))) * _MIX_1
    state = (state ^ (state >> np.uint64(27))) * _MIX_2
    return state ^ (state >> np.uint64(31))


@dataclass(frozen=True, slots=True)
class Words:
    """Word lists, one per group (here: per country), laid end to end for one gather."""

    flat: pa.Array
    starts: Numbers
    sizes: Numbers

    @classmethod
    def of(cls, lists: Sequence[Sequence[str]]) -> Words:
        """Lay the lists of all groups end to end."""
        sizes = np.array([len(words) for words in lists], dtype=np.int64)
        starts = np.concatenate(([0], np.cumsum(sizes)[:-1])).astype(np.int64)
        return cls(
            pa.array([word for words in lists for word in words], pa.string()), starts, sizes
        )


@dataclass(frozen=True, slots=True)
class Rows:
    """A run of rows of one generated table: their numbers (from 0) and the draws for them."""

    seed: int
    table: str
    numbers: Numbers

    @classmethod
    def run(cls, seed: int, table: str, *, first: int, count: int) -> Rows:
        """Rows first .. first+count-1 of a table."""
        return cls(seed, table, np.arange(first, first + count, dtype=np.int64))

    @property
    def count(self) -> int:
        """Number of rows of the run."""
        return len(self.numbers)

    def bits(self, column: str) -> Bits:
        """64 random bits a row."""
        key = hashlib.blake2b(f"{self.seed}/{self.table}/{column}".encode(), digest_size=8).digest()
        start = np.uint64(int.from_bytes(key, "little"))
        return _mixed(self.numbers.astype(np.uint64) * _GOLDEN + start)

    def below(self, column: str, bound: int | Numbers) -> Numbers:
        """A whole number 0 <= x < bound (< 2**31) a row; the bound may differ by row."""
        high = self.bits(column) >> np.uint64(33)
        return ((high * np.asarray(bound).astype(np.uint64)) >> np.uint64(31)).astype(np.int64)

    def chance(self, column: str, percent: float) -> Flags:
        """True in about `percent` of 100 rows."""
        return self.below(column, 1_000_000) < round(percent * 10_000)

    def pick(self, column: str, words: Sequence[str] | pa.Array) -> pa.Array:
        """One of the words a row, all equally likely."""
        pool = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
        return pool.take(pa.array(self.below(column, len(pool))))

    def pick_in(self, column: str, words: Words, group: Numbers) -> pa.Array:
        """One word a row out of the list of the row's group."""
        return words.flat.take(
            pa.array(words.starts[group] + self.below(column, words.sizes[group]))
        )

    def weighted(self, column: str, weights: Sequence[int]) -> Numbers:
        """A choice 0 .. len(weights)-1 a row, by weight."""
        edges = np.cumsum(np.array(weights, dtype=np.int64))
        return np.searchsorted(edges, self.below(column, int(edges[-1])), side="right").astype(
            np.int64
        )
