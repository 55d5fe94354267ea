"""Columns without which a row of the vault's own tables is useless."""

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
from unlost.vault.objects.files import BLOB_ROW
from unlost.vault.objects.schemas import SYSTEM_SCHEMA
from unlost.vault.read.org_vault import OrgVault

_OF_BLOBS = frozenset({"size", "extents", "encoding"})
_OF_FILES = frozenset({"blob", "size"})
_HAVE_FILES = frozenset({"blob", "size", "checksum", "name", "media_type"})
# The id of a hidden item has all its data. A hold that lost its end counts as unlimited.
_NEEDED: Mapping[str, frozenset[str]] = {
    HIDDEN: frozenset(),
    HOLDS: frozenset(),
    LINEAGE: frozenset({"live", "run"}),
    SUPPRESSED: frozenset({"table", "column", "sieve", "run"}),
}


def lacked_of(
    org_vault: OrgVault, table: str, ids: pa.Array, without: Sequence[frozenset[str]]
) -> list[frozenset[str]]:
    """Return the lacking columns of rows, without columns that rows of their kind never have."""
    if table != FILES or not any(without):
        return list(without)
    known = org_vault.schemas.known(SYSTEM_SCHEMA, table)
    of_blobs, of_files = _codes(known, _OF_BLOBS), _codes(known, _HAVE_FILES)
    pairs = zip(without, _blobs(ids), strict=True)
    return [lacking & (of_blobs if blob else of_files) for lacking, blob in pairs]


def rows_without(
    org_vault: OrgVault, table: str, ids: pa.Array, without: Sequence[frozenset[str]]
) -> NDArray[np.bool_]:
    """Return a mask of rows that are useless without the columns that they lack."""
    gone = np.zeros(len(ids), dtype=np.bool_)
    if not is_system(table) or not any(without):
        return gone
    known = org_vault.schemas.known(SYSTEM_SCHEMA, table)
    if table != FILES:
        needed = _codes(known, _NEEDED.get(table, frozenset(known)))
        return np.array([bool(lacking & needed) for lacking in without], dtype=np.bool_)
    of_blobs, of_files = _codes(known, _OF_BLOBS), _codes(known, _OF_FILES)
    pairs = zip(without, _blobs(ids), strict=True)
    return np.array(
        [bool(lacking & (of_blobs if blob else of_files)) for lacking, blob in pairs], np.bool_
    )


def _blobs(ids: pa.Array) -> list[bool]:
    """Return a mask of the rows of ``$files`` for contents; the others are for files."""
    are_blob_rows: list[bool] = pc.starts_with(ids, BLOB_ROW).to_pylist()
    return are_blob_rows


def _codes(known: Mapping[str, KnownColumn], names: frozenset[str]) -> frozenset[str]:
    return frozenset(physical(known[name].code) for name in names)
