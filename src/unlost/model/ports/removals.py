"""The port that remembers which commits a home ordered, and which ones others made."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from unlost.model.vault.snapshot import CommitKind

CHECKPOINTS_KNOWN = 16  # of an org; a vault has few, and they are renewed from time to time
PATIENCE = timedelta(days=30)  # a removal of others waits so long for a decision


class RemovalDecision(StrEnum):
    """The decision about a commit that the home did not order."""

    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ForeignCommit:
    """A commit of an org that this home did not order.

    ``objects``: all objects that it takes away, by name; a name that ends with a slash is a folder.
    ``hidden``: backups that it forgets. ``first_seen`` is by the clock of this home, never by a
    time in the commit.
    """

    seq: int
    head: str
    kind: CommitKind
    run: str
    objects: tuple[str, ...]
    hidden: tuple[int, ...]
    first_seen: datetime
    decision: RemovalDecision = RemovalDecision.WAITING

    @property
    def due(self) -> datetime:
        """The time from which it counts as confirmed."""
        return self.first_seen + PATIENCE

    def waits(self, now: datetime) -> bool:
        """True while it is not decided and its time has not come."""
        return self.decision is RemovalDecision.WAITING and now < self.due

    def is_refused(self, now: datetime) -> bool:
        """True while nothing may be removed because of it."""
        return self.decision is RemovalDecision.REJECTED or self.waits(now)


class RemovalLedger(Protocol):
    """Remembers the commits that this home ordered, and its decisions about all others.

    ``org`` is an oid. All writes are durable on return, and can be repeated.
    """

    def note_own(self, org: str, *, seq: int, head: str) -> None:
        """Record a commit of this home, before it is put."""
        ...

    def own_heads(self, org: str, *, after: int) -> Collection[tuple[int, str]]:
        """Return number and head of the commits of this home after a number."""
        ...

    def examined(self, org: str) -> int:
        """Return the number up to which all commits were examined; 0 if none was."""
        ...

    def note_checkpoint(self, org: str, *, seq: int, digest: str) -> None:
        """Record a checkpoint that this home computed itself, by the hash of its text."""
        ...

    def checkpoints(self, org: str) -> Collection[str]:
        """Return the hashes of the newest checkpoints that this home computed itself."""
        ...

    def note_examined(self, org: str, commits: Sequence[ForeignCommit], *, until: int) -> None:
        """Record foreign commits among the ones up to ``until``; keeps what is known of them."""
        ...

    def foreign(self, org: str) -> Sequence[ForeignCommit]:
        """Return the foreign commits that were not confirmed, oldest first."""
        ...

    def decide(
        self, org: str, seq: int, decision: RemovalDecision, *, objects: Sequence[str] = ()
    ) -> None:
        """Record a decision, and which objects remain under it."""
        ...
