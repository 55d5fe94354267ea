"""The test of rows, of several tables at once, against a search query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa

from unlost.model.vault.snapshot import SearchMatch
from unlost.vault.format.cell_tokens import all_cells
from unlost.vault.format.tokens import Tokenizer
from unlost.vault.read.query import Cell, SearchQuery, match_of


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of a table with the columns of its tokenizer; ``label``: the column that names them."""

    rows: pa.Table
    tokenizer: Tokenizer
    label: str | None


@dataclass(frozen=True, slots=True)
class MatchingRow:
    """A row that matches: the numbers of its table and row, its best column, and how."""

    table: int
    row: int
    column: str
    match: SearchMatch


def matching_rows(query: SearchQuery, tables: Sequence[TableRows]) -> Iterator[MatchingRow]:
    """The rows of these tables that match, in their order."""
    if not tables:
        return
    # All tables at once: cutting a few cells costs as much as cutting hundreds.
    starts = [0]
    for table in tables:
        starts.append(starts[-1] + len(table.rows))
    cells = all_cells(
        [t.tokenizer.cells(t.rows).behind(at) for t, at in zip(tables, starts[:-1], strict=True)]
    )
    words, values = _by_cell(cells.words()), _by_row(cells.values())
    for number, (table, start) in enumerate(zip(tables, starts[:-1], strict=True)):
        for row in range(len(table.rows)):
            row_cells = [
                _cell(table, column, words.get((start + row, column), ()), whole, folded)
                for column, whole, folded in values.get(start + row, ())
            ]
            match = match_of(query, row_cells)
            if match is not None:
                yield MatchingRow(number, row, *match)


def _cell(table: TableRows, column: int, tokens: tuple[str, ...], whole: str, folded: str) -> Cell:
    name = table.tokenizer.columns[column]
    named, phone = name == table.label, name in table.tokenizer.phones
    return Cell(name, tokens, folded, whole, named=named, phone=phone)


def _by_cell(words: pl.DataFrame) -> Mapping[tuple[int, int], tuple[str, ...]]:
    tokens: dict[tuple[int, int], list[str]] = {}
    for row, column, token in words.iter_rows():
        tokens.setdefault((row, column), []).append(token)
    return {cell: tuple(some) for cell, some in tokens.items()}


def _by_row(values: pl.DataFrame) -> Mapping[int, list[tuple[int, str, str]]]:
    cells: dict[int, list[tuple[int, str, str]]] = {}
    for row, column, whole, folded in values.iter_rows():
        cells.setdefault(row, []).append((column, whole, folded))
    return cells
