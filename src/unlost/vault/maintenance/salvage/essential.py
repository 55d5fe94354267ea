"""What a row of the vault's own tables cannot be without."""

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from unlost.vault.format.manifest import KnownColumn
from unlost.vault.format.physical import (
    FILES,
    HIDDEN,
    HOLDS,
    LINEAGE,
    SUPPRESSED,
    is_system,
    physical,
)
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.read.org_vault import OrgVault

_OF_BLOBS = frozenset({"size", "extents", "encoding"})
_OF_FILES = frozenset({"blob", "size"})
BLOB_ROW = '["blob",'
_HAVE_FILES = frozenset({"blob", "size", "checksum", "name", "media_type"})
# A mark of a hidden thing says all in its id; a hold whose end is lost has none.
_NEEDED: Mapping[str, frozenset[str]] = {
    HIDDEN: frozenset(),
    HOLDS: frozenset(),
    LINEAGE: frozenset({"live", "run"}),
    SUPPRESSED: frozenset({"table", "column", "sieve", "run"}),
}


def lacked_of(
    room: OrgVault, table: str, ids: pa.Array, without: Sequence[frozenset[str]]
) -> list[frozenset[str]]:
    """The columns that rows lack, without those that rows of their kind never have: nothing is lost there."""
    if table != FILES or not any(without):
        return list(without)
    known = room.schemas.known(SYSTEM_SCHEMA, table)
    of_blobs, of_files = _codes(known, _OF_BLOBS), _codes(known, _HAVE_FILES)
    pairs = zip(without, _blobs(ids), strict=True)
    return [lacking & (of_blobs if blob else of_files) for lacking, blob in pairs]


def rows_without(
    room: OrgVault, table: str, ids: pa.Array, without: Sequence[frozenset[str]]
) -> NDArray[np.bool_]:
    """Rows that say nothing any more without the columns that they lack."""
    gone = np.zeros(len(ids), dtype=np.bool_)
    if not is_system(table) or not any(without):
        return gone
    known = room.schemas.known(SYSTEM_SCHEMA, table)
    if table != FILES:
        needed = _codes(known, _NEEDED.get(table, frozenset(known)))
        return np.array([bool(lacking & needed) for lacking in without], dtype=np.bool_)
    of_blobs, of_files = _codes(known, _OF_BLOBS), _codes(known, _OF_FILES)
    pairs = zip(without, _blobs(ids), strict=True)
    return np.array(
        [bool(lacking & (of_blobs if blob else of_files)) for lacking, blob in pairs], np.bool_
    )


def _blobs(ids: pa.Array) -> list[bool]:
    """Which rows of ``$files`` are of contents; the others are of files."""
    are_blob_rows: list[bool] = pc.starts_with(ids, BLOB_ROW).to_pylist()
    return are_blob_rows


def _codes(known: Mapping[str, KnownColumn], names: frozenset[str]) -> frozenset[str]:
    return frozenset(physical(known[name].code) for name in names)
