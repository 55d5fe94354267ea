"""Records of an org that need a step of their own before they can be changed or deleted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class LockKind(StrEnum):
    """The reason why an org refuses changes of a record."""

    APPROVAL = "approval"  # an approval process waits for a decision
    PUBLISHED = "published"  # it is a published version of an article


@dataclass(frozen=True, slots=True)
class RecordLock:
    """A locked record. ``name``: its name for people; ``process``: the approval process."""

    kind: LockKind
    table: str
    record: str
    name: str = ""
    process: str = ""


@dataclass(frozen=True, slots=True)
class LockList:
    """Locked records; ``unlisted`` kinds could not be listed.

    ``overruled``: the user may write records in spite of a lock of these kinds.
    """

    locks: tuple[RecordLock, ...] = ()
    unlisted: tuple[LockKind, ...] = ()
    overruled: frozenset[LockKind] = frozenset()


NO_LOCKS = LockList()

type RecordsByTable = Mapping[str, tuple[str, ...]]  # ids of live records, by the name of the table
