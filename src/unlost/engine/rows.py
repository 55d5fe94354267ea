"""Select rows of a page."""

import pyarrow as pa

from unlost.model.source.reading import Rows


def chosen(rows: Rows, mask: pa.Array) -> Rows:
    """The rows for which the mask, of their length, is true."""
    return Rows(
        rows.ids.filter(mask),
        rows.ops.filter(mask),
        rows.modified_at.filter(mask),
        rows.modified_by.filter(mask),
        rows.cells.filter(mask) if rows.cells is not None else None,
        rows.observed_at,
    )
