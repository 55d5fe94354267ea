"""Words for values: times, sizes, counts, and texts that came from somewhere else."""

from datetime import datetime
from zoneinfo import ZoneInfo

_SIZES = ("bytes", "kB", "MB", "GB", "TB")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))}
_CONTROL |= {ord("\n"): "⏎", ord("\r"): "", ord("\t"): " "}
# marks that turn the direction of the text around them (Unicode, UAX #9)
_CONTROL |= {code: f"\\u{code:04x}" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}


def plain(text: str) -> str:
    """A text without signs that a terminal would act upon, on one line."""
    return text.translate(_CONTROL)


def short(text: str, *, length: int = 60) -> str:
    """A text on one line, cut in the middle where it is long."""
    line = plain(text)
    if len(line) <= length:
        return line
    return f"{line[: length - 12]}… ({len(text):,} characters)"


def cell(value: str | None) -> str:
    """A cell as people read it; empty and null are told apart."""
    if value is None:
        return "(empty)"
    return short(value) if value else '""'


def size(count: float) -> str:
    """A number of bytes in the unit that suits it."""
    value = float(count)
    for unit in _SIZES[:-1]:
        if abs(value) < 1000:
            return f"{value:,.0f} {unit}" if unit == "bytes" else f"{value:,.1f} {unit}"
        value /= 1000
    return f"{value:,.1f} {_SIZES[-1]}"


def when(instant: datetime | None, *, zone: str = "UTC") -> str:
    """An instant in a zone, to the minute, with the zone's short name."""
    if instant is None:
        return "never"
    return f"{instant.astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def many(count: int, one: str, more: str | None = None) -> str:
    """A count with its word, in the right number."""
    return f"{count:,} {one if count == 1 else more or one + 's'}"


def pause(seconds: float) -> str:
    """A stretch of time in the unit that suits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
