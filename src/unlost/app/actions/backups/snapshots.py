"""The backups of an org."""

from dataclasses import dataclass

from unlost.app.access import action
from unlost.app.compose import Application
from unlost.catalog.orgs.orgs import get_org
from unlost.model.access import Right
from unlost.model.vault.past_salvage import PastSalvage
from unlost.model.vault.snapshot import SnapshotInfo


@dataclass(frozen=True, slots=True)
class SnapshotList:
    """The backups of an org, oldest first; ``salvages`` list what was lost to damage."""

    org: str
    zone: str
    snapshots: tuple[SnapshotInfo, ...]
    salvages: tuple[PastSalvage, ...] = ()


@action("snapshot.list", Right.LOOK)
def snapshots(app: Application, org: str) -> SnapshotList:
    """List the backups of an org; raises NotFound for an unknown org."""
    known = get_org(org)
    every = app.vault.snapshots(known.oid)
    salvages = app.vault.past_operations(known.oid, PastSalvage)
    return SnapshotList(org, known.identity.zone, tuple(every), salvages)
