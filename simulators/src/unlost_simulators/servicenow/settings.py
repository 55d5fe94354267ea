"""Switches of an instance that a test may change while it runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, get_type_hints

from unlost_simulators.kit.latency import Latency

PROPERTIES: Mapping[str, str] = {
    "invalid_query_returns_no_rows": "glide.invalid_query.returns_no_rows",
    "production": "glide.installation.production",
    "client_credentials": "glide.oauth.inbound.client.credential.grant_type.enabled",
    "audit_inserts": "glide.sys.audit_inserts",
    "not_deleted": "glide.db.audit.ignore.delete",
    "attachment_bytes": "com.glide.attachment.max_size",
}
"""Switches that clients see as rows of sys_properties, by the names of their properties."""


class RefusedCondition(StrEnum):
    """The fate of a condition that a query ACL refuses. What a real instance does is not documented."""

    DROPPED = "dropped"  # rows come from the rest of the query
    EMPTY = "empty"  # no rows come


class HiddenColumn(StrEnum):
    """The form of a cell that the caller may not read. Which holds is an inference."""

    ABSENT = "absent"
    EMPTY = "empty"


class RefusedColumn(StrEnum):
    """The fate of a write to a cell that an ACL closes. Which holds is an inference."""

    REFUSED = "refused"
    IGNORED = "ignored"


class ExistingId(StrEnum):
    """The fate of an insert whose sys_id exists. What a real instance does is not known."""

    REFUSED = "refused"
    NEW_ID = "new_id"


@dataclass(slots=True)
class InstanceSettings:
    """The switches; the admin API changes them by name.

    ``stray_ids``: tables that answer an insert with another sys_id than asked. ``domains`` turns
    domain separation on. ``attachment_hashes`` shows the hash of attachments, which only some
    releases do. ``not_deleted``: tables whose deletions sys_audit_delete leaves out, beside those
    with the attribute.
    """

    invalid_query_returns_no_rows: bool = False
    production: bool = True
    client_credentials: bool = False
    audit_inserts: bool = False
    attachment_bytes: int = 1024 << 20
    refused_condition: RefusedCondition = RefusedCondition.DROPPED
    hidden_column: HiddenColumn = HiddenColumn.ABSENT
    refused_column: RefusedColumn = RefusedColumn.REFUSED
    existing_id: ExistingId = ExistingId.REFUSED
    stray_ids: frozenset[str] = frozenset()
    not_deleted: frozenset[str] = frozenset()
    domains: bool = False
    attachment_hashes: bool = True
    latency: Latency = field(default_factory=Latency)

    def change(self, changes: Mapping[str, Any]) -> None:
        """Change switches by name; ValueError for an unknown one or a value that does not fit."""
        kinds = get_type_hints(InstanceSettings)
        unknown = set(changes) - set(kinds)
        if unknown:
            raise ValueError(f"an instance has no switch {', '.join(sorted(unknown))}")
        for name, value in changes.items():
            setattr(self, name, _fitting(kinds[name], value))

    def to_json(self) -> dict[str, Any]:
        """Give the switches by name."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in values.items()
        }


def _fitting(kind: Any, value: Any) -> Any:
    if kind is Latency:
        return Latency(**value)
    if kind == frozenset[str]:
        return frozenset(value)
    return kind(value)
