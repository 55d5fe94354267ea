"""Decide whether two texts mean the same value. Cells are verbatim, so the column's kind decides.

One API writes ``10000000.00`` and ``…000Z``, another ``1.0E7`` and ``…000+0000``: the same number,
the same instant, no change. The vault's row hash follows the same rules (see its page on canonical
text); digits that only come from a binary fraction are removed before it, by
``unlost.engine.numbers``.
"""

import re
from datetime import UTC, datetime
from decimal import Context, Decimal

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.numbers import SURE_DIGITS, is_number, without_binary_digits
from unlost.model.source.schema import WireKind

NUMBERS = (WireKind.DECIMAL, WireKind.INTEGER)
FREE_FORM = frozenset({
    *NUMBERS, WireKind.INSTANT, WireKind.BOOLEAN, WireKind.DATE, WireKind.TIME,
})  # fmt: skip
_EXACT = Context(prec=10_000)  # digits: no text is cut
_MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0*)?(?:Z|\+00:?00)?")
_TIME = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,3})[0-9]*)?[zZ]?")


def canonical(kind: WireKind, text: str) -> str:
    """The canonical text of a value of this kind; a text that cannot be parsed stays as it is."""
    match kind:
        case WireKind.DECIMAL:
            return _number(_without_binary_digits(text))
        case WireKind.INTEGER:
            return _number(text)
        case WireKind.INSTANT:
            return _instant(text)
        case WireKind.DATE:
            midnight = _MIDNIGHT.fullmatch(text)
            return midnight[1] if midnight else text
        case WireKind.TIME:
            time = _TIME.fullmatch(text)
            return f"{time[1]}.{time[2] or '':0<3}Z" if time else text
        case _:
            return text.lower() if kind is WireKind.BOOLEAN else text


def same(kind: WireKind, old: str | None, other: str | None) -> bool:
    """True if both mean the same value; null only equals null."""
    if old is None or other is None:
        return old is other
    return old == other or canonical(kind, old) == canonical(kind, other)


def differs(kind: WireKind, old: pa.Array, new: pa.Array) -> pa.BooleanArray:
    """For two columns of equal length: a mask of rows with different values, including nulls."""
    raw = unequal(old, new)
    if kind not in FREE_FORM or not pc.any(raw).as_py():
        return raw
    plain = [_canonical_array(kind, array, raw) for array in (old, new)]
    return pc.and_(raw, unequal(*plain))


def unequal(old: pa.Array, new: pa.Array) -> pa.BooleanArray:
    """For two columns of equal length: a mask of rows with different texts, including nulls."""
    unequal = pc.fill_null(pc.not_equal(old, new), fill_value=False)
    return pc.or_(unequal, pc.xor(pc.is_null(old), pc.is_null(new)))


def _canonical_array(kind: WireKind, array: pa.Array, where: pa.BooleanArray) -> pa.Array:
    """The array with canonical texts ``where`` set: one call for each distinct text there."""
    texts = pc.if_else(where, array, pa.scalar(None, pa.string())).dictionary_encode()
    plain = [canonical(kind, text) for text in texts.dictionary.to_pylist()]
    return pa.array(plain, pa.string()).take(texts.indices)


def _without_binary_digits(text: str) -> str:
    if len(text) <= SURE_DIGITS + 1:
        return text
    shortened: str = without_binary_digits(pa.array([text], pa.string()))[0].as_py()
    return shortened


def _number(text: str) -> str:
    if not is_number(text):
        return text
    value = Decimal(text)
    return "0" if value == 0 else str(value.normalize(_EXACT))


def _instant(text: str) -> str:
    try:
        return instant(text).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError):
        return text


def instant(text: str) -> datetime:
    """The instant of a text, in UTC, which is assumed without a zone; raises ValueError."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).astimezone(UTC)
