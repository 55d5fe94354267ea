"""The row hash: 128 bits that change when a record changes.

For each column that is not volatile and not null: XXH3-64 of its canonical text under two seeds;
the seeds are XXH3-64 of the column's name (UTF-8) with seeds 0 and 1. The hash is the two sums
modulo 2^64, little-endian, the sum of seed 0 first. A column that is absent, null or volatile adds
nothing, so that a new column which is empty changes no record, and order does not matter.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from unlost.model.source.schema import WireKind
from unlost.vault.format.physical import HASH

if TYPE_CHECKING:
    import polars as pl
    import polars_hash as plh

HALVES = (0, 1)
FEW = 1_024  # ids

type Hashes = NDArray[np.uint64]
"""Row hashes as an array of shape (rows, 2)."""


@dataclass(frozen=True, slots=True)
class HashedColumn:
    """A column that is part of the row hash: its name, which gives the seeds, and its kind."""

    name: str
    kind: WireKind


def seeds(column: str) -> tuple[int, int]:
    """The seeds of a column's two halves."""
    name = column.encode()
    return xxh3_64_intdigest(name, seed=HALVES[0]), xxh3_64_intdigest(name, seed=HALVES[1])


def row_hashes(columns: Sequence[tuple[HashedColumn, pa.Array]], *, rows: int) -> Hashes:
    """The hashes of rows, given the arrays of the hashed columns (text, equal length)."""
    import polars as pl

    from unlost.vault.format.canonical import canonical

    halves: tuple[list[pl.Expr], list[pl.Expr]] = ([], [])
    series = []
    for number, (column, values) in enumerate(columns):
        # A column of nulls adds nothing to the sums, so its canonical text need not be computed.
        if values.null_count == rows:
            continue
        text = canonical(pl.Series(str(number), pl.from_arrow(values)), column.kind)
        series.append(text)
        for half, seed in zip(halves, seeds(column.name), strict=True):
            half.append(_hash64(pl.col(text.name), seed))
    hashes = np.zeros((rows, 2), dtype=np.uint64)
    if series:
        frame = pl.DataFrame(series)
        sums = frame.select(
            *(pl.sum_horizontal(half).alias(str(n)) for n, half in enumerate(halves))
        )
        for number in HALVES:
            hashes[:, number] = sums.get_column(str(number)).to_numpy()
    return hashes


def as_array(hashes: Hashes) -> pa.Array:
    """Hashes as Arrow, 16 bytes each."""
    little = np.ascontiguousarray(hashes, dtype="<u8")
    return pa.FixedSizeBinaryArray.from_buffers(HASH, len(hashes), [None, pa.py_buffer(little)])


def from_array(array: pa.Array | pa.ChunkedArray) -> Hashes:
    """The hashes of an array that ``as_array`` made."""
    chunks: Iterable[pa.Array] = array.chunks if isinstance(array, pa.ChunkedArray) else [array]
    parts = [
        np.frombuffer(chunk.buffers()[1], dtype="<u8").reshape(-1, 2)[
            chunk.offset : chunk.offset + len(chunk)
        ]
        for chunk in chunks
        if len(chunk)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 2), dtype=np.uint64)


def id_hashes(ids: pa.Array) -> NDArray[np.uint64]:
    """XXH3-64 (seed 0) of each id, as the sidecar's filter takes it."""
    # A few ids, as those of one record and what leads to it, are not worth the import of Polars.
    if len(ids) <= FEW:
        hashes = [xxh3_64_intdigest(text.encode()) for text in ids.to_pylist()]
        return np.array(hashes, dtype=np.uint64)
    import polars as pl

    series = pl.Series("id", pl.from_arrow(ids))
    frame = pl.DataFrame([series]).select(_hash64(pl.col("id"), 0))
    return frame.to_series().to_numpy()


def _hash64(expression: "pl.Expr", seed: int) -> "pl.Expr":
    import polars_hash  # noqa: F401 (registers its functions with Polars)

    return cast("plh.HExpr", expression).nchash.xxh3_64(seed=seed)
