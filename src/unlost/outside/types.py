"""Texts as typed values, for programs that compute.

Nothing here fails and nothing is rounded. A text that is not a value of its kind, or does not fit
into the type, becomes null, and is counted; the text itself stays readable without types.
Everything is computed by column.
"""

from collections.abc import Callable, Mapping

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.source.schema import WireKind
from unlost.vault.format.canonical import canonical, instant

# 26 digits before the point and 12 behind it: two such numbers can be multiplied in DuckDB, which
# keeps all digits behind the point (24 of 38) and fails if too few are left for the digits before
# it.
DECIMAL = pa.decimal128(38, 12)
INSTANT = pa.timestamp("us", tz="UTC")
TYPES: Mapping[WireKind, pa.DataType] = {
    WireKind.BOOLEAN: pa.bool_(),
    WireKind.INTEGER: pa.int64(),
    WireKind.DECIMAL: DECIMAL,
    WireKind.DATE: pa.date32(),
    WireKind.INSTANT: INSTANT,
}
_PLAIN_DECIMAL = r"^[+-]?[0-9]{1,26}(?:\.[0-9]{0,12}0*)?$"
_SMALL_INTEGER = r"^[+-]?0*[0-9]{1,18}$"  # any 18 digits fit into 64 bits
_INTEGER = r"^-?[0-9]{1,19}$"
_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# Finer than microseconds, or a leap second, which no type has.
_FINER = r"\.[0-9]{6}[0-9]*[1-9]|:60(?:\.|[zZ+-]|$)"


def type_of(kind: WireKind) -> pa.DataType:
    """The type of a column of this kind; text if there is no better type."""
    return TYPES.get(kind, pa.string())


def typed(text: pa.Array, kind: WireKind) -> pa.Array:
    """Convert texts to values of ``type_of(kind)``."""
    make = _MAKERS.get(kind)
    return text if make is None else make(text)


def _booleans(text: pa.Array) -> pa.Array:
    lower = pc.utf8_lower(text)
    known = pc.is_in(lower, value_set=pa.array(["true", "false"]))
    return pc.if_else(known, pc.equal(lower, "true"), pa.scalar(None, pa.bool_()))


def _decimals(text: pa.Array) -> pa.Array:
    return _numbers(text, WireKind.DECIMAL, _PLAIN_DECIMAL, DECIMAL)


def _numbers(text: pa.Array, kind: WireKind, plain: str, wanted: pa.DataType) -> pa.Array:
    """Convert plainly written numbers, then numbers that become plain in canonical form."""
    fits = _matches(text, plain)
    if pc.all(fits).as_py() is not False:
        return pc.cast(text, wanted)
    rest = pc.if_else(fits, pa.scalar(None, pa.string()), text)
    other = canonical(_series(rest), kind).to_arrow().cast(pa.string())
    written = pc.if_else(fits, text, other)
    return pc.cast(_only(written, _matches(written, plain)), wanted)


def _integers(text: pa.Array) -> pa.Array:
    if pc.all(_matches(text, _SMALL_INTEGER)).as_py() is not False:
        return pc.cast(_without_plus(text), pa.int64())
    plain = canonical(_series(text), WireKind.INTEGER)
    fitting = plain.set(~plain.str.contains(_INTEGER).fill_null(value=False), None)
    return fitting.cast(pl.Int64, strict=False).to_arrow()


def _without_plus(text: pa.Array) -> pa.Array:
    return pc.utf8_ltrim(text, characters="+")


def _dates(text: pa.Array) -> pa.Array:
    plain = canonical(_series(text), WireKind.DATE)
    fitting = plain.set(~plain.str.contains(_DATE).fill_null(value=False), None)
    return fitting.str.to_date("%Y-%m-%d", strict=False).to_arrow()


def _instants(text: pa.Array) -> pa.Array:
    series = _series(text)
    instants = pl.select(instant(pl.lit(series))).to_series()
    finer = series.str.contains(_FINER).fill_null(value=False)
    if finer.any():
        instants = instants.set(finer, None)
    return instants.to_arrow().cast(INSTANT)


def _series(text: pa.Array) -> pl.Series:
    return pl.Series("text", pl.from_arrow(text), pl.String)


def _matches(text: pa.Array, pattern: str) -> pa.Array:
    return pc.match_substring_regex(text, pattern)


def _only(text: pa.Array, mask: pa.Array) -> pa.Array:
    return pc.if_else(mask, text, pa.scalar(None, pa.string()))


_MAKERS: Mapping[WireKind, Callable[[pa.Array], pa.Array]] = {
    WireKind.BOOLEAN: _booleans,
    WireKind.INTEGER: _integers,
    WireKind.DECIMAL: _decimals,
    WireKind.DATE: _dates,
    WireKind.INSTANT: _instants,
}
