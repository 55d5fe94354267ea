"""The choice of the tables to back up: all by default, a page of them at a time. Pure.

A page shows some of the tables. Those that it does not show stay as they are.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from unlost.app.actions.orgs.orgs import PreviewTable

PAGE = 100  # tables


@dataclass(frozen=True, slots=True)
class PickedTable:
    """A table in the list; ``picked``: it is backed up."""

    table: str
    label: str
    records: int | None
    bytes: int | None
    picked: bool


@dataclass(frozen=True, slots=True)
class TablePicker:
    """A page of the tables that a search finds, the largest first.

    ``shown`` begin with number ``start`` of the ``matches``. ``left_out`` counts those of all pages.
    """

    search: str
    start: int
    shown: tuple[PickedTable, ...]
    matches: int
    total: int
    left_out: int


def table_picker(
    tables: Iterable[PreviewTable],
    left_out: Collection[str],
    *,
    search: str = "",
    start: int = 0,
) -> TablePicker:
    """Return a page of the tables for a search in labels and names; the first one if it is empty."""
    known = {table.table: table for table in tables}
    unseen = [PreviewTable(name, name, None, None) for name in left_out if name not in known]
    every = [*known.values(), *unseen]
    words = search.casefold().split()
    matching = sorted((table for table in every if _matches(table, words)), key=_rank)
    start = start if start < len(matching) else 0
    shown = tuple(
        PickedTable(
            table.table, table.label, table.records, table.bytes, table.table not in left_out
        )
        for table in matching[start : start + PAGE]
    )
    return TablePicker(search, start, shown, len(matching), len(every), len(set(left_out)))


def left_out_after(
    left_out: Collection[str], *, shown: Collection[str], picked: Collection[str]
) -> Sequence[str]:
    """Return the tables that are left out after a page with the ``shown`` ones was sent."""
    unpicked = {name for name in shown if name not in picked}
    return sorted((set(left_out) - set(shown)) | unpicked)


def _matches(table: PreviewTable, words: Sequence[str]) -> bool:
    text = f"{table.label} {table.table}".casefold()
    return all(word in text for word in words)


def _rank(table: PreviewTable) -> tuple[int, str, str]:
    return (-(table.records or 0), table.label.casefold(), table.table)
