"""Checks of the rows and the references of files that a source delivers."""

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.images import is_image, text_column
from unlost.model.source.reading import FileRef, Op, Page, Rows
from unlost.model.source.schema import FileColumn, Table, WireKind
from unlost.testing.cells import page_cells

INSTANT = pa.timestamp("ms", tz="UTC")


def check_rows(table: Table, rows: Rows) -> None:
    """Assert promised types, equal lengths, and text cells named after table columns."""
    length = len(rows)
    arrays = (rows.ids, rows.ops, rows.modified_at, rows.modified_by)
    assert [len(array) for array in arrays] == [length] * 4
    kinds = [array.type for array in arrays]
    assert kinds == [pa.string(), pa.string(), INSTANT, pa.string()]
    assert rows.ids.null_count == rows.ops.null_count == 0
    assert rows.observed_at.utcoffset() is not None
    assert set(pc.unique(rows.ops).to_pylist()) <= {op.value for op in Op}
    if rows.cells is None:
        assert set(pc.unique(rows.ops).to_pylist()) <= {Op.PURGED.value, Op.MISSING.value}
        return
    assert rows.cells.num_rows == length
    assert all(kind == pa.string() for kind in rows.cells.schema.types)
    assert set(rows.cells.schema.names) <= text_columns(table)


def text_columns(table: Table) -> set[str]:
    """The columns that have cells."""
    return {column.name for column in table.columns if column.kind is not WireKind.BINARY}


def check_read(rows: Rows, column: str | None, values: pa.Array) -> None:
    """Assert that each row with a cell in this column has one of the values made of it.

    A text that is not understood becomes null, and the time of a change would be lost silently.
    """
    if rows.cells is None or column not in rows.cells.schema.names:
        return
    cells = rows.cells.column(column)
    unread = cells.filter(pc.and_(pc.is_valid(cells), pc.is_null(values)))
    assert not len(unread), f"{column}: {unread[0]} was not understood"


def check_references(table: Table, rows: Rows, refs: Iterable[FileRef]) -> None:
    """Assert that references name records and columns of files, and that no file is missing."""
    columns = {file.column for file in table.files}
    by_column: dict[str, set[str]] = {column: set() for column in columns}
    for ref in refs:
        assert ref.table == table.name, ref
        if is_image(ref.column):
            assert text_column(ref.column) in table.image_columns, ref
        else:
            assert ref.column in columns, ref
            by_column[ref.column].add(ref.record)
    every = set(rows.ids.to_pylist())
    assert set().union(*by_column.values()) <= every, table.name
    for file in table.files:
        missing = records_with_bytes(rows, file) - by_column[file.column]
        assert not missing, f"{table.name}.{file.column}: {sorted(missing)} have no reference"


def records_with_bytes(rows: Rows, file: FileColumn) -> set[str]:
    """The live records whose size says that their file has bytes."""
    if rows.cells is None or file.size_column is None:
        return set()
    sizes = rows.cells.column(file.size_column).to_pylist()
    ids_and_ops = zip(rows.ids.to_pylist(), rows.ops.to_pylist(), strict=True)
    return {
        record
        for (record, op), size in zip(ids_and_ops, sizes, strict=True)
        if Op(op).alive and float(size or 0) > 0
    }


def check_same_cells(table: Table, pages: list[Page], again: list[Page]) -> None:
    """Assert that records have the same cells in a full read and in a read by their ids."""
    whole = page_cells(table, pages)
    for record, cells in page_cells(table, again).items():
        expected = whole.get(record, cells)
        different = [name for name, text in cells.items() if text != expected.get(name)]
        assert cells == expected, f"{table.name}: {record} differs in {different}"
