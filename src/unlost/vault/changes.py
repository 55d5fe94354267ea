"""What differs between two snapshots, told from the segments that were added between them.

Each row says what it replaced (``_u_prev``), so that the older snapshot is asked only about records
that several commits touched, or that a rebased commit touched.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.snapshot import ChangeKind
from unlost.vault import rules
from unlost.vault.format.physical import SAME, U_ID, U_OP, U_PREV, U_ROW_HASH, U_SNAP
from unlost.vault.format.rowhash import from_array
from unlost.vault.merge import key_pieces
from unlost.vault.room import OrgRoom
from unlost.vault.tableview import RANK, TableView, last_of_each
from unlost.vault.writer import positions

_KEYS = (U_OP, U_PREV, U_ROW_HASH)
_KINDS = ("", ChangeKind.CREATED, ChangeKind.CHANGED, ChangeKind.DELETED, ChangeKind.REVIVED)
_TURNED = {
    ChangeKind.CREATED: ChangeKind.DELETED,
    ChangeKind.DELETED: ChangeKind.REVIVED,
    ChangeKind.REVIVED: ChangeKind.DELETED,
    ChangeKind.CHANGED: ChangeKind.CHANGED,
}
_CREATED, _CHANGED, _DELETED, _REVIVED = range(1, 5)


def changes(room: OrgRoom, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
    """``_u_id`` and ``change`` of the records that differ, in the order of their ids."""
    if after > until:
        yield from changes_back(room, table, after=after, until=until)
        return
    state = room.chain.live()
    base = room.view(table, until=after, state=state)
    newer = [live for live in state.of(table, until=until) if live.last > after]
    added = TableView(table, newer, room.reading, after=after, until=until)
    for rows in key_pieces(added, _KEYS):
        found = _differences(rows, added, base)
        if len(found):
            yield found


def changes_back(room: OrgRoom, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
    """The same seen from the newer snapshot: what was created is deleted, and so on."""
    told = pa.array([str(kind) for kind in _TURNED], pa.string())
    turned = pa.array([str(kind) for kind in _TURNED.values()], pa.string())
    for rows in changes(room, table, after=until, until=after):
        kinds = turned.take(pc.index_in(rows.column("change").combine_chunks(), value_set=told))
        yield rows.set_column(1, "change", kinds)


def _differences(rows: pa.Table, added: TableView, base: TableView) -> pa.Table:
    """The differences that the new versions of some records, in order of id and rank, make."""
    rows = _winners(rows)
    last = last_of_each(rows.column(U_ID))
    first = np.roll(last, 1)
    newest = rows.filter(pa.array(last))
    ops = rules.ops_of(newest.column(U_OP))
    before = rules.ops_of(rows.filter(pa.array(first)).column(U_PREV))
    changed = np.ones(len(newest), dtype=np.bool_)
    asked = _doubtful(rows, added, first=first, last=last)
    if asked.any():
        ids = newest.column(U_ID).filter(pa.array(asked)).combine_chunks()
        found = base.newest(ids, (U_OP, U_ROW_HASH))
        at = np.flatnonzero(asked)[positions(found.column(U_ID), ids)]
        before[asked] = rules.NONE
        before[at] = rules.ops_of(found.column(U_OP))
        hashes = from_array(newest.column(U_ROW_HASH))[at]
        changed[at] = (from_array(found.column(U_ROW_HASH)) != hashes).any(axis=1)
    kinds = _kinds(before, ops, changed)
    told = np.flatnonzero(kinds)
    names = pa.array([str(kind) for kind in _KINDS]).take(pa.array(kinds[told]))
    ids = newest.column(U_ID).combine_chunks().take(pa.array(told))
    return pa.table([ids, names], names=[U_ID, "change"])


def _winners(rows: pa.Table) -> pa.Table:
    commits = rows.column(U_SNAP).to_numpy()
    lost = np.zeros(len(rows), dtype=np.bool_)
    lost[:-1] = ~last_of_each(rows.column(U_ID))[:-1] & (commits[1:] == commits[:-1])
    return rows.filter(pa.array(~lost)) if lost.any() else rows


def _doubtful(
    rows: pa.Table, added: TableView, *, first: NDArray[np.bool_], last: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Records of which ``_u_prev`` alone does not tell how they differ."""
    rebased = np.array([live.rebased for live in added.segments], dtype=np.bool_)
    starts = rows.filter(pa.array(first))
    same = pc.equal(starts.column(U_PREV).fill_null(""), SAME).to_numpy()
    several = ~last[first]
    return np.asarray(several | same | rebased[starts.column(RANK).to_numpy()])


def _kinds(before: rules.Ops, ops: rules.Ops, changed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Places in ``_KINDS``; 0 where a person sees no difference."""
    alive, was_alive, was_there = ops == rules.U, before == rules.U, before != rules.NONE
    return np.select(
        [
            alive & ~was_there,
            alive & was_alive & changed,
            ~alive & was_alive,
            alive & was_there & ~was_alive,
        ],
        [_CREATED, _CHANGED, _DELETED, _REVIVED],
        default=0,
    )
