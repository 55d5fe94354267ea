"""The setup of administrators: API users with roles, OAuth clients, domains, ACLs, credentials."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from unlost_simulators.company.employees import mail_of
from unlost_simulators.servicenow.access.acls import Acl, Operation
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.platform import ROLE
from unlost_simulators.servicenow.model.transforms import TransformMap
from unlost_simulators.servicenow.model.users import ApiUser, OAuthClient
from unlost_simulators.servicenow.scenarios.chocolate.declared import CONTEXT
from unlost_simulators.servicenow.scenarios.chocolate.people import Tables, instant_column
from unlost_simulators.servicenow.scenarios.chocolate.tickets import JAPAN_DOMAIN
from unlost_simulators.servicenow.scenarios.chocolate.world import USER

# Printed in the documentation; opens a simulator only.
PASSWORD = "not-a-secret-chocolate"  # noqa: S105
BACKUP, RESTORE, NARROW = (mail_of(name) for name in ("backup", "restore", "narrow"))
CLIENT = "chocolate-client"


def _user(name: str, *roles: str, zone: str = "GMT") -> ApiUser:
    return ApiUser(ids.fixed(USER, name), name, PASSWORD, frozenset(roles), zone=zone)


USERS = (
    _user(BACKUP, "admin", "snc_read_only"),
    _user(RESTORE, "admin"),
    _user(NARROW, "itil", zone="Europe/Brussels"),
)
CLIENTS = (OAuthClient(CLIENT, PASSWORD, application_user=BACKUP),)
_ROLES = ("admin", "itil", "snc_read_only", "query_no_domain_table_api", "security_admin", "nobody")
ACLS: Sequence[Acl] = (
    # Current instances have query ACLs from the start.
    Acl("sys_user", Operation.QUERY_RANGE, "email", frozenset({"admin"})),
    Acl("sys_user", Operation.READ, "user_password", frozenset({"security_admin"})),
    Acl("u_credential", Operation.READ, roles=frozenset({"admin"})),
)
TRANSFORMS = (
    TransformMap(
        "Contacts", "u_imp_contact", "customer_contact",
        {"u_mail": "email", "u_first": "first_name", "u_last": "last_name"}, coalesce="email",
    ),
)  # fmt: skip


def tables() -> Tables:
    """Give the rows of the setup."""
    yield ROLE, _named(ROLE, _ROLES)
    yield USER, pa.table({
        "sys_id": [user.sys_id for user in USERS],
        "user_name": [user.name for user in USERS],
        "name": [user.name for user in USERS],
        "email": [user.name for user in USERS],
        "active": ["true"] * len(USERS),
        "sys_class_name": [USER] * len(USERS),
        **_stamps(len(USERS)),
    })  # fmt: skip
    pairs = [(user, role) for user in USERS for role in sorted(user.roles)]
    yield "sys_user_has_role", pa.table({
        "sys_id": [ids.fixed("sys_user_has_role", user.name + role) for user, role in pairs],
        "user": [user.sys_id for user, _ in pairs],
        "role": [ids.fixed(ROLE, role) for _, role in pairs],
        "state": ["active"] * len(pairs),
        **_stamps(len(pairs)),
    })  # fmt: skip
    yield "sys_domain", pa.table({"sys_id": [JAPAN_DOMAIN], "name": ["Osaka"], **_stamps(1)})
    yield "u_credential", pa.table({
        "sys_id": [ids.fixed("u_credential", "mixer")], "u_name": ["Mixer 4"],
        "u_password": ["encrypted-with-a-key"], "u_recovery": [f"encrypted with {CONTEXT}"],
        **_stamps(1),
    })  # fmt: skip
    yield "sys_certificate", _named("sys_certificate", ("Kwinten CA",))
    yield "sys_update_set", _named("sys_update_set", ("Default", "Kühlkette alarms"))


def _named(table: str, names: Sequence[str]) -> pa.Table:
    return pa.table({
        "sys_id": [ids.fixed(table, name) for name in names], "name": list(names),
        **_stamps(len(names)),
    })  # fmt: skip


def _stamps(count: int) -> dict[str, object]:
    return {
        "sys_created_on": instant_column(count, 2_100),
        "sys_created_by": ["admin"] * count,
        "sys_updated_on": instant_column(count, 2_100),
        "sys_updated_by": ["admin"] * count,
        "sys_mod_count": ["0"] * count,
    }
