"""Texts of numbers: which texts are numbers, and which digits only come from a binary fraction.

Servers store many decimals as binary fractions (IEEE 754 double), and their APIs write these in
different ways:

    139.758964            the shortest text of the double
    139.758963999999984   the double times 10^15, which is a whole number
    139.758963999999992   the double, rounded to 15 places

A decimal of at most 15 digits survives the way into a double and back (C11, 5.2.4.2.2: DBL_DIG).
So all three are 139.758964. Digits that a double does not explain may be exact, and stay:
1000000000000000.01 is no other text of 10^15.
"""

import re
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

if TYPE_CHECKING:
    import polars as pl

# ``[0-9]`` and not ``\d``, which takes digits of all scripts.
NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
SURE_DIGITS = 15
MOST_DIGITS = 18  # more do not fit into 64 bits
_FRACTION = r"^-?[0-9]+\.[0-9]+$"
_NUMBER = re.compile(NUMBER)
_POWERS = 10 ** np.arange(MOST_DIGITS + 1, dtype=np.int64)
_SPLIT = float(2**27 + 1)  # splits a double into two halves of 26 bits (T. J. Dekker, 1971)


def is_number(text: str) -> bool:
    """True for a decimal number, also with an exponent."""
    return _NUMBER.fullmatch(text) is not None


def all_numbers(texts: pa.Array) -> bool:
    """True if all texts are numbers, or null."""
    try:
        # Much faster than the pattern, and nearly all columns pass.
        if pc.all(pc.is_finite(texts.cast(pa.float64()))).as_py() is not False:
            return True
    except pa.ArrowInvalid:
        pass
    import polars as pl

    series = pl.Series("text", pl.from_arrow(texts))
    return bool(series.str.contains(NUMBER).all())


def without_binary_digits(texts: pa.Array) -> pa.Array:
    """The texts, without digits that only come from a binary fraction; others stay as they are."""
    longest = pc.max(pc.binary_length(texts)).as_py()
    if longest is None or longest <= SURE_DIGITS + 1:
        return texts
    import polars as pl

    series = pl.Series("text", pl.from_arrow(texts))
    length = pl.col("text").str.len_bytes()
    digits = length - pl.col("text").str.starts_with("-").cast(pl.UInt32) - 1
    possible = digits.is_between(SURE_DIGITS + 1, MOST_DIGITS)
    frame = pl.DataFrame([series])
    rows = frame.select((possible & pl.col("text").str.contains(_FRACTION)).arg_true()).to_series()
    if not len(rows):
        return texts
    return series.scatter(rows, _shortened(series.gather(rows))).to_arrow().cast(pa.string())


def _shortened(text: "pl.Series") -> "pl.Series":
    """The shortest texts of these fractions, where a double explains all other digits."""
    import polars as pl

    frame = pl.DataFrame([text]).select(
        "text",
        double=pl.col("text").cast(pl.Float64).abs(),
        digits=pl.col("text")
        .str.strip_prefix("-")
        .str.replace(".", "", literal=True)
        .cast(pl.Int64),
        places=pl.col("text").str.len_bytes().cast(pl.Int64)
        - pl.col("text").str.find(".", literal=True).cast(pl.Int64)
        - 1,
    )
    double, digits, places = (
        frame.get_column(name).to_numpy() for name in ("double", "digits", "places")
    )
    surplus = np.searchsorted(_POWERS, digits, side="right") - SURE_DIGITS
    surplus = np.clip(surplus, 0, places)
    rounded = (digits + _POWERS[surplus] // 2) // _POWERS[surplus]
    left = places - surplus
    # Both are whole numbers below 2^53 and 10^22, so that the quotient is the nearest double.
    short = rounded / _POWERS[left].astype(np.float64)
    sure = (surplus > 0) & (rounded <= _POWERS[SURE_DIGITS])
    explained = sure & (short == double) & _is_explained(short, digits, places)
    plain = pl.DataFrame({
        "text": text,
        "whole": rounded // _POWERS[left],
        "rest": rounded % _POWERS[left],
        "left": left,
        "explained": explained,
    })  # fmt: skip
    return plain.select(pl.when("explained").then(_written()).otherwise("text")).to_series()


def _written() -> "pl.Expr":
    """A number from the columns ``whole``, ``rest`` and ``left``, with the sign of ``text``."""
    import polars as pl

    rest = pl.col("rest").cast(pl.String).str.zfill(pl.col("left")).str.strip_chars_end("0")
    whole = pl.col("whole").cast(pl.String)
    plain = pl.when(rest == "").then(whole).otherwise(pl.concat_str(whole, pl.lit("."), rest))
    return pl.when(pl.col("text").str.starts_with("-")).then("-" + plain).otherwise(plain)


def _is_explained(
    double: NDArray[np.float64], digits: NDArray[np.int64], places: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """True where ``digits`` are a double times 10^places, as another double or rounded exactly."""
    scale = _POWERS[places].astype(np.float64)
    product = double * scale
    whole = np.rint(product)
    lost = (product - whole) + _rounding_error(double, scale, product)
    scaled = whole.astype(np.int64)
    explained: NDArray[np.bool_] = (digits == scaled) | (
        digits == scaled + np.rint(lost).astype(np.int64)
    )
    return explained


def _rounding_error(
    a: NDArray[np.float64], b: NDArray[np.float64], product: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The exact product of two doubles, less its double (Dekker's product)."""
    a_high, b_high = _SPLIT * a - (_SPLIT * a - a), _SPLIT * b - (_SPLIT * b - b)
    a_low, b_low = a - a_high, b - b_high
    return a_low * b_low - (((product - a_high * b_high) - a_low * b_high) - a_high * b_low)
