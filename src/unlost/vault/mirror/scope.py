"""The objects of the vault that a mirror should have: all live ones, and nothing of open runs."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from blake3 import blake3

from unlost.model.errors import IntegrityError, NotFound, UnlostError, UsageError
from unlost.vault.commits.state import LiveState, live_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.format.register import REGISTER, entry_copies
from unlost.vault.keys.register import StoredEntry
from unlost.vault.layout import object_names
from unlost.vault.read.org_vault import OrgVault

_OF_ORG = re.compile(r"(?:orgs/([0-9a-f]{32})/(.*)|names/([0-9a-f]{32})(?:\..*)?)")
# No name in it is a folder of another one.
_LAYOUT = re.compile(
    r"vault\.json|homes/[0-9]+|register/[0-9]+/[0-9]+|names/[0-9a-f.]+"
    r"|orgs/[0-9a-f]{32}/(?:(?:commits|redacted|checkpoints|schemas|certs)/[a-z0-9._-]{1,200}"
    r"|(?:data|packs|keys|journal)/[a-z0-9._-]{1,100}/[a-z0-9._-]{1,150})"
)
_COUNTED = ("data/", "packs/")  # runs write these before they commit


@dataclass(frozen=True)
class OrgScope:
    """One org at its newest commit."""

    org_vault: OrgVault
    state: LiveState

    @cached_property
    def live(self) -> Mapping[str, ObjectEntry]:
        """The objects that must exist, by name, except keys and commits."""
        return {entry.name: entry for entry in live_objects(self.state, org=self.org_vault.org)}

    @cached_property
    def redacted(self) -> Mapping[int, str]:
        """The redactions, by the numbers of their manifests."""
        return self.state.redactions(self.org_vault.org)

    def wants(self, name: str, rest: str) -> bool:
        """True for the objects of the newest commit, and of the commits before it."""
        if rest.startswith(_COUNTED):
            return name in self.live
        if rest.startswith(("commits/", "checkpoints/")):
            return 0 < object_names.sequence(name) <= self.state.seq
        if rest.startswith("redacted/"):
            return 0 < object_names.redacted_by(name) <= self.state.seq
        return True


class VaultScope:
    """All orgs of a vault; see ``copying.CopySelection``.

    ``broken`` has the errors of orgs that cannot be mirrored, because their present objects must
    not reach the mirror, and of orgs for which it is unknown what may be removed from it.
    """

    def __init__(
        self,
        orgs: Iterable[str],
        *,
        open_org: Callable[[str], OrgVault],
        register: StoredEntry | None = None,
    ) -> None:
        """``register``: its entry in force, which has the only objects of the register to copy."""
        self._register = register
        self.orgs: dict[str, OrgScope] = {}
        self.broken: dict[str, UnlostError] = {}
        for org in orgs:
            try:
                org_vault = open_org(org)
                self.orgs[org] = OrgScope(org_vault, org_vault.chain.proved())
            except (IntegrityError, NotFound, UsageError) as error:
                self.broken[org] = error

    def wants(self, name: str) -> bool:
        """True for an object that belongs to the mirror.

        Not for names that nothing of a vault has: a mirror might be unable to store them.
        """
        if name.startswith(REGISTER):
            # A stranger's entry must not reach the mirror: a later one may get its number.
            return self.entry(name) is not None
        if _LAYOUT.fullmatch(name) is None:
            return False
        match = _OF_ORG.fullmatch(name)
        if match is None:
            return True
        scope = self.orgs.get(match[1] or match[3])
        return scope is not None and scope.wants(name, match[2] or "")

    def lacking(self, existing: Collection[str]) -> Mapping[str, list[str]]:
        """The live objects that are missing, by org; ``existing``: all names in a copy."""
        lacking_by_org = {
            org: [name for name in scope.live if name not in existing]
            for org, scope in self.orgs.items()
        }
        return {org: names for org, names in lacking_by_org.items() if names}

    def entry(self, name: str) -> ObjectEntry | None:
        """The required size and hash of an object; None if unknown."""
        register = self._register
        if register is not None and name in entry_copies(register.entry.number):
            return ObjectEntry(name, len(register.data), blake3(register.data).hexdigest())
        match = _OF_ORG.fullmatch(name)
        scope = self.orgs.get(match[1] or match[3]) if match is not None else None
        return scope.live.get(name) if scope is not None else None
