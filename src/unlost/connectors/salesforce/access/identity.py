"""The org's identity. Source: object reference, Organization."""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.access.config import NAME
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.ids import long_id
from unlost.model.org import OrgIdentity, OrgKind

COLUMNS = ("Id", "Name", "IsSandbox", "OrganizationType", "TimeZoneSidKey", "TrialExpirationDate")


def read_identity(api: SalesforceApi) -> OrgIdentity:
    """The org's own record; if the user may not read it, the ids of the sign-in."""
    for columns in (COLUMNS, COLUMNS[:3]):
        try:
            rows = api.query(soql.select(columns, "Organization"))
        except SalesforceRefusal:
            continue
        if rows:
            return _identity(rows[0])
    return OrgIdentity(NAME, long_id(api.token_field("id").split("/")[-2]))


def _identity(row: Mapping[str, Any]) -> OrgIdentity:
    return OrgIdentity(
        connector=NAME,
        tenant=long_id(row["Id"]),
        kind=_kind(row),
        label=row.get("Name") or "",
        zone=row.get("TimeZoneSidKey") or "UTC",
    )


def _kind(row: Mapping[str, Any]) -> OrgKind:
    if row.get("IsSandbox"):
        return OrgKind.SANDBOX
    if row.get("TrialExpirationDate"):
        return OrgKind.TRIAL
    return OrgKind.PRODUCTION
