"""The columns that people chose for their lists, by table: names of columns, and no values."""

from collections.abc import Sequence

from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import ListColumnsRow, Org


def list_columns(org: str, *, by: str, table: str) -> Sequence[str]:
    """The columns that a person chose for a table, in order; empty if they chose none."""
    with returned_connection():
        row = ListColumnsRow.objects.filter(org__name=org, by=by, table=table).first()
    return row.columns if row is not None else ()


def choose_list_columns(org: str, *, by: str, table: str, columns: Sequence[str]) -> None:
    """Store a person's choice for a table; an empty one is deleted."""
    with one_transaction():
        row = Org.objects.get(name=org)
        if columns:
            ListColumnsRow.objects.update_or_create(
                org=row, by=by, table=table, defaults={"columns": list(columns)}
            )
        else:
            ListColumnsRow.objects.filter(org=row, by=by, table=table).delete()
