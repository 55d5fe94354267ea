"""What a connector knows of its SaaS without calling anybody (part of the port ``Connector``)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from unlost.model.schema import Schema
from unlost.model.storage import MailRule, StorageRule


@dataclass(frozen=True, slots=True)
class Expiry:
    """Something of an org's credentials that ends by itself."""

    name: str
    at: datetime


class Knowledge(Protocol):
    """Answers that need no org."""

    def record_ids(self, text: str) -> Sequence[str]:
        """Canonical ids that a person may mean by ``text``, the likeliest first.

        Empty if it has not the form of an id.
        """
        ...

    def storage_rules(self, schema: Schema) -> Mapping[str, StorageRule]:
        """What records cost of the org's storages, by table; others cost nothing."""
        ...

    def mail_rules(self, schema: Schema) -> Mapping[str, MailRule]:
        """The tables whose records are mails."""
        ...

    def expiries(self, secrets: Mapping[str, str]) -> Sequence[Expiry]:
        """What of these secrets (by name) ends by itself, and when."""
        ...
