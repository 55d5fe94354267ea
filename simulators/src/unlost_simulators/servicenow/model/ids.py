"""sys_ids: 32 hexadecimal digits. Those of a scenario follow from table and handle or number."""

from __future__ import annotations

import hashlib
import secrets

import numpy as np
import pyarrow as pa

from unlost_simulators.company.draws import Numbers, Rows

LENGTH = 32


def fixed(table: str, handle: str) -> str:
    """Give the sys_id of a row that is written out."""
    return hashlib.blake2b(f"{table}/{handle}".encode(), digest_size=16).hexdigest()


def generated(table: str, numbers: Numbers) -> pa.Array:
    """Give the sys_ids of generated rows by their numbers; seed and scale do not change them."""
    rows = Rows(0, table, numbers)
    halves = np.empty((len(numbers), 2), dtype=">u8")
    halves[:, 0], halves[:, 1] = rows.bits("sys_id high"), rows.bits("sys_id low")
    text = halves.tobytes().hex().encode()
    offsets = np.arange(0, LENGTH * (len(numbers) + 1), LENGTH, dtype=np.int32)
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets.tobytes()), pa.py_buffer(text)
    )


def fresh() -> str:
    """Give the sys_id of a new row."""
    return secrets.token_hex(16)
