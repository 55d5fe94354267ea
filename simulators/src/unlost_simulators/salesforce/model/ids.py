"""Record ids: 15 characters of base 62 and the three checksum letters, one at a time or by array.

An id is the key prefix (3), the instance (2) and a counter of 10 digits. The digits count
``0-9 a-z A-Z``, so that ids sort otherwise in byte order than in the order of the org.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
INSTANCE = "Dn"
"""Characters 4 and 5 of every id that this simulator makes: the instance of the org."""
STEM = 5
BARE = 15
FULL = 18
EMPTY_KEY = "000000000000000AAA"
"""Id of every row of a virtual object."""
MASTER_RECORD_TYPE = "012000000000000AAA"
FIRST_COUNTER = 62**4 * 11
"""Where counters begin, so that ids look like those of an org that has lived."""

_SHAPE = re.compile(r"[0-9A-Za-z]{15}(?:[0-9A-Za-z]{3})?")
_VALUE = np.zeros(256, dtype=np.int64)
_VALUE[np.frombuffer(DIGITS.encode(), dtype=np.uint8)] = np.arange(len(DIGITS))
_LETTER = np.frombuffer(DIGITS.encode(), dtype=np.uint8)
_CHECK = np.frombuffer(CHECK.encode(), dtype=np.uint8)


def is_id(value: str) -> bool:
    """Return true if the text has the form of an id of 15 or 18 characters."""
    return _SHAPE.fullmatch(value) is not None


def checksum(bare: str) -> str:
    """The three letters that make an id of 15 characters safe without case."""
    groups = (bare[0:5], bare[5:10], bare[10:15])
    return "".join(
        CHECK[sum(1 << place for place, letter in enumerate(group) if "A" <= letter <= "Z")]
        for group in groups
    )


@lru_cache(maxsize=1 << 16)
def full(value: str) -> str:
    """The id in 18 characters; a checksum that came along is replaced by the right one."""
    bare = value[:BARE]
    return bare + checksum(bare)


@lru_cache(maxsize=1 << 16)
def counter_of(value: str) -> int:
    """The counter (characters 6 to 15) as a number, the order of ids within one object."""
    total = 0
    for digit in value[STEM:BARE]:
        total = total * 62 + DIGITS.index(digit)
    return total


def order_key(value: str) -> str:
    """A text whose byte order is the order in which the org sorts ids."""
    return value[:BARE].swapcase()


def make(prefix: str, counter: int) -> str:
    """One id of 18 characters."""
    digits = []
    for _ in range(BARE - STEM):
        counter, rest = divmod(counter, 62)
        digits.append(DIGITS[rest])
    return full(prefix + INSTANCE + "".join(reversed(digits)))


def make_many(prefix: str, counters: npt.NDArray[np.int64]) -> pa.Array:
    """Ids of 18 characters for an array of counters, as an Arrow string array."""
    count = len(counters)
    grid = np.empty((count, FULL), dtype=np.uint8)
    grid[:, :STEM] = np.frombuffer((prefix + INSTANCE).encode(), dtype=np.uint8)
    rest = counters.astype(np.int64, copy=True)
    for place in range(BARE - 1, STEM - 1, -1):
        rest, digit = np.divmod(rest, 62)
        grid[:, place] = _LETTER[digit]
    capital = (grid[:, :BARE] >= ord("A")) & (grid[:, :BARE] <= ord("Z"))
    weights = np.array([1, 2, 4, 8, 16], dtype=np.uint8)
    for group in range(3):
        bits = capital[:, group * 5 : group * 5 + 5] @ weights
        grid[:, BARE + group] = _CHECK[bits]
    offsets = np.arange(0, (count + 1) * FULL, FULL, dtype=np.int64)
    return pa.LargeStringArray.from_buffers(
        count, pa.py_buffer(offsets.tobytes()), pa.py_buffer(grid.tobytes())
    )


def counters(values: pa.Array | pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """The counters of ids of 18 characters; all ids must have that length."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks() if values.num_chunks != 1 else values.chunk(0)
    if len(values) == 0:
        return np.zeros(0, dtype=np.int64)
    fixed = pc.cast(pc.cast(values, pa.binary()), pa.binary(FULL))
    raw = np.frombuffer(fixed.buffers()[1], dtype=np.uint8)
    begin = fixed.offset * FULL
    grid = raw[begin : begin + len(fixed) * FULL].reshape(-1, FULL)
    total = np.zeros(len(fixed), dtype=np.int64)
    for place in range(STEM, BARE):
        total = total * 62 + _VALUE[grid[:, place]]
    return total


def full_many(values: Sequence[str]) -> list[str]:
    """Each id in 18 characters."""
    return [full(value) for value in values]
