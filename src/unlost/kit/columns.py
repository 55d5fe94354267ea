"""Operations on whole text columns, never cell by cell: instants and flags."""

import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("ms", tz="UTC")
# ISO 8601 with a zone, as ``Z`` or an offset with or without colon
_READABLE = r"^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,3})?)?(Z|[+-]\d\d(:?\d\d)?)$"


def instants(texts: pa.Array) -> pa.Array:
    """Convert texts to timestamp[ms, UTC]; a text that is no instant with a zone becomes null."""
    try:
        return texts.cast(INSTANT)
    except pa.ArrowInvalid:
        # The cast fails as a whole for one bad cell; only then is each cell matched against a
        # pattern.
        return _readable(texts).cast(INSTANT)


def _readable(texts: pa.Array) -> pa.Array:
    fits = pc.match_substring_regex(texts, _READABLE)
    return pc.if_else(fits, texts, pa.scalar(None, pa.string()))


def nulls(length: int, kind: pa.DataType) -> pa.Array:
    """A column of nulls."""
    return pa.nulls(length, kind)


def column_or_null(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    """A text column by name; a column of nulls where it does not exist."""
    index = batch.schema.get_field_index(name) if name else -1
    return batch.column(index) if index >= 0 else pa.nulls(batch.num_rows, pa.string())
