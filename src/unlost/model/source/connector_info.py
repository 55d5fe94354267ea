"""Facts that a connector knows about its SaaS without a call (part of the port ``Connector``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from unlost.model.losses import LossRules
from unlost.model.source.schema import Schema
from unlost.model.storage import MailRule, StorageRule


@dataclass(frozen=True, slots=True)
class Expiry:
    """A credential of an org that expires automatically."""

    name: str
    at: datetime


class ConnectorInfo(Protocol):
    """Information that needs no org."""

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

    def loss_rules(self, schema: Schema) -> LossRules:
        """Return which tables people open, and how their deletions are shown."""
        ...

    def record_address(self, config: Mapping[str, Any], table: str, record: str) -> str:
        """Return the address of a record's page in the org; empty if it is unknown.

        ``config``: the settings of the org, as plain values.
        """
        ...

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:
        """Return the credentials among these secrets (by name) that expire, and when."""
        ...
