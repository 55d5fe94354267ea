"""Lists of records in JSON as Arrow text columns, without a Python value for each cell.

For sources that write every value as text, or as a pair of a text and the text that people read:

  {"result": [{"state": "1"}]}
  {"result": [{"state": {"value": "1", "display_value": "New"}}]}

Arrow's own parser reads such a body straight into columns. A body with values of other forms, such
as numbers, is decoded by ``json_to_arrow``, which loses no digit, and takes several times as long.
Both ways give the same columns.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

from unlost.kit.http.limits import AnswerTooLarge
from unlost.kit.json_to_arrow import MalformedAnswer, batch_of, decode, exceeds

VALUE, DISPLAY = "value", "display_value"
_TEXT = pa.string()
_PAIR = pa.struct([(VALUE, _TEXT), (DISPLAY, _TEXT)])
# An object needs a cell in each column, however few bytes it has in JSON, and a cell needs up to
# eight bytes. An honest page of 10,000 records with 60 pairs has 37 million.
MOST_CELLS = 40_000_000


@dataclass(frozen=True, slots=True)
class DisplayedBatch:
    """Records twice, with the same columns: their values, and the texts that people read."""

    values: pa.RecordBatch
    displays: pa.RecordBatch


def listed_batch(
    body: bytes,
    columns: Sequence[str],
    *,
    inside: str = "result",
    empty_is_null: bool = True,
    call: str = "",
) -> pa.RecordBatch:
    """The ``columns`` of the records in the list ``inside`` a body, as text.

    A column that a record lacks is null there. An empty text becomes null, too: most sources do not
    distinguish them. Pass ``empty_is_null=False`` for a source that does. Raises TransientError
    (``body-cut``), MalformedAnswer, AnswerTooLarge.
    """
    records = _parsed(body, columns, inside, _TEXT)
    if records is None:
        return batch_of(_decoded(body, inside, call), columns, empty_is_null=empty_is_null)
    return _batch(records.flatten(), columns, empty_is_null=empty_is_null)


def empty_as_null(cells: pa.RecordBatch) -> pa.RecordBatch:
    """The same text columns with a null for each empty text."""
    arrays = [pc.if_else(pc.equal(texts, ""), pa.scalar(None, _TEXT), texts) for texts in cells]
    return pa.RecordBatch.from_arrays(arrays, schema=cells.schema)


def displayed_batch(
    body: bytes,
    columns: Sequence[str],
    *,
    inside: str = "result",
    empty_is_null: bool = True,
    call: str = "",
) -> DisplayedBatch:
    """As ``listed_batch``, for cells that are pairs; a cell without a pair is both of its texts."""
    records = _parsed(body, columns, inside, _PAIR)
    if records is None:
        decoded = _decoded(body, inside, call)
        return DisplayedBatch(
            batch_of(_members(decoded, VALUE), columns, empty_is_null=empty_is_null),
            batch_of(_members(decoded, DISPLAY), columns, empty_is_null=empty_is_null),
        )
    pairs = [pair.flatten() for pair in records.flatten()]
    return DisplayedBatch(
        _batch([value for value, _ in pairs], columns, empty_is_null=empty_is_null),
        _batch([display for _, display in pairs], columns, empty_is_null=empty_is_null),
    )


def _parsed(
    body: bytes, columns: Sequence[str], inside: str, cell: pa.DataType
) -> pa.StructArray | None:
    """The records as Arrow's parser reads them; None if it cannot, or not surely all of them."""
    if exceeds(body, (b"{",), MOST_CELLS // max(1, len(columns))):
        raise AnswerTooLarge(f"it has more than {MOST_CELLS:,} cells")
    record = pa.struct([(name, cell) for name in columns])
    options = arrow_json.ParseOptions(
        explicit_schema=pa.schema([(inside, pa.list_(record))]),
        newlines_in_values=True,
        unexpected_field_behavior="ignore",
    )
    whole = arrow_json.ReadOptions(use_threads=False, block_size=len(body) + 1)
    try:
        table = arrow_json.read_json(io.BytesIO(body), read_options=whole, parse_options=options)
        table.validate(full=True)  # the parser takes bytes that are no UTF-8
    except pa.ArrowInvalid:
        return None
    lists = table.column(inside)
    if len(lists) != 1 or lists.null_count:
        return None
    records = lists.chunk(0).flatten()
    return None if records.null_count else records


def _batch(
    arrays: Sequence[pa.Array], columns: Sequence[str], *, empty_is_null: bool
) -> pa.RecordBatch:
    schema = pa.schema([(name, _TEXT) for name in columns])
    batch = pa.RecordBatch.from_arrays(list(arrays), schema=schema)
    return empty_as_null(batch) if empty_is_null else batch


def _decoded(body: bytes, inside: str, call: str) -> list[Mapping[str, Any]]:
    document = decode(body, call=call)
    records = document.get(inside) if isinstance(document, dict) else None
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise MalformedAnswer(f"it has no list of records in “{inside}”", call=call)
    return records


def _members(records: Sequence[Mapping[str, Any]], member: str) -> list[Mapping[str, Any]]:
    return [
        {
            name: cell.get(member) if isinstance(cell, dict) else cell
            for name, cell in record.items()
        }
        for record in records
    ]
