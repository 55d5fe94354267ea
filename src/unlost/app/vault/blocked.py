"""Orgs that a stranger's commit blocks."""

from dataclasses import dataclass

from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.vault.layout.object_names import sequence


@dataclass(frozen=True, slots=True)
class BlockedOrg:
    """An org that can be neither read nor backed up.

    The object of commit ``commit`` does not fit, and this home did not make it.
    """

    org: str
    commit: int
    object: str


def blocked_org(app: Application, org: ProtectedOrg) -> BlockedOrg | None:
    """Return the commit that blocks an org; None if none does. Raises IntegrityError, StoreError."""
    names = app.whole_vault.removals(org.oid).blocking()
    return BlockedOrg(org.name, sequence(names[0]), names[0]) if names else None
