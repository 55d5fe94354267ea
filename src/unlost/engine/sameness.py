"""Decide whether two texts mean the same value. Cells are verbatim, so the column's kind decides.

One API writes ``10000000.00`` and ``…000Z``, another ``1.0E7`` and ``…000+0000``: the same number,
the same instant, no change.
"""

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.schema import WireKind

NUMBERS = (WireKind.DECIMAL, WireKind.INTEGER)
FREE_FORM = frozenset({*NUMBERS, WireKind.INSTANT, WireKind.BOOLEAN})


def canonical(kind: WireKind, text: str) -> str:
    """The canonical text of a value of this kind; a text that cannot be parsed stays as it is."""
    try:
        if kind in NUMBERS:
            return _number(text)
        if kind is WireKind.INSTANT:
            return instant(text).isoformat(timespec="milliseconds")
    except (InvalidOperation, ValueError):
        return text
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


def _number(text: str) -> str:
    value = Decimal(text)
    return "0" if value == 0 else str(value.normalize())


def instant(text: str) -> datetime:
    """The instant of a text, in UTC, which is assumed without a zone; raises ValueError."""
    when = datetime.fromisoformat(text)
    return (when if when.tzinfo is not None else when.replace(tzinfo=UTC)).astimezone(UTC)
