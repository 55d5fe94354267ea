"""Storage that records need in the org, and tables that contain e-mails."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from unlost.model.message import Message


@dataclass(frozen=True, slots=True)
class StorageWeight:
    """Bytes that a record needs of one storage; ``storage``: name of its quota.

    The bytes of its ``texts`` (UTF-8) plus the value of its column ``size_column``, but at least
    ``least``.
    """

    storage: str
    least: int = 0
    texts: tuple[str, ...] = ()
    size_column: str | None = None


@dataclass(frozen=True, slots=True)
class StorageRule:
    """Storage of a table's records; ``born``, ``owner``: columns with creation date and owner."""

    weights: tuple[StorageWeight, ...]
    born: str | None = None
    owner: str | None = None


@dataclass(frozen=True, slots=True)
class MailRule:
    """Columns of a table with e-mails; None if it lacks the column.

    ``receivers``: addresses in one text. ``parent``: the record to which an e-mail belongs.
    """

    subject: str
    sender: str
    receivers: str
    sent_at: str
    headers: str | None = None
    parent: str | None = None


@dataclass(frozen=True, slots=True)
class FileVersionRule:
    """A table with the versions of files, of which each uses storage.

    ``file_column``: the file of a version. ``latest_column``: true for its newest version.
    """

    table: str
    file_column: str
    latest_column: str
    size_column: str
    title_column: str


@dataclass(frozen=True, slots=True)
class OldVersionUse:
    """A file, and the number and bytes of its versions that are not the newest."""

    file: str
    title: str
    versions: int
    bytes: int


@dataclass(frozen=True, slots=True)
class OldVersions:
    """All old versions of files, and the files of which they are largest."""

    files: int = 0
    versions: int = 0
    bytes: int = 0
    largest: tuple[OldVersionUse, ...] = ()


@dataclass(frozen=True, slots=True)
class TableUse:
    """The use of one storage by a table's records.

    ``recent``: bytes of records created since a date. ``years`` and ``owners``: ``bytes`` by year
    of creation (0: unknown) and by id of the owner (empty: unknown).
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
    """E-mails of one subject between two addresses, and their storage."""

    subject: str
    sides: tuple[str, str]
    mails: int
    bytes: int
    recent: int


class LoopSign(StrEnum):
    """The evidence of a mail loop."""

    HEADERS = "headers"  # headers of mails show that they are automatic
    SUBJECT = "subject"  # or their subjects do
    CADENCE = "cadence"  # both sides answer quickly, always after the same time


@dataclass(frozen=True, slots=True)
class MailLoop:
    """Automatic senders that answer each other.

    ``sides``: the two addresses. ``automatic``: number of e-mails with headers of automatic
    senders. ``every``: usual time between two e-mails, in seconds. ``records``: ids of the e-mails;
    ``parents``: of the records to which they belong, in order. ``created``: of the records in
    ``created_table`` (``created_label`` to people) that the loop created: no other mail belongs to
    them. ``error``: why its size or the records that it created are not known.
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
    created: tuple[str, ...] = ()
    created_table: str = ""
    created_label: str = ""
    error: Message | None = None

    @property
    def first(self) -> str:
        """The id of its first mail, by which the loop is selected."""
        return self.records[0]
