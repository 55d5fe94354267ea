r"""JSON records as Arrow text columns, without losing a digit.

A vault must return a value as the source wrote it, but JSON parsers turn ``1.10`` into the float
``1.1`` and round large numbers. Here a decoder returns floats as text, and integers of any size are
exact. Strings are unescaped, booleans become ``true`` and ``false``, nested values stay JSON text:

  {"Amount": 1.10, "Open": true, "Name": "A\u00e9", "Address": {"Lat": 52.50}}
  Amount "1.10"    Open "true"   Name "Aé"         Address '{"Lat":52.50}'

See docs/adr/0002.
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
    """Decode a body; floats are ``ExactNumber``. Raises TransientError for a body that is not JSON,
    which means that it was cut.
    """
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise cut("it is not complete JSON") from error


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

    ``empty_is_null``: the source does not distinguish empty text from null.
    """
    arrays = [_column(records, name, empty_is_null=empty_is_null) for name in columns]
    schema = pa.schema([(name, pa.string()) for name in columns])
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _column(records: Sequence[Mapping[str, Any]], name: str, *, empty_is_null: bool) -> pa.Array:
    values = [record.get(name) for record in records]
    kinds = set(map(type, values))
    # Most columns hold only text and null; they skip the conversion of each value.
    if not kinds <= PLAIN:
        values = [text_of(value) for value in values]
    if empty_is_null and str in kinds:
        values = [value or None for value in values]
    return pa.array(values, type=pa.string())
