"""Facts that a connector knows about its SaaS without a call (part of the port ``Connector``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from unlost.model.archive import ArchivePolicy
    from unlost.model.archive_facts import ArchiveFacts
    from unlost.model.losses import LossRules
    from unlost.model.source.display import DisplayRule
    from unlost.model.source.schema import Schema, Table
    from unlost.model.source.shared_files import SharedFile
    from unlost.model.source.sign_in import SignInMethods
    from unlost.model.storage import FileVersionRule, MailRule, StorageRule


@dataclass(frozen=True, slots=True)
class Expiry:
    """A credential of an org that expires automatically."""

    name: str
    at: datetime


class ConnectorInfo(Protocol):
    """Information that needs no org.

    ``storage_stop``: the share of a storage's limit at which an org accepts no new records.
    """

    storage_stop: float

    def sign_in(self) -> SignInMethods:
        """Return the methods by which an org can be signed in to."""
        ...

    def record_ids(self, text: str) -> Sequence[str]:
        """Return the canonical ids that a person may mean by ``text``, the most likely first.

        Empty if it does not have the form of an id.
        """
        ...

    def storage_rules(self, schema: Schema) -> Mapping[str, StorageRule]:
        """Return the storage that records need in the org, by table; other tables need none."""
        ...

    def mail_rules(self, schema: Schema) -> Mapping[str, MailRule]:
        """Return the tables whose records are e-mails."""
        ...

    def file_versions(self, schema: Schema) -> FileVersionRule | None:
        """Return the table of the versions of files; None if the org has none."""
        ...

    def shared_files(self, schema: Schema) -> Sequence[SharedFile]:
        """Return the kinds of files that several records share."""
        ...

    def archive_policies(self, schema: Schema) -> Sequence[ArchivePolicy]:
        """Return ready-made archive policies for an org with these tables."""
        ...

    def archive_facts(self, schema: Schema) -> ArchiveFacts:
        """Return the records that archives leave alone, those that never come back, and the bin."""
        ...

    def loss_rules(self, schema: Schema) -> LossRules:
        """Return how deletions of the tables that people open are shown."""
        ...

    def display_rule(self, table: Table) -> DisplayRule:
        """Return the columns of a table that have a role for people."""
        ...

    def record_address(self, config: Mapping[str, Any], table: str, record: str) -> str:
        """Return the address of a record's page in the org; empty if it is unknown.

        ``config``: the settings of the org, as plain values.
        """
        ...

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:
        """Return the credentials among these secrets (by name) that expire, and when."""
        ...
