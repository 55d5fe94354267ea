"""Proofs of erasures, which manifests contain."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TableErased:
    """Records and versions that leave a table; ``alive``: live records in the newest backup."""

    table: str
    records: int
    versions: int
    alive: int = 0


@dataclass(frozen=True, slots=True)
class ErasureProof:
    """Proof of an erasure or a rectification, without values or readable ids.

    ``columns``: columns in which a rectification replaced values, as TABLE.COLUMN; empty for an
    erasure. ``marks``: hash of the sorted pseudonyms that the run added to the suppression list.
    ``listed``: their number.
    """

    run: str
    at: datetime
    by: str
    tables: tuple[TableErased, ...]
    files: int
    journals: int
    listed: int
    marks: str
    columns: tuple[str, ...] = ()
