"""Orgs: the protected tenants, and their identity."""

from dataclasses import dataclass
from enum import StrEnum


class OrgKind(StrEnum):
    """The use of an org, as far as its connector can detect it."""

    PRODUCTION = "production"
    SANDBOX = "sandbox"
    TRIAL = "trial"
    UNKNOWN = "unknown"

    @property
    def may_be_production(self) -> bool:
        """True unless the org is known to be another one: an unknown use gets the same care."""
        return self in {OrgKind.PRODUCTION, OrgKind.UNKNOWN}


@dataclass(frozen=True, slots=True)
class OrgIdentity:
    """The identity of an org.

    (``connector``, ``tenant``) never changes, and is compared by the vault. ``kind``, ``label`` and
    ``zone`` (an IANA time zone, which defines the org's days) may change.
    """

    connector: str
    tenant: str
    kind: OrgKind = OrgKind.UNKNOWN
    label: str = ""
    zone: str = "UTC"

    def same_org(self, other: "OrgIdentity") -> bool:
        """Return true if both are the same tenant, whatever its label."""
        return (self.connector, self.tenant) == (other.connector, other.tenant)
