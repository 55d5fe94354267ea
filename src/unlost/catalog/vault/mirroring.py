"""The state of the vault's mirror after its last update."""

from datetime import datetime

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import MaintenanceRow, MirrorRow, Run
from unlost.model.vault.mirror import MirrorRecord

# The table has a single row.
_ONLY = 1


def begin_mirror(record: MirrorRecord) -> None:
    """Save a starting attempt, which fulfils all requests until now."""
    _save(record, {"wanted": False})


def save_mirror(record: MirrorRecord) -> None:
    """Save the state of the newest attempt; requests made meanwhile remain."""
    _save(record, {})


def _save(record: MirrorRecord, more: dict[str, bool]) -> None:
    values = more | {
        "address": record.address,
        "begun_at": record.begun_at,
        "done_at": record.done_at,
        "objects_written": record.objects,
        "bytes_written": record.bytes,
        "objects_removed": record.removed,
        "damaged": list(record.damaged),
        "strange": list(record.strange),
        "broken": list(record.broken),
        "error": record.error,
    }
    with returned_connection():
        MirrorRow.objects.update_or_create(id=_ONLY, defaults=values)


def last_mirror(address: str | None = None) -> MirrorRecord | None:
    """The newest attempt; None if there was none, or none at ``address`` if it is given."""
    place = {} if address is None else {"address": address}
    with returned_connection():
        row = MirrorRow.objects.filter(id=_ONLY, **place).first()
    return None if row is None else _value(row)


def want_mirror() -> None:
    """Request an update of the mirror at the next check of the service."""
    with returned_connection():
        MirrorRow.objects.filter(id=_ONLY).update(wanted=True)


def forget_mirror() -> None:
    """Forget the mirror: there is none any more."""
    with returned_connection():
        MirrorRow.objects.filter(id=_ONLY).delete()


def vault_changed_since(at: datetime) -> bool:
    """True if a run, a compaction or a removal ended since an instant."""
    with returned_connection():
        runs = Run.objects.filter(ended_at__gte=at)
        return runs.exists() or MaintenanceRow.objects.filter(at__gte=at).exists()


def _value(row: MirrorRow) -> MirrorRecord:
    return MirrorRecord(
        address=row.address,
        begun_at=row.begun_at,
        done_at=row.done_at,
        objects=row.objects_written,
        bytes=row.bytes_written,
        removed=row.objects_removed,
        damaged=tuple(map(str, row.damaged)),
        strange=tuple(map(str, row.strange)),
        broken=tuple(map(str, row.broken)),
        error=row.error,
        wanted=row.wanted,
    )
