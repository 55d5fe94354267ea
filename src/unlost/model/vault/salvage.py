"""Salvage: keep the readable rest of damaged objects that no mirror has, and report the losses."""

from dataclasses import dataclass

from unlost.model.errors import Conflict
from unlost.model.plan import RecordKey
from unlost.model.vault.maintenance import MaintenanceOperation, digest_of
from unlost.model.vault.snapshot import Damage
from unlost.model.written import written

LISTED = 1_000  # ids, and files, that are listed individually
DIGEST_BYTES = 16

_WARNINGS = {
    "$suppressed": "Erasures that were recorded only there are no longer known. If the org "
    "still has the data, the next backup stores it again, and erased values are "
    "no longer removed.",
    "$holds": "A lost legal hold protects nothing any longer. Its data may be forgotten and erased.",
}


@dataclass(frozen=True, slots=True)
class LostSpan:
    """Lost versions of records with ids from ``low`` to ``high``; the exact ids are unknown."""

    low: str
    high: str
    versions: int


@written(whole="kept")
@dataclass(frozen=True, slots=True)
class TableSalvaged:
    """The versions of a table that were in damaged objects, or had long texts in them.

    ``whole``: complete. ``reduced``: without values in some of ``columns``, as if these had not
    been read. ``lost``: gone; ``ids`` names the first ``LISTED`` of their records, ``spans`` the
    versions whose ids are gone too. ``rebuilt``: computed again from other tables, without any
    loss. ``digest`` (hex): hash of the surveyed commit and of all losses: each id, and the columns
    of each reduced version. ``$files`` is included also if only contents of files are lost.
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
        """Consequence of losses in one of the vault's own tables; empty for other tables."""
        return _WARNINGS.get(self.table, "") if self.lost or self.reduced else ""


@dataclass(frozen=True, slots=True)
class LostFile:
    """A file of a record that the vault no longer has."""

    record: RecordKey
    column: str


@written(still_damaged="left")
@dataclass(frozen=True, slots=True)
class SalvageEffect:
    """The effect of a salvage, planned or applied.

    ``objects``: damaged objects, no longer part of the vault afterwards. ``files``: lost files (the
    first ``LISTED`` of ``files_lost``). ``certificates``: commits with lost certificates, which are
    replaced. ``journals``: runs whose journals are lost, each as a whole, because its entries prove
    each other. ``reread``: tables that the next backup reads in full, to bring back what the org
    still has. ``still_damaged``: damage that a salvage cannot repair. ``snapshot``: the commit.
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
    """Remove damaged objects from the vault, and keep everything that is readable."""

    def digest(self, effect: SalvageEffect) -> str:
        """Hash everything that is kept and lost."""
        return digest_of(effect)

    def changed(self) -> Conflict:
        """Return the error for a plan whose effect has changed."""
        return Conflict(
            "salvage-changed",
            "The plan is out of date: other data would be lost now. Nothing was changed.",
            next_step="Review the new plan with `unlost verify --salvage --plan`, then decide again.",
        )
