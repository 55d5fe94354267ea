"""What is computed over whole text columns: instants and flags, never cell by cell."""

import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("ms", tz="UTC")
# ISO 8601 with a zone, as ``Z`` or an offset with or without colon
_READABLE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d(:?\d\d)?)$"


def instants(texts: pa.Array) -> pa.Array:
    """Texts as timestamp[ms, UTC]; what is no instant with a zone is null."""
    try:
        return texts.cast(INSTANT)
    except pa.ArrowInvalid:
        return _readable(texts).cast(INSTANT)


def _readable(texts: pa.Array) -> pa.Array:
    fits = pc.match_substring_regex(texts, _READABLE)
    return pc.if_else(fits, texts, pa.scalar(None, pa.string()))


def nulls(length: int, kind: pa.DataType) -> pa.Array:
    """A column of nothing."""
    return pa.nulls(length, kind)


def column_or_null(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    """A text column by name; nulls where there is no such column."""
    index = batch.schema.get_field_index(name) if name else -1
    return batch.column(index) if index >= 0 else pa.nulls(batch.num_rows, pa.string())
