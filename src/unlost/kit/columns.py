"""Operations on whole text columns, never cell by cell: instants and flags."""

from enum import StrEnum

import pyarrow as pa
import pyarrow.compute as pc

INSTANT = pa.timestamp("ms", tz="UTC")
_WITHOUT = pa.timestamp("ms")
_DATE_LENGTH = len("2026-11-27")

# The days of a calendar, so that the cast of the texts that fit never fails.
_LEAP_YEAR = r"(?:\d\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)"
_DAY = (
    r"(?:\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])"
    r"|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|1\d|2[0-8]))"
    rf"|{_LEAP_YEAR}-02-29)"
)
_MINUTE = r"[T ](?:[01]\d|2[0-3])(?::[0-5]\d(?::[0-5]\d"
_FRACTION = r"(?:\.\d+)?"
_ZONE = r"(?:Z|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)"
# ISO 8601 with a zone, as ``Z`` or an offset with or without colon; any number of digits of a second.
_WITH_ZONE = rf"\A{_DAY}{_MINUTE}{_FRACTION})?)?{_ZONE}\z"
_WITHOUT_ZONE = rf"\A{_DAY}{_MINUTE}{_FRACTION})?)?\z"
_FINER_DIGITS = r"(\.\d{3})\d+"


class Zoneless(StrEnum):
    """The meaning of a text with a date and a time, but without a zone."""

    UNKNOWN = "unknown"  # becomes null
    UTC = "utc"


def instants(texts: pa.Array, *, zoneless: Zoneless = Zoneless.UNKNOWN) -> pa.Array:
    """Convert texts to timestamp[ms, UTC]; a text that is no instant becomes null.

    Digits beyond the milliseconds are cut off. ``zoneless``: the source writes UTC without a zone,
    such as ``2026-11-27 12:48:41``.
    """
    # A cast fails as a whole for one cell of another form; only then is each cell matched against
    # a pattern, which takes a hundred times as long.
    for kind in _kinds(texts, zoneless):
        try:
            return texts.cast(kind).cast(INSTANT)
        except pa.ArrowInvalid:
            continue
    return _readable(texts, zoneless).cast(INSTANT)


def _kinds(texts: pa.Array, zoneless: Zoneless) -> tuple[pa.DataType, ...]:
    """The types of instants to which all texts may be cast at once."""
    # Without a zone, the cast takes a date alone for midnight.
    shortest = pc.min(pc.utf8_length(texts)).as_py() or 0
    if zoneless is Zoneless.UTC and shortest > _DATE_LENGTH:
        return (_WITHOUT, INSTANT)
    return (INSTANT,)


def _readable(texts: pa.Array, zoneless: Zoneless) -> pa.Array:
    """The texts in the form that the cast reads; null for those that are no instants."""
    readable = _or_null(texts, pc.match_substring_regex(texts, _WITH_ZONE))
    if zoneless is Zoneless.UTC:
        without = _or_null(texts, pc.match_substring_regex(texts, _WITHOUT_ZONE))
        readable = pc.coalesce(readable, pc.binary_join_element_wise(without, "Z", ""))
    return pc.replace_substring_regex(readable, _FINER_DIGITS, r"\1")


def _or_null(texts: pa.Array, fits: pa.Array) -> pa.Array:
    return pc.if_else(fits, texts, pa.scalar(None, pa.string()))


def nulls(length: int, kind: pa.DataType) -> pa.Array:
    """A column of nulls."""
    return pa.nulls(length, kind)


def column_or_null(batch: pa.RecordBatch, name: str | None) -> pa.Array:
    """A text column by name; a column of nulls where it does not exist."""
    index = batch.schema.get_field_index(name) if name else -1
    return batch.column(index) if index >= 0 else pa.nulls(batch.num_rows, pa.string())
