"""The differences between two snapshots, computed from the versions added between them.

Each version records in ``_u_prev`` the op of the version it replaced. So most records are decided
without reading the older snapshot:

    versions after the older snapshot     difference
    one: U, ``_u_prev`` null              created
    one: U, ``_u_prev`` U                 changed
    one: D, ``_u_prev`` U                 deleted
    one: U, ``_u_prev`` D                 revived
    one: A, ``_u_prev`` U                 archived
    several, or ``_u_prev`` = or ?        compare op and row hash with the older snapshot

The versions come from the segments. For commits whose segments were merged they come from the index
``$changes`` if that is faster (``_index_covers``). See docs/adr/0020.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import ChangeKind
from unlost.vault.commits import version_rules
from unlost.vault.commits.state import LiveSegment, LiveState
from unlost.vault.format.physical import SAME, U_ID, U_OP, U_PREV, U_ROW_HASH, U_SNAP, UNKNOWN_PREV
from unlost.vault.format.rowhash import Hashes, from_array
from unlost.vault.layout.positions import positions
from unlost.vault.read.change_index import CHANGE_SCHEMA, ChangeIndex, in_order, slices
from unlost.vault.read.merge import key_rows
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_view import RANK, TableView, last_of_each, shown_of_each

INDEXED_ROWS = 2_000_000  # most rows to take from the index: they are in memory, 60 bytes each
INDEX_PAYS = 3  # the index is faster if merged segments have this many rows for each of its rows
_AT_ONCE = 131_072
_KEYS = (U_OP, U_PREV)
_ALL_KEYS = (*_KEYS, U_ROW_HASH)
_KINDS = (
    "",
    ChangeKind.CREATED,
    ChangeKind.CHANGED,
    ChangeKind.DELETED,
    ChangeKind.REVIVED,
    ChangeKind.ARCHIVED,
)
_TURNED = {
    ChangeKind.CREATED: ChangeKind.DELETED,
    ChangeKind.DELETED: ChangeKind.REVIVED,
    ChangeKind.REVIVED: ChangeKind.DELETED,
    ChangeKind.CHANGED: ChangeKind.CHANGED,
    ChangeKind.ARCHIVED: ChangeKind.REVIVED,
}
_CREATED, _CHANGED, _DELETED, _REVIVED, _ARCHIVED = range(1, 6)


def changes(org_reader: OrgReader, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
    """``_u_id`` and ``change`` of the records that differ, in the order of their ids."""
    if after > until:
        yield from changes_back(org_reader, table, after=after, until=until)
        return
    state = org_reader.chain.live()
    base = org_reader.view(table, until=after, state=state)
    newer = [live for live in state.of(table, until=until) if live.last > after]
    added = TableView(table, newer, org_reader.reading, after=after, until=until)
    for rows in _added_rows(org_reader, state, added):
        differences = _differences(rows, added, base)
        if len(differences):
            yield differences


def changes_back(
    org_reader: OrgReader, table: str, *, after: int, until: int
) -> Iterator[pa.Table]:
    """The differences seen from the newer snapshot: created becomes deleted, and so on."""
    turned_kinds = pa.array([str(kind) for kind in _TURNED], pa.string())
    turned = pa.array([str(kind) for kind in _TURNED.values()], pa.string())
    for rows in changes(org_reader, table, after=until, until=after):
        kinds = turned.take(
            pc.index_in(rows.column("change").combine_chunks(), value_set=turned_kinds)
        )
        turned_rows = rows.set_column(1, "change", kinds)
        yield _with_archived(turned_rows, rows, org_reader.view(table, until=until))


def _with_archived(turned: pa.Table, rows: pa.Table, older: TableView) -> pa.Table:
    """The turned differences: a revived record may have been archived before, not deleted."""
    revived = pc.equal(rows.column("change"), ChangeKind.REVIVED.value)
    ids = rows.column(U_ID).filter(revived).combine_chunks()
    if not len(ids):
        return turned
    known = older.newest(ids, (U_OP,))
    archived = known.column(U_ID).filter(pc.equal(known.column(U_OP), Op.ARCHIVED.value))
    mask = pc.is_in(turned.column(U_ID), value_set=archived.combine_chunks())
    kinds = pc.if_else(mask, ChangeKind.ARCHIVED.value, turned.column("change"))
    return turned.set_column(1, "change", kinds)


def _added_rows(org_reader: OrgReader, state: LiveState, added: TableView) -> Iterator[pa.Table]:
    """Id, op, prev and snap of all rows that were added, oldest first for each id.

    Also their hashes, if they come from segments.
    """
    index = ChangeIndex(org_reader, state, added.table)
    merged = [live for live in added.segments if _of_several(live)]
    if not merged or not _index_covers(index, state, added, merged):
        yield from _read_rows(added)
        return
    plain = [live for live in added.segments if not _of_several(live)]
    rest = TableView(added.table, plain, added.reading, after=added.after, until=added.until)
    batches = [rows.select(CHANGE_SCHEMA.names).cast(CHANGE_SCHEMA) for rows in _read_rows(rest)]
    parts = [*_within(index, added, merged), *batches]
    if parts:
        yield from slices(in_order(parts), most=_AT_ONCE)


def _of_several(live: LiveSegment) -> bool:
    return live.first != live.last


def _index_covers(
    index: ChangeIndex, state: LiveState, added: TableView, merged: Sequence[LiveSegment]
) -> bool:
    """True if the index has all these commits and is faster than reading all versions."""
    assert added.until is not None
    first = min(live.first for live in state.segments[added.table].values())
    # The first commit of a table is not in the index.
    if added.after < first:
        return False
    plain = sum(live.entry.rows for live in added.segments if not _of_several(live))
    most = index.most(after=added.after, until=added.until)
    every = sum(live.entry.rows for live in merged)
    return most + plain <= INDEXED_ROWS and most * INDEX_PAYS <= every


def _within(
    index: ChangeIndex, added: TableView, merged: Sequence[LiveSegment]
) -> Iterator[pa.Table]:
    """The rows of the index for the commits that are in these segments and in range."""
    assert added.until is not None
    for first, last in sorted({(live.first, live.last) for live in merged}):
        after, until = max(added.after, first - 1), min(added.until, last)
        yield from index.rows(after=after, until=until)


def _read_rows(view: TableView) -> Iterator[pa.Table]:
    """The same rows from the segments themselves."""
    rebased = np.array([live.rebased for live in view.segments], dtype=np.bool_)
    for rows in key_rows(view, _ALL_KEYS):
        shown = _winners(rows)
        silent = rebased[shown.column(RANK).to_numpy()]
        # A rebased segment was compared with another version than the one before its commit.
        if silent.any():
            previous_ops = pc.if_else(pa.array(silent), UNKNOWN_PREV, shown.column(U_PREV))
            shown = shown.set_column(shown.column_names.index(U_PREV), U_PREV, previous_ops)
        yield shown.select([U_ID, *_ALL_KEYS, U_SNAP])


def _winners(rows: pa.Table) -> pa.Table:
    shown = shown_of_each(rows.column(U_ID), rows.column(U_SNAP).to_numpy())
    return rows if shown.all() else rows.filter(pa.array(shown))


def _differences(rows: pa.Table, added: TableView, base: TableView) -> pa.Table:
    """The differences that result from the new versions of records, oldest first for each."""
    last = last_of_each(rows.column(U_ID))
    first = np.roll(last, 1)
    newest = rows.filter(pa.array(last))
    ops = version_rules.ops_of(newest.column(U_OP))
    before = version_rules.ops_of(rows.filter(pa.array(first)).column(U_PREV))
    # A single version that is no ``=`` was stored because it differs: no hash is needed.
    changed = np.ones(len(newest), dtype=np.bool_)
    doubtful = _doubtful(rows, first=first, last=last)
    if doubtful.any():
        ids = newest.column(U_ID).filter(pa.array(doubtful)).combine_chunks()
        base_rows = base.newest(ids, (U_OP, U_ROW_HASH))
        at = np.flatnonzero(doubtful)[positions(base_rows.column(U_ID), ids)]
        # A record that the base does not have stays at NONE: it was created since.
        before[doubtful] = version_rules.NONE
        before[at] = version_rules.ops_of(base_rows.column(U_OP))
        hashes = _hashes(newest, added, base_rows.column(U_ID).combine_chunks(), at)
        changed[at] = (from_array(base_rows.column(U_ROW_HASH)) != hashes).any(axis=1)
    kinds = _kinds(before, ops, changed)
    positions_shown = np.flatnonzero(kinds)
    names = pa.array([str(kind) for kind in _KINDS]).take(pa.array(kinds[positions_shown]))
    ids = newest.column(U_ID).combine_chunks().take(pa.array(positions_shown))
    return pa.table([ids, names], names=[U_ID, "change"])


def _hashes(newest: pa.Table, added: TableView, ids: pa.Array, at: NDArray[np.int64]) -> Hashes:
    """The hashes of the newest versions of ``ids``, which are at places ``at`` of ``newest``."""
    if U_ROW_HASH in newest.column_names:
        return from_array(newest.column(U_ROW_HASH))[at]
    return from_array(added.newest(ids, (U_ROW_HASH,)).column(U_ROW_HASH))


def _doubtful(
    rows: pa.Table, *, first: NDArray[np.bool_], last: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """True for records whose difference does not follow from ``_u_prev`` alone."""
    starts = rows.filter(pa.array(first))
    unknown = pc.is_in(starts.column(U_PREV), value_set=pa.array((SAME, UNKNOWN_PREV))).to_numpy()
    several = ~last[first]
    return np.asarray(several | unknown)


def _kinds(
    before: version_rules.Ops, ops: version_rules.Ops, changed: NDArray[np.bool_]
) -> NDArray[np.int64]:
    """Indexes in ``_KINDS``; 0 if a person sees no difference."""
    alive, was_alive, was_there = (
        ops == version_rules.U,
        before == version_rules.U,
        before != version_rules.NONE,
    )
    return np.select(
        [
            alive & ~was_there,
            alive & was_alive & changed,
            (ops == version_rules.A) & was_alive,
            ~alive & was_alive,
            alive & was_there & ~was_alive,
        ],
        [_CREATED, _CHANGED, _ARCHIVED, _DELETED, _REVIVED],
        default=0,
    )
