"""Canonical text: the form in which two texts of a column that mean the same are equal.

Two ways of reading a source may write one value differently (``1.0E7`` and ``10000000.00``,
``…T10:00:00.000+0000`` and ``…T10:00:00.000Z``). The row hash is taken over the canonical text, so
that another way of reading does not create a new version. The vault always stores the text as
delivered. See docs/adr/0002.

Text that is not a valid value of its kind is its own canonical form. All work is done by column;
nothing runs per cell.
"""

import polars as pl

from unlost.model.source.schema import WireKind

# ``[0-9]`` and not ``\d``, which takes digits of all scripts: no number of ours is made of those.
_INSTANT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-5][0-9]\.[0-9]{3}Z$"
_TIME = r"^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z$"
_TIME_PARTS = r"^([0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,3})[0-9]*)?[zZ]?$"
_MIDNIGHT = r"^([0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00(?:\.0*)?(?:Z|\+00:?00)?$"
_INSTANT_FORMATS = (
    "%Y-%m-%dT%H:%M:%S%.f%#z",
    "%Y-%m-%d %H:%M:%S%.f%#z",
)
_LOCAL_FORMATS = ("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f")
_CANONICAL_INSTANT = "%Y-%m-%dT%H:%M:%S%.3fZ"
_NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
_CANONICAL_NUMBER = r"^(?:0|-?[1-9][0-9]*|-?(?:0|[1-9][0-9]*)\.[0-9]*[1-9])$"
_PADDED_NUMBER = r"^-?(?:0|[1-9][0-9]*)\.[0-9]*$"  # 5.0, 50000.00: only zeros too many


def canonical(text: pl.Series, kind: WireKind) -> pl.Series:
    """The canonical texts of a column; nulls stay null."""
    match kind:
        case WireKind.INTEGER | WireKind.DECIMAL:
            return _numbers(text)
        case WireKind.INSTANT | WireKind.BOOLEAN | WireKind.TIME | WireKind.DATE:
            if not _needs_work(text, kind):
                return text
            return pl.select(_written(pl.lit(text), kind).alias(text.name)).to_series()
        case _:
            return text


def _written(text: pl.Expr, kind: WireKind) -> pl.Expr:
    match kind:
        case WireKind.INSTANT:
            return _instant(text)
        case WireKind.BOOLEAN:
            return text.str.to_lowercase()
        case WireKind.TIME:
            return _time(text)
        case _:
            return text.str.replace(_MIDNIGHT, "${1}")


def _needs_work(text: pl.Series, kind: WireKind) -> bool:
    """False only if every text is already canonical: a cheap test that most columns pass."""
    match kind:
        case WireKind.INSTANT:
            return _any(~text.str.contains(_INSTANT))
        case WireKind.TIME:
            return _any(~text.str.contains(_TIME))
        case WireKind.BOOLEAN:
            return _any(~text.is_in(["true", "false"]))
        case _:
            return _any(text.str.len_bytes() != len("2026-01-31"))


def _any(mask: pl.Series) -> bool:
    return bool(mask.any())


def _numbers(text: pl.Series) -> pl.Series:
    """The canonical texts of numbers. The slow path runs only over the texts that need it."""
    odd = (~text.str.contains(_CANONICAL_NUMBER)).fill_null(value=False)
    if not odd.any():
        return text
    places = odd.arg_true()
    rest = text.gather(places)
    padded = rest.str.contains(_PADDED_NUMBER)
    trimmed = rest.str.strip_chars_end("0").str.strip_chars_end(".").replace("-0", "0")
    if not padded.all():
        strange = (~padded).arg_true()
        trimmed = rest.zip_with(~padded, trimmed).scatter(strange, _number(rest.gather(strange)))
    return text.clone().scatter(places, trimmed)


def _number(text: pl.Series) -> pl.Series:
    """Plain decimal digits: no exponent, plus sign, redundant zeros or minus zero."""
    name = text.name
    parts = pl.select(
        text=pl.lit(text),
        mantissa=pl.lit(text).str.extract(r"^[+-]?([0-9.]+)", 1),
        exponent=pl.lit(text).str.extract(r"[eE]([+-]?[0-9]{1,3})$", 1).cast(pl.Int64).fill_null(0),
    ).with_columns(
        whole=pl.col("mantissa").str.extract(r"^([0-9]*)", 1),
        fraction=pl.col("mantissa").str.extract(r"\.([0-9]*)$", 1).fill_null(""),
    )
    point = pl.col("whole").str.len_bytes().cast(pl.Int64) + pl.col("exponent")
    length = (pl.col("whole") + pl.col("fraction")).str.len_bytes().cast(pl.Int64)
    sizes = parts.with_columns(point=point, before=-point, behind=point - length)
    longest = sizes.select(pl.max_horizontal(pl.max("before"), pl.max("behind"), 0)).item()
    zeros = "0" * int(longest or 0)
    at = pl.max_horizontal("point", pl.lit(0, dtype=pl.Int64))
    padded = sizes.with_columns(
        digits=pl.concat_str(_zeros(zeros, "before"), "whole", "fraction", _zeros(zeros, "behind"))
    )
    expr = pl.col("digits").str.slice(0, at).str.strip_chars_start("0")
    right = pl.col("digits").str.slice(at).str.strip_chars_end("0")
    return padded.select(_joined(expr, right).alias(name)).to_series()


def _joined(expr: pl.Expr, right: pl.Expr) -> pl.Expr:
    whole = pl.when(expr == "").then(pl.lit("0")).otherwise(expr)
    plain = pl.when(right == "").then(whole).otherwise(pl.concat_str(whole, pl.lit("."), right))
    minus = pl.col("text").str.starts_with("-") & (plain != "0")
    signed = pl.when(minus).then(pl.concat_str(pl.lit("-"), plain)).otherwise(plain)
    return pl.when(pl.col("text").str.contains(_NUMBER)).then(signed).otherwise(pl.col("text"))


def _zeros(zeros: str, count: str) -> pl.Expr:
    wanted = pl.max_horizontal(count, pl.lit(0, dtype=pl.Int64)).fill_null(0)
    return pl.lit(zeros).str.slice(0, wanted)


def _instant(text: pl.Expr) -> pl.Expr:
    """UTC in milliseconds, written ``2026-01-31T23:59:59.000Z``; no zone means UTC."""
    written = instant(text).dt.truncate("1ms").dt.strftime(_CANONICAL_INSTANT)
    return pl.coalesce(written, text)


def instant(text: pl.Expr) -> pl.Expr:
    """Texts as instants in microseconds, UTC; null if a text is not an instant.

    A text without a zone is UTC.
    """
    zoned = text.str.replace(r"[zZ]$", "+00:00")
    return pl.coalesce(
        *(
            zoned.str.to_datetime(f, time_unit="us", time_zone="UTC", strict=False)
            for f in _INSTANT_FORMATS
        ),
        *(
            text.str.to_datetime(f, time_unit="us", strict=False).dt.replace_time_zone("UTC")
            for f in _LOCAL_FORMATS
        ),
    )


def _time(text: pl.Expr) -> pl.Expr:
    """A time of day in milliseconds: ``10:00:00.000Z``."""
    hms = text.str.extract(_TIME_PARTS, 1)
    fraction = text.str.extract(_TIME_PARTS, 2).fill_null("")
    written = pl.concat_str(hms, pl.lit("."), fraction.str.pad_end(3, "0"), pl.lit("Z"))
    return pl.coalesce(written, text)
