r"""JSON records as Arrow text columns, without losing a digit.

A vault must return a value as the source wrote it, but JSON parsers turn ``1.10`` into the float
``1.1`` and round large numbers. Here a decoder returns floats as text, and integers of any size are
exact. Strings are unescaped, booleans become ``true`` and ``false``, nested values stay JSON text:

  {"Amount": 1.10, "Open": true, "Name": "A\u00e9", "Address": {"Lat": 52.50}}
  Amount "1.10"    Open "true"   Name "Aé"         Address '{"Lat":52.50}'

See docs/adr/0002.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pyarrow as pa

from unlost.kit.http.body import cut
from unlost.kit.http.limits import AnswerTooLarge
from unlost.kit.http.messages import HttpAnswer
from unlost.model.decoders import decoder_for
from unlost.model.errors import IntegrityError


class ExactNumber(str):
    """A number with a fraction or an exponent, as the source wrote it."""

    __slots__ = ()


class MalformedAnswer(IntegrityError):
    """Raised for an answer that is JSON, but not of its documented form.

    ``call`` names the call, such as ``GET /limits``.
    """

    def __init__(self, reason: str, *, call: str = "") -> None:
        reason = reason[:LONGEST_REASON]  # it may quote the answer
        super().__init__(
            "answer-malformed",
            "A response of the source does not have the documented form ({reason}).",
            next_step="Run the backup again. If the problem persists, check the proxies between "
            "this machine and the source, and report it to the vendor of the source.",
            reason=f"{call} → {reason}" if call else reason,
        )


LONGEST_REASON = 300  # characters
PLAIN = frozenset({str, type(None)})
# Python needs up to 170 bytes for a value, however few bytes it has in JSON. The largest pages of
# real orgs have a million values: 2,000 records of 500 columns.
MOST_VALUES = 1_200_000
SEPARATORS = (b",", b"{", b"[")
_SLICE = 256 << 10
_encoder = msgspec.json.Encoder()


def decode(body: bytes, kind: Any = Any, *, call: str = "") -> Any:
    """Decode a body into the type ``kind``; floats in untyped places are ``ExactNumber``.

    Raises TransientError for a body that is not JSON, which means that it was cut, MalformedAnswer
    if it does not fit the type, and AnswerTooLarge if it has too many values.
    """
    _check_values(body)
    try:
        return decoder_for(kind, float_hook=ExactNumber).decode(body)
    except msgspec.ValidationError as error:
        raise MalformedAnswer(str(error), call=call) from None
    except RecursionError:
        raise MalformedAnswer("it is nested too deeply", call=call) from None
    except ValueError as error:  # also numbers and texts that Python does not take
        raise cut("it is not complete JSON") from error


def read_as[T](kind: type[T]) -> Callable[[HttpAnswer], T]:
    """A reader of whole answers for ``HttpClient.send_for``; raises the errors of ``decode``."""

    def read(answer: HttpAnswer) -> T:
        value: T = decode(answer.body, kind, call=answer.call)
        return value

    return read


def fit[T](value: object, kind: type[T], *, call: str = "") -> T:
    """Convert a decoded value to a type; raises MalformedAnswer."""
    try:
        return decoder_for(kind).convert(value)
    except msgspec.ValidationError as error:
        raise MalformedAnswer(str(error), call=call) from None


def _check_values(body: bytes) -> None:
    if exceeds(body, SEPARATORS, MOST_VALUES):
        raise AnswerTooLarge(f"it has more than {MOST_VALUES:,} values")


def exceeds(body: bytes, marks: Sequence[bytes], most: int) -> bool:
    """True if a body has more than ``most`` of these marks outside of its texts."""
    return _count(body, marks) > most and _count_outside_texts(body, marks) > most


def _count(body: bytes, marks: Sequence[bytes]) -> int:
    return sum(map(body.count, marks))


def _count_outside_texts(body: bytes, marks: Sequence[bytes]) -> int:
    """Count in slices, because the parts of a whole body would take more memory than its values."""
    plain = body.replace(b"\\\\", b"").replace(b'\\"', b"")
    count, inside = 0, 0
    for start in range(0, len(plain), _SLICE):
        parts = plain[start : start + _SLICE].split(b'"')
        count += _count(b"".join(parts[inside::2]), marks)
        inside = (inside + len(parts) - 1) % 2
    return count


def text_of(value: object) -> str | None:
    """The text of one decoded value."""
    if value is None or isinstance(value, str):
        return None if value is None else str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    try:
        return _encoder.encode(_verbatim(value)).decode()
    except RecursionError:
        raise MalformedAnswer("a value is nested too deeply") from None


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

    An empty text becomes null, too: most sources do not distinguish them. Pass
    ``empty_is_null=False`` for a source that does.
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
