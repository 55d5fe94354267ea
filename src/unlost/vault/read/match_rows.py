"""The test of rows, of several tables at once, against a search query.

A few cells are cut one by one: importing Polars, and preparing its patterns, takes longer.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa

from unlost.model.vault.snapshot import SearchMatch
from unlost.vault.format.words.phone_query import dialed_of, national_of
from unlost.vault.format.words.plain_fold import compact, finished, folded, is_known
from unlost.vault.format.words.plain_tokens import phone_tokens
from unlost.vault.format.words.tokens import FEW_CELLS, PlainCut, Tokenizer
from unlost.vault.read.query import Cell, SearchQuery, match_of

if TYPE_CHECKING:
    import polars as pl

FEW_AT_FIRST = 4_000  # cells that are cut one by one as long as Polars is not imported


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
    starts = [0]
    for table in tables:
        starts.append(starts[-1] + len(table.rows))
    count = sum(len(table.rows) * len(table.tokenizer.searched) for table in tables)
    few = FEW_CELLS if "polars" in sys.modules else FEW_AT_FIRST
    cells = _few(tables, starts) if count <= few else None
    words, values = cells.parts() if cells is not None else _many(tables, starts)
    for number, (table, start) in enumerate(zip(tables, starts[:-1], strict=True)):
        for row in range(len(table.rows)):
            row_cells = [
                _cell(table, column, words.get((start + row, column), ()), whole, text)
                for column, whole, text in values.get(start + row, ())
            ]
            match = match_of(query, row_cells)
            if match is not None:
                yield MatchingRow(number, row, *match)


def _cell(table: TableRows, column: int, tokens: tuple[str, ...], whole: str, folded: str) -> Cell:
    name = table.tokenizer.columns[column]
    named, phone = name == table.label, name in table.tokenizer.phones
    return Cell(name, tokens, folded, whole, named=named, phone=phone)


type _Words = Mapping[tuple[int, int], tuple[str, ...]]
type _Values = Mapping[int, list[tuple[int, str, str]]]


def _many(tables: Sequence[TableRows], starts: Sequence[int]) -> tuple[_Words, _Values]:
    """Cut the cells of all tables at once: cutting a few of them costs as much as hundreds."""
    from unlost.vault.format.words.cell_tokens import all_cells

    cells = all_cells(
        [t.tokenizer.cells(t.rows).behind(at) for t, at in zip(tables, starts[:-1], strict=True)]
    )
    return _by_cell(cells.words()), _by_row(cells.values())


@dataclass(slots=True)
class _FewCells:
    """Cells that are cut one by one, as ``cell_tokens`` cuts them."""

    words: dict[tuple[int, int], tuple[str, ...]] = field(default_factory=dict)
    texts: dict[int, list[tuple[bool, int, str, str]]] = field(default_factory=dict)
    phones: dict[int, list[tuple[bool, int, str, str]]] = field(default_factory=dict)

    def add(self, row: int, column: int, text: str, cut: PlainCut) -> None:
        """Cut a cell."""
        plain = folded(text)
        self.words[row, column] = tuple(cut(plain))
        if cut is phone_tokens:
            value = (not text.isascii(), column, national_of(plain), dialed_of(plain))
            self.phones.setdefault(row, []).append(value)
        else:
            value = (not text.isascii(), column, finished(compact(plain)), plain)
            self.texts.setdefault(row, []).append(value)

    def parts(self) -> tuple[_Words, _Values]:
        """The tokens by cell, and the values by row: of several that match as well, the first counts."""
        values = {
            row: [
                value[1:]
                for kind in (self.texts, self.phones)
                for value in sorted(kind.get(row, ()), key=_is_other)
            ]
            for row in {*self.texts, *self.phones}
        }
        return self.words, values


def _is_other(value: tuple[bool, int, str, str]) -> bool:
    return value[0]


def _few(tables: Sequence[TableRows], starts: Sequence[int]) -> _FewCells | None:
    """Cut cells one by one; None if one has characters that Python does not know."""
    cells = _FewCells()
    for table, start in zip(tables, starts[:-1], strict=True):
        tokenizer = table.tokenizer
        places = {name: number for number, name in enumerate(tokenizer.columns)}
        for name, cut in tokenizer.plain_cuts:
            for row, text in enumerate(table.rows.column(name).to_pylist()):
                if text is not None and not is_known(text):
                    return None
                if text is not None:
                    cells.add(start + row, places[name], text, cut)
    return cells


def _by_cell(words: "pl.DataFrame") -> Mapping[tuple[int, int], tuple[str, ...]]:
    tokens: dict[tuple[int, int], list[str]] = {}
    for row, column, token in words.iter_rows():
        tokens.setdefault((row, column), []).append(token)
    return {cell: tuple(some) for cell, some in tokens.items()}


def _by_row(values: "pl.DataFrame") -> Mapping[int, list[tuple[int, str, str]]]:
    cells: dict[int, list[tuple[int, str, str]]] = {}
    for row, column, whole, text in values.iter_rows():
        cells.setdefault(row, []).append((column, whole, text))
    return cells
