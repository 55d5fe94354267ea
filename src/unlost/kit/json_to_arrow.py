"""JSON records as Arrow text columns, without losing a digit.

Numbers keep their text: a decoder hands floats over as text, and integers of any size are exact.
Strings are unescaped, booleans are ``true`` and ``false``, nested values stay JSON text.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from unlost.kit.http.body import cut


class ExactNumber(str):
    """A number with a fraction or an exponent, as the source wrote it."""

    __slots__ = ()


PLAIN = frozenset({str, type(None)})
_decoder = msgspec.json.Decoder(float_hook=ExactNumber)
_encoder = msgspec.json.Encoder()


def decode(body: bytes) -> Any:
    """The JSON value of a body; floats are ``ExactNumber``. Not JSON means cut: a TransientError."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise cut("it is not whole JSON") from error


def text_of(value: object) -> str | None:
    """The text of one decoded value."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    return _encoder.encode(_verbatim(value)).decode()


def _verbatim(value: object) -> object:
    """Nested values with their numbers as they came."""
    if isinstance(value, ExactNumber):
        return msgspec.Raw(value.encode())
    if isinstance(value, dict):
        return {key: _verbatim(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_verbatim(inner) for inner in value]
    return value


def batch_of(
    records: Sequence[Mapping[str, Any]], columns: Sequence[str], *, empty_is_null: bool = True
) -> pa.RecordBatch:
    """The records' ``columns`` as text; a column that a record lacks is null there.

    ``empty_is_null``: the source does not tell empty text from null.
    """
    arrays = [_column(records, name, empty_is_null=empty_is_null) for name in columns]
    schema = pa.schema([(name, pa.string()) for name in columns])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(records: Sequence[Mapping[str, Any]], name: str, *, empty_is_null: bool) -> pa.Array:
    values = [record.get(name) for record in records]
    kinds = set(map(type, values))
    if not kinds <= PLAIN:
        values = [text_of(value) for value in values]
    if empty_is_null and str in kinds:
        values = [value or None for value in values]
    return pa.array(values, type=pa.string())
