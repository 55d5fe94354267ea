"""From numbers to Arrow columns: joined text, padded digits, instants, choices.

Everything here is one pass of a C loop over a column. Knows no table of a system.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company.draws import Flags, Numbers

type Column = pa.Array
type Columns = Mapping[str, pa.Array | pa.Scalar]

INSTANT = pa.timestamp("ms", tz="UTC")
_DAY = 86_400


def joined(*parts: pa.Array | str, by: str = "") -> Column:
    """Element-wise concatenation; plain strings are the same in every row; null if a part is null."""
    return pc.binary_join_element_wise(*parts, by)


def digits(numbers: Numbers, width: int = 0) -> Column:
    """Decimal text, padded with leading zeros to at least `width`."""
    text = pc.cast(pa.array(numbers), pa.string())
    return pc.utf8_lpad(text, width, "0") if width else text


def where(flags: Flags, values: pa.Array | str, otherwise: pa.Array | str | None = None) -> Column:
    """`values` where the flag is set, else `otherwise` (null by default)."""
    kind = values.type if isinstance(values, pa.Array) else pa.string()
    if otherwise is None:
        otherwise = pa.scalar(None, kind)
    return pc.if_else(pa.array(flags), values, otherwise)


def chosen(words: Sequence[str | None] | pa.Array, numbers: Numbers) -> Column:
    """The word at the number, row by row."""
    pool = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    return pool.take(pa.array(numbers))


def instants(seconds: Numbers) -> Column:
    """Seconds since 1970 as timestamps in UTC; the sub-second part is .000 as in real orgs."""
    return pa.array(seconds * 1_000).cast(INSTANT)


def dates(seconds: Numbers) -> Column:
    """Seconds since 1970 as calendar dates."""
    return pa.array((seconds // _DAY).astype(np.int32)).cast(pa.date32())


def numbers(values: Numbers, *, places: int = 0) -> Column:
    """Whole numbers as doubles, divided by 10**places."""
    return pa.array(values / float(10**places))


def booleans(flags: Flags) -> Column:
    """Flags as an Arrow column."""
    return pa.array(flags)
