"""Salvaging: what is left of damaged objects that no copy has whole, and what of them is lost."""

from dataclasses import dataclass, replace
from datetime import datetime

from unlost.model.errors import Conflict
from unlost.model.maintenance import MaintenanceOperation, digest_of
from unlost.model.plan import RecordKey
from unlost.model.snapshot import Damage
from unlost.model.written import written

LISTED = 1_000  # ids, and files, that are told one by one
DIGEST_BYTES = 16

_WARNINGS = {
    "$suppressed": "What was erased, and was named there alone, is not known to be erased any more: the next "
    "backup takes it in again if the org still has it, and such a value is not struck out any more.",
    "$holds": "A hold that is lost keeps nothing any more: what it kept may be forgotten and erased.",
}


@dataclass(frozen=True, slots=True)
class LostSpan:
    """So many versions of records with ids from ``low`` to ``high``; which ones, nobody can read any more."""

    low: str
    high: str
    versions: int


@written(whole="kept")
@dataclass(frozen=True, slots=True)
class TableSalvaged:
    """What became of the versions of a table that lay in damaged objects, or whose long texts did.

    ``$files`` is told of also where only contents of files are lost.

    ``whole`` are whole. ``reduced`` ones have lost the values of some of ``columns``, as if those had not been
    read with them. ``lost`` ones are gone: ``ids`` names the first ``LISTED`` of their records, ``spans``
    those whose ids are gone too. ``rebuilt``: it was made again from other tables, and nothing of it is lost.
    ``digest`` (hex) names the commit that was looked at, and all that is lost: each id, and of each reduced
    version its columns.
    """

    table: str
    whole: int = 0
    reduced: int = 0
    lost: int = 0
    columns: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    spans: tuple[LostSpan, ...] = ()
    rebuilt: bool = False
    digest: str = ""

    @property
    def warning(self) -> str:
        """What follows where rows of a table of the vault's own are lost; else nothing."""
        return _WARNINGS.get(self.table, "") if self.lost or self.reduced else ""


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file of a record that the vault has no more."""

    record: RecordKey
    column: str


@written(still_damaged="left")
@dataclass(frozen=True, slots=True)
class SalvageEffect:
    """What salvaging does to an org, or did.

    ``objects`` are damaged and are not part of the vault afterwards. ``files`` are lost (the first
    ``LISTED`` of ``files_lost``). ``certificates`` of these commits are lost, and others stand in their
    place; ``journals`` of these runs, each as a whole: its entries prove each other. ``reread``: tables that
    the next backup reads whole, so that what the org still has comes back. ``still_damaged`` is damage that this does
    not mend. ``snapshot``: the commit that did it.
    """

    objects: tuple[str, ...] = ()
    tables: tuple[TableSalvaged, ...] = ()
    files: tuple[LostFile, ...] = ()
    files_lost: int = 0
    certificates: tuple[int, ...] = ()
    journals: tuple[str, ...] = ()
    reread: tuple[str, ...] = ()
    still_damaged: tuple[Damage, ...] = ()
    snapshot: int | None = None


@dataclass(frozen=True, slots=True)
class Salvage(MaintenanceOperation[SalvageEffect]):
    """Take damaged objects out of the vault, and keep all that can be read of them."""

    def digest(self, effect: SalvageEffect) -> str:
        """Name all that is kept and lost."""
        return digest_of(effect)

    def changed(self) -> Conflict:
        """The error for a plan whose effect would be another one by now."""
        return Conflict(
            "salvage-changed",
            "Something else would be lost by now than the plan said. Nothing was changed.",
            next_step="Look at the plan again, with `unlost verify --salvage --plan`, and decide anew.",
        )


@dataclass(frozen=True, slots=True)
class PastSalvage:
    """A salvage of the past: which commit it was, when, and sentences about what was lost."""

    snapshot: int
    run: str
    at: datetime
    sentences: tuple[str, ...]

    def without_columns(self) -> "PastSalvage":
        """This operation for a user from whom columns are hidden: the sentences name them."""
        return replace(self, sentences=())
