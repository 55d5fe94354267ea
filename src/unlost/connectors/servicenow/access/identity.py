"""The identity of an instance, and the user who is signed in.

That the properties ``instance_id`` and ``instance_name`` exist and differ between instances is an
inference. Without them the host stands for the instance: ServiceNow gives each instance a host.
``glide.installation.production`` is what public scripts ask for before they touch an instance. That
it is true on production instances and false on the others is an inference.
"""

from dataclasses import dataclass

from unlost.connectors.servicenow.access.config import NAME
from unlost.connectors.servicenow.http.api import PageCall, ServiceNowApi
from unlost.connectors.servicenow.http.walk import RowCondition, TableWalk, WalkQuery
from unlost.kit.addresses import host_of
from unlost.model.errors import SourceRefused
from unlost.model.org import OrgIdentity, OrgKind

PROPERTIES = ("instance_id", "instance_name")
PRODUCTION = "glide.installation.production"
KINDS = {"true": OrgKind.PRODUCTION, "false": OrgKind.SANDBOX}
# ServiceNow docs, "Table API": the server replaces this value by the id of the caller.
CALLER = "sys_id=javascript:gs.getUserID()"


@dataclass(frozen=True, slots=True)
class BackupUser:
    """The user who is signed in; both texts are empty if ServiceNow does not show the user."""

    id: str = ""
    name: str = ""


def read_identity(api: ServiceNowApi, host: str) -> OrgIdentity:
    """Read the identity from the properties of the instance."""
    condition = RowCondition("name", among=(*PROPERTIES, PRODUCTION))
    walk = TableWalk(api, WalkQuery("sys_properties", ("name", "value"), (condition,)))
    values = {str(row["name"]): row["value"] for row in walk.rows() if row["value"]}
    label = host_of(host)
    tenant = next((values[name] for name in PROPERTIES if name in values), label)
    kind = KINDS.get((values.get(PRODUCTION) or "").lower(), OrgKind.UNKNOWN)
    return OrgIdentity(NAME, tenant, kind, values.get("instance_name") or label)


def read_user(api: ServiceNowApi) -> BackupUser:
    """Read the user who is signed in."""
    call = PageCall("sys_user", CALLER, ("sys_id", "user_name"), limit=2)
    try:
        rows = api.page(call).cells.to_pylist()
    except SourceRefused:
        return BackupUser()
    # Of several rows none is known to be the user: the condition was left out.
    if len(rows) != 1:
        return BackupUser()
    return BackupUser(rows[0]["sys_id"] or "", rows[0]["user_name"] or "")
