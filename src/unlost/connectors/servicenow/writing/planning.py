"""Rules and look-ups for plans, with the backup user or the write user (port ``PlanningAccess``).

The backup user may write nothing. So its plans suppose a user with every permission.
"""

from collections.abc import Sequence
from functools import cached_property

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.identity import read_identity
from unlost.connectors.servicenow.access.rights import READING, WRITING, AccessFacts, read_access
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.schema.dictionary import (
    DictionaryTable,
    InstanceDictionary,
    read_dictionary,
)
from unlost.connectors.servicenow.schema.discover import TablePlace, find_domains, place_of
from unlost.connectors.servicenow.writing.automation import automation_of, identifiers_of
from unlost.connectors.servicenow.writing.capability import WriteFacts, capability_of
from unlost.connectors.servicenow.writing.lookups import InstanceLookups
from unlost.kit.plain import PlainPlanning
from unlost.model.bypass import AutomationList
from unlost.model.errors import NotAllowed
from unlost.model.org import OrgIdentity
from unlost.model.source.schema import Table
from unlost.model.source.writing import Birth, MissingPermission, WriteCapability


class ServiceNowPlanning(InstanceLookups, PlainPlanning):
    """Rules and look-ups of one instance. Each fact is read once, before threads use it."""

    def __init__(self, api: ServiceNowApi, config: ServiceNowConfig) -> None:
        super().__init__(api)
        self._config = config

    @cached_property
    def _identity(self) -> OrgIdentity:
        return read_identity(self._api, self._config.host)

    @cached_property
    def _dictionary(self) -> InstanceDictionary:
        dictionary = read_dictionary(self._api)
        list(find_domains(self._api, dictionary))
        return dictionary

    @cached_property
    def _access(self) -> AccessFacts:
        return read_access(self._api, (*READING, *WRITING))

    @cached_property
    def _facts(self) -> WriteFacts:
        keys = identifiers_of(self._api, self._dictionary)
        return WriteFacts(None, keys, self._config.create_requests)

    def identity(self) -> OrgIdentity:
        """The identity of the instance."""
        return self._identity

    def user_id(self) -> str:
        """The name of the user: stamps name users so, too."""
        name = self._access.user.name or self._config.username
        if not name:
            raise NotAllowed(
                "servicenow-user-unknown",
                "ServiceNow does not show the user who signed in.",
                next_step="Let the user read its own record in sys_user.",
            )
        return name

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:  # noqa: ARG002
        """Nothing: the roles of a user who does not exist yet are unknown."""
        return ()

    def capability(self, table: Table) -> WriteCapability:
        """The capability by dictionary and rules."""
        described = self._described(table)
        if described is None:
            reason = f"The instance has no table {table.name} any more."
            return WriteCapability(table.name, birth=Birth.NEVER, reason=reason)
        return capability_of(described, self._facts)

    def automation(self, tables: Sequence[Table]) -> AutomationList:
        """Active business rules, flows, workflows, data policies, notifications and SLAs."""
        lineages = {table.name: self._dictionary.lineage(table.name) for table in tables}
        return automation_of(self._api, self._dictionary, lineages)

    def _described(self, table: Table) -> DictionaryTable | None:
        known = table.name in self._dictionary.tables
        return self._dictionary.table(table.name) if known else None

    def _place(self, table: Table) -> TablePlace:
        described = self._described(table)
        if described is None:
            return TablePlace((table.name,), (table.name,))
        return place_of(described, self._dictionary.tables, self._access)
