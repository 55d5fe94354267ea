"""The bypass that an org's own automation checks, for the calling user or another one.

  permission-set NAME            the set is assigned to the user: PermissionSetAssignment
  custom-setting OBJECT.FIELD    the user's row of a hierarchy custom setting has the box ticked

Sources: object reference, PermissionSetAssignment (create, delete, query; special access
rules; IsActive is false after its expiration), PermissionSet (IsOwnedByProfile);
Apex guide, custom settings (hierarchy: the row of the user comes before that of the profile, and
this before that of the org); object reference of custom settings (SetupOwnerId refers to
Organization, Profile or User). A new row of the user hides those of profile and org: an empty field
takes its value from them, but a box is never empty, and an omitted field gets its default. So the
row copies the other boxes, and sends the other fields empty.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SEND_JSON, SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.shapes import DescribedField, DescribedObject
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.values import encode
from unlost.kit.http import HttpCall
from unlost.model.bypass import (
    Bypass,
    BypassKind,
    BypassState,
)
from unlost.model.errors import NotAllowed, UsageError

PERMISSION_SET, CUSTOM_SETTING = "permission-set", "custom-setting"
KINDS = (
    BypassKind(
        PERMISSION_SET,
        "Permission set",
        "The API name of the permission set, such as Bypass_Automation.",
    ),
    BypassKind(
        CUSTOM_SETTING,
        "Checkbox of a hierarchy custom setting",
        "Object and field, such as Automation__c.Bypass__c.",
    ),
)
ASSIGNMENTS, OWNER = "PermissionSetAssignment", "SetupOwnerId"
ASSIGN = "PermissionsAssignPermissionSets"
BARE = 15  # characters of an id that identify a record (REST guide, ids)
API_NAME = re.compile(r"\w+", re.ASCII)
BOX_NAME = re.compile(r"(\w+)\.(\w+)", re.ASCII)


class BypassSwitch(Protocol):
    """A bypass of one org and user. Each method may raise the errors of ``SalesforceApi``."""

    def state(self) -> BypassState:
        """Read its state; raises UsageError (``bypass-unknown``)."""
        ...

    def check(self) -> None:
        """Raise NotAllowed (``bypass-refused``) if the caller is known to lack the right."""
        ...

    def switch(self, client: WriteClient, state: BypassState) -> None:
        """Bring it into a state; a no-op if it is in it. A refusal is raised as it came."""
        ...


def switch_of(api: SalesforceApi, bypass: Bypass, *, user: str = "") -> BypassSwitch:
    """The switch of a bypass for a user, without one for the calling user.

    Raises UsageError (``bypass-unknown``) for another kind or form.
    """
    if bypass.kind == PERMISSION_SET and API_NAME.fullmatch(bypass.name):
        return PermissionSetSwitch(api, bypass, user or calling_user(api))
    box = BOX_NAME.fullmatch(bypass.name)
    if bypass.kind == CUSTOM_SETTING and box:
        return CustomSettingSwitch(api, bypass, user or calling_user(api), box[1], box[2])
    raise UsageError(
        "bypass-unknown",
        "The bypass {bypass} has another form.",
        next_step="Use the API name of a permission set, or for a custom setting OBJECT.FIELD.",
        bypass=bypass,
    )


def read_bypass(switch: BypassSwitch, bypass: Bypass) -> BypassState:
    """Read the state; raises NotAllowed (``bypass-refused``) if the user may not read it."""
    with _reading(bypass):
        return switch.state()


def check_bypass(switch: BypassSwitch, bypass: Bypass) -> None:
    """Check the right; raises NotAllowed (``bypass-refused``) if it lacks or cannot be read."""
    with _reading(bypass):
        switch.check()


@contextmanager
def _reading(bypass: Bypass) -> Iterator[None]:
    """Explain a query that Salesforce refuses."""
    try:
        yield
    except SalesforceRefusal as refused:
        raise NotAllowed(
            "bypass-refused",
            "Salesforce does not let the user read the bypass {bypass}: {reason}",
            next_step="Give this user the permission 'View Setup and Configuration', or for a "
            "custom setting read access to it. Then try again.",
            bypass=bypass,
            reason=refused.text or refused.native,
        ) from refused


def set_bypass(
    client: WriteClient, switch: BypassSwitch, bypass: Bypass, state: BypassState
) -> None:
    """Bring a bypass into a state; raises NotAllowed (``bypass-refused``) if Salesforce refuses."""
    try:
        switch.switch(client, state)
    except SalesforceRefusal as refused:
        raise NotAllowed(
            "bypass-refused",
            "Salesforce does not let the write user switch the bypass {bypass}: {reason}",
            next_step="Give the write user the permission 'Assign Permission Sets', or for a custom "
            "setting 'Customize Application'. Then try again.",
            bypass=bypass,
            reason=refused.text or refused.native,
        ) from refused


def calling_user(api: SalesforceApi) -> str:
    """The id of the user who signed in."""
    return api.token_field("id").rsplit("/", 1)[-1]


@dataclass(frozen=True)
class PermissionSetSwitch:
    """A permission set that is assigned to the user, or not."""

    api: SalesforceApi
    bypass: Bypass
    user: str

    @cached_property
    def _set_id(self) -> str:
        named = soql.equals("Name", self.bypass.name)
        rows = self.api.query(
            soql.select(("Id",), "PermissionSet", named, "IsOwnedByProfile = false")
        )
        if len(rows) != 1:
            raise UsageError(
                "bypass-unknown",
                "The org has no permission set {name}, or the write user lacks the right to see it.",
                next_step="See Setup > Permission Sets for its API name.",
                name=self.bypass.name,
            )
        return str(rows[0]["Id"])

    def state(self) -> BypassState:
        """On if the set is assigned, and the assignment has not expired."""
        rows = self._assignments()
        return BypassState(any(row.get("IsActive") for row in rows), bool(rows))

    def check(self) -> None:
        """The user needs Assign Permission Sets."""
        self._check_expiry(self._assignments())
        try:
            rows = self.api.query(soql.select((ASSIGN,), "UserPermissionAccess"))
        except SalesforceRefusal:
            return
        if rows and not rows[0].get(ASSIGN):
            raise NotAllowed(
                "bypass-refused",
                "The write user may not assign the permission set {name}.",
                next_step="Grant the permission 'Assign Permission Sets' to the write user in Setup.",
                name=self.bypass.name,
            )

    def switch(self, client: WriteClient, state: BypassState) -> None:
        """Assign the set, or remove the assignment."""
        rows = self._assignments()
        if not state.on and not state.stored:
            for row in rows:
                delete(client, ASSIGNMENTS, str(row["Id"]))
        elif state.on:
            self._check_expiry(rows)
            if not rows:
                values = {"AssigneeId": self.user, "PermissionSetId": self._set_id}
                create(client, ASSIGNMENTS, values)

    def _assignments(self) -> list[Any]:
        assignee = soql.equals("AssigneeId", self.user)
        this = soql.equals("PermissionSetId", self._set_id)
        return self.api.query(soql.select(("Id", "IsActive"), ASSIGNMENTS, assignee, this))

    def _check_expiry(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raise NotAllowed for an assignment that has expired: it prevents another one."""
        if rows and not any(row.get("IsActive") for row in rows):
            raise NotAllowed(
                "bypass-refused",
                "The assignment of the permission set {name} to the write user has expired.",
                next_step="Remove the expired assignment in Setup. Unlost assigns the set when it is "
                "needed.",
                name=self.bypass.name,
            )


@dataclass(frozen=True)
class CustomSettingSwitch:
    """A box of a hierarchy custom setting, ticked in the user's row."""

    api: SalesforceApi
    bypass: Bypass
    user: str
    table: str
    column: str

    @cached_property
    def _described(self) -> DescribedObject:
        try:
            described = self.api.get_json(f"sobjects/{self.table}/describe", DescribedObject)
        except SalesforceRefusal:
            raise self._unknown() from None
        if not described.get("customSetting"):
            raise self._unknown()
        return described

    @cached_property
    def _boxes(self) -> Sequence[str]:
        """The boxes of the setting; raises UsageError unless the named column is one of them."""
        fields = self._described["fields"]
        boxes = [
            field["name"] for field in fields if field["type"] == "boolean" and _is_custom(field)
        ]
        hierarchy = any(field["name"] == OWNER for field in fields)
        if self.column not in boxes or not hierarchy:
            raise self._unknown()
        return boxes

    def state(self) -> BypassState:
        """On if the row nearest to the user has the box ticked: user, profile, org."""
        rows, user = self._rows()
        nearest = rows[0] if rows else {}
        return BypassState(bool(nearest.get(self.column)), user is not None)

    def check(self) -> None:
        """The user needs to write the setting: Customize Application, or a right on the object."""
        flags = ("createable", "updateable", "deletable")
        described = self._described
        assert self._boxes  # the named column is one of them
        box = next(field for field in described["fields"] if field["name"] == self.column)
        if not all(described.get(flag) for flag in flags) or not box.get("updateable"):
            raise NotAllowed(
                "bypass-refused",
                "The write user may not change the custom setting {name}.",
                next_step="Grant the permission 'Customize Application' to the write user in Setup, "
                "or access to this custom setting.",
                name=self.table,
            )

    def switch(self, client: WriteClient, state: BypassState) -> None:
        """Tick the box in the user's row; afterwards untick it, or delete the row."""
        rows, user = self._rows()
        if user is None:
            if state.on:
                create(client, self.table, self._row(rows[0] if rows else {}))
        elif state.on or state.stored:
            if bool(user.get(self.column)) is not state.on:
                path = f"sobjects/{self.table}/{user['Id']}"
                _send(client, "PATCH", path, {self.column: state.on})
        else:
            delete(client, self.table, str(user["Id"]))

    def _row(self, nearest: Mapping[str, Any]) -> dict[str, Any]:
        """The user's row: the box is ticked, and the others are as they were for the user.

        Other fields are sent empty, so that no default hides a value of profile or org.
        """
        cells = {
            field["name"]: bool(nearest.get(field["name"])) if field["type"] == "boolean" else None
            for field in self._described["fields"]
            if _is_custom(field) and field.get("createable")
            if field["type"] == "boolean" or field.get("nillable")
        }
        return {OWNER: self.user, **cells, self.column: True}

    def _rows(self) -> tuple[list[Mapping[str, Any]], Mapping[str, Any] | None]:
        """The rows that apply to the user, the nearest first, and the user's own."""
        about_user = soql.any_of(OWNER, self._owners)
        columns = ("Id", OWNER, *self._boxes)
        rows = self.api.query(soql.select(columns, self.table, about_user))
        by_owner = {str(row[OWNER])[:BARE]: row for row in rows}
        owners = [owner[:BARE] for owner in self._owners]
        return [by_owner[owner] for owner in owners if owner in by_owner], by_owner.get(owners[0])

    @cached_property
    def _owners(self) -> Sequence[str]:
        """The user, the user's profile, and the org; without the profile if it may not be read."""
        org = self.api.token_field("id").rsplit("/", 2)[-2]
        rows = self.api.query(soql.select(("ProfileId",), "User", soql.equals("Id", self.user)))
        profiles = [str(row["ProfileId"]) for row in rows if row.get("ProfileId")]
        return [self.user, *profiles, org]

    def _unknown(self) -> UsageError:
        return UsageError(
            "bypass-unknown",
            "The org has no hierarchy custom setting with the checkbox {name}, or the write user "
            "lacks the right to see it.",
            next_step="See Setup > Custom Settings for the API names of object and field.",
            name=self.bypass.name,
        )


def _is_custom(field: DescribedField) -> bool:
    return field["name"].endswith("__c")


def create(client: WriteClient, table: str, values: Mapping[str, Any]) -> None:
    """Create one row."""
    _send(client, "POST", f"sobjects/{table}", values)


def delete(client: WriteClient, table: str, record: str) -> None:
    """Delete one row; a row that is gone is fine."""
    url = client.api.url(f"sobjects/{table}/{record}")
    client.send(HttpCall("DELETE", url, SEND_JSON, accept=frozenset({200, 204, 404})))


def _send(client: WriteClient, method: str, path: str, values: Mapping[str, Any]) -> None:
    client.send(HttpCall(method, client.api.url(path), SEND_JSON, encode(dict(values))))
