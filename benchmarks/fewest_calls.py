"""The fewest API calls by which a graph can come back and be seen to be back.

Tables are described 25 a call, records and files are written, and each is read once, five looks of
2,000 in one call. Parents come before children. A collection carries 200 records; a Bulk job takes any
number of rows in five calls (open it, upload, close, look, fetch the ids), or in three where its data
has at most 100,000 characters and is sent with the opening: whichever is less. A reference that
closes a circle needs a second pass. Files go 200 a call and are linked by it.

A table that refers to itself goes level by level: each record is written once. ``twice`` allows the
cheaper of that and of a second pass over all records that refer to their own table. It takes fewer
calls, but fires the automations of the org again on every other record and moves the day of its last
change, so that the restore would be less true.

Composite calls could carry five collections each. They are left out: all that their triggers do
counts against the limits of one call, which a restore into a customer's org cannot risk. Looks have
no triggers.
"""

from collections import Counter
from collections.abc import Mapping

from benchmarks.graph import KEY, Graph, Rows

DESCRIBES_PER_CALL = 25  # composite batch
ROWS_PER_CALL = 200  # collections (REST guide, sObject Collections)
FILES_PER_CALL = 200  # collections with bytes (REST guide, insert blob data)
JOB_CALLS, SMALL_JOB_CALLS = 5, 3
SMALL_JOB = 100_000  # characters that a job's multipart request takes (Bulk API 2.0 guide)
ROWS_PER_LOOK = 5 * 2_000  # retrieves by ids in a composite (REST guide: five of them, collections)

REFERENCE = 2 * 19.0  # characters of a row that sets one reference: both ids


def fewest_calls(graph: Graph, *, twice: bool = False) -> int:
    """Calls that describe each table, write each record and file, and read each of them back."""
    written = sum(_table(rows, twice=twice) for rows in graph.tables)
    files = -(-len(graph.files) // FILES_PER_CALL)
    tables = len(graph.tables) + (1 if graph.files else 0)
    looks = _calls(sum(len(rows.cells) for rows in graph.tables) + len(graph.files), ROWS_PER_LOOK)
    return _calls(tables, DESCRIBES_PER_CALL) + written + files + looks


def _calls(rows: int, most: int) -> int:
    return -(-rows // most)


def _rows(count: int, size: float) -> int:
    """The fewest calls that write so many rows of this size which need not wait for one another."""
    job = SMALL_JOB_CALLS if count * size <= SMALL_JOB else JOB_CALLS
    return min(_calls(count, ROWS_PER_CALL), job)


def _table(rows: Rows, *, twice: bool) -> int:
    own = [link.column for link in rows.late if link.to == rows.table]
    later = [link.column for link in rows.late if link.to != rows.table]
    waiting = sum(any(cells[name] for name in later) for cells in rows.cells)
    apart = sum(any(cells[name] for name in (*own, *later)) for cells in rows.cells)
    told = (value for cells in rows.cells for value in cells.values() if value)
    size = sum(len(str(value)) + 1 for value in told) / len(rows.cells)
    levels = sum(_rows(count, size) for count in _levels(rows, own).values())
    by_level = levels + _rows(waiting, REFERENCE)
    at_once = _rows(len(rows.cells), size) + _rows(apart, REFERENCE)
    return min(by_level, at_once) if twice else by_level


def _levels(rows: Rows, own: list[str]) -> Mapping[int, int]:
    """How many records stand on each level of the references into the same table."""
    above = {cells[KEY]: [cells[name] for name in own if cells[name]] for cells in rows.cells}
    depths: dict[str, int] = {}

    def depth(key: str) -> int:
        if key not in depths:
            depths[key] = 1 + max((depth(one) for one in above[key]), default=-1)
        return depths[key]

    return Counter(map(depth, above))
