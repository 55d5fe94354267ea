"""The Salesforce connector: opens sources from settings.

Commands that only read the vault load it too, for the form of its ids; so modules with network code
are imported only when an org is opened.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from unlost.connectors.salesforce.access.config import NAME, AuthFlow, SalesforceConfig
from unlost.connectors.salesforce.ids import FORM, candidates
from unlost.kit.settings import secret_fields
from unlost.model.ports.source import SecretField

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager

    from unlost.connectors.salesforce.access.browser import SalesforceBrowserSignIn
    from unlost.connectors.salesforce.source import SalesforceSource
    from unlost.connectors.salesforce.writing.planning import SalesforcePlanning
    from unlost.connectors.salesforce.writing.writer import SalesforceWriter
    from unlost.kit.http import Transport
    from unlost.model.archive import ArchivePolicy
    from unlost.model.archive_facts import ArchiveFacts
    from unlost.model.bypass import BypassKind
    from unlost.model.losses import LossRules
    from unlost.model.ports.source import Context
    from unlost.model.source.connector_info import Expiry
    from unlost.model.source.display import DisplayRule
    from unlost.model.source.schema import Schema, Table
    from unlost.model.source.shared_files import SharedFile
    from unlost.model.source.sign_in import SignInMethods
    from unlost.model.storage import FileVersionRule, MailRule, StorageRule

CLIENT_SECRET = SecretField(
    "client_secret", "Consumer secret", "From the External Client App for Unlost."
)
PRIVATE_KEY = SecretField(
    "private_key",
    "Private key",
    "The PEM file for the certificate that was uploaded to the External Client App. If the "
    "file also contains the certificate, Unlost alerts you before it expires.",
    lines=True,
)
REFRESH_TOKEN = SecretField("refresh_token", "Refresh token", "From a sign-in in the browser.")
SECRETS = {
    AuthFlow.CLIENT_CREDENTIALS: (CLIENT_SECRET,),
    AuthFlow.JWT_BEARER: (PRIVATE_KEY,),
    AuthFlow.REFRESH_TOKEN: (REFRESH_TOKEN, replace(CLIENT_SECRET, required=False)),
}

STORAGE_STOP = 1.05  # Salesforce help, "Data and file storage": no new records above 105 %

# Salesforce help: user permissions; "Set Audit Fields upon Record Creation".
WRITE_PERMISSIONS = (
    "API Enabled",
    "Read, Create and Edit on the objects to restore (Modify All Data for all objects)",
    "Edit on all fields of these objects",
    "Set Audit Fields upon Record Creation, to keep dates and authors",
    "Update Records with Inactive Owners",
    "Query All Files, to find existing files",
)


class SalesforceConnector:
    """The connector of Salesforce. ``transport`` replaces the network in tests."""

    name = NAME
    label = "Salesforce"
    storage_stop = STORAGE_STOP
    config: type = SalesforceConfig
    id_form = FORM

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """The secrets of the chosen sign-in; all of them without a config."""
        return secret_fields(SECRETS, config.auth if isinstance(config, SalesforceConfig) else None)

    def sign_in(self) -> SignInMethods:
        """The three OAuth flows; the sign-in by browser is the recommended one."""
        from unlost.connectors.salesforce.access.methods import RULES

        return RULES

    def browser_sign_in(self) -> SalesforceBrowserSignIn:
        """The web server flow."""
        from unlost.connectors.salesforce.access.browser import SalesforceBrowserSignIn

        return SalesforceBrowserSignIn(self._transport)

    def open_source(
        self, config: object, context: Context
    ) -> AbstractContextManager[SalesforceSource]:
        """A source; signs in at the first call, and deletes its Bulk jobs after success."""
        from unlost.connectors.salesforce.opening import open_source

        return open_source(config, context, transport=self._transport)

    def open_writer(
        self, config: object, context: Context
    ) -> AbstractContextManager[SalesforceWriter]:
        """A writer; signs in at the first call, as the user of these settings."""
        from unlost.connectors.salesforce.opening import open_writer

        return open_writer(config, context, transport=self._transport)

    def open_planning(
        self, config: object, context: Context
    ) -> AbstractContextManager[SalesforcePlanning]:
        """Rules and lookups for plans, with the backup user."""
        from unlost.connectors.salesforce.opening import open_planning

        return open_planning(config, context, transport=self._transport)

    def write_permissions(self) -> Sequence[str]:
        """Permissions as Salesforce's set-up names them."""
        return WRITE_PERMISSIONS

    def bypass_kinds(self) -> Sequence[BypassKind]:
        """A permission set, or a checkbox of a hierarchy custom setting."""
        from unlost.connectors.salesforce.writing.bypass import KINDS

        return KINDS

    def record_ids(self, text: str) -> Sequence[str]:
        """The ids of 18 characters that a person may mean by one of 15, or in the wrong case."""
        return candidates(text)

    def storage_rules(self, schema: Schema) -> Mapping[str, StorageRule]:
        """The storage that records use, as Salesforce's help counts it."""
        from unlost.connectors.salesforce.storage import storage_rules

        return storage_rules(schema)

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:
        """The expiry of a JWT sign-in's certificate, if it was given with the key."""
        from unlost.connectors.salesforce.access.expiry import expiries

        return expiries(secrets)

    def mail_rules(self, schema: Schema) -> Mapping[str, MailRule]:
        """The mail rule of the table EmailMessage."""
        from unlost.connectors.salesforce.storage import mail_rules

        return mail_rules(schema)

    def file_versions(self, schema: Schema) -> FileVersionRule | None:
        """Versions of documents."""
        from unlost.connectors.salesforce.storage import file_versions

        return file_versions(schema)

    def shared_files(self, schema: Schema) -> Sequence[SharedFile]:
        """Documents, which records share by links."""
        from unlost.connectors.salesforce.storage import shared_files

        return shared_files(schema)

    def archive_policies(self, schema: Schema) -> Sequence[ArchivePolicy]:
        """Policies for closed cases, mails without a record, and past activities."""
        from unlost.connectors.salesforce.archives import archive_policies

        return archive_policies(schema)

    def archive_facts(self, schema: Schema) -> ArchiveFacts:
        """Activated records, accounts of won opportunities, histories, and the recycle bin."""
        from unlost.connectors.salesforce.archive_facts import archive_facts

        return archive_facts(schema)

    def record_address(
        self,
        config: Mapping[str, Any],
        table: str,  # noqa: ARG002 (ids are unique in an org)
        record: str,
    ) -> str:
        """The address of a record's page, under the org's own host."""
        from unlost.connectors.salesforce.addresses import record_address

        return record_address(config, record)

    def loss_rules(self, schema: Schema) -> LossRules:
        """The tables that people open, and the recycle bin."""
        from unlost.connectors.salesforce.losses import loss_rules

        return loss_rules(schema)

    def display_rule(self, table: Table) -> DisplayRule:
        """The numbers by which people know records, and the system fields."""
        from unlost.connectors.salesforce.display import display_rule

        return display_rule(table)


CONNECTOR = SalesforceConnector()
