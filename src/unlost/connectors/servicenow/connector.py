"""The ServiceNow connector: opens sources and writers from settings.

Commands that only read the vault load it too, for the form of its ids; so modules with network code
are imported only when an instance is opened.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from unlost.connectors.servicenow.access.config import NAME, ServiceNowAuth, ServiceNowConfig
from unlost.kit.addresses import is_safe, origin
from unlost.kit.losses import loss_rule
from unlost.kit.plain import PlainConnector
from unlost.kit.settings import secret_fields
from unlost.model.losses import LossRule, LossRules
from unlost.model.ports.source import SecretField
from unlost.model.source.display import DisplayRule

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from unlost.connectors.servicenow.source import ServiceNowSource
    from unlost.connectors.servicenow.writing.planning import ServiceNowPlanning
    from unlost.connectors.servicenow.writing.writer import ServiceNowWriter
    from unlost.kit.http import Transport
    from unlost.model.ports.source import Context
    from unlost.model.source.schema import Schema, Table
    from unlost.model.source.sign_in import SignInMethods

PASSWORD = SecretField("password", "Password", "Of the backup user in ServiceNow.")
CLIENT_SECRET = SecretField(
    "client_secret", "Client secret", "From the application registry of ServiceNow."
)
SECRETS = {
    ServiceNowAuth.BASIC: (PASSWORD,),
    ServiceNowAuth.CLIENT_CREDENTIALS: (CLIENT_SECRET,),
    ServiceNowAuth.PASSWORD: (PASSWORD, CLIENT_SECRET),
}
WRITE_ROLES = (
    "admin, without snc_read_only",
    "Encryption contexts of the columns that it must restore",
)
# ServiceNow docs, "Table API" and "Journal fields": texts by which people know a record.
TEXTS = ("short_description", "title", "value", "description")
STAMPS = frozenset({
    "sys_id", "sys_created_on", "sys_created_by", "sys_updated_on", "sys_updated_by",
    "sys_mod_count", "sys_class_name", "sys_domain", "sys_domain_path", "sys_tags",
})  # fmt: skip


class ServiceNowConnector(PlainConnector):
    """The connector of ServiceNow. ``transport`` replaces the network in tests."""

    name = NAME
    label = "ServiceNow"
    config: type = ServiceNowConfig
    id_form = "32 letters and digits, or are names such as global"
    # The samples of the Table API page have ids such as ``global`` and ``glide.maint``.
    id_pattern = re.compile(r"[0-9A-Za-z]{32}|[a-z][a-z0-9_.-]{0,31}")

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """The secrets of the chosen sign-in; all of them without a config."""
        return secret_fields(SECRETS, config.auth if isinstance(config, ServiceNowConfig) else None)

    def sign_in(self) -> SignInMethods:
        """Basic authentication, and two OAuth grants."""
        from unlost.connectors.servicenow.access.sign_in import RULES

        return RULES

    def open_source(
        self, config: object, context: Context
    ) -> AbstractContextManager[ServiceNowSource]:
        """A source; it signs in at the first call."""
        from unlost.connectors.servicenow.opening import open_instance
        from unlost.connectors.servicenow.source import ServiceNowSource

        return open_instance(ServiceNowSource, config, context, transport=self._transport)

    def open_writer(
        self, config: object, context: Context
    ) -> AbstractContextManager[ServiceNowWriter]:
        """A writer, signed in as the user of these settings."""
        from unlost.connectors.servicenow.opening import open_instance
        from unlost.connectors.servicenow.writing.writer import ServiceNowWriter

        build = partial(ServiceNowWriter, clock=context.clock)
        return open_instance(build, config, context, transport=self._transport)

    def open_planning(
        self, config: object, context: Context
    ) -> AbstractContextManager[ServiceNowPlanning]:
        """Rules and look-ups for plans, with the backup user."""
        from unlost.connectors.servicenow.opening import open_instance
        from unlost.connectors.servicenow.writing.planning import ServiceNowPlanning

        return open_instance(ServiceNowPlanning, config, context, transport=self._transport)

    def write_permissions(self) -> Sequence[str]:
        """The roles of the write user."""
        return WRITE_ROLES

    def loss_rules(self, schema: Schema) -> LossRules:
        """Deletions of the tables that people open; tasks are open while they are active."""
        return LossRules({table.name: _loss_rule(table) for table in schema.opened_tables()})

    def display_rule(self, table: Table) -> DisplayRule:
        """Numbers, the system's columns, and the texts by which people know a record."""
        names = {column.name for column in table.columns}
        texts = tuple(name for name in TEXTS if name in names and name != table.name_column)
        return DisplayRule(super().display_rule(table).number_columns, STAMPS & names, texts)

    def record_address(self, config: Mapping[str, Any], table: str, record: str) -> str:
        """The form of a record (ServiceNow docs, "Navigate by URL")."""
        url = str(config.get("url", ""))
        return f"{origin(url)}/{table}.do?sys_id={record}" if is_safe(url) and origin(url) else ""


def _loss_rule(table: Table) -> LossRule:
    state, closed = ("active" if table.column("number") else ""), frozenset({"false"})
    rule = loss_rule(
        table, born="sys_created_on", author="sys_created_by", state=state, closed=closed
    )
    return replace(rule, keeps_id=True)


CONNECTOR = ServiceNowConnector()
