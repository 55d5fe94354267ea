"""Orgs: the protected tenants, and how one is told from another."""

from dataclasses import dataclass
from enum import StrEnum


class OrgKind(StrEnum):
    """What an org is used for, as far as its connector can tell."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"
    TRIAL = "trial"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class OrgIdentity:
    """Who an org is.

    (``connector``, ``tenant``) never changes and is what the vault compares; ``kind``, ``label``
    and ``zone`` (an IANA time zone, the zone of the org's days) may.
    """

    connector: str
    tenant: str
    kind: OrgKind = OrgKind.UNKNOWN
    label: str = ""
    zone: str = "UTC"

    def same_org(self, other: "OrgIdentity") -> bool:
        """True if both name the same tenant, whatever its label."""
        return (self.connector, self.tenant) == (other.connector, other.tenant)
