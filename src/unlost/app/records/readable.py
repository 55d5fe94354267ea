"""Values as people read them: times in the org's zone, numbers with separators, words for lists."""

import re
from contextlib import suppress
from decimal import Decimal, InvalidOperation
from zoneinfo import ZoneInfo

from unlost.engine.sameness import canonical, instant
from unlost.model.instants import in_zone
from unlost.model.source.schema import WireKind

_TIME = re.compile(r"([0-9]{2}:[0-9]{2}):([0-9]{2})(?:\.0*)?Z?")
_GROUPED_FROM = 10_000  # years and short codes are often whole numbers of four digits
_MOST_DIGITS = 30  # a longer number, such as 1E999, is not written out


def readable(value: str, kind: WireKind, *, zone: str) -> str:
    """Return a value as people read it; unchanged if it does not fit its kind.

    Booleans are the words "yes" and "no".
    """
    match kind:
        case WireKind.BOOLEAN:
            return {"true": "yes", "false": "no"}.get(value.lower(), value)
        case WireKind.INSTANT:
            return _instant(value, zone)
        case WireKind.DATE:
            return canonical(kind, value)
        case WireKind.TIME:
            return _time(value)
        case WireKind.INTEGER | WireKind.DECIMAL:
            return _number(value)
        case WireKind.MULTI:
            return ", ".join(part for part in value.split(";") if part)
        case _:
            return value


def _instant(value: str, zone: str) -> str:
    with suppress(ValueError, OverflowError):
        # A plain string: Python caches zones by name, and would keep a template's text alive.
        return f"{in_zone(instant(value), ZoneInfo(zone.encode().decode())):%Y-%m-%d %H:%M}"
    return value


def _time(value: str) -> str:
    parts = _TIME.fullmatch(value)
    if parts is None:
        return value
    return parts[1] if parts[2] == "00" else f"{parts[1]}:{parts[2]}"


def _number(value: str) -> str:
    with suppress(InvalidOperation):
        number = Decimal(value)
        if not number.is_finite() or abs(number.adjusted()) > _MOST_DIGITS:
            return value
        written = f"{number:,f}" if abs(number) >= _GROUPED_FROM else f"{number:f}"
        whole, _, digits = written.partition(".")
        return written if digits.strip("0") else whole
    return value
