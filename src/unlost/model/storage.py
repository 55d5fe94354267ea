"""What records cost of an org's storages, and which of its tables hold mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class StorageWeight:
    """Bytes that a record costs of one storage; ``storage`` is the name of its quota.

    It costs the bytes of its ``texts`` (UTF-8) and what its column ``size_column`` says, but never less
    than ``least``.
    """

    storage: str
    least: int = 0
    texts: tuple[str, ...] = ()
    size_column: str | None = None


@dataclass(frozen=True, slots=True)
class StorageRule:
    """What records of a table cost. ``born`` tells when one was made, ``owner`` whose it is."""

    weights: tuple[StorageWeight, ...]
    born: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class MailRule:
    """The columns of a table whose records are mails; None where it has no such column.

    ``receivers`` holds addresses in one text. ``parent`` is what a mail hangs on.
    """

    subject: str
    sender: str
    receivers: str
    sent_at: str
    headers: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class TableUse:
    """What a table's records use of one storage.

    ``recent`` are the bytes of records made since a date, ``years`` and ``owners`` split ``bytes``
    by year of creation (0: unknown) and by the id of the owner (empty: unknown).
    """

    table: str
    storage: str
    records: int
    bytes: int
    recent: int = 0
    years: Mapping[int, int] = field(default_factory=dict)
    owners: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ThreadUse:
    """Mails of one subject between the same two sides, and what they use."""

    subject: str
    sides: tuple[str, str]
    mails: int
    bytes: int
    recent: int


class LoopSign(StrEnum):
    """What gives a loop away."""

    HEADERS = "headers"  # headers of mails show that they are automatic
    SUBJECT = "subject"  # or their subjects do
    CADENCE = "cadence"  # both sides answer quickly, always after the same time


@dataclass(frozen=True, slots=True)
class MailLoop:
    """Machines that answer each other.

    ``sides`` are the two addresses, ``automatic`` how many mails say of themselves that no person
    wrote them, ``every`` the usual time between two, in seconds. ``records`` are the ids of the
    mails and ``parents`` of what they hang on, in order.
    """

    table: str
    subject: str
    sides: tuple[str, str]
    mails: int
    automatic: int
    bytes: int
    begun: datetime
    last: datetime
    every: float
    sign: LoopSign
    records: tuple[str, ...]
    parents: tuple[str, ...]
