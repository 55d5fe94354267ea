"""Check whether a record is under legal hold."""

from datetime import datetime

from unlost.model.ports.vault import Vault
from unlost.model.vault.retention import HoldScope


def is_held(vault: Vault, oid: str, table: str, record: str, *, now: datetime) -> bool:
    """Return True if a legal hold in force covers the record, its table, or its whole org."""
    return any(
        hold.lasts(now)
        and (
            hold.thing.scope is HoldScope.ORG
            or (hold.thing.scope is HoldScope.TABLE and hold.thing.table == table)
            or (
                (hold.thing.scope is HoldScope.RECORD and hold.thing.table == table)
                and hold.thing.record == record
            )
        )
        for hold in vault.holds(oid)
    )
