"""Canonical text: when two texts of one column mean the same.

Two ways of reading a source may write one value in two ways (``1.0E7`` and ``10000000.00``,
``…T10:00:00.000+0000`` and ``…T10:00:00.000Z``). The row hash is taken over the canonical text, so
that another way of reading makes no new version. What is stored is always the text as delivered.

Text that cannot be understood as its kind is its own canonical form. Everything here is a polars
expression: nothing runs per cell.
"""

import polars as pl

from unlost.model.schema import WireKind

_INSTANT = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:[0-5]\d\.\d{3}Z$"
_TIME = r"^\d\d:\d\d:\d\d\.\d{3}Z$"
_INSTANT_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
)
_LOCAL_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
_CANONICAL_INSTANT = "%Y-%m-%dT%H:%M:%S%.3fZ"
_NUMBER = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?$"
_PLAIN = r"^(?:0|-?[1-9]\d*|-?(?:0|[1-9]\d*)\.\d*[1-9])$"
_ZEROS = "0" * 1400  # longer than any exponent of three digits asks for, twice


def canonical(text: pl.Expr, kind: WireKind) -> pl.Expr:
    """The canonical text of a string expression; nulls stay null."""
    match kind:
        case WireKind.INTEGER | WireKind.DECIMAL:
            return _number(text)
        case WireKind.INSTANT:
            return _instant(text)
        case WireKind.BOOLEAN:
            return text.str.to_lowercase()
        case WireKind.TIME:
            return _time(text)
        case WireKind.DATE:
            return text.str.replace(r"^(\d{4}-\d\d-\d\d)T00:00:00(?:\.0*)?(?:Z|\+00:?00)?$", "${1}")
        case _:
            return text


def needs_work(text: pl.Series, kind: WireKind) -> bool:
    """False only where every text is its own canonical form: a cheap look that most columns pass."""
    match kind:
        case WireKind.INTEGER | WireKind.DECIMAL:
            return _any(~text.str.contains(_PLAIN))
        case WireKind.INSTANT:
            return _any(~text.str.contains(_INSTANT))
        case WireKind.TIME:
            return _any(~text.str.contains(_TIME))
        case WireKind.BOOLEAN:
            return _any(~text.is_in(["true", "false"]))
        case WireKind.DATE:
            return _any(text.str.len_bytes() != len("2026-01-31"))
        case _:
            return False


def _any(mask: pl.Series) -> bool:
    return bool(mask.any())


def _number(text: pl.Expr) -> pl.Expr:
    """Plain decimal digits: no exponent, no plus, no zeros that say nothing, no minus zero."""
    lower = text.str.to_lowercase()
    mantissa = lower.str.extract(r"^[+-]?([0-9.]+)", 1)
    exponent = lower.str.extract(r"e([+-]?\d+)$", 1).cast(pl.Int64).fill_null(0)
    whole = mantissa.str.extract(r"^(\d*)", 1)
    fraction = mantissa.str.extract(r"\.(\d*)$", 1).fill_null("")
    digits = pl.concat_str(whole, fraction)
    point = whole.str.len_bytes().cast(pl.Int64) + exponent
    length = digits.str.len_bytes().cast(pl.Int64)
    padded = pl.concat_str(_zeros(-point), digits, _zeros(point - length))
    at = pl.max_horizontal(point, pl.lit(0, dtype=pl.Int64))
    left = padded.str.slice(0, at).str.strip_chars_start("0")
    right = padded.str.slice(at).str.strip_chars_end("0")
    left = pl.when(left == "").then(pl.lit("0")).otherwise(left)
    plain = pl.when(right == "").then(left).otherwise(pl.concat_str(left, pl.lit("."), right))
    minus = text.str.starts_with("-") & (plain != "0")
    signed = pl.when(minus).then(pl.concat_str(pl.lit("-"), plain)).otherwise(plain)
    return pl.when(text.str.contains(_NUMBER)).then(signed).otherwise(text)


def _zeros(count: pl.Expr) -> pl.Expr:
    wanted = pl.max_horizontal(count, pl.lit(0, dtype=pl.Int64)).fill_null(0)
    return pl.lit(_ZEROS).str.slice(0, wanted)


def _instant(text: pl.Expr) -> pl.Expr:
    """UTC in milliseconds, written ``2026-01-31T23:59:59.000Z``; no zone means UTC."""
    zoned = text.str.replace(r"[zZ]$", "+00:00")
    parsed = pl.coalesce(
        *(
            zoned.str.to_datetime(f, time_unit="us", time_zone="UTC", strict=False)
            for f in _INSTANT_FORMATS
        ),
        *(
            text.str.to_datetime(f, time_unit="us", strict=False).dt.replace_time_zone("UTC")
            for f in _LOCAL_FORMATS
        ),
    )
    written = parsed.dt.truncate("1ms").dt.strftime(_CANONICAL_INSTANT)
    return pl.coalesce(written, text)


def _time(text: pl.Expr) -> pl.Expr:
    """A time of day in milliseconds: ``10:00:00.000Z``."""
    hms = text.str.extract(r"^(\d\d:\d\d:\d\d)(?:\.\d+)?[zZ]?$", 1)
    fraction = text.str.extract(r"^\d\d:\d\d:\d\d\.(\d{1,3})", 1).fill_null("")
    written = pl.concat_str(hms, pl.lit("."), fraction.str.pad_end(3, "0"), pl.lit("Z"))
    return pl.coalesce(written, text)
