"""Contents that only erased records refer to, and the packs that are rewritten without them.

A pack is rewritten if anything in it is unneeded. That includes contents left by a forgetting and
files whose download broke off, because it is unknown whose data they are. See docs/adr/0023.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.vault.commits.state import LiveState
from unlost.vault.format.physical import FILES, U_BLOBS, U_ID, is_system
from unlost.vault.format.sealed import BLOCK_OVERHEAD, HEADER_BYTES, KIB256
from unlost.vault.maintenance.erase.chosen import Ids
from unlost.vault.maintenance.retain.contents import FreedContents, files_column, names_in
from unlost.vault.maintenance.rewrite.affected_segments import Pause, groups_at_once
from unlost.vault.maintenance.rewrite.repack import NO_EXTENTS, extents_in, names_any
from unlost.vault.objects.files import blob_row_id
from unlost.vault.read.org_vault import OrgVault
from unlost.vault.read.table_view import TableView, sorted_unique


@dataclass(frozen=True, slots=True)
class ErasedContents:
    """Contents and rows of ``$files`` that go, and segments that refer to a pack that goes."""

    freed: FreedContents
    rows: pa.Array
    ranks: frozenset[int]


def contents_of(
    org_vault: OrgVault,
    state: LiveState,
    *,
    ids: Ids,
    file_rows: pa.Array,
    named: Sequence[pa.ChunkedArray],
    pause: Pause,
) -> ErasedContents:
    """Find contents that only rows of ``ids`` (which name ``named``) or ``file_rows`` refer to."""
    contents_search = _ContentsSearch(org_vault, state, pause)
    contents = {name for texts in named for name in names_in(texts)}
    contents |= contents_search.in_files(file_rows)
    # The search for other references reads a column of every table: skip it if nothing is at stake.
    if contents:
        contents -= contents_search.needed(contents, ids, file_rows)
    gone = pa.array([blob_row_id(content) for content in contents], pa.string())
    rows = sorted_unique(pa.concat_arrays([file_rows, gone]).to_pylist())
    return contents_search.packs(rows, count=len(contents))


class _ContentsSearch:
    """Search through all columns that refer to contents, and through ``$files``."""

    def __init__(self, org_vault: OrgVault, state: LiveState, pause: Pause) -> None:
        self._org_vault = org_vault
        self._state = state
        self._pause = pause
        self._files = org_vault.view(FILES, until=state.seq, state=state)
        self._blob = files_column(org_vault, "blob")
        self._extents = files_column(org_vault, "extents")

    def in_files(self, file_rows: pa.Array) -> set[str]:
        """Return the contents that these rows of ``$files`` refer to."""
        blobs_in_files: set[str] = set()
        for place in self._files.locate(file_rows):
            rows = self._files.read_keys(place.rank, place.groups, (U_ID, self._blob))
            mine = rows.filter(pc.is_in(rows.column(U_ID), value_set=file_rows))
            blobs_in_files.update(names_in(mine.column(self._blob)))
        return blobs_in_files

    def needed(self, contents: set[str], ids: Ids, file_rows: pa.Array) -> set[str]:
        """Return the contents that other rows refer to."""
        blobs_needed: set[str] = set()
        none = pa.array([], pa.string())
        tables = [table for table in self._state.segments if not is_system(table)]
        for table in tables:
            view = self._org_vault.view(table, until=self._state.seq, state=self._state)
            for _, rows in self._rows(view, U_BLOBS):
                blobs_needed.update(_others(rows, U_BLOBS, ids.get(table, none)))
        for _, rows in self._rows(self._files, self._blob):
            blobs_needed.update(_others(rows, self._blob, file_rows))
        return blobs_needed & contents

    def packs(self, gone: pa.Array, *, count: int) -> ErasedContents:
        """Find the packs affected by the removal of these rows of ``$files``."""
        pieces_by_pack: Counter[str] = Counter()
        freed = [NO_EXTENTS]
        for _, rows in self._rows(self._files, self._extents):
            goes = pc.is_in(rows.column(U_ID), value_set=gone)
            freed.append(extents_in(rows.filter(goes).column(self._extents)))
            staying = extents_in(rows.filter(pc.invert(goes)).column(self._extents))
            pieces_by_pack.update(
                dict(staying.group_by("pack").agg(pl.col("length").sum()).iter_rows())
            )
        extents = pl.concat(freed).unique()
        touched = frozenset(extents.get_column("pack").to_list())
        leaving = [
            ident
            for ident, pack in self._state.packs.items()
            # Less content than the pack has room for means that something in it belongs to no row.
            if ident in touched or pieces_by_pack[ident] < content_bytes(pack.bytes)
        ]
        moving = sorted_unique(pack for pack in leaving if pieces_by_pack[pack])
        staying_extents, ranks = self._moved(moving, gone)
        return ErasedContents(
            FreedContents(
                contents=count,
                bytes=int(extents.get_column("length").sum()),
                empty=tuple(sorted(pack for pack in leaving if not pieces_by_pack[pack])),
                moving=staying_extents,
            ),
            gone,
            ranks,
        )

    def _moved(self, packs: pa.Array, gone: pa.Array) -> tuple[pl.DataFrame, frozenset[int]]:
        """Find the extents of some packs that stay, and the segments that refer to them."""
        extents, ranks = [NO_EXTENTS], set[int]()
        if not len(packs):
            return NO_EXTENTS, frozenset()
        wanted = pl.Series("pack", packs.to_pylist(), pl.String)
        for rank, rows in self._rows(self._files, self._extents):
            named = rows.filter(names_any(rows.column(self._extents), packs))
            if len(named):
                ranks.add(rank)
                named = named.filter(pc.invert(pc.is_in(named.column(U_ID), value_set=gone)))
                own_extents = extents_in(named.column(self._extents))
                extents.append(own_extents.filter(pl.col("pack").is_in(wanted.implode())))
        return pl.concat(extents).unique(), frozenset(ranks)

    def _rows(self, view: TableView, column: str) -> Iterator[tuple[int, pa.Table]]:
        for rank in range(len(view.segments)):
            for groups in groups_at_once(view, rank):
                self._pause()
                yield rank, view.read_keys(rank, groups, (U_ID, column))


def content_bytes(sealed: int) -> int:
    """Compute the bytes of content in a pack of this ``sealed`` size in the store."""
    body = sealed - HEADER_BYTES
    # The inverse of the sealed size: a header, and an overhead for each block of 256 KiB.
    blocks = max(1, -(-body // ((1 << KIB256) + BLOCK_OVERHEAD)))
    return body - blocks * BLOCK_OVERHEAD


def _others(rows: pa.Table, column: str, gone: pa.Array) -> list[str]:
    """Return the contents that rows of other ids refer to."""
    filled = rows.filter(pc.is_valid(rows.column(column)))
    if not len(filled):
        return []
    return names_in(
        filled.filter(pc.invert(pc.is_in(filled.column(U_ID), value_set=gone))).column(column)
    )
