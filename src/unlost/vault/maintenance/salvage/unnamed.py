"""Contents without references: they go, as if the rows that referred to them had been forgotten.

Without its row, a content is unreadable, and it is unknown whose data it is, so that no erasure
would find it. Its packs are rewritten without it. The names of all referenced contents are in
memory, about 100 bytes each.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.format.physical import U_BLOBS, U_ID
from unlost.vault.maintenance.retain.contents import names_in
from unlost.vault.maintenance.rewrite.affected_segments import Pause, groups_at_once
from unlost.vault.maintenance.rewrite.repack import NO_EXTENTS, extents_in
from unlost.vault.maintenance.salvage.contents import SalvagedContents, content_of
from unlost.vault.objects.files import BLOB_ROW
from unlost.vault.read.table_view import TableView

type Rows = Callable[[], Iterator[pa.Table]]
"""Yield the remaining rows of ``$files``, with source names and ``_u_id``; may be called again."""


@dataclass(frozen=True, slots=True)
class UnnamedContents:
    """Rows of ``$files`` by id, needed extents to move, and ``packs`` that go."""

    rows: frozenset[str]
    moving: pl.DataFrame
    packs: frozenset[str]


def names_of(view: TableView, pause: Pause) -> Iterator[str]:
    """Iterate over the contents that the rows of a table refer to."""
    for rank in range(len(view.segments)):
        for groups in groups_at_once(view, rank):
            pause()
            yield from names_in(view.read_keys(rank, groups, (U_BLOBS,)).column(U_BLOBS))


def unnamed(
    files: Rows, named: set[str], contents: SalvagedContents, damaged: frozenset[str]
) -> UnnamedContents:
    """Find what goes; ``named``: contents that records refer to, ``damaged``: damaged packs."""
    for rows in files():
        named.update(names_in(rows.column("blob")))
    going = frozenset(_going(files, named))
    gone, staying_extents = [NO_EXTENTS], [NO_EXTENTS]
    for rows in files():
        goes = pc.is_in(rows.column(U_ID), value_set=pa.array(sorted(going), pa.string()))
        gone.append(extents_in(rows.column("extents").filter(goes)))
    freed = pl.concat(gone).unique()
    # Damaged packs go in any case; their readable extents are in ``contents.moving`` already.
    touched = freed.select("pack").unique().filter(~pl.col("pack").is_in(sorted(damaged)))
    for rows in files():
        stays = pa.array(
            [
                ident not in going and (ident, extents) not in contents.bad
                for ident, extents in zip(
                    *(rows.column(n).to_pylist() for n in (U_ID, "extents")), strict=True
                )
            ],
            pa.bool_(),
        )
        extents = extents_in(rows.column("extents").filter(stays))
        staying_extents.append(extents.join(touched, on="pack", how="semi"))
    moving = contents.moving.join(freed, on=freed.columns, how="anti")
    packs = frozenset(touched.get_column("pack").to_list())
    return UnnamedContents(going, pl.concat([moving, *staying_extents]).unique(), packs)


def _going(files: Rows, named: set[str]) -> Iterator[str]:
    for rows in files():
        for ident in rows.column(U_ID).to_pylist():
            if ident.startswith(BLOB_ROW) and content_of(ident) not in named:
                yield ident
