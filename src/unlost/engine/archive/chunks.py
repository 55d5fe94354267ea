"""Rows of a backup in chunks: few joins with many rows cost less than many joins with few."""

from collections.abc import Iterable, Iterator

import polars as pl

ROWS = 200_000  # of a chunk


def in_chunks(frames: Iterable[pl.DataFrame], *, rows: int = ROWS) -> Iterator[pl.DataFrame]:
    """The same rows in frames of at least so many rows; the last one may have fewer."""
    waiting: list[pl.DataFrame] = []
    for frame in frames:
        waiting.append(frame)
        if sum(map(len, waiting)) >= rows:
            yield pl.concat(waiting)
            waiting.clear()
    if waiting:
        yield pl.concat(waiting)
