"""The rules by which an observation becomes a version, and its effect on a table's counts. Pure.

A backup observes every record, but stores a version only if the observation adds something. The
table ``_KEEP`` decides by the op before and the op observed:

    U state    D deleted, with the last row    P deleted, id only    M missing    A archived

    before     an observation is a version if it is
    none       U, D, A
    U          U with another row hash, D, P, M, A
    D          U, A
    P, M       U, D, A
    A          U

For example, of D, P, D in a row only the first is a version, and P then D stores both, because D
adds the last row. A is a version over any tombstone, because a backup may see that a record is gone
before the archive commits it.

Ops are small numbers here: the index of their letter in ``LETTERS``; 0 means that there is no
version before. The same table is in docs/reference/vault-format/writer-rules.md; docs/adr/0001 is
the reason why unchanged rows are not stored.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.vault.snapshot import Counts
from unlost.vault.format.physical import SAME

type Ops = NDArray[np.int8]

NONE, U, D, P, M, A = range(6)
LETTERS = ("", "U", "D", "P", "M", "A")
WITH_CELLS = ("U", "D", "A")

# Typed, because guessing a type makes Arrow import modules for dates.
_ABSENT, _ONE = pa.scalar(-1, pa.int32()), pa.scalar(1, pa.int32())

_NO, _YES, _IF_DIFFERENT = 0, 1, 2
# Rows: the op before. Columns: the op observed, in the order of LETTERS.
_KEEP = np.array(
    [
        # -, U, D, P, M, A
        [0, _YES, _YES, _NO, _NO, _YES],  # nothing before: an id alone has no content
        [0, _IF_DIFFERENT, _YES, _YES, _YES, _YES],  # over U
        [0, _YES, _NO, _NO, _NO, _YES],  # over D
        [0, _YES, _YES, _NO, _NO, _YES],  # over P: the last row may still come
        [0, _YES, _YES, _NO, _NO, _YES],  # over M
        [0, _YES, _NO, _NO, _NO, _NO],  # over A: only a live record
    ],
    dtype=np.int8,
)


@dataclass(frozen=True, slots=True)
class CountBalance:
    """The effect of versions on a table: the counts that people see, and the new totals."""

    created: int = 0
    changed: int = 0
    deleted: int = 0
    revived: int = 0

    @property
    def alive(self) -> int:
        """Change of the number of records that are alive."""
        return self.created + self.revived - self.deleted

    @property
    def tombstones(self) -> int:
        """Change of the number of records with a tombstone."""
        return self.deleted - self.revived

    def plus(self, other: "CountBalance") -> "CountBalance":
        """The sum of both."""
        return CountBalance(
            self.created + other.created,
            self.changed + other.changed,
            self.deleted + other.deleted,
            self.revived + other.revived,
        )

    def minus(self, other: "CountBalance") -> "CountBalance":
        """The difference of both."""
        return CountBalance(
            self.created - other.created,
            self.changed - other.changed,
            self.deleted - other.deleted,
            self.revived - other.revived,
        )

    def counts(self, *, seen: int, unchanged: int) -> Counts:
        """The counts for a commit."""
        return Counts(
            seen=seen,
            created=self.created,
            changed=self.changed,
            deleted=self.deleted,
            revived=self.revived,
            unchanged=unchanged,
        )


def ops_of(letters: pa.Array | pa.ChunkedArray) -> Ops:
    """Letters as numbers; null is 0."""
    index = pc.index_in(letters, value_set=pa.array(LETTERS[1:], pa.string()))
    numbers = pc.add(pc.fill_null(index, _ABSENT), _ONE)
    return np.asarray(numbers.to_numpy(zero_copy_only=False), dtype=np.int8)


def is_version(before: Ops, observed: Ops, *, same: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """True for each observation that is a version; ``same``: its row hash equals the one before."""
    verdict = _KEEP[before, observed]
    return np.asarray((verdict == _YES) | ((verdict == _IF_DIFFERENT) & ~same))


def balance(before: Ops, observed: Ops) -> CountBalance:
    """The effect of versions; a record that was never seen alive counts as created and deleted."""
    new, alive, was_alive = before == NONE, observed == U, before == U
    return CountBalance(
        created=int(np.count_nonzero(new)),
        changed=int(np.count_nonzero((was_alive & alive) | ((before >= D) & ~alive))),
        deleted=int(np.count_nonzero((was_alive | new) & ~alive)),
        revived=int(np.count_nonzero((before >= D) & alive)),
    )


def previous_letters(before: Ops, versions: NDArray[np.bool_]) -> pa.Array:
    """The column ``_u_prev``: the op before, null without one, ``=`` if there is no version."""
    codes = np.where(versions, before, len(LETTERS)).astype(np.int32)
    names = pa.array([None, *LETTERS[1:], SAME])
    return names.take(pa.array(codes))
