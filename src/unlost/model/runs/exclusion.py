"""The matrix of runs that exclude each other: the one place that decides it.

A run takes locks, and two runs that need the same lock exclude each other:

                                  backup   restore   maintenance   mirror
    backup, hourly backup            x
    restore, undo                             x
    archive                          x        x
    compact, forget, rekey, reject                        x
    erase, rectify, salvage, shred   x        x           x
    mirror, check of the mirror                                       x
    verify, legal hold

Backup, restore and maintenance are locks of one org, so that runs of two orgs never exclude each
other. The mirror is one lock of a home. A restore takes the lock of the org that it writes to.
See docs/reference/limits.md for the matrix by pairs.
"""

from collections.abc import Mapping
from enum import StrEnum


class RunLock(StrEnum):
    """A lock. Its value is in the names of lock files and in rows of the database."""

    BACKUP = "backup"
    RESTORE = "restore"
    MAINTENANCE = "compact"
    MIRROR = "mirror"


class RunKind(StrEnum):
    """The kinds of runs. An undo is a restore.

    A kind of commit that a run makes has the same value.
    """

    BACKUP = "backup"
    HOURLY = "hourly"
    RESTORE = "restore"
    ARCHIVE = "archive"
    COMPACT = "compact"
    FORGET = "forget"
    REKEY = "rekey"
    REJECT = "reject"
    ERASE = "erase"
    RECTIFY = "rectify"
    SALVAGE = "salvage"
    SHRED = "shred"
    MIRROR = "mirror"
    MIRROR_CHECK = "mirror-check"
    VERIFY = "verify"
    HOLD = "hold"


ORG_LOCKS = (RunLock.BACKUP, RunLock.RESTORE, RunLock.MAINTENANCE)
"""The locks that each org has, in the order in which a run takes them."""

LOCKS: Mapping[RunKind, frozenset[RunLock]] = {
    RunKind.BACKUP: frozenset({RunLock.BACKUP}),
    RunKind.HOURLY: frozenset({RunLock.BACKUP}),
    RunKind.RESTORE: frozenset({RunLock.RESTORE}),
    # A restore must not bring back what it takes away, and a backup must not store as live what it
    # deletes meanwhile.
    RunKind.ARCHIVE: frozenset({RunLock.BACKUP, RunLock.RESTORE}),
    RunKind.COMPACT: frozenset({RunLock.MAINTENANCE}),
    RunKind.FORGET: frozenset({RunLock.MAINTENANCE}),
    RunKind.REKEY: frozenset({RunLock.MAINTENANCE}),
    RunKind.REJECT: frozenset({RunLock.MAINTENANCE}),
    # They remove data that any other run may be reading or writing again.
    RunKind.ERASE: frozenset(ORG_LOCKS),
    RunKind.RECTIFY: frozenset(ORG_LOCKS),
    RunKind.SALVAGE: frozenset(ORG_LOCKS),
    RunKind.SHRED: frozenset(ORG_LOCKS),
    RunKind.MIRROR: frozenset({RunLock.MIRROR}),
    RunKind.MIRROR_CHECK: frozenset({RunLock.MIRROR}),
    RunKind.VERIFY: frozenset(),
    RunKind.HOLD: frozenset(),
}

NEED_ENDED_RUNS = frozenset({
    RunKind.FORGET, RunKind.ERASE, RunKind.RECTIFY, RunKind.SALVAGE, RunKind.SHRED,
})  # fmt: skip
"""Kinds that are refused (``runs-open``) while a run is open, even if no process executes it.

A paused or failed backup or restore goes on later, and may need the data that they remove.
"""


def org_locks(kind: RunKind) -> tuple[RunLock, ...]:
    """The locks of an org that a run of this kind takes, in the order in which it takes them."""
    return tuple(lock for lock in ORG_LOCKS if lock in LOCKS[kind])


def excludes(kind: RunKind, other: RunKind) -> bool:
    """True if a run is refused while another one is executed, in the same org or home."""
    return not LOCKS[kind].isdisjoint(LOCKS[other])
