"""Erasing: records leave all history of an org, and are not taken in again."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from unlost.model.errors import Conflict
from unlost.model.maintenance import MaintenanceOperation, digest_of
from unlost.model.plan import RecordKey


@dataclass(frozen=True, slots=True)
class MatchColumn:
    """A column whose value tells a person, such as an e-mail address."""

    table: str
    column: str

    def __str__(self) -> str:
        """As it is typed."""
        return f"{self.table}.{self.column}"


@dataclass(frozen=True, slots=True)
class TableErased:
    """What goes of a table: records, ``alive`` of them at the newest backup, and their versions."""

    table: str
    records: int
    versions: int
    alive: int = 0


@dataclass(frozen=True, slots=True)
class Erasure:
    """What erasing takes away, or took away.

    ``records``: those wished, those that they came back as, and what the org's own log of changes tells of
    them. ``unknown``: those of which the vault has nothing; they are not taken in all the same. ``values`` of the columns that match.
    ``files`` are contents (of files and long texts) of ``file_bytes``. ``journals`` are runs of which
    nothing but the commit is known afterwards, so that they cannot be undone. ``certificates`` are
    written anew without what they say of the records. ``rewritten`` bytes of segments and packs are
    written again. ``elsewhere``: live records of other orgs that stand for these, by oid.
    ``removed``: bytes that were removed. ``snapshot``: the commit that did it, None for a plan.
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
    """Take records out of all history, and put them on the list of what is not taken in again.

    ``match``: what the records had in these columns is not taken in again either, under whatever id.
    ``by``: the role of who asked, which the proof tells.
    """

    records: tuple[RecordKey, ...]
    match: tuple[MatchColumn, ...] = ()
    by: str = ""

    def digest(self, effect: Erasure) -> str:
        """Name what goes; nobody learns the records from it."""
        return digest_of(
            effect.records, effect.tables, effect.values, effect.files, effect.journals
        )

    def changed(self) -> Conflict:
        """The error for a plan whose effect would be another one by now."""
        return Conflict(
            "erase-changed",
            "Something else would be erased by now than the plan said. Nothing was changed.",
            next_step="Look at the plan again, with `unlost erase ORG --plan`, and decide anew.",
        )


@dataclass(frozen=True, slots=True)
class ErasureProof:
    """That something was erased or corrected: no value, and no id that can be read.

    ``columns`` are those in which a rectification replaced values, as TABLE.COLUMN; of an erasure there
    are none.
    ``marks`` is a digest over the sorted pseudonyms that the run put on the list of what is not taken
    in again. ``listed``: how many those are.
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


@dataclass(frozen=True, slots=True)
class PastErasure:
    """An erasure or a rectification of the past: its proof, the commit that holds it, its pseudonyms, and whether all old bytes are removed."""

    proof: ErasureProof
    snapshot: int
    pseudonyms: tuple[str, ...]
    complete: bool

    def without_columns(self) -> "PastErasure | None":
        """This operation for a user from whom columns are hidden; None where it names columns."""
        return None if self.proof.columns else self


def spoken(records: Collection[RecordKey]) -> re.Pattern[str]:
    """What finds the id of any of these records in a text, between other words or alone."""
    ids = sorted({key.record for key in records})
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, ids))})(?!\w)")
