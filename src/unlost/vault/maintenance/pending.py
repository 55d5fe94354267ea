"""Decisions about commits that this home did not order: list, confirm, reject.

    confirm   the next maintenance deletes what the commit takes away
    reject    nothing is deleted because of it; ``put_back`` repairs what it can

See ``unlost.vault.commits.foreign_commits`` and docs/adr/0036.
"""

from collections.abc import Callable, Mapping
from typing import Any

from unlost.model.errors import Conflict, NotFound
from unlost.model.ports.removals import ForeignCommit, RemovalDecision
from unlost.model.vault.maintenance import MaintenanceOperation
from unlost.model.vault.pending import PendingRemoval, RejectedRemoval
from unlost.model.vault.retention import Forget
from unlost.vault.maintenance.put_back import put_back, what_remains
from unlost.vault.maintenance.rewrite.affected_segments import Pause
from unlost.vault.read.org_vault import OrgVault


class RemovalDecisions:
    """See the port ``unlost.model.ports.vault.ForeignRemovals``."""

    def __init__(self, org_vault: OrgVault) -> None:
        self._org_vault = org_vault
        self._foreign = org_vault.foreign

    def pending(self, *, measured: bool = True) -> tuple[PendingRemoval, ...]:
        """List the commits that wait for a decision, and rejected ones that something remains of."""
        commits = self._foreign.undecided()
        listing = self._foreign.listing() if commits and measured else {}
        removals = (
            _pending(commit, self._foreign.sizes(commit, listing) if measured else None)
            for commit in commits
        )
        return tuple(
            removal
            for removal in removals
            if removal.objects or removal.hidden or not removal.rejected
        )

    def confirm(self, number: int) -> None:
        """Let a removal go, as if this home had ordered it."""
        self._find(number)
        self._foreign.decide(number, RemovalDecision.CONFIRMED)

    def reject(self, number: int, *, pause: Pause = lambda: None) -> RejectedRemoval:
        """Keep everything that a commit takes away, and put back what can be put back.

        After an IntegrityError or StoreError nothing is removed, but not all is put back.
        """
        commit = self._find(number)
        self._check_order(number)
        # Decided first: whatever becomes of the repair, nothing is removed.
        self._foreign.decide(number, RemovalDecision.REJECTED, objects=commit.objects)
        done = put_back(self._org_vault, commit, pause=pause)
        remaining = what_remains(self._org_vault, commit, done)
        self._foreign.decide(number, RemovalDecision.REJECTED, objects=remaining)
        return RejectedRemoval(
            number=number,
            snapshot=done.snapshot,
            tables=done.tables,
            packs=done.packs,
            documents=done.documents,
            journals=done.journals,
            hidden=commit.hidden,
            remaining=len(remaining),
        )

    def blocking(self) -> tuple[str, ...]:
        """List the commits that a stranger has put behind the last one that this home has seen."""
        return self._org_vault.chain.unfit()

    def unblock(self, *, keep: Callable[[str, bytes], object]) -> tuple[str, ...]:
        """Remove the commits that block the org; returns their names.

        ``keep`` gets each with its bytes before it is removed.
        """
        store = self._org_vault.sealed.store
        names = self.blocking()
        for name in reversed(names):  # the first one blocks as long as it is there
            keep(name, store.get(name))
            store.delete(name)
        return names

    def _check_order(self, number: int) -> None:
        earlier = [seq for seq in self._foreign.known_guard().waiting if seq < number]
        if earlier:
            raise Conflict(
                "removal-order",
                "Commit {earlier} waits too, and came before commit {number}.",
                next_step="Confirm or reject commit {earlier} first.",
                earlier=min(earlier),
                number=number,
            )

    def _find(self, number: int) -> ForeignCommit:
        for commit in self._foreign.undecided():
            if commit.seq == number:
                return commit
        raise NotFound(
            "removal-unknown",
            "Commit {number} of this org does not wait for a decision.",
            next_step="List the commits that do with `unlost vault pending`.",
            number=number,
        )


def _pending(commit: ForeignCommit, sizes: Mapping[str, int] | None) -> PendingRemoval:
    return PendingRemoval(
        number=commit.seq,
        kind=commit.kind,
        run=commit.run,
        objects=len(commit.objects if sizes is None else sizes),
        bytes=sum(sizes.values()) if sizes else 0,
        hidden=commit.hidden,
        first_seen=commit.first_seen,
        due=commit.due,
        rejected=commit.decision is RemovalDecision.REJECTED,
    )


def check_decided(org_vault: OrgVault, operation: MaintenanceOperation[Any]) -> None:
    """Raise Conflict (``removals-wait``) if an operation would work on what others changed.

    It would rewrite or remove data by a state that may not be the owner's: an erasure would not
    reach the objects that wait, and a forgetting would follow their legal holds and backups.
    """
    guard = org_vault.foreign.guard()
    hiding = guard.hiding if isinstance(operation, Forget) else frozenset[int]()
    in_the_way = guard.waiting | hiding
    if in_the_way:
        raise Conflict(
            "removals-wait",
            "Commit {number} of this org was not made by this home, and waits for a "
            "decision. Until then nothing is forgotten, erased, corrected or salvaged."
            if guard.waiting
            else "Commit {number} of this org hid backups and was rejected. As long as it stays "
            "rejected, nothing is forgotten.",
            next_step="See `unlost vault pending`, then confirm or reject each commit.",
            number=min(in_the_way),
        )
