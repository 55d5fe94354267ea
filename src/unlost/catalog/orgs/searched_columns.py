"""Columns that orgs chose to search."""

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, SearchedColumnRow
from unlost.model.source.searched_columns import SearchedColumns, searched_columns


def chosen_columns(oid: str) -> SearchedColumns:
    """The columns that an org chose."""
    with returned_connection():
        rows = SearchedColumnRow.objects.filter(org__oid=oid)
        return searched_columns(rows.values_list("table", "column"))


def choose_column(oid: str, table: str, column: str) -> None:
    """Search a column from the next backup on."""
    with returned_connection():
        org = Org.objects.get(oid=oid)
        SearchedColumnRow.objects.get_or_create(org=org, table=table, column=column)


def choose_as(old: str, new: str) -> None:
    """Choose the columns of one org (an oid) for another as well."""
    with returned_connection():
        org = Org.objects.get(oid=new)
        for row in SearchedColumnRow.objects.filter(org__oid=old):
            SearchedColumnRow.objects.get_or_create(org=org, table=row.table, column=row.column)


def drop_column(oid: str, table: str, column: str) -> bool:
    """Take back a choice; False if the column was not chosen."""
    with returned_connection():
        rows = SearchedColumnRow.objects.filter(org__oid=oid, table=table, column=column)
        return bool(rows.delete()[0])
