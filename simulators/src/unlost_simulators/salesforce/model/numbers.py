"""Number formats of the org: Java's Double.toString in CSV, decimals or exponents in JSON."""

import json
from decimal import Decimal
from typing import Any

import msgspec

LARGEST_PLAIN = Decimal(10) ** 7
SMALLEST_PLAIN = Decimal(10) ** -3
"""Outside these bounds Java's Double.toString uses an exponent."""


def java(value: float) -> str:
    """The text of Java's ``Double.toString``: ``50000.0``, ``1.6147805824397E13``."""
    if value == 0:
        return "-0.0" if str(value).startswith("-") else "0.0"
    plain = SMALLEST_PLAIN <= abs(Decimal(value)) < LARGEST_PLAIN
    digits = Decimal(repr(value))
    if plain:
        text = format(digits, "f")
        return text if "." in text else f"{text}.0"
    sign, figures, exponent = digits.normalize().as_tuple()
    head, rest = str(figures[0]), "".join(str(digit) for digit in figures[1:]) or "0"
    power = len(figures) - 1 + int(exponent)
    return f"{'-' * sign}{head}.{rest}E{power}"


class Number(Decimal):
    """A number of a record: a Decimal that JSON shows as the org does.

    From 10,000,000 the text is Java's (``1.0E7``) unless that would lose digits; below it is the
    decimal with the places of the field (``50000.00``).
    """

    @property
    def token(self) -> str:
        """The text in JSON."""
        plain = format(self, "f")
        if abs(self) < LARGEST_PLAIN:
            return plain
        text = java(float(self))
        return text if Decimal(text) == self else plain


def _raw(value: object) -> object:
    if isinstance(value, Number):
        return msgspec.Raw(value.token.encode())
    msg = f"no JSON for {type(value).__name__}"
    raise TypeError(msg)


_ENCODER = msgspec.json.Encoder(enc_hook=_raw, decimal_format="number")


def write_json(document: Any, *, pretty: bool = False) -> bytes:
    """The JSON text of records and other answers in UTF-8, numbers as the org writes them."""
    try:
        whole = _ENCODER.encode(document)
    except UnicodeEncodeError:  # half of a surrogate pair, echoed from a request
        text = json.dumps(document, ensure_ascii=True, default=lambda number: float(str(number)))
        whole = text.encode()
    return msgspec.json.format(whole, indent=2) if pretty else whole


def java_sql(sql: str) -> str:
    """DuckDB expression that writes a DOUBLE expression as Java does; null stays null."""
    text = f"CAST(abs({sql}) AS VARCHAR)"
    sign = f"CASE WHEN {sql} < 0 THEN '-' ELSE '' END"
    return (
        f"CASE WHEN {sql} IS NULL THEN NULL "
        f"WHEN {sql} = 0 THEN '0.0' "
        f"WHEN abs({sql}) >= 1e-3 AND abs({sql}) < 1e7 THEN CAST({sql} AS VARCHAR) "
        f"ELSE {sign} || _java_exponent({text}) END"
    )


_WHOLE = "split_part(split_part(s, 'e', 1), '.', 1)"
_FRACTION = "split_part(split_part(s, 'e', 1), '.', 2)"
_MACROS = {
    # the digits of a positive double's shortest text, without point and exponent
    "_java_digits": "rtrim(ltrim(replace(split_part(s, 'e', 1), '.', ''), '0'), '0')",
    # the power of ten of its first digit
    "_java_power": f"""coalesce(try_cast(split_part(s, 'e', 2) AS INTEGER), 0) +
        CASE WHEN ltrim({_WHOLE}, '0') <> '' THEN length(ltrim({_WHOLE}, '0')) - 1
        ELSE -1 - (length({_FRACTION}) - length(ltrim({_FRACTION}, '0'))) END""",
    "_java_exponent": """substr(_java_digits(s), 1, 1) || '.' ||
        CASE WHEN length(_java_digits(s)) > 1 THEN substr(_java_digits(s), 2) ELSE '0' END
        || 'E' || CAST(_java_power(s) AS VARCHAR)""",
}
MACROS = tuple(f"CREATE OR REPLACE MACRO {name}(s) AS {sql}" for name, sql in _MACROS.items())
"""Statements that define what ``java_sql`` uses; run them once per database."""
