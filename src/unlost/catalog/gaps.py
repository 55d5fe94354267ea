"""Accepted gaps of orgs, and the ends of their acceptance."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from unlost.catalog.home_file import home_file, instant_of
from unlost.model.decoders import decoder_for
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.gaps import AcceptedGap, GapEnd
from unlost.model.message import Message

if TYPE_CHECKING:
    from unlost.catalog.conclusion_models import AcceptedGapRow

MOST = 1_000  # acceptances that are listed: lasting ones before those that ended
_COLUMNS = ("kind", "table", "column", "detail", "message", "snapshot", "reason", "by", "at")


@dataclass(frozen=True, slots=True)
class Acceptances:
    """The acceptances of an org: lasting ones, oldest first; ended ones, the newest first."""

    lasting: tuple[AcceptedGap, ...]
    ended: tuple[AcceptedGap, ...]


def accepted_gaps(oid: str) -> tuple[AcceptedGap, ...]:
    """The lasting acceptances of an org, oldest first."""
    file = home_file()
    if file is not None:
        names = ", ".join(f'gap."{name}"' for name in _COLUMNS)
        rows = file.rows(
            f"SELECT gap.id, org.name, {names} FROM catalog_acceptedgaprow gap "  # noqa: S608 (our own names)
            "JOIN catalog_org org ON org.id = gap.org_id "
            "WHERE org.oid = ? AND gap.\"end\" = '' ORDER BY gap.id",
            (oid,),
        )
        return tuple(map(_of_file, rows))
    from unlost.catalog.conclusion_models import AcceptedGapRow
    from unlost.catalog.connection import returned_connection

    with returned_connection():
        lasting = AcceptedGapRow.objects.filter(org__oid=oid, end="").select_related("org")
        return tuple(map(_value, lasting.order_by("id")))


def acceptances(oid: str) -> Acceptances:
    """All acceptances of an org that are listed."""
    from django.db.models import F

    from unlost.catalog.conclusion_models import AcceptedGapRow
    from unlost.catalog.connection import returned_connection

    with returned_connection():
        rows = AcceptedGapRow.objects.filter(org__oid=oid).select_related("org")
        newest = rows.order_by(F("ended_at").desc(nulls_first=True), "-id")
        values = [_value(row) for row in newest[:MOST]]
    lasting = sorted((value for value in values if value.end is None), key=lambda value: value.id)
    return Acceptances(tuple(lasting), tuple(value for value in values if value.end is not None))


def find_accepted_gap(oid: str, acceptance: int) -> AcceptedGap | None:
    """An acceptance of an org, lasting or ended."""
    from unlost.catalog.conclusion_models import AcceptedGapRow
    from unlost.catalog.connection import returned_connection

    with returned_connection():
        rows = AcceptedGapRow.objects.filter(org__oid=oid, pk=acceptance).select_related("org")
        row = rows.first()
    return _value(row) if row is not None else None


@contextmanager
def of_one_org(oid: str) -> Iterator[None]:
    """One transaction in which no other process changes the acceptances of an org."""
    from unlost.catalog.connection import one_transaction
    from unlost.catalog.models import Org

    with one_transaction():
        Org.objects.select_for_update().get(oid=oid)
        yield


def add_accepted_gap(oid: str, accepted: AcceptedGap) -> AcceptedGap:
    """Store an acceptance; returns it with its id."""
    from unlost.catalog.conclusion_models import AcceptedGapRow
    from unlost.catalog.connection import one_transaction
    from unlost.catalog.models import Org

    gap = accepted.gap
    with one_transaction():
        row = AcceptedGapRow.objects.create(
            org=Org.objects.get(oid=oid),
            kind=gap.kind.value,
            table=gap.table or "",
            column=gap.column or "",
            detail=gap.detail,
            message=gap.message,
            snapshot=accepted.snapshot,
            reason=accepted.reason,
            by=accepted.by,
            at=accepted.at,
        )
    return _value(row)


def end_accepted_gap(acceptance: int, end: GapEnd, *, at: datetime, by: str = "") -> bool:
    """Record the end of an acceptance; False if it has ended before."""
    from unlost.catalog.conclusion_models import AcceptedGapRow
    from unlost.catalog.connection import returned_connection

    with returned_connection():
        rows = AcceptedGapRow.objects.filter(pk=acceptance, end="")
        return bool(rows.update(end=end.value, ended_at=at, ended_by=by))


def _value(row: "AcceptedGapRow") -> AcceptedGap:
    text = row.message or Message("", "")
    return AcceptedGap(
        row.pk,
        row.org.name,
        _gap(row.kind, row.table, row.column, row.detail, text),
        row.snapshot,
        row.reason,
        row.by,
        row.at,
        GapEnd(row.end) if row.end else None,
        row.ended_at,
        row.ended_by,
    )


def _of_file(row: tuple[Any, ...]) -> AcceptedGap:
    """Return a lasting acceptance from a row of a home's file."""
    number, org, kind, table, column, detail, text, snapshot, reason, by, at = row
    gap = _gap(kind, table, column, detail, decoder_for(Message).decode(text))
    return AcceptedGap(number, org, gap, snapshot, reason, by, instant_of(at))


def _gap(kind: str, table: str, column: str, detail: str, text: Message) -> Finding:
    return Finding(
        FindingKind(kind),
        Severity.GAP,
        text.sentence,
        text.next_step,
        table or None,
        column or None,
        detail,
        text.template,
        text.next_template,
        text.args,
    )
