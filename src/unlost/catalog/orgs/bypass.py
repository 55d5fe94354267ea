"""The bypass of each org: the switch that its automation checks, as an admin named it."""

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import BypassRow, Org
from unlost.model.bypass import Bypass

LONGEST = 200  # characters of a name; Salesforce allows 80 in a permission set


def bypass_of(oid: str) -> Bypass | None:
    """The bypass of an org; None if it has none."""
    with returned_connection():
        row = BypassRow.objects.filter(org__oid=oid).first()
    return Bypass(row.kind, row.name) if row is not None else None


def save_bypass(oid: str, bypass: Bypass | None) -> None:
    """Set the bypass of an org, or remove it."""
    with returned_connection():
        if bypass is None:
            BypassRow.objects.filter(org__oid=oid).delete()
            return
        org = Org.objects.get(oid=oid)
        values = {"kind": bypass.kind, "name": bypass.name}
        BypassRow.objects.update_or_create(org=org, defaults=values)


def bypass_as(old: str, new: str) -> None:
    """Copy the bypass of one org (an oid) to another."""
    save_bypass(new, bypass_of(old))
