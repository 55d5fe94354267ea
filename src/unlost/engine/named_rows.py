"""The records that columns of references name, for many rows at a time: no record is looped over.

``model.named_records`` has the rules, and the same for one cell. Pure. See docs/adr/0067.
"""

from collections.abc import Callable, Mapping

import polars as pl
import pyarrow as pa

from unlost.model.named_records import tables_named
from unlost.model.source.schema import Column, Reference

AT, TABLE, TEXT, RECORD = "at", "table", "text", "record"
TARGETS = {TABLE: pl.String, TEXT: pl.String, RECORD: pl.String}
"""Records that may be named: their tables, the texts that name them, and their ids."""

_NAMED = "named"


def names_in(rows: pa.Table | pl.DataFrame, column: Column) -> pl.DataFrame:
    """Return the names in a column: the row ``at``, the ``text``, and the ``table`` if it is named.

    ``rows``: with the column that names the table, if the user may see it.
    """
    reference = column.reference
    assert reference is not None
    read = (column.name, reference.table_column or "")
    present = [name for name in read if name in _columns(rows)]
    frame = _frame(rows, present)
    named = pl.col(reference.table_column or "").replace("", None)
    names = frame.select(
        pl.int_range(pl.len(), dtype=pl.UInt32).alias(AT),
        (named if reference.table_column in present else pl.lit(None, pl.String)).alias(TABLE),
        pl.col(column.name).alias(TEXT),
    )
    if reference.separator is not None:
        names = names.with_columns(pl.col(TEXT).str.split(reference.separator)).explode(TEXT)
    return names.filter(pl.col(TEXT).is_not_null() & (pl.col(TEXT) != ""))


def naming_rows(
    rows: pa.Table | pl.DataFrame, column: Column, targets: pl.DataFrame
) -> pl.DataFrame:
    """Return the pairs of rows and ``targets`` that they name: ``at``, ``table`` and ``record``.

    ``targets`` have the columns of ``TARGETS``.
    """
    reference = column.reference
    assert reference is not None
    names = names_in(rows, column).rename({TABLE: _NAMED})
    pairs = names.join(targets, on=TEXT, maintain_order="left")
    within = pl.col(TABLE).is_in(list(reference.tables))
    if reference.table_column is not None:
        within = pl.when(pl.col(_NAMED).is_null()).then(within).otherwise(_stands_for(reference))
    return pairs.filter(within).select(AT, TABLE, RECORD)


def tables_and_texts(
    rows: pa.Table | pl.DataFrame, column: Column
) -> Mapping[tuple[str, ...], frozenset[str]]:
    """Return the different texts of a column, by the tables in which their records may be."""
    reference = column.reference
    assert reference is not None
    by_tables: dict[tuple[str, ...], frozenset[str]] = {}
    names = names_in(rows, column).select(TABLE, TEXT).unique()
    for (name,), part in names.group_by(TABLE):
        tables = tables_named(reference, str(name) if name is not None else None)
        by_tables[tables] = by_tables.get(tables, frozenset()) | frozenset(part[TEXT])
    return by_tables


def with_cells(
    rows: pa.Table, column: Column, cell: Callable[[Mapping[str, str | None]], str | None]
) -> pa.Array:
    """Return the column with each cell replaced; ``cell`` is called once for equal rows.

    It gets the cell, and the name of the table if the row has it.
    """
    reference = column.reference
    assert reference is not None
    names = [column.name]
    if reference.table_column in rows.column_names:
        names.append(reference.table_column or "")
    frame = _frame(rows, names)
    different = frame.unique(names, maintain_order=True)
    new = pl.Series("new", [cell(row) for row in different.to_dicts()], dtype=pl.String)
    replaced = frame.join(
        different.with_columns(new), on=names, how="left", nulls_equal=True, maintain_order="left"
    )
    return replaced["new"].to_arrow().cast(pa.string())


def by_id(table: str, ids: pa.Array | pl.Series) -> pl.DataFrame:
    """Return records as targets that are named by their ids."""
    texts = pl.Series(ids).cast(pl.String)
    return pl.DataFrame({TEXT: texts, RECORD: texts}).select(
        pl.lit(table, pl.String).alias(TABLE), TEXT, RECORD
    )


def _stands_for(reference: Reference) -> pl.Expr:
    """True where the named table, or its family, has the table of the target."""
    inside = pl.col(_NAMED) == pl.col(TABLE)
    for family in reference.families:
        is_family = pl.col(_NAMED) == family.name
        inside = pl.when(is_family).then(pl.col(TABLE).is_in(family.tables)).otherwise(inside)
    return inside


def _columns(rows: pa.Table | pl.DataFrame) -> list[str]:
    names: list[str] = rows.columns if isinstance(rows, pl.DataFrame) else rows.column_names
    return names


def _frame(rows: pa.Table | pl.DataFrame, names: list[str]) -> pl.DataFrame:
    frame = rows if isinstance(rows, pl.DataFrame) else pl.from_arrow(rows.select(names))
    assert isinstance(frame, pl.DataFrame)
    return frame.select(pl.col(name).cast(pl.String) for name in names)
