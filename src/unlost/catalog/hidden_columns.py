"""Which columns viewers do not see."""

from collections.abc import Sequence

from unlost.catalog.connection import own_connection
from unlost.catalog.models import HiddenColumnRow, Org
from unlost.model.access import HiddenColumn


def hidden_columns(oid: str | None = None) -> Sequence[HiddenColumn]:
    """Those of one org, or of all."""
    with own_connection():
        rows = HiddenColumnRow.objects.select_related("org").order_by("table", "column")
        rows = rows if oid is None else rows.filter(org__oid=oid)
        return [HiddenColumn(row.org.oid, row.table, row.column) for row in rows]


def hide_column(hidden: HiddenColumn) -> bool:
    """Hide a column from viewers; False if it was."""
    with own_connection():
        org = Org.objects.get(oid=hidden.oid)
        _, made = HiddenColumnRow.objects.get_or_create(
            org=org, table=hidden.table, column=hidden.column
        )
        return made


def hide_as(old: str, new: str) -> None:
    """Hide of one org (an oid) what is hidden of another."""
    with own_connection():
        org = Org.objects.get(oid=new)
        for held in HiddenColumnRow.objects.filter(org__oid=old):
            HiddenColumnRow.objects.get_or_create(org=org, table=held.table, column=held.column)


def show_column(hidden: HiddenColumn) -> bool:
    """Show it again; False if it was not hidden."""
    with own_connection():
        found = HiddenColumnRow.objects.filter(
            org__oid=hidden.oid, table=hidden.table, column=hidden.column
        )
        return bool(found.delete()[0])
