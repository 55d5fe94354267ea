"""Verifications of the vault: their time and their findings."""

from collections.abc import Sequence
from dataclasses import replace

from django.db import models

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import VaultCheck
from unlost.model.runs.night import CheckRecord, standing_damages
from unlost.model.vault.snapshot import VerifyPart


def save_check(check: CheckRecord) -> None:
    """Save a verification."""
    with returned_connection():
        VaultCheck.objects.create(
            at=check.at,
            level=check.level,
            part=check.part.number if check.part else 0,
            parts=check.part.of if check.part else 0,
            objects_read=check.objects,
            bytes_read=check.bytes,
            damages=list(check.damages),
            mirror=check.mirror,
            repaired=list(check.repaired),
            tried=check.tried,
        )


def standing_check() -> CheckRecord | None:
    """The newest verification, with all damage that no later one disproved."""
    checks = _newest_of_each()
    return replace(checks[0], damages=standing_damages(checks)) if checks else None


def last_part() -> CheckRecord | None:
    """The newest verification of a part of the vault."""
    return _newest(VaultCheck.objects.filter(parts__gt=0, mirror=False))


def last_try_to_repair() -> CheckRecord | None:
    """The newest verification after an attempt to repair the vault."""
    return _newest(VaultCheck.objects.filter(tried=True, mirror=False))


def last_mirror_check() -> CheckRecord | None:
    """The newest verification of the mirror."""
    return _newest(VaultCheck.objects.filter(mirror=True))


def last_repair() -> CheckRecord | None:
    """The newest verification after which the vault was repaired."""
    return _newest(VaultCheck.objects.filter(mirror=False).exclude(repaired=[]))


def newest_checks(*, most: int) -> Sequence[CheckRecord]:
    """The newest verifications of the vault, newest first."""
    with returned_connection():
        rows = list(VaultCheck.objects.filter(mirror=False).order_by("-at", "-id")[:most])
    return [_value(row) for row in rows]


def _newest_of_each() -> Sequence[CheckRecord]:
    """The newest verification of each level and part, newest first: each supersedes older ones."""
    own_checks = VaultCheck.objects.filter(mirror=False)
    kinds = own_checks.values("level", "part", "parts").annotate(newest=models.Max("id"))
    with returned_connection():
        rows = own_checks.filter(id__in=[kind["newest"] for kind in kinds]).order_by("-at", "-id")
        return [_value(row) for row in rows]


def _newest(rows: models.QuerySet[VaultCheck]) -> CheckRecord | None:
    with returned_connection():
        row = rows.order_by("-at", "-id").first()
    return None if row is None else _value(row)


def _value(row: VaultCheck) -> CheckRecord:
    damages = tuple(str(damage) for damage in row.damages)
    part = VerifyPart(row.part, row.parts) if row.parts else None
    return CheckRecord(
        row.at,
        row.level,
        row.objects_read,
        row.bytes_read,
        damages,
        part,
        row.mirror,
        tuple(str(name) for name in row.repaired),
        row.tried,
    )
