"""What a mirror has of the vault as it is at an instant: all that is live, and nothing of open runs."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

from unlost.model.errors import IntegrityError
from unlost.vault.commits.state import LiveState, live_objects
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.layout import object_names
from unlost.vault.maintenance.rekey.look import redacted_in
from unlost.vault.read.org_vault import OrgVault

_OF_ORG = re.compile(r"(?:orgs/([0-9a-f]{32})/(.*)|names/([0-9a-f]{32})(?:\..*)?)")
_COUNTED = ("data/", "packs/")  # what runs write before they commit it


@dataclass(frozen=True)
class OrgScope:
    """One org at its newest commit."""

    room: OrgVault
    state: LiveState

    @cached_property
    def live(self) -> Mapping[str, ObjectEntry]:
        """What must be there, but keys and commits, by name."""
        return {entry.name: entry for entry in live_objects(self.state, org=self.room.org)}

    @cached_property
    def redacted(self) -> Mapping[int, str]:
        """What stands in place of manifests, by their numbers."""
        return redacted_in(self.room, self.state)

    def wants(self, name: str, rest: str) -> bool:
        """True for what its newest commit refers to, and what led there."""
        if rest.startswith(_COUNTED):
            return name in self.live
        if rest.startswith(("commits/", "checkpoints/")):
            return 0 < object_names.sequence(name) <= self.state.seq
        if rest.startswith("redacted/"):
            return 0 < object_names.redacted_by(name) <= self.state.seq
        return True


class VaultScope:
    """All orgs of a vault; see ``copying.Selection``.

    ``broken`` tells why orgs cannot be mirrored: what lies there of them now must not reach the mirror; or
    why nobody can tell what of them may go from it.
    """

    def __init__(self, orgs: Iterable[str], *, room: Callable[[str], OrgVault]) -> None:
        self.orgs: dict[str, OrgScope] = {}
        self.broken: dict[str, IntegrityError] = {}
        for org in orgs:
            try:
                org_vault = room(org)
                self.orgs[org] = OrgScope(org_vault, org_vault.chain.proved())
            except IntegrityError as error:
                self.broken[org] = error

    def wants(self, name: str) -> bool:
        """True for an object that belongs to the mirror."""
        match = _OF_ORG.fullmatch(name)
        if match is None:
            return True
        scope = self.orgs.get(match[1] or match[3])
        return scope is not None and scope.wants(name, match[2] or "")

    def lacking(self, there: Collection[str]) -> Mapping[str, list[str]]:
        """What must be there and is not, by org; ``there``: all names of a copy."""
        lacking_by_org = {
            org: [name for name in scope.live if name not in there]
            for org, scope in self.orgs.items()
        }
        return {org: names for org, names in lacking_by_org.items() if names}

    def entry(self, name: str) -> ObjectEntry | None:
        """What an object must be."""
        match = _OF_ORG.fullmatch(name)
        scope = self.orgs.get(match[1] or match[3]) if match is not None else None
        return scope.live.get(name) if scope is not None else None
