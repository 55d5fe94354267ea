"""Mass changes of each org's newest backups, and the thresholds of their rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import msgspec
from django.db import models

from unlost.catalog.conclusion_models import MassBackupRow, MassLimitsRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import Org
from unlost.catalog.silences import JOINED, joined_silence
from unlost.model.decoders import decoder_for
from unlost.model.mass_changes import BackupChanges, MassChange, MassLimits, Silence

COLUMNS = ("snapshot", "before", "as_of", "since", "changes")


def backup_changes(oid: str) -> Sequence[BackupChanges]:
    """The mass changes of an org's evaluated backups, newest first."""
    with returned_connection():
        rows = list(MassBackupRow.objects.filter(org__oid=oid).order_by("-snapshot"))
    return [_value(row) for row in rows]


@dataclass(frozen=True, slots=True)
class NewestChanges:
    """The mass changes of an org's newest evaluated backup, and all patterns of the org."""

    backup: BackupChanges
    silences: tuple[Silence, ...]


def newest_changes() -> Mapping[str, NewestChanges]:
    """The mass changes of the newest evaluated backup of each org, by oid; in one query."""
    newest = MassBackupRow.objects.filter(org=models.OuterRef("org")).order_by("-snapshot")
    with returned_connection():
        rows = MassBackupRow.objects.filter(snapshot=models.Subquery(newest.values("snapshot")[:1]))
        read = list(rows.values("org__oid", "org__name", *COLUMNS, *JOINED))
    changes: dict[str, NewestChanges] = {}
    for row in read:
        oid, silence = row["org__oid"], joined_silence(row, row["org__name"])
        if oid not in changes:
            backup = _value(MassBackupRow(**{name: row[name] for name in COLUMNS}))
            changes[oid] = NewestChanges(backup, ())
        if silence is not None:
            known = changes[oid]
            changes[oid] = replace(known, silences=(*known.silences, silence))
    return changes


def save_backup_changes(oid: str, backup: BackupChanges) -> None:
    """Record the mass changes of a backup."""
    values = {
        "before": backup.before,
        "as_of": backup.as_of,
        "since": backup.since,
        "changes": msgspec.to_builtins(backup.changes),
    }
    with returned_connection():
        org = Org.objects.get(oid=oid)
        MassBackupRow.objects.update_or_create(org=org, snapshot=backup.number, defaults=values)


def drop_backup_changes(oid: str, *, before: datetime) -> None:
    """Forget the mass changes of old backups."""
    with returned_connection():
        MassBackupRow.objects.filter(org__oid=oid, as_of__lt=before).delete()


def limits_of(oid: str) -> Mapping[str, MassLimits]:
    """The thresholds of an org, by table; those of the whole org under the empty name."""
    with returned_connection():
        rows = list(MassLimitsRow.objects.filter(org__oid=oid))
    decoder = decoder_for(MassLimits)
    return {row.table: decoder.convert(row.values) for row in rows}


def set_limits(oid: str, limits: Mapping[str, MassLimits]) -> None:
    """Replace the thresholds of an org."""
    with one_transaction():
        org = Org.objects.get(oid=oid)
        MassLimitsRow.objects.filter(org=org).delete()
        MassLimitsRow.objects.bulk_create(
            MassLimitsRow(org=org, table=table, values=msgspec.to_builtins(values))
            for table, values in limits.items()
        )


def _value(row: MassBackupRow) -> BackupChanges:
    changes = decoder_for(tuple[MassChange, ...]).convert(row.changes)
    return BackupChanges(row.snapshot, row.before, row.as_of, row.since, changes)
