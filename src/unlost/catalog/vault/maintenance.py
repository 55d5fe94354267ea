"""The last maintenance of each org's part of the vault."""

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import MaintenanceRow
from unlost.model.vault.maintenance_results import MaintenanceRecord


def save_maintenance(oid: str, record: MaintenanceRecord) -> None:
    """Save the newest maintenance of an org, replacing the one before."""
    values = {
        "at": record.at,
        "snapshot": record.snapshot,
        "bytes_before": record.before,
        "bytes_after": record.after,
        "bytes_removed": record.removed,
        "bytes_waiting": record.waiting,
        "next_at": record.next_at,
        "held_by": record.held_by,
        "error": record.error,
    }
    with returned_connection():
        MaintenanceRow.objects.update_or_create(oid=oid, defaults=values)


def last_maintenance(oid: str) -> MaintenanceRecord | None:
    """The newest maintenance of an org; None if there was none."""
    with returned_connection():
        row = MaintenanceRow.objects.filter(oid=oid).first()
    return None if row is None else _value(row)


def _value(row: MaintenanceRow) -> MaintenanceRecord:
    return MaintenanceRecord(
        at=row.at,
        snapshot=row.snapshot,
        before=row.bytes_before,
        after=row.bytes_after,
        removed=row.bytes_removed,
        waiting=row.bytes_waiting,
        next_at=row.next_at,
        held_by=row.held_by,
        error=row.error,
    )
