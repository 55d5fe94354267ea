"""Lineage: which live record of a target org stands for which record of this org.

Rows of the system table ``$lineage``. Their id is the JSON array [target, table, old]; the newest
row of an id counts, so that a lookup costs the same as that of any other record.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import batched

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.decoders import decoder_for
from unlost.model.source.reading import Rows
from unlost.model.vault.snapshot import Lineage
from unlost.vault.format.physical import LINEAGE, U_ID, U_SNAP
from unlost.vault.layout.system_rows import system_rows, text_cells
from unlost.vault.read.merge import key_rows, newest_of_each
from unlost.vault.read.org_vault import OrgReader
from unlost.vault.read.table_view import TableView, sorted_unique

_CELLS = ("live", "run")
_BATCH_ROWS = 8_192


def lineage_rows(rows: Sequence[Lineage], *, observed_at: datetime) -> Iterator[Rows]:
    """Rows of ``$lineage``, in bounded batches."""
    for part in batched(rows, _BATCH_ROWS):
        cells = [[row.live for row in part], [row.run for row in part]]
        yield system_rows(
            [_id(row.target, row.table, row.old) for row in part],
            observed_at=observed_at,
            cells=text_cells(cells, _CELLS),
        )


def lineage(
    org_reader: OrgReader,
    *,
    targets: Sequence[str],
    table: str | None,
    records: Sequence[str],
    lives: Sequence[str] = (),
    superseded: bool = False,
) -> Sequence[Lineage]:
    """The newest row of each id. With a table and records, follows the records to their successors.

    ``targets``: oids of all orgs in which records may have been restored. ``lives``: return only
    rows that lead to one of these records. ``superseded``: include rows that a newer one replaced.
    """
    state = org_reader.chain.live()
    view = org_reader.view(LINEAGE, until=state.seq, state=state)
    if not view:
        return []
    if table is not None and records:
        step = _Step(view, superseded=superseded)
        return _followed(step, org_reader.org, targets=targets, table=table, records=records)
    wanted = frozenset(records)
    return [
        row
        for row in _all(_Step(view, superseded=superseded), lives)
        if table in (None, row.table) and (not wanted or row.old in wanted)
    ]


@dataclass(frozen=True, slots=True)
class _Step:
    """One step along the lineage: a lookup of its rows by their ids."""

    view: TableView
    superseded: bool

    def rows(self, ids: pa.Array) -> pa.Table:
        """The rows of these ids (sorted, unique)."""
        return self.view.find(ids, ()) if self.superseded else self.view.newest(ids, ())


def _followed(
    step: _Step, org: str, *, targets: Sequence[str], table: str, records: Sequence[str]
) -> list[Lineage]:
    """Rows of the records, then of the records that stand for them in their own org, and so on."""
    lineages: list[Lineage] = []
    wanted_lives: set[str] = set()
    wanted, places = set(records), list(targets)
    while wanted:
        wanted_lives |= wanted
        ids = sorted_unique(_id(t, table, old) for t in places for old in wanted)
        rows = list(_lineage_rows(step.rows(ids), step.view))
        lineages += rows
        wanted = {row.live for row in rows if row.target == org} - wanted_lives
        # After the first step, only restores into the org itself continue the chain.
        places = [org]
    return sorted(lineages, key=lambda row: _id(row.target, row.table, row.old))


def _all(step: _Step, lives: Sequence[str]) -> Iterator[Lineage]:
    view = step.view
    for versions in key_rows(view, ()):
        ids = newest_of_each(versions).column(U_ID).combine_chunks()
        rows = step.rows(ids)
        yield from _lineage_rows(_leading(rows, view, lives) if lives else rows, view)


def _leading(rows: pa.Table, view: TableView, lives: Sequence[str]) -> pa.Table:
    live = view.cells(rows, _CELLS[:1]).column(0)
    return rows.filter(pc.is_in(live, pa.array(lives, pa.string())))


def _lineage_rows(rows: pa.Table, view: TableView) -> Iterator[Lineage]:
    cells = view.cells(rows, _CELLS).to_pylist()
    keys = zip(rows.column(U_ID).to_pylist(), rows.column(U_SNAP).to_pylist(), strict=True)
    for (key, since), cell in zip(keys, cells, strict=True):
        target, table, old = decoder_for(tuple[str, str, str]).decode(key)
        yield Lineage(table, old, cell["live"], target, cell["run"], since=since)


def _id(target: str, table: str, old: str) -> str:
    return msgspec.json.encode((target, table, old)).decode()
