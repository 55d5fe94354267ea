"""Rules and lookups for plans, with the backup user (port ``PlanningAccess``).

Describe shows what its user may do, and the backup user may write nothing. So the flags are taken
from what Salesforce allows any user: a plan without a write user shows what a user with every
permission could restore.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from unlost.connectors.salesforce.access.identity import read_identity
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.shapes import DescribedObject
from unlost.connectors.salesforce.writing.automation import automation_of
from unlost.connectors.salesforce.writing.bypass import calling_user, read_bypass, switch_of
from unlost.connectors.salesforce.writing.capability import (
    SYSTEM,
    Describe,
    capability_of,
    is_written_by_users,
)
from unlost.connectors.salesforce.writing.locks import locks_of
from unlost.connectors.salesforce.writing.lookups import RecordLookups
from unlost.model.bypass import AutomationList, Bypass, BypassState
from unlost.model.org import OrgIdentity
from unlost.model.source.locks import LockList, RecordsByTable
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import MissingPermission, ReferrerQuery, WriteCapability

OBJECT_FLAGS = ("createable", "updateable", "deletable", "undeletable")
FIELD_FLAGS = ("createable", "updateable")


class SalesforcePlanning:
    """Rules and lookups of one org for plans. Not for sharing between threads."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api
        self._lookups = RecordLookups(api)
        self._describes: dict[str, Describe] = {}
        self._capabilities: dict[str, WriteCapability] = {}
        self._identity: OrgIdentity | None = None

    def identity(self) -> OrgIdentity:
        """The org's identity, read once."""
        self._identity = self._identity or read_identity(self._api)
        return self._identity

    def user_id(self) -> str:
        """The id of the backup user."""
        return calling_user(self._api)

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:  # noqa: ARG002
        """Nothing: the permissions of a user who does not exist yet are unknown."""
        return ()

    def capability(self, table: Table) -> WriteCapability:
        """The write capability of a user with every permission."""
        if table.name not in self._capabilities:
            describe = assumed(self._described(table.name))
            self._capabilities[table.name] = capability_of(describe)
        return self._capabilities[table.name]

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by a key."""
        return self._lookups.find(table, columns, values)

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """Live records by id."""
        return self._lookups.fetch(table, ids, columns)

    def referrers(self, queries: Sequence[ReferrerQuery]) -> Sequence[Rows | None]:
        """Live records by what a column refers to."""
        return self._lookups.referrers(queries)

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """The active automation, as far as the backup user may list it."""
        return automation_of(self._api, [table.name for table in tables])

    def locks(self, records: RecordsByTable) -> LockList:
        """Records in an approval, and published articles, as far as the backup user sees them."""
        return locks_of(self._api, records, writes=False)

    def bypass(self, bypass: Bypass) -> BypassState:
        """Off for a user who does not exist yet, if the org has the bypass."""
        read_bypass(switch_of(self._api, bypass), bypass)
        return BypassState(on=False)

    def check_bypass(self, bypass: Bypass) -> None:
        """Nothing: the rights of a user who does not exist yet are unknown."""

    def check_hard_delete(self) -> None:
        """Nothing: the permissions of a user who does not exist yet are unknown."""

    def _described(self, name: str) -> Describe:
        if name not in self._describes:
            path = f"sobjects/{name}/describe"
            self._describes[name] = self._api.get_json(path, DescribedObject)
        return self._describes[name]


def assumed(describe: Describe) -> Describe:
    """The describe of a user with every permission; unchanged if no user may write the object.

    Fields that only Salesforce sets stay as they are. Audit fields do too, because setting them is
    a permission that few users get.
    """
    if not is_written_by_users(describe):
        return describe
    fields = [_assumed_field(field) for field in describe["fields"]]
    return {**describe, **dict.fromkeys(OBJECT_FLAGS, True), "fields": fields}


def _assumed_field(field: Mapping[str, Any]) -> Mapping[str, Any]:
    fixed = field.get("calculated") or field.get("autoNumber") or field["name"] in SYSTEM
    return field if fixed else {**field, **dict.fromkeys(FIELD_FLAGS, True)}
