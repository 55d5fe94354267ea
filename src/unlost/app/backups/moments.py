"""Parse moments for actions, and find the newest backup.

The meaning of moments is documented in ``unlost.engine.moments``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from unlost.catalog.orgs.orgs import ProtectedOrg
from unlost.engine.moments import (
    LATEST,
    LIVE,
    Latest,
    LiveMoment,
    Moment,
    Numbered,
    Past,
    Until,
    backup_at,
    end_of_day,
    last_observation,
    parse_moment,
    parse_past,
    proof_of_night,
    resolve,
)
from unlost.model.errors import NotFound

if TYPE_CHECKING:
    from unlost.app.compose import Application
    from unlost.model.ports.vault import Snapshot, VaultReader

__all__ = [
    "LATEST", "LIVE", "Latest", "LiveMoment", "Moment", "Numbered", "Past", "Until", "backup_at",
    "end_of_day", "last_observation", "newest_backup", "parse_moment", "parse_past",
    "proof_of_night", "resolve", "snapshot_at",
]  # fmt: skip


def newest_backup(vault: VaultReader, org: ProtectedOrg) -> Snapshot:
    """Return the newest backup of an org; raises NotFound (``no-backup-yet``)."""
    head = vault.newest_backup(org.oid)
    if head is None:
        raise NotFound(
            "no-backup-yet",
            "This org has no backup yet.",
            next_step="Create one with `unlost backup {org}`.",
            org=org.name,
        )
    return head


def snapshot_at(app: Application, org: ProtectedOrg, moment: Past) -> Snapshot:
    """Return the backup at a moment; raises NotFound."""
    return app.vault.at(org.oid, backup_at(app.vault, org.oid, moment).number)
