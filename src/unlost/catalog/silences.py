"""Patterns of mass changes that are not reported immediately: expected, answered, muted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.db import models

from unlost.catalog.conclusion_models import SilenceRow
from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org
from unlost.model.mass_changes import MassKind, Silence, SilenceKind

JOINED = tuple(
    f"org__silences__{field.attname}"
    for field in SilenceRow._meta.concrete_fields
    if field.attname != "org_id"
)  # the columns of patterns in a query of rows that belong to an org


def silences_of(oid: str, *, since: datetime) -> Sequence[Silence]:
    """The patterns of an org that did not end before ``since``, oldest first."""
    with returned_connection():
        rows = SilenceRow.objects.filter(org__oid=oid).select_related("org").order_by("id")
        lasting = models.Q(until=None) | models.Q(until__gte=since)
        return [_value(row, row.org.name) for row in rows.filter(lasting)]


def add_silence(oid: str, silence: Silence) -> Silence:
    """Store a pattern, and return it with its id."""
    with returned_connection():
        row = SilenceRow.objects.create(
            org=Org.objects.get(oid=oid),
            kind=silence.kind.value,
            table=silence.table,
            column=silence.column,
            change=silence.change.value if silence.change is not None else "",
            user=silence.user,
            most=silence.most,
            snapshot=silence.snapshot,
            since=silence.since,
            until=silence.until,
            reason=silence.reason,
            by=silence.by,
        )
    return replace(silence, id=row.pk)


def remove_silence(oid: str, silence: int) -> bool:
    """Delete a pattern; False if there is none."""
    with returned_connection():
        return bool(SilenceRow.objects.filter(org__oid=oid, pk=silence).delete()[0])


def joined_silence(row: Mapping[str, Any], org: str) -> Silence | None:
    """The pattern in a row that joins the columns ``JOINED``; None if its org has none."""
    cells = {name.rpartition("__")[2]: row[name] for name in JOINED}
    return _value(SilenceRow(**cells), org) if cells["id"] is not None else None


def _value(row: SilenceRow, org: str) -> Silence:
    return Silence(
        kind=SilenceKind(row.kind),
        org=org,
        table=row.table,
        column=row.column,
        change=MassKind(row.change) if row.change else None,
        user=row.user,
        most=row.most,
        snapshot=row.snapshot,
        since=row.since,
        until=row.until,
        reason=row.reason,
        by=row.by,
        id=row.pk,
    )
