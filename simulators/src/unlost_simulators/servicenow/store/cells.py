"""Typed Arrow columns as the texts that an instance stores."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc


def cell_texts(column: pa.ChunkedArray) -> list[str]:
    """Give a column as texts; null is the empty text."""
    kind = column.type
    if pa.types.is_timestamp(kind):
        text = pc.strftime(column.cast(pa.timestamp("s", tz="UTC")), format="%Y-%m-%d %H:%M:%S")
    elif pa.types.is_boolean(kind):
        text = pc.if_else(column, "true", "false")
    else:
        text = column.cast(pa.string())
    texts: list[str] = pc.fill_null(text, "").to_pylist()
    return texts
