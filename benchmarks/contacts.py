"""Contacts of 45 text columns, about 815 bytes of CSV each, made by columns: what CRMs are full of.

The same seed gives the same rows. Words, names and choices are drawn from pools, so that the data
compresses as real data does (about 2.7 times by zstd).
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.source.schema import Column, ColumnTrait, Table, WireKind

K, T = WireKind, ColumnTrait
_A_TO_Z, _DIGITS = (97, 123), (48, 58)


def _columns() -> tuple[Column, ...]:
    plain: list[tuple[str, WireKind, tuple[ColumnTrait, ...]]] = [
        ("Id", K.ID, ()),
        ("IsDeleted", K.BOOLEAN, ()),
        ("AccountId", K.REFERENCE, ()),
        ("LastName", K.TEXT, ()),
        ("FirstName", K.TEXT, ()),
        ("Name", K.TEXT, (T.NAME,)),
        ("Email", K.TEXT, (T.EMAIL,)),
        ("Phone", K.TEXT, (T.PHONE,)),
        ("MobilePhone", K.TEXT, (T.PHONE,)),
        ("Number__c", K.TEXT, (T.UNIQUE, T.EXTERNAL_ID)),
        ("Birthdate", K.DATE, ()),
        ("MailingStreet", K.TEXT, ()),
        ("Description", K.TEXT, ()),
    ]
    for name, kind, count in (
        ("Stamp", K.INSTANT, 4),
        ("Reference", K.REFERENCE, 4),
        ("Choice", K.TEXT, 8),
        ("Flag", K.BOOLEAN, 5),
        ("Amount", K.DECIMAL, 3),
        ("Text", K.TEXT, 8),
    ):
        plain += [(f"{name}{number}", kind, ()) for number in range(count)]
    return tuple(Column(name, kind, traits=frozenset(traits)) for name, kind, traits in plain)


TABLE = Table("Contact", _columns(), name_column="Name")


def ids(numbers: NDArray[np.int64]) -> pa.Array:
    """Record ids of 18 characters, in the order of their numbers."""
    return pa.array(np.char.add("003Ak00000", np.char.zfill(numbers.astype("U8"), 8)))


def number(contact: int) -> str:
    """The customer number of a contact."""
    return f"C-{contact:09d}"


def batch(random: np.random.Generator, numbers: NDArray[np.int64]) -> pa.RecordBatch:
    """Contacts with these numbers and fresh contents."""
    making = _Making(random, numbers, {})
    for column in TABLE.columns:
        making.made[column.name] = _MAKERS[column.name.rstrip("0123456789")](making)
    made = making.made
    return pa.RecordBatch.from_arrays(list(made.values()), names=list(made))


def csv_bytes(rows: pa.RecordBatch) -> int:
    """About the size of the rows as CSV: their text, quotes and commas where a source puts them."""
    text = sum(
        int(pc.sum(pc.fill_null(pc.binary_length(column), 0)).as_py()) for column in rows.columns
    )
    return text + rows.num_rows * rows.num_columns


@dataclass(frozen=True)
class _Making:
    """A batch in the making."""

    random: np.random.Generator
    numbers: NDArray[np.int64]
    made: dict[str, pa.Array]

    @property
    def count(self) -> int:
        return len(self.numbers)

    def digits(self, width: int) -> pa.Array:
        """Random digits."""
        return _letters(self.random, self.count, width, _DIGITS)

    def pool(self, size: int, width: int) -> pa.Array:
        """Words of this width, drawn from a pool of this size."""
        words = _letters(self.random, size, width, _A_TO_Z)
        return words.take(pa.array(self.random.integers(0, size, self.count)))


type _Maker = Callable[[_Making], pa.Array]


def _letters(random: np.random.Generator, count: int, width: int, of: tuple[int, int]) -> pa.Array:
    body = random.integers(*of, (count, width), dtype=np.uint8).tobytes()
    offsets = np.arange(0, count * width + 1, width, dtype=np.int32)
    return pa.Array.from_buffers(
        pa.string(), count, [None, pa.py_buffer(offsets), pa.py_buffer(body)]
    )


def _joined(*parts: object, between: str = "") -> pa.Array:
    return pc.binary_join_element_wise(*parts, between)


def _stamp(making: _Making) -> pa.Array:
    seconds = 1_700_000_000 + making.random.integers(0, 60_000_000, making.count)
    text = pc.strftime(pa.array(seconds.astype("datetime64[s]")), format="%Y-%m-%dT%H:%M:%S")
    return _joined(text, ".000Z")


def _amount(making: _Making) -> pa.Array:
    whole = pa.array(making.random.integers(1, 99_999, making.count)).cast(pa.string())
    return _joined(whole, ".5")


def _text(making: _Making) -> pa.Array:
    filled = pa.array(making.random.random(making.count) < 0.6)
    return pc.if_else(filled, making.pool(2000, 22), None)


def _one_of(*values: str) -> _Maker:
    def make(making: _Making) -> pa.Array:
        return pa.array(values).take(pa.array(making.random.integers(0, len(values), making.count)))

    return make


_MAKERS: dict[str, _Maker] = {
    "Id": lambda making: ids(making.numbers),
    "IsDeleted": _one_of("false"),
    "AccountId": lambda making: _joined("001Ak00000", making.digits(8)),
    "LastName": lambda making: making.pool(5000, 8),
    "FirstName": lambda making: making.pool(5000, 8),
    "Name": lambda making: _joined(making.made["FirstName"], making.made["LastName"], between=" "),
    "Email": lambda making: _joined(making.made["LastName"], "@", making.pool(3000, 8), ".com"),
    "Phone": lambda making: _joined("+49 ", making.digits(9)),
    "MobilePhone": lambda making: _joined("+49 ", making.digits(9)),
    "Number__c": lambda making: pa.array(
        np.char.add("C-", np.char.zfill(making.numbers.astype("U9"), 9))
    ),
    "Birthdate": _one_of("1980-01-01", "1970-12-31", "1999-05-05"),
    "MailingStreet": lambda making: _joined(making.pool(2000, 12), " ", making.digits(2)),
    "Description": lambda making: _joined(*(making.pool(4000, 7) for _ in range(18)), between=" "),
    "Stamp": _stamp,
    "Reference": lambda making: _joined("001Ak00000", making.digits(8)),
    "Choice": lambda making: making.pool(12, 10),
    "Flag": _one_of("true", "false"),
    "Amount": _amount,
    "Text": _text,
}
