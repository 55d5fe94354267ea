"""Row hashes of Unlost vaults, written from docs/reference/vault-format/verifier.md alone.

It imports nothing of Unlost. One text at a time, and in another way than Unlost does it: by arithmetic, not by columns.
"""

import re
from collections.abc import Mapping

from xxhash import xxh3_64_intdigest

SPACE = "[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]*"
NUMBER = re.compile(r"([+-]?)([0-9]*)\.?([0-9]*)(?:[eE]([+-]?[0-9]{1,3}))?")
INSTANT = re.compile(
    f"{SPACE}([+-][0-9]+|[0-9]{{1,4}})-{SPACE}([0-9]{{1,2}})-{SPACE}([0-9]{{1,2}}+)"
    f"T?{SPACE}([0-9]{{1,2}}):{SPACE}([0-9]{{1,2}}):{SPACE}([0-9]{{1,2}})(?:\\.([0-9]+))?"
    f"(?:{SPACE}(?:[zZ]|([+\u2212-])([0-9]{{2}}){SPACE.replace(']', ':]')}([0-9]{{2}})?))?"
)
TIME = re.compile(r"([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]+))?[zZ]?")
MIDNIGHT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0*)?(?:Z|\+0000|\+00:00)?")
FIRST, LAST = -262_143, 262_142  # years


def canonical(kind: str, text: str) -> str:
    """The canonical text of a cell."""
    match kind:
        case "integer" | "decimal":
            return number(text)
        case "instant":
            return instant(text)
        case "time":
            found = TIME.fullmatch(text)
            return f"{found[1]}.{(found[2] or '')[:3]:0<3}Z" if found else text
        case "date":
            found = MIDNIGHT.fullmatch(text)
            return found[1] if found else text
        case "boolean":
            return text.lower()
        case _:
            return text


def number(text: str) -> str:
    """Plain digits."""
    found = NUMBER.fullmatch(text)
    if not found or not found[2] + found[3]:
        return text
    digits, point = found[2] + found[3], len(found[2]) + int(found[4] or 0)
    digits = "0" * -point + digits + "0" * (point - len(digits))
    whole, rest = digits[: max(point, 0)].lstrip("0") or "0", digits[max(point, 0) :].rstrip("0")
    plain = f"{whole}.{rest}" if rest else whole
    return f"-{plain}" if found[1] == "-" and plain != "0" else plain


def instant(text: str) -> str:
    """UTC with milliseconds."""
    found = INSTANT.fullmatch(text)
    if not found:
        return text
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    zone = 60 * int(found[9] or 0) + int(found[10] or 0)
    if not (1 <= month <= 12 and 1 <= day <= days_of(year, month) and FIRST <= year <= LAST):
        return text
    if hour > 23 or minute > 59 or second > 60 or zone >= 24 * 60 or int(found[10] or 0) > 59:
        return text
    minutes = 60 * hour + minute - (zone if found[8] == "+" else -zone)
    since = 60 * (24 * 60 * days_before(year, month, day) + minutes) + second
    year, month, day = date_of(since // 86_400)
    if not FIRST <= year <= LAST:
        return text
    signed = f"{year:04d}" if 0 <= year <= 9999 else f"{'-' if year < 0 else '+'}{abs(year):04d}"
    clock = f"{since % 86_400 // 3600:02d}:{since % 3600 // 60:02d}:{since % 60:02d}"
    return f"{signed}-{month:02d}-{day:02d}T{clock}.{(found[7] or '')[:3]:0<3}Z"


def days_of(year: int, month: int) -> int:
    """How many days a month has."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return (31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]


def days_before(year: int, month: int, day: int) -> int:
    """Days from 1 January of the year 0 of the Gregorian calendar, carried back."""
    before = year - 1
    years = 365 * year + before // 4 - before // 100 + before // 400 + 1
    return years + sum(days_of(year, one) for one in range(1, month)) + day - 1


def date_of(days: int) -> tuple[int, int, int]:
    """The way back."""
    year = days // 366 - 1 if days >= 0 else days // 365 - 1
    while days_before(year + 1, 1, 1) <= days:
        year += max(1, (days - days_before(year + 1, 1, 1)) // 366)
    left, month = days - days_before(year, 1, 1), 1
    while left >= days_of(year, month):
        left, month = left - days_of(year, month), month + 1
    return year, month, left + 1


def row_hash(cells: Mapping[str, tuple[str, str | None]]) -> bytes:
    """Of columns that count: kind and cell by name."""
    sums = [0, 0]
    for name, (kind, text) in cells.items():
        if text is not None:
            for lane in (0, 1):
                seed = xxh3_64_intdigest(name.encode(), seed=lane)
                sums[lane] += xxh3_64_intdigest(canonical(kind, text).encode(), seed=seed)
    return b"".join((one % 2**64).to_bytes(8, "little") for one in sums)
