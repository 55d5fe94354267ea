"""Rows of system tables, as runs write them. Pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime

import pyarrow as pa

from unlost.model.source.reading import Op, Rows
from unlost.vault.format.physical import INSTANT


def system_rows(
    ids: Sequence[str], *, observed_at: datetime, op: Op = Op.STATE, cells: pa.RecordBatch | None
) -> Rows:
    """Rows of a system table: all have one op, and no time and user of a change."""
    count = len(ids)
    return Rows(
        ids=pa.array(ids, pa.string()),
        ops=pa.array([op.value] * count, pa.string()),
        modified_at=pa.nulls(count, INSTANT),
        modified_by=pa.nulls(count, pa.string()),
        cells=cells,
        observed_at=observed_at,
    )


def text_cells(columns: Iterable[Sequence[str | None]], names: Sequence[str]) -> pa.RecordBatch:
    """Cells of these columns, as text."""
    return pa.RecordBatch.from_arrays(
        [pa.array(column, pa.string()) for column in columns], names=list(names)
    )
