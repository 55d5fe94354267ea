"""Format values for people: times, sizes, counts, and untrusted text."""

import shlex
from datetime import datetime
from zoneinfo import ZoneInfo

from unlost.model.instants import in_zone

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
_CONTROL |= {ord("\n"): "⏎", ord("\r"): "", ord("\t"): " "}
# characters that reverse the direction of surrounding text (Unicode, UAX #9)
_CONTROL |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def plain(text: str) -> str:
    """Return a text on one line, with characters that a terminal would interpret escaped."""
    # A value of a record could otherwise clear the screen or forge lines of output.
    return text.translate(_CONTROL)


def short(text: str, *, length: int = 60) -> str:
    """Return a text on one line, shortened if it is long."""
    line = plain(text)
    if len(line) <= length:
        return line
    # Leaves room for the number of characters.
    return f"{line[: length - 12]}… ({len(text):,} characters)"


def cell(value: str | None) -> str:
    """Format a cell; empty text and null differ."""
    if value is None:
        return "(empty)"
    return short(value) if value else '""'


def size(count: float) -> str:
    """Format a number of bytes in a suitable unit."""
    value = float(count)
    for unit in _SIZES[:-1]:
        if abs(value) < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} {_SIZES[-1]}"


def when(instant: datetime | None, *, zone: str = "UTC") -> str:
    """Format an instant in a zone, to the minute, with the zone's short name."""
    if instant is None:
        return "never"
    return f"{in_zone(instant, ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def command(*words: str) -> str:
    """Return a command of ``unlost`` that can be pasted into a shell."""
    return plain(shlex.join(("unlost", *words)))


def many(count: int, singular: str, more: str | None = None) -> str:
    """Format a count with its noun in singular or plural."""
    return f"{count:,} {singular if count == 1 else more or singular + 's'}"


def pause(seconds: float) -> str:
    """Format a duration in a suitable unit."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
