"""Cells of records in a form that can be compared, and texts that careless code damages."""

import re
from collections.abc import Iterable, Mapping

import polars as pl

from unlost.model.source.reading import Page, Rows
from unlost.model.source.schema import ColumnTrait, Table, WireKind
from unlost.vault.format.canonical import canonical

type Cells = Mapping[str, str | None]

NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
# ``{}`` is replaced by a name, so that each text is in one record. Queries, forms, CSV files and
# spreadsheets give a meaning to these characters.
AWKWARD = (
    "^OR{}",
    "{}, or another",
    "{} 'single' \"double\" \\ back",
    "javascript:{}",
    "=1+1 {}",
    " {} ",
    "{}\nnext line",
    "{} \N{DUCK} Straße 日本",
    "{} <b>&amp; 100 % _ *",
    "{} case",
    "{} CASE",
)


def steady_columns(table: Table) -> list[str]:
    """The columns with cells that change only if a record changes."""
    return [
        column.name
        for column in table.columns
        if column.kind is not WireKind.BINARY and not column.has(ColumnTrait.VOLATILE)
    ]


def cells_by_id(table: Table, parts: Iterable[Rows]) -> dict[str, Cells]:
    """The steady cells of each record; equal texts mean the same, however they were read.

    A source may write a value differently in a job and in a query.
    """
    records: dict[str, Cells] = {}
    for rows in parts:
        if rows.cells is not None:
            columns = [name for name in steady_columns(table) if name in rows.cells.schema.names]
            texts = [_canonical(table, rows, name) for name in columns]
            for at, record in enumerate(rows.ids.to_pylist()):
                records[record] = {
                    name: text[at] for name, text in zip(columns, texts, strict=True)
                }
    return records


def page_cells(table: Table, pages: Iterable[Page]) -> dict[str, Cells]:
    """``cells_by_id`` of the rows of pages."""
    return cells_by_id(table, (page.rows for page in pages))


def _canonical(table: Table, rows: Rows, name: str) -> list[str | None]:
    column = table.column(name)
    assert column is not None
    assert rows.cells is not None
    plain = pl.Series(name, rows.cells.column(name).to_pylist(), pl.String)
    texts = canonical(plain, column.kind).to_list()
    return [_sure(text) for text in texts] if column.kind is WireKind.DECIMAL else texts


def _sure(text: str | None) -> str | None:
    """A number with the digits that survive in a binary fraction, which servers write in two ways."""
    return f"{float(text):.15g}" if text is not None and NUMBER.fullmatch(text) else text
