"""The record that survived a merge, as the versions of a merged record name it."""

from collections.abc import Sequence

from unlost.model.source.schema import Table
from unlost.model.vault.snapshot import Version


def merge_winner(versions: Sequence[Version], table: Table | None) -> str | None:
    """The record into which the org merged a deleted record; None if it merged it into none.

    ``versions``: oldest first; a list of deletions, which has no cells, may follow the deleted row.
    """
    column = table.merged_into_column if table is not None else None
    for version in reversed(versions):
        if column is None or version.op.alive:
            return None
        if version.cells:
            return version.cells.get(column) or None
    return None
