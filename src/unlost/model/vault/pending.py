"""Removals that a home did not order: they wait for a decision. See docs/adr/0036."""

from dataclasses import dataclass
from datetime import datetime

from unlost.model.vault.snapshot import CommitKind


@dataclass(frozen=True, slots=True)
class PendingRemoval:
    """A commit of an org that this home did not order, and what would be removed because of it.

    ``objects`` of ``bytes`` in the vault stay until ``due``, and for good if it is ``rejected``.
    ``hidden``: backups that it forgets.
    """

    number: int
    kind: CommitKind
    run: str
    objects: int
    bytes: int
    hidden: tuple[int, ...]
    first_seen: datetime
    due: datetime
    rejected: bool = False


@dataclass(frozen=True, slots=True)
class RejectedRemoval:
    """The result of a rejection: what a repair put back, and what it could not.

    ``snapshot``: the commit of the repair; the backup after it reads everything in full. ``tables``
    have their segments again. ``hidden``: backups that stay forgotten. ``remaining``: objects that stay in the vault, though no commit needs them.
    """

    number: int
    snapshot: int
    tables: tuple[str, ...]
    packs: int
    documents: int
    journals: tuple[str, ...]
    hidden: tuple[int, ...]
    remaining: int
