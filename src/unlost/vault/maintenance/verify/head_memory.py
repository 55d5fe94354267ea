"""The memory of the newest commits outside the vault.

A vault whose newest commits were removed is a valid, older vault. So only a memory elsewhere can
show it: the witness has the number and hash of the newest commit, and a caller may know from its
list of runs that a commit existed.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from unlost.model.ports.system import Witness, Witnessed


@dataclass(frozen=True, slots=True)
class RememberedHead:
    """The memory of one org: the commit of the witness, and the number of a recorded one or 0."""

    seen: Witnessed | None = None
    recorded: int = 0

    @property
    def numbers(self) -> frozenset[int]:
        """The numbers of commits that existed."""
        seen = self.seen.number if self.seen is not None else 0
        return frozenset({seen, self.recorded} - {0})


@dataclass(frozen=True, slots=True)
class HeadMemory:
    """The memory of all orgs. Without a witness, nothing is expected of it."""

    witness: Witness | None
    recorded: Mapping[str, int]

    def of(self, org: str) -> RememberedHead:
        """Return what is remembered of an org."""
        seen = self.witness.get(org) if self.witness is not None else None
        return RememberedHead(seen, self.recorded.get(org, 0))

    def knows(self, org: str) -> bool:
        """Return true if the newest commit of an org is remembered, or nothing has to be."""
        return self.witness is None or bool(self.of(org).numbers)

    def orgs(self) -> set[str]:
        """Return the oids of all orgs of which a commit is remembered."""
        return {*self.recorded, *(self.witness.orgs() if self.witness is not None else ())}
