"""The effect of one commit's segments on a table, with each record counted once."""

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.model.vault.snapshot import SegmentEntry
from unlost.vault.commits import version_rules
from unlost.vault.commits.state import LiveSegment
from unlost.vault.commits.version_rules import CountBalance
from unlost.vault.format.physical import SAME, U_ID, U_OP, U_PREV, U_ROW_HASH
from unlost.vault.format.rowhash import Hashes, from_array
from unlost.vault.layout.positions import positions
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.table_view import SegmentReaders, TableView, last_of_each


def overlapping(entries: Sequence[SegmentEntry]) -> Iterator[list[SegmentEntry]]:
    """Groups of two or more segments whose ranges of ids overlap, each in the order given."""
    by_range = sorted(enumerate(entries), key=lambda pair: pair[1].min_id)
    group: list[tuple[int, SegmentEntry]] = []
    reach = ""
    for number, entry in by_range:
        if group and entry.min_id > reach:
            yield from _in_order(group)
            group = []
        group.append((number, entry))
        reach = max(reach, entry.max_id)
    yield from _in_order(group)


def _in_order(group: list[tuple[int, SegmentEntry]]) -> Iterator[list[SegmentEntry]]:
    if len(group) > 1:
        yield [entry for _, entry in sorted(group, key=lambda pair: pair[0])]


def view_of(table: str, entries: Sequence[SegmentEntry], reading: SegmentReaders) -> TableView:
    """Segments of one commit as a table; ``key_rows`` returns all of their rows."""
    live = [LiveSegment(entry, seq=0, order=order) for order, entry in enumerate(entries)]
    return TableView(table, live, reading)


def replaced(
    table: str, entries: Sequence[SegmentEntry], reading: SegmentReaders
) -> tuple[CountBalance, int]:
    """The claims of versions that a later one of the same commit replaced, and their number.

    Reads only segments whose ranges overlap, and of them only the keys.
    """
    claimed, count = CountBalance(), 0
    for group in overlapping(entries):
        for rows in key_rows(view_of(table, group, reading), (U_OP, U_PREV)):
            # Each row claims its effect over the base, so the claims of all but the last are too
            # many.
            losers = rows.filter(pa.array(~last_of_each(rows.column(U_ID))))
            if len(losers):
                claimed = claimed.plus(claims(losers))
                count += len(losers)
    return claimed, count


def claims(rows: pa.Table) -> CountBalance:
    """The effect on the table that rows claim by ``_u_prev``."""
    counted = rows.filter(pc.not_equal(rows.column(U_PREV).fill_null(""), SAME))
    return version_rules.balance(
        version_rules.ops_of(counted.column(U_PREV)), version_rules.ops_of(counted.column(U_OP))
    )


def against(
    table: str, entries: Sequence[SegmentEntry], base: TableView, reading: SegmentReaders
) -> CountBalance:
    """The effect of the segments over another base than the one they were compared with."""
    total = CountBalance()
    for rows in key_rows(view_of(table, entries, reading), (U_OP, U_ROW_HASH)):
        newest = newest_of_each(rows)
        ids = newest.column(U_ID).combine_chunks()
        base_rows = base.newest(ids, (U_OP, U_ROW_HASH))
        before, same = compared(base_rows, ids, from_array(newest.column(U_ROW_HASH)))
        ops = version_rules.ops_of(newest.column(U_OP))
        counted = version_rules.is_version(before, ops, same=same) | (before != ops)
        total = total.plus(version_rules.balance(before[counted], ops[counted]))
    return total


def compared(
    stored_rows: pa.Table | None, ids: pa.Array, hashes: Hashes
) -> tuple[version_rules.Ops, NDArray[np.bool_]]:
    """The op before each id, and True if its hash is the same."""
    before = np.zeros(len(ids), dtype=np.int8)
    same = np.zeros(len(ids), dtype=np.bool_)
    if stored_rows is not None:
        at = positions(stored_rows.column(U_ID), ids)
        before[at] = version_rules.ops_of(stored_rows.column(U_OP))
        same[at] = (from_array(stored_rows.column(U_ROW_HASH)) == hashes[at]).all(axis=1)
    return before, same
