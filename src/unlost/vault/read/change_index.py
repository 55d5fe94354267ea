"""What each commit did to a table, told without reading the merged segment in which its versions lie.

When segments of several commits are merged, the ids and ops of each are kept in ``$changes`` in the
order of commits. A comparison of two nights then reads what those brought, and not all that lies
between. Of the first commit of a table nothing is kept: whoever asks for it reads everything anyway.
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
    UNTOLD,
)
from unlost.vault.read.merge import key_pieces
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_view import TableView, last_of_each
from unlost.vault.read.token_rows import between, places_between

# What commits did, from wherever it was read.
TOLD = pa.schema(
    [
        pa.field(U_ID, pa.string()),
        pa.field(U_OP, pa.string()),
        pa.field(U_PREV, pa.string()),
        pa.field(U_SNAP, pa.int64()),
    ]
)
_DIGITS = 10
_LAST = "\U0010ffff"


def change_id(table: str, number: int, record: str) -> str:
    """The id of the row that tells what a commit did to a record."""
    return SEPARATOR.join((table, f"{number:0{_DIGITS}d}", record))


def change_rows(table: str, rows: pa.Table) -> pa.Table:
    """Rows of ``$changes`` for versions (id, op, prev, snap) of a table, in their order."""
    snaps = pc.utf8_lpad(pc.cast(rows.column(U_SNAP), pa.string()), _DIGITS, padding="0")
    ids = pc.binary_join_element_wise(
        pa.scalar(table), snaps, rows.column(U_ID), pa.scalar(SEPARATOR)
    )
    columns = [ids, rows.column(U_OP), rows.column(U_PREV)]
    return pa.table(columns, schema=pa.schema(CHANGES_FIELDS))


def changes_of(table: str, commits: Sequence[LiveSegment], view: TableView) -> Iterator[pa.Table]:
    """Rows of ``$changes`` for one commit's segments, which are given, in order."""
    rebased = commits[0].rebased
    for rows in key_pieces(TableView(table, commits, view.reading), (U_OP, U_PREV)):
        shown = rows.filter(pa.array(last_of_each(rows.column(U_ID))))
        if rebased:
            unknown_before = pa.repeat(pa.scalar(UNTOLD, pa.string()), len(shown))
            shown = shown.set_column(shown.column_names.index(U_PREV), U_PREV, unknown_before)
        yield change_rows(table, shown)


class ChangeIndex:
    """``$changes`` of an org as of now."""

    def __init__(self, room: OrgReader, state: LiveState, table: str) -> None:
        self._table = table
        self._view = room.view(CHANGES, until=state.seq, state=state)

    def most(self, *, after: int, until: int) -> int:
        """At most so many records were touched by the commits behind ``after`` up to ``until``."""
        low, high = self._edges(after, until)
        places = places_between(self._view, low, high)
        return sum(self._view.sidecar(rank).fences[group].rows for rank, group in places)

    def rows(self, *, after: int, until: int) -> Iterator[pa.Table]:
        """Id, op, prev and snap of what they did."""
        low, high = self._edges(after, until)
        for index_rows in between(self._view, low, high, [f.name for f in CHANGES_FIELDS]):
            yield self._plain(index_rows)

    def _edges(self, after: int, until: int) -> tuple[str, str]:
        low, high = (f"{number:0{_DIGITS}d}" for number in (after + 1, until))
        return (
            SEPARATOR.join((self._table, low, "")),
            SEPARATOR.join((self._table, high, _LAST)),
        )

    def _plain(self, rows: pa.Table) -> pa.Table:
        ids = rows.column(U_ID)
        end = len(self._table) + 1 + _DIGITS
        snaps = pc.utf8_slice_codeunits(ids, end - _DIGITS, end)
        texts = [rows.column(name).cast(pa.string()) for name in (U_OP, U_PREV)]
        columns = [pc.utf8_slice_codeunits(ids, end + 1), *texts, snaps.cast(pa.int64())]
        return pa.table(columns, schema=TOLD)


def in_order(parts: Sequence[pa.Table]) -> pa.Table:
    """Rows (with ``_u_snap``) of several commits, by id and then oldest first."""
    rows = pa.concat_tables(parts)
    return rows.take(pc.sort_indices(rows, sort_keys=[(U_ID, "ascending"), (U_SNAP, "ascending")]))


def slices(rows: pa.Table, *, most: int) -> Iterator[pa.Table]:
    """Rows in parts of about ``most``, all of an id in one part."""
    ends = np.flatnonzero(last_of_each(rows.column(U_ID))) + 1
    at = 0
    while at < len(rows):
        place = int(np.searchsorted(ends, at + most, side="right")) - 1
        end = int(ends[place]) if place >= 0 and ends[place] > at else _next_end(ends, at)
        yield rows.slice(at, end - at)
        at = end


def _next_end(ends: "np.typing.NDArray[np.int64]", at: int) -> int:
    return int(ends[int(np.searchsorted(ends, at, side="right"))])
