"""Looks whether the vault is whole: when, and what they found."""

from collections.abc import Sequence

from unlost.catalog.connection import own_connection
from unlost.catalog.models import VaultCheck
from unlost.model.night import CheckRecord


def save_check(check: CheckRecord) -> None:
    """Keep a look."""
    with own_connection():
        VaultCheck.objects.create(
            at=check.at,
            level=check.level,
            objects_read=check.objects,
            bytes_read=check.bytes,
            damages=list(check.damages),
        )


def last_check() -> CheckRecord | None:
    """The newest look."""
    return next(iter(newest_checks(most=1)), None)


def newest_checks(*, most: int) -> Sequence[CheckRecord]:
    """The newest looks, newest first."""
    with own_connection():
        rows = list(VaultCheck.objects.order_by("-at", "-id")[:most])
    return [_value(row) for row in rows]


def _value(row: VaultCheck) -> CheckRecord:
    damages = tuple(str(one) for one in row.damages)
    return CheckRecord(row.at, row.level, row.objects_read, row.bytes_read, damages)
