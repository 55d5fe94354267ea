"""Remove mentions of erased records, and former values of corrected ones, from the database.

The audit log stays as it is: each of its rows proves the one before, and names by id the record
that a person looked at. It holds no value of a record. See docs/adr/0023.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from django.db import connection, models

from unlost.catalog.conclusion_models import AcceptedGapRow, MassBackupRow, SilenceRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.losses import scrub_losses
from unlost.catalog.models import (
    AlertRow,
    Delivery,
    Night,
    PlanRow,
    Run,
    SavedSearchRow,
    ScrubRow,
    SelectionRow,
)
from unlost.catalog.runs.selections import LEFT_OUT
from unlost.model.message import Message
from unlost.model.plan import RecordKey
from unlost.model.vault.erasure import spoken

ERASED = "This concerned a record that has since been erased."
CORRECTED = "This concerned a record that has since been corrected."
_AT_ONCE = 500  # rows read at a time
_SENTENCES: dict[type[models.Model], tuple[str, ...]] = {
    Run: ("error",),
    Night: ("error",),
    AlertRow: ("message", "command", "subject", "key"),
    Delivery: ("error",),
}


@dataclass(frozen=True, slots=True)
class PendingScrub:
    """The records of an erasure that this home must still forget."""

    run: str
    at: datetime
    records: tuple[RecordKey, ...]


def note_scrub(oid: str, scrub: PendingScrub) -> None:
    """Record it before the erasure is committed, so that an interrupted run is completed."""
    keys = [[key.table, key.record] for key in scrub.records]
    with returned_connection():
        ScrubRow.objects.update_or_create(
            run=scrub.run, defaults={"oid": oid, "at": scrub.at, "records": keys}
        )


def noted_scrubs(oid: str) -> tuple[PendingScrub, ...]:
    """The pending scrubs of an org in this home, oldest first."""
    with returned_connection():
        rows = list(ScrubRow.objects.filter(oid=oid).order_by("at", "run"))
    return tuple(
        PendingScrub(row.run, row.at, tuple(RecordKey(*key) for key in row.records)) for row in rows
    )


def end_scrub(run: str) -> None:
    """Forget which records they were."""
    with returned_connection():
        ScrubRow.objects.filter(run=run).delete()
    _tidy()


def scrub(org: str, records: Iterable[RecordKey], *, stays: bool = False) -> int:
    """Remove plans and selections of an org that name records, and sentences that do.

    Returns the number of changed rows. With ``stays``, for corrected records, selections remain.
    """
    keys = tuple(records)
    pattern = spoken(keys)
    with one_transaction():
        count = _plans(org, pattern)
        if not stays:
            count += _erase_selections(org, {str(key) for key in keys}, pattern)
            count += scrub_losses(org, keys) + _erase_users(org, pattern)
            count += _erase_gaps(org, pattern) + _searches(pattern)
        for model, names in _SENTENCES.items():
            count += _sentences(model, names, pattern, instead=CORRECTED if stays else ERASED)
    _tidy()
    return count


def _plans(org: str, pattern: re.Pattern[str]) -> int:
    """Delete whole plans: a plan without some of its records cannot be run."""
    named = [
        row.pk
        for row in PlanRow.objects.filter(org__name=org).iterator(_AT_ONCE)
        if pattern.search(bytes(row.content).decode("utf-8", "replace"))
        or pattern.search(_text(row.request, row.summary, row.error))
    ]
    PlanRow.objects.filter(pk__in=named).delete()
    return len(named)


def _erase_selections(org: str, texts: set[str], pattern: re.Pattern[str]) -> int:
    """Remove records from selections, and selections in lists of what is related to them."""
    count, exclusions = 0, {f"{LEFT_OUT}{text}" for text in texts}
    for row in SelectionRow.objects.filter(org__name=org).iterator(_AT_ONCE):
        selection = SelectionRow.objects.filter(pk=row.pk)
        remaining = [record for record in row.records if record not in texts | exclusions]
        if pattern.search(row.of):
            count += 1
            selection.delete()
        elif remaining != row.records:
            count += 1
            selection.update(records=remaining)
    return count


def _searches(pattern: re.Pattern[str]) -> int:
    """Delete saved searches for the ids of erased records."""
    named = [
        row.pk
        for row in SavedSearchRow.objects.all()
        if pattern.search(_text(row.query)) or pattern.search(row.name)
    ]
    SavedSearchRow.objects.filter(pk__in=named).delete()
    return len(named)


def _erase_users(org: str, pattern: re.Pattern[str]) -> int:
    """Remove erased users from the counts of mass changes, and from patterns that name them."""
    count = 0
    for row in MassBackupRow.objects.filter(org__name=org).iterator(_AT_ONCE):
        if pattern.search(_text(row.changes)):
            count += 1
            unnamed = [_without_users(change, pattern) for change in row.changes]
            MassBackupRow.objects.filter(pk=row.pk).update(changes=unnamed)
    silences = SilenceRow.objects.filter(org__name=org)
    named = [row.pk for row in silences if pattern.search(_text(row.user, row.reason))]
    silences.filter(pk__in=named).delete()
    return count + len(named)


def _without_users(change: dict[str, Any], pattern: re.Pattern[str]) -> dict[str, Any]:
    users = [
        {**share, "by": ""} if pattern.search(share["by"]) else share for share in change["users"]
    ]
    return {**change, "users": users}


def _erase_gaps(org: str, pattern: re.Pattern[str]) -> int:
    """Delete acceptances of gaps that name erased records; those of an unreadable file do."""
    rows = AcceptedGapRow.objects.filter(org__name=org)
    named = [row.pk for row in rows if pattern.search(_text(row.detail, row.message, row.reason))]
    rows.filter(pk__in=named).delete()
    return len(named)


def _sentences(
    model: type[models.Model], names: tuple[str, ...], pattern: re.Pattern[str], *, instead: str
) -> int:
    count = 0
    for row in model._default_manager.iterator(_AT_ONCE):
        values = {name: getattr(row, name) for name in names}
        replaced = {
            name: Message("erased", instead) if isinstance(value, Message) else instead
            for name, value in values.items()
            if pattern.search(value if isinstance(value, str) else _text(value))
        }
        if "key" in replaced:
            replaced["key"] = f"erased-{row.pk}"
        if replaced:
            count += 1
            model._default_manager.filter(pk=row.pk).update(**replaced)
    return count


def _text(*values: object) -> str:
    return msgspec.json.encode(values).decode()


def _tidy() -> None:
    """Remove traces from the pages of a file; a server's autovacuum does so later."""
    if connection.vendor == "sqlite":
        with returned_connection(), connection.cursor() as cursor:
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
