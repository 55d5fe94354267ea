"""Columns that are hidden from viewers and operators."""

from collections.abc import Mapping

from unlost.catalog.archive_models import SpaceEstimateRow
from unlost.catalog.connection import one_transaction, returned_connection
from unlost.catalog.models import HiddenColumnRow, Org
from unlost.model.source.hidden_columns import HiddenColumns, hidden_columns


def hidden_by_org() -> Mapping[str, HiddenColumns]:
    """The hidden columns of each org (an oid) that has any."""
    with returned_connection():
        pairs: dict[str, list[tuple[str, str]]] = {}
        rows = HiddenColumnRow.objects.values_list("org__oid", "table", "column")
        for oid, table, column in rows:
            pairs.setdefault(oid, []).append((table, column))
        return {oid: hidden_columns(some) for oid, some in pairs.items()}


def hidden_in(oid: str) -> HiddenColumns:
    """The hidden columns of an org."""
    with returned_connection():
        rows = HiddenColumnRow.objects.filter(org__oid=oid)
        return hidden_columns(rows.values_list("table", "column"))


def hide_column(oid: str, table: str, column: str) -> None:
    """Hide a column from viewers and operators."""
    with one_transaction():
        org = _locked(oid)
        HiddenColumnRow.objects.get_or_create(org=org, table=table, column=column)
        _drop_estimates(oid)


def hide_as(old: str, new: str) -> None:
    """Hide the hidden columns of one org (an oid) in another as well."""
    with one_transaction():
        org = _locked(new)
        for row in HiddenColumnRow.objects.filter(org__oid=old):
            HiddenColumnRow.objects.get_or_create(org=org, table=row.table, column=row.column)
        _drop_estimates(new)


def show_column(oid: str, table: str, column: str) -> bool:
    """Show it again; False if it was not hidden."""
    with one_transaction():
        rows = HiddenColumnRow.objects.filter(org=_locked(oid), table=table, column=column)
        was_hidden = bool(rows.delete()[0])
        _drop_estimates(oid)
    return was_hidden


def _locked(oid: str) -> Org:
    """The row of an org, locked: an estimate that is stored meanwhile sees the change."""
    return Org.objects.select_for_update().get(oid=oid)


def _drop_estimates(oid: str) -> None:
    """Drop the estimates of storage that were made with other hidden columns."""
    SpaceEstimateRow.objects.filter(org__oid=oid, whole=False).delete()
