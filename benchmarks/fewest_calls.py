"""The fewest API calls by which a graph can come back and be seen to be back.

Tables are described 25 a call, records and files are written, and each is read once, 2,000 a call.
Parents come before children. A collection carries 200 records; a Bulk job takes any number of rows
in five calls (open it, upload, close, look, fetch the ids): whichever is less. A table that refers
to itself goes level by level, or at once with a second pass: whichever is less. A reference that
closes a circle needs the second pass. Files go 200 a call and are linked by it.

Composite calls could carry five collections each. They are left out: all that their triggers do
counts against the limits of one call, which a restore into a customer's org cannot risk. Looks have
no triggers, and a job with little data can be sent in three calls: Unlost does both. They are left
out here all the same, so that the figure stays comparable with older ones.
"""

from collections import Counter
from collections.abc import Mapping

from benchmarks.graph import KEY, Graph, Rows

DESCRIBES_PER_CALL = 25  # composite batch
ROWS_PER_CALL = 200  # collections (REST guide, sObject Collections)
FILES_PER_CALL = 200  # collections with bytes (REST guide, insert blob data)
JOB_CALLS = 5
ROWS_PER_LOOK = 2_000  # retrieve by ids (REST guide, collections), and a page of a query


def fewest_calls(graph: Graph) -> int:
    """Calls that describe each table, write each record and file, and read each of them back."""
    written = sum(_table(rows) for rows in graph.tables)
    files = -(-len(graph.files) // FILES_PER_CALL)
    tables = len(graph.tables) + (1 if graph.files else 0)
    looks = sum(_calls(len(rows.cells), ROWS_PER_LOOK) for rows in graph.tables)
    looks += _calls(len(graph.files), ROWS_PER_LOOK)
    return _calls(tables, DESCRIBES_PER_CALL) + written + files + looks


def _calls(rows: int, most: int) -> int:
    return -(-rows // most)


def _rows(count: int) -> int:
    """The fewest calls that write so many rows which need not wait for one another."""
    return min(_calls(count, ROWS_PER_CALL), JOB_CALLS)


def _table(rows: Rows) -> int:
    own = [link.column for link in rows.late if link.to == rows.table]
    later = [link.column for link in rows.late if link.to != rows.table]
    waiting = sum(any(cells[name] for name in later) for cells in rows.cells)
    apart = sum(any(cells[name] for name in (*own, *later)) for cells in rows.cells)
    by_level = sum(map(_rows, _levels(rows, own).values())) + _rows(waiting)
    at_once = _rows(len(rows.cells)) + _rows(apart)
    return min(by_level, at_once)


def _levels(rows: Rows, own: list[str]) -> Mapping[int, int]:
    """How many records stand on each level of the references into the same table."""
    above = {cells[KEY]: [cells[name] for name in own if cells[name]] for cells in rows.cells}
    depths: dict[str, int] = {}

    def depth(key: str) -> int:
        if key not in depths:
            depths[key] = 1 + max((depth(one) for one in above[key]), default=-1)
        return depths[key]

    return Counter(map(depth, above))
