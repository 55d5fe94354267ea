"""The retention rules of each org, and the last time that backups were forgotten by them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import ForgottenRow, KeepRow, Org
from unlost.model.errors import UsageError
from unlost.model.vault.retention import ForgottenRecord, KeepRules

LARGEST = 100_000  # days, weeks, months or years: a larger number is a typing error
NUMBERS = tuple(field.name for field in fields(KeepRules))


@dataclass(frozen=True, slots=True)
class StoredRules:
    """The rules of an org; ``since`` is None if none were set: then all backups are kept."""

    rules: KeepRules
    since: datetime | None


def check_rules(rules: KeepRules) -> None:
    """Raise UsageError (``keep-invalid``) for numbers that no rule can have."""
    for name in NUMBERS:
        value = getattr(rules, name)
        if not 0 <= value <= LARGEST:
            raise UsageError(
                "keep-invalid",
                "{name} cannot be {value:,}.",
                next_step="Use a number from 0 to {largest:,}. 0 turns the rule off.",
                name=name,
                value=value,
                largest=LARGEST,
            )


def rules_of(oid: str) -> StoredRules:
    """The rules of an org."""
    with returned_connection():
        row = KeepRow.objects.filter(org__oid=oid).first()
    return _stored_rules(row)


def all_rules() -> Mapping[str, StoredRules]:
    """The rules of all orgs that have any, by oid."""
    with returned_connection():
        rows = list(KeepRow.objects.select_related("org"))
    return {row.org.oid: _stored_rules(row) for row in rows}


def set_rules(oid: str, rules: KeepRules, *, at: datetime) -> None:
    """Set the retention rules of an org; raises UsageError (``keep-invalid``)."""
    check_rules(rules)
    with returned_connection():
        org = Org.objects.get(oid=oid)
        KeepRow.objects.update_or_create(org=org, defaults={**asdict(rules), "since": at})


def keep_as(old: str, new: str, *, at: datetime) -> None:
    """Copy the rules of one org (an oid) to another; legal holds and old backups do not move."""
    rules = rules_of(old)
    if rules.since is not None:
        set_rules(new, rules.rules, at=at)


def save_forgotten(oid: str, record: ForgottenRecord) -> None:
    """Save the newest forgetting of an org, replacing the one before."""
    values = {
        "at": record.at,
        "snapshot": record.snapshot,
        "nights": record.nights,
        "versions": record.versions,
        "records": record.records,
        "bytes_waiting": record.waiting,
        "next_at": record.next_at,
        "error": record.error,
    }
    with returned_connection():
        ForgottenRow.objects.update_or_create(oid=oid, defaults=values)


def last_forgotten(oid: str) -> ForgottenRecord | None:
    """The newest forgetting of an org; None if there was none."""
    with returned_connection():
        row = ForgottenRow.objects.filter(oid=oid).first()
    if row is None:
        return None
    return ForgottenRecord(
        at=row.at,
        snapshot=row.snapshot,
        nights=row.nights,
        versions=row.versions,
        records=row.records,
        waiting=row.bytes_waiting,
        next_at=row.next_at,
        error=row.error,
    )


def _stored_rules(row: KeepRow | None) -> StoredRules:
    if row is None:
        return StoredRules(KeepRules(), None)
    return StoredRules(KeepRules(**{name: getattr(row, name) for name in NUMBERS}), row.since)
