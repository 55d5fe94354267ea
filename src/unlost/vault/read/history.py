"""The versions of one record."""

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from unlost.model.source.reading import Op
from unlost.model.vault.snapshot import Version
from unlost.vault.commits import version_rules
from unlost.vault.format.physical import (
    U_ID,
    U_MODIFIED_AT,
    U_MODIFIED_BY,
    U_OBSERVED_AT,
    U_OP,
    U_ROW_HASH,
    U_SHAPE,
    U_SNAP,
)
from unlost.vault.read.big_cells import resolve
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_view import RANK, TableView

_COLUMNS = (U_OP, U_ROW_HASH, U_OBSERVED_AT, U_MODIFIED_AT, U_MODIFIED_BY, U_SHAPE)


def history(org_reader: OrgReader, table: str, record: str) -> Sequence[Version]:
    """All versions of a record, oldest first; empty if the vault never saw it.

    An observation that equals the version before it is not a version.
    """
    state = org_reader.chain.live()
    view = org_reader.view(table, until=state.seq, state=state)
    rows = _version_rows(view.find(pa.array([record], pa.string()), _COLUMNS))
    cells = _cells(org_reader, view, rows, until=state.seq)
    return [_version(table, rows.slice(at, 1), cells[at]) for at in range(len(rows))]


def _version_rows(rows: pa.Table) -> pa.Table:
    """The rows that are versions by the rules, each compared with the version before it."""
    ops = version_rules.ops_of(rows.column(U_OP))
    hashes = rows.column(U_ROW_HASH).to_pylist()
    ranks: list[int] = []
    # A loop in Python: a record has few versions, and each depends on the last one kept.
    for number in range(len(rows)):
        before = ranks[-1] if ranks else None
        last = np.array([version_rules.NONE if before is None else ops[before]], dtype=np.int8)
        same = np.array([before is not None and hashes[before] == hashes[number]])
        if version_rules.is_version(last, ops[number : number + 1], same=same)[0]:
            ranks.append(number)
    return rows.take(pa.array(ranks, pa.int64()))


def _cells(
    org_reader: OrgReader, view: TableView, rows: pa.Table, *, until: int
) -> Sequence[dict[str, str | None]]:
    """The cells of each version; versions with the same columns are read together."""
    dicts: list[dict[str, str | None]] = [{} for _ in range(len(rows))]
    versions = zip(*(rows.column(name).to_pylist() for name in (U_OP, RANK, U_SHAPE)), strict=True)
    alike: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, (op, rank, shape) in enumerate(versions):
        if op in version_rules.WITH_CELLS:
            alike[tuple(view.names(rank, shape=shape))].append(at)
    for names, places in alike.items():
        cells = resolve(
            view.cells(rows.take(pa.array(places, pa.int64())), names),
            names,
            org_reader.load_blob(until=until),
        )
        for at, row in zip(places, cells.select(list(names)).to_pylist(), strict=True):
            dicts[at] = row
    return dicts


def _version(table: str, row: pa.Table, cells: dict[str, str | None]) -> Version:
    values = row.to_pylist()[0]
    return Version(
        table=table,
        record=values[U_ID],
        snapshot=values[U_SNAP],
        op=Op(values[U_OP]),
        observed_at=values[U_OBSERVED_AT],
        modified_at=values[U_MODIFIED_AT],
        modified_by=values[U_MODIFIED_BY],
        cells=cells,
    )
