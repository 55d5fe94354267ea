"""The index ``$changes``: the effect of each commit on a table, without its merged segments.

A merged segment is sorted by id, so the versions of one commit are spread over all of it. To
compare two backups in its middle, all of it would have to be read. So a merge keeps the id and ops
of each version in ``$changes``, sorted by commit. An id is table, commit and record:

    Account␟0000000041␟001A   op U  prev U     commit 41 changed 001A
    Account␟0000000041␟001B   op D  prev U     commit 41 deleted 001B
    Account␟0000000042␟001A   op U  prev U     commit 42 changed 001A again

Comparing 40 with 41 then reads only the rows that begin with ``Account␟0000000041␟``. The first
commit of a table is not indexed: a comparison with it reads all versions anyway. Measured in
docs/adr/0020: 6.5 ms with the index, 211 ms without.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import (
    CHANGES,
    CHANGES_FIELDS,
    SEPARATOR,
    U_ID,
    U_OP,
    U_PREV,
    U_SNAP,
    UNKNOWN_PREV,
)
from unlost.vault.read.merge import key_rows
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_view import TableView, last_of_each
from unlost.vault.read.token_rows import between, places_between

# The changes of commits, whether they come from the index or from segments.
CHANGE_SCHEMA = pa.schema(
    [
        pa.field(U_ID, pa.string()),
        pa.field(U_OP, pa.string()),
        pa.field(U_PREV, pa.string()),
        pa.field(U_SNAP, pa.int64()),
    ]
)
_DIGITS = 10
_LAST = "\U0010ffff"

type Ids = pa.Array | pa.ChunkedArray


def change_id(table: str, number: int, record: str) -> str:
    """The id of the row for a record that a commit changed."""
    return SEPARATOR.join((table, commit_text(number), record))


def commit_text(number: int) -> str:
    """The number of a commit, as ids contain it."""
    return f"{number:0{_DIGITS}d}"


def parts_of_ids(table: str, ids: Ids) -> tuple[Ids, Ids]:
    """The commits (ten digits) and the records of ids of a table's rows."""
    # Cut by position and not at SEPARATOR: the id of a record may contain any character.
    end = len(table) + 1 + _DIGITS
    commits = pc.utf8_slice_codeunits(ids, end - _DIGITS, end)
    return commits, pc.utf8_slice_codeunits(ids, end + 1)


def change_rows(table: str, rows: pa.Table) -> pa.Table:
    """Rows of ``$changes`` for versions (id, op, prev, snap) of a table, in their order."""
    snaps = pc.utf8_lpad(pc.cast(rows.column(U_SNAP), pa.string()), _DIGITS, padding="0")
    ids = pc.binary_join_element_wise(
        pa.scalar(table), snaps, rows.column(U_ID), pa.scalar(SEPARATOR)
    )
    columns = [ids, rows.column(U_OP), rows.column(U_PREV)]
    return pa.table(columns, schema=pa.schema(CHANGES_FIELDS))


def changes_of(table: str, commits: Sequence[LiveSegment], view: TableView) -> Iterator[pa.Table]:
    """Rows of ``$changes`` for the segments of one commit, in order."""
    rebased = commits[0].rebased
    for rows in key_rows(TableView(table, commits, view.reading), (U_OP, U_PREV)):
        shown = rows.filter(pa.array(last_of_each(rows.column(U_ID))))
        # ``_u_prev`` was compared with another version than the one before this commit.
        if rebased:
            unknown_before = pa.repeat(pa.scalar(UNKNOWN_PREV, pa.string()), len(shown))
            shown = shown.set_column(shown.column_names.index(U_PREV), U_PREV, unknown_before)
        yield change_rows(table, shown)


class ChangeIndex:
    """The present rows of ``$changes`` of an org, for one table."""

    def __init__(self, org_reader: OrgReader, state: LiveState, table: str) -> None:
        self._table = table
        self._view = org_reader.view(CHANGES, until=state.seq, state=state)

    def most(self, *, after: int, until: int) -> int:
        """An upper bound of the records changed by the commits after ``after`` up to ``until``."""
        low, high = self._edges(after, until)
        places = places_between(self._view, low, high)
        return sum(self._view.sidecar(rank).fences[group].rows for rank, group in places)

    def rows(self, *, after: int, until: int) -> Iterator[pa.Table]:
        """Id, op, prev and snap of the changes by these commits."""
        low, high = self._edges(after, until)
        for index_rows in between(self._view, low, high, [f.name for f in CHANGES_FIELDS]):
            yield self._plain(index_rows)

    def _edges(self, after: int, until: int) -> tuple[str, str]:
        low, high = map(commit_text, (after + 1, until))
        return (
            SEPARATOR.join((self._table, low, "")),
            SEPARATOR.join((self._table, high, _LAST)),
        )

    def _plain(self, rows: pa.Table) -> pa.Table:
        snaps, records = parts_of_ids(self._table, rows.column(U_ID))
        texts = [rows.column(name).cast(pa.string()) for name in (U_OP, U_PREV)]
        return pa.table([records, *texts, snaps.cast(pa.int64())], schema=CHANGE_SCHEMA)


def in_order(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows (with ``_u_snap``) of several commits, by id and then oldest first."""
    rows = pa.concat_tables(parts)
    return rows.take(pc.sort_indices(rows, sort_keys=[(U_ID, "ascending"), (U_SNAP, "ascending")]))


def slices(rows: pa.Table, *, most: int) -> Iterator[pa.Table]:
    """The rows in parts of about ``most``; all rows of an id are in one part."""
    ends = np.flatnonzero(last_of_each(rows.column(U_ID))) + 1
    at = 0
    while at < len(rows):
        place = int(np.searchsorted(ends, at + most, side="right")) - 1
        end = int(ends[place]) if place >= 0 and ends[place] > at else _next_end(ends, at)
        yield rows.slice(at, end - at)
        at = end


def _next_end(ends: "np.typing.NDArray[np.int64]", at: int) -> int:
    return int(ends[int(np.searchsorted(ends, at, side="right"))])
