"""Check whether a record is under legal hold."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unlost.model.ports.vault import Vault


def is_under_legal_hold(vault: Vault, oid: str, table: str, record: str, *, now: datetime) -> bool:
    """Return True if a legal hold in force covers the record, its table, a backup, or its whole org.

    A hold on a backup covers the records that the vault had then; erasing them is refused too.
    """
    targets = [hold.thing for hold in vault.holds(oid) if hold.lasts(now)]
    if any(target.covers(table, record) for target in targets):
        return True
    if not targets:
        return False
    # Hardly any command comes here, and each would need time to import it.
    from unlost.model.vault.retention import HoldScope

    backups = [target.backup for target in targets if target.scope is HoldScope.NIGHT]
    if not backups:
        return False
    return any(version.snapshot <= max(backups) for version in vault.history(oid, table, record))
