"""Rows as texts: CSV and lines of JSON, exact to the last digit."""

from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

# Texts that spreadsheets run as a formula (owasp.org, "CSV Injection"; ASVS 1.2.10): the four signs,
# the same in full width and as small forms, and white space that some skip before them.
_FORMULA = (
    r"^[=+\-@\x{FF1D}\x{FF0B}\x{FF0D}\x{FF20}\x{FE66}\x{FE62}\x{FE63}\x{FE6B}"
    r"\x{00}\t\n\v\f\r\x{85}\x{2028}\x{2029}]"
)
_SIMPLE = (
    pa.types.is_integer,
    pa.types.is_floating,
    pa.types.is_boolean,
    pa.types.is_date,
    pa.types.is_timestamp,
)


def plain(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Convert decimals, and values that a text file has no form for, to text."""
    columns = [_plain(column) for column in rows.columns]
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names)


def _plain(column: pa.Array) -> pa.Array:
    kind = column.type
    if pa.types.is_string(kind) or any(simple(kind) for simple in _SIMPLE):
        return column
    if pa.types.is_decimal(kind):
        return _digits(column)
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_null(kind):
        return column.cast(pa.string())
    return pa.array(
        [None if cell is None else _text(cell) for cell in column.to_pylist()], pa.string()
    )


def _digits(column: pa.Array) -> pa.Array:
    """Decimals without trailing zeros."""
    return pa.array(
        [None if cell is None else _number(cell) for cell in column.to_pylist()], pa.string()
    )


def _number(value: Any) -> str:
    digits = f"{value:f}"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def _text(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value, enc_hook=str).decode()


def for_people(rows: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    """Rows for a spreadsheet, and the number of changed cells.

    A text that a spreadsheet would run as a formula gets an apostrophe before it.
    """
    columns, changed = [], 0
    for column in rows.columns:
        if not pa.types.is_string(column.type):
            columns.append(column)
            continue
        formulas = pc.fill_null(pc.match_substring_regex(column, _FORMULA), fill_value=False)
        count = formulas.true_count
        changed += count
        binary_join_element_wise = pc.binary_join_element_wise("'", column, "") if count else column
        columns.append(pc.if_else(formulas, binary_join_element_wise, column) if count else column)
    return pa.RecordBatch.from_arrays(columns, names=rows.schema.names), changed


def write_csv(rows: Iterable[pa.RecordBatch], schema: pa.Schema, out: BinaryIO, *, people: bool) -> int:  # fmt: skip
    """Write rows as CSV in UTF-8, with texts in quotes, so that "" and null (nothing) differ.

    Returns the number of cells changed because of ``people``.
    """
    schema_row = plain(pa.RecordBatch.from_pylist([], schema=schema)).schema
    if people:
        schema_row = _for_people_to_read(schema_row)
    changed = 0
    with pacsv.CSVWriter(out, schema_row) as writer:
        for batch in rows:
            texts = plain(batch)
            if people:
                texts, count = for_people(texts)
                changed += count
            writer.write_batch(texts.rename_columns(schema_row.names).cast(schema_row))
    return changed


def csv_pieces(rows: Iterable[pa.RecordBatch], schema: pa.Schema) -> Iterator[bytes]:
    """Yield CSV for people, as ``write_csv`` writes it, a batch at a time."""
    schema_row = _for_people_to_read(plain(pa.RecordBatch.from_pylist([], schema=schema)).schema)
    buffer = BytesIO()
    with pacsv.CSVWriter(buffer, schema_row) as writer:
        for batch in rows:
            texts, _ = for_people(plain(batch))
            writer.write_batch(texts.rename_columns(schema_row.names).cast(schema_row))
            yield _taken(buffer)
    yield _taken(buffer)


def line_pieces(rows: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """Yield JSON, as ``write_lines`` writes it, a batch at a time."""
    for batch in rows:
        buffer = BytesIO()
        write_lines([batch], buffer)
        yield buffer.getvalue()


def _taken(buffer: BytesIO) -> bytes:
    """Return what was written to a buffer, and empty it."""
    piece = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return piece


def _for_people_to_read(schema: pa.Schema) -> pa.Schema:
    """The schema with column names that no spreadsheet runs: the org chose them, too."""
    names = pa.RecordBatch.from_arrays([pa.array(schema.names, pa.string())], names=["name"])
    safe, _ = for_people(names)
    fields = zip(schema, safe.column(0).to_pylist(), strict=True)
    return pa.schema([field.with_name(name) for field, name in fields])


def write_lines(rows: Iterable[pa.RecordBatch], out: BinaryIO) -> None:
    """Write rows as JSON, one object a line; decimals are strings, so no reader rounds them."""
    encoder = msgspec.json.Encoder()
    for batch in rows:
        out.writelines(encoder.encode(row) + b"\n" for row in plain(batch).to_pylist())


def write_parquet(rows: Iterable[pa.RecordBatch], schema: pa.Schema, out: BinaryIO) -> None:
    """Write rows as Parquet."""
    with pq.ParquetWriter(out, schema, compression="zstd") as writer:
        for batch in rows:
            writer.write_batch(batch)
