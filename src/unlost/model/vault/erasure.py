"""Erasure: remove records from the whole history of an org, and keep them out of later backups."""

import re
from collections.abc import Collection
from dataclasses import dataclass

from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure_proof import ErasureProof, TableErased
from unlost.model.vault.maintenance import MaintenanceOperation, digest_of


@dataclass(frozen=True, slots=True)
class MatchColumn:
    """A column whose value identifies a person, for example an e-mail address."""

    table: str
    column: str

    def __str__(self) -> str:
        """Return the form in which people type it."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class Erasure:
    """The effect of an erasure, planned or applied.

    ``records``: the requested ones, the ones they were restored as, and rows about them in the
    org's own change log. ``unknown``: records without data in the vault, which are kept out of
    later backups all the same. ``values``: number of values in matching columns. ``files``:
    contents (of files and long texts) of ``file_bytes``. ``journals``: restores whose details
    are lost with their journals. ``certificates`` are rewritten without findings about the records. ``rewritten``: bytes of segments and packs that are written again. ``elsewhere``:
    live records of other orgs that were restored from these, with the oid. ``removed``: bytes that
    were removed. ``snapshot``: the commit; None for a plan.
    """

    records: tuple[RecordKey, ...] = ()
    unknown: tuple[RecordKey, ...] = ()
    tables: tuple[TableErased, ...] = ()
    values: int = 0
    files: int = 0
    file_bytes: int = 0
    journals: tuple[str, ...] = ()
    certificates: int = 0
    rewritten: int = 0
    elsewhere: tuple[tuple[str, RecordKey], ...] = ()
    removed: int = 0
    snapshot: int | None = None


@dataclass(frozen=True, slots=True)
class Erase(MaintenanceOperation[Erasure]):
    """Remove records from all history, and put them on the suppression list.

    ``match``: values of the records in these columns are suppressed too, under any id. ``by``: the
    role of the person who asked, which is part of the proof.
    """

    records: tuple[RecordKey, ...]
    match: tuple[MatchColumn, ...] = ()
    by: str = ""

    def digest(self, effect: Erasure) -> str:
        """Hash the effect; the hash reveals nothing about the records."""
        return digest_of(
            effect.records, effect.tables, effect.values, effect.files, effect.journals
        )

    def changed(self) -> Conflict:
        """Return the error for a plan whose effect has changed."""
        return Conflict(
            "erase-changed",
            "The plan is out of date: other data would be erased now. Nothing was changed.",
            next_step="Review the new plan with `unlost erase ORG --record TABLE/ID --plan`, "
            "then decide again.",
        )


@dataclass(frozen=True, slots=True)
class PastErasure:
    """An erasure or a rectification that was applied.

    ``proof``, the number of its commit, its pseudonyms, and ``complete`` if all old bytes are
    removed.
    """

    proof: ErasureProof
    snapshot: int
    pseudonyms: tuple[str, ...]
    complete: bool

    def without_columns(self) -> "PastErasure | None":
        """Return this operation for a user with hidden columns; None if it names columns."""
        return None if self.proof.columns else self


def spoken(records: Collection[RecordKey]) -> re.Pattern[str]:
    """Compile a pattern that finds the id of any of these records as a whole word in a text."""
    ids = sorted({key.record for key in records})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ids))})(?!\w)")
