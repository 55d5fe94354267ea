"""The org's identity. Source: object reference, Organization."""

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.access.config import NAME
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.ids import is_id, long_id
from unlost.kit.json_to_arrow import MalformedAnswer, text_of
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
    tenant, _, _ = api.token_field("id").rpartition("/")
    return OrgIdentity(NAME, _tenant(tenant.rpartition("/")[2], "POST /services/oauth2/token"))


def _identity(row: Mapping[str, Any]) -> OrgIdentity:
    return OrgIdentity(
        connector=NAME,
        tenant=_tenant(row.get("Id"), "GET /query"),
        kind=_kind(row),
        label=text_of(row.get("Name")) or "",
        zone=_zone(text_of(row.get("TimeZoneSidKey")) or "UTC"),
    )


def _tenant(value: object, call: str) -> str:
    """The org's id in its long form; a backup without it could go to the wrong org."""
    if not isinstance(value, str) or not is_id(value):
        raise MalformedAnswer("the id of the org is not an id", call=call)
    return long_id(value)


def _zone(name: str) -> str:
    """The org's time zone; UTC if this machine does not know it."""
    try:
        return ZoneInfo(name).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        return "UTC"


def _kind(row: Mapping[str, Any]) -> OrgKind:
    if row.get("IsSandbox"):
        return OrgKind.SANDBOX
    if row.get("TrialExpirationDate"):
        return OrgKind.TRIAL
    return OrgKind.PRODUCTION
