"""Scenarios at any time: the org opens some weeks ago, and its rows move along.

The rows of a scenario are written for one opening. For another one, their dates and instants move
by whole days; the default moves them by whole weeks, so that weekdays stay. Values more than a
century away from the scenario's opening are meant to be odd, and stay.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc

LEAST_AGE = timedelta(weeks=4)
"""The least time from the opening to the present: a demo or test can move the clock so far without
overtaking the clocks of its clients."""
WEEK = timedelta(weeks=1)
DAY = timedelta(days=1)
CENTURY = timedelta(days=36_525)
_PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}


def opening_before(present: datetime, written: datetime) -> datetime:
    """Give the last opening that lies whole weeks from the ``written`` one and is old enough."""
    return written + (present - LEAST_AGE - written) // WEEK * WEEK


def moved(table: pa.Table, written: datetime, opens: datetime) -> pa.Table:
    """Give the rows as they are when the org opens at ``opens`` instead of ``written``."""
    days = (opens - written) // DAY
    if days == 0:
        return table
    for at, field in enumerate(table.schema):
        if pa.types.is_date32(field.type):
            one, number = 1, pa.int32()
        elif pa.types.is_timestamp(field.type):
            one, number = 86_400 * _PER_SECOND[field.type.unit], pa.int64()
        else:
            continue
        column = _moved(table.column(at).cast(number), one, days, written)
        table = table.set_column(at, field, column.cast(field.type))
    return table


def _moved(numbers: pa.ChunkedArray, one: int, days: int, written: datetime) -> pa.ChunkedArray:
    """Move numbers that count ``one`` a day."""
    centre = int(written.timestamp()) // 86_400
    first, last = (centre - CENTURY.days) * one, (centre + CENTURY.days) * one
    near = pc.and_(pc.greater(numbers, first), pc.less(numbers, last))
    return pc.if_else(near, pc.add(numbers, pa.scalar(days * one, numbers.type)), numbers)
