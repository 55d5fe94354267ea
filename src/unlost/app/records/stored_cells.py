"""Cells of records in a backup."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot

type Cells = Mapping[str, str | None]


def stored_cells(
    snapshot: Snapshot, table: str, records: Sequence[str], columns: Sequence[str]
) -> Mapping[str, Cells]:
    """Return the cells of these records by id, without columns that the backup lacks."""
    described = snapshot.schema().table(table)
    if described is None or table not in snapshot.tables():
        return {}
    known = [name for name in columns if described.column(name) is not None]
    rows = snapshot.get(table, list(records), columns=known)
    cells = rows.select(known).to_pylist() if known else [{}] * rows.num_rows
    return dict(zip(rows["_u_id"].to_pylist(), cells, strict=True))
