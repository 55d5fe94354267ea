"""Recomputation of ``$changes`` of merged commits.

Both sides are reduced to sums of hashes, which do not depend on order: the number of rows and two
sums modulo 2^64.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import cast

import numpy as np
import polars as pl
import polars_hash as plh
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.errors import IntegrityError
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import (
    CHANGES,
    CHANGES_FIELDS,
    U_ID,
    U_OP,
    U_PREV,
    U_SNAP,
    is_system,
)
from unlost.vault.read.change_index import change_rows
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView

_COLUMNS = tuple(field.name for field in CHANGES_FIELDS)


@dataclass(frozen=True, slots=True)
class ChangeSums:
    """Number of rows, and two sums of their hashes modulo 2^64."""

    rows: int = 0
    first: int = 0
    second: int = 0

    def __add__(self, other: "ChangeSums") -> "ChangeSums":
        return ChangeSums(
            self.rows + other.rows,
            (self.first + other.first) % 2**64,
            (self.second + other.second) % 2**64,
        )


def sums_of(rows: pa.Table) -> ChangeSums:
    """Compute the sums of rows of ``$changes``."""
    frame = pl.DataFrame(pl.from_arrow(rows.select(_COLUMNS)))
    text = pl.concat_str([pl.col(name).fill_null("") for name in _COLUMNS], separator="\0")
    hashed = frame.select(
        cast("plh.HExpr", text).nchash.xxh3_64(seed=seed).alias(str(seed)) for seed in (0, 1)
    )
    return ChangeSums(len(frame), *(_wrapped(hashed.get_column(str(seed))) for seed in (0, 1)))


class IndexCheck:
    """Check of ``$changes`` of one org."""

    def __init__(self, org_vault: OrgVault, state: LiveState) -> None:
        self._org_vault = org_vault
        self._state = state

    def check(self) -> None:
        """Raise IntegrityError if it differs from the merged commits."""
        sums = sum(map(sums_of, self._stored_changes()), ChangeSums())
        if sums != sum(map(sums_of, self._expected()), ChangeSums()):
            raise IntegrityError(
                "index-disagrees",
                "The index of merged commits does not match their changes.",
                next_step="Restore the object from a mirror of the vault.",
            )

    def _stored_changes(self) -> Iterator[pa.Table]:
        for live in self._state.segments.get(CHANGES, {}).values():
            yield from self._groups(live, _COLUMNS)

    def _expected(self) -> Iterator[pa.Table]:
        """Iterate over rows of segments with several commits, without the table's first commit."""
        for table, segments in self._state.segments.items():
            first = min((live.first for live in segments.values()), default=0)
            for live in segments.values():
                if live.first != live.last and not is_system(table):
                    for rows in self._groups(live, (U_ID, U_OP, U_PREV, U_SNAP)):
                        later = rows.filter(pc.greater(rows.column(U_SNAP), first))
                        yield change_rows(table, later)

    def _groups(self, live: LiveSegment, columns: Iterable[str]) -> Iterator[pa.Table]:
        view = TableView(live.entry.table, [live], self._org_vault.reading)
        for group in range(len(view.sidecar(0).fences)):
            yield view.read(0, [group], tuple(columns))


def _wrapped(hashes: pl.Series) -> int:
    return int(hashes.to_numpy().sum(dtype=np.uint64))
