"""Parts of a table, as ranges of ids between records that the vault has. Pure.

SOQL can compare an id with two others, and nothing else about it. Ranges of the same width would
have very different sizes: ids of several instances of Salesforce lie far apart. So the ends of a
range are stored ids. In a large table they come from a sample that is drawn by the ids alone, so
that it is the same on each night.
"""

from collections.abc import Callable, Iterator

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.ids import order
from unlost.model.source.reading import RowCheckPart

SAMPLE = 200_000  # ids in memory


def id_condition(part: RowCheckPart, stored: Callable[[], Iterator[pa.Array]]) -> str:
    """The condition for the ids of a part; empty for a whole table."""
    if part.of == 1:
        return ""
    ids = _sample(stored, step=_step(part.rows * part.of))
    ranks = pc.sort_indices(pc.cast(order(ids), pa.binary()))
    ends = [len(ids) * number // part.of for number in (part.number, part.number + 1)]
    low, high = (ids[ranks[end].as_py()].as_py() if end < len(ids) else None for end in ends)
    return soql.id_range(low if part.number else None, high)


def _step(row_count: int) -> int:
    step = 1
    while row_count > step * SAMPLE:
        step *= 2
    return step


def _sample(stored: Callable[[], Iterator[pa.Array]], *, step: int) -> pa.Array:
    """About one stored id in ``step``."""
    samples = [pl.Series("id", [], pl.String)]
    for array in stored():
        ids = pl.Series("id", pl.from_arrow(array))
        samples.append(ids if step == 1 else ids.filter(ids.hash(0) % step == 0))
    return pl.concat(samples).to_arrow().cast(pa.string())
