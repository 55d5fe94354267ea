"""What a vault holds and answers: commits, snapshots, versions, changes, hits."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from unlost.model.errors import UsageError
from unlost.model.finding import Finding
from unlost.model.reading import Cursor, Op
from unlost.model.written import written

MOST_PARTS = 1000


class CommitKind(StrEnum):
    """What made a commit; only backups are shown as nights."""

    BACKUP = "backup"
    RESTORE = "restore"
    ARCHIVE = "archive"
    COMPACT = "compact"
    FORGET = "forget"
    HOLD = "hold"
    ERASE = "erase"
    RECTIFY = "rectify"
    CONDEMN = "condemn"
    REKEY = "rekey"
    REINDEX = "reindex"
    SALVAGE = "salvage"


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment as a manifest names it. ``blake3`` is hex; ids are canonical.

    ``sidecar`` is the sealed sidecar itself (base64) where it is small, else empty. ``first`` and
    ``last`` are the commits whose versions a merged segment holds; 0 in all others, which hold
    those of the commit that added them. ``bundle`` is the id of the object in which it lies together with
    others, from the row ``at`` on of ``of`` rows; empty where it is an object of its own. ``bytes`` and ``blake3``
    are those of the object.
    """

    id: str
    table: str
    rows: int
    bytes: int
    blake3: str
    min_id: str
    max_id: str
    epoch: int
    sidecar: str = ""
    sidecar_bytes: int = 0
    sidecar_blake3: str = ""
    first: int = 0
    last: int = 0
    bundle: str = ""
    at: int = 0
    of: int = 0

    @property
    def object(self) -> str:
        """The id of the object in which its rows lie."""
        return self.bundle or self.id

    @property
    def own_bytes(self) -> int:
        """Its share of that object."""
        return self.bytes * self.rows // self.of if self.bundle else self.bytes


@dataclass(frozen=True, slots=True)
class BufferedRows:
    """Rows of a segment that is written at the end of its run: sealed (base64), under a key of the run."""

    id: str
    sealed: str


@dataclass(frozen=True, slots=True)
class PackEntry:
    """A pack as a manifest names it."""

    id: str
    bytes: int
    blake3: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Counts:
    """What adding rows did to a table. ``unchanged`` rows were seen and made no version."""

    seen: int = 0
    created: int = 0
    changed: int = 0
    deleted: int = 0
    revived: int = 0
    unchanged: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.seen + other.seen,
            self.created + other.created,
            self.changed + other.changed,
            self.deleted + other.deleted,
            self.revived + other.revived,
            self.unchanged + other.unchanged,
        )


@written(buffered="held")
@dataclass(frozen=True, slots=True)
class Added:
    """Durable pieces of an open commit: a JSON value that a run checkpoints and hands to finish.

    ``segments`` are the table's own and those of system tables (search, files, hidden). ``reuses``
    are ids of packs of earlier commits in which contents of this piece lie already. ``buffered`` has the rows
    of those segments that lie nowhere else yet.
    """

    table: str
    segments: tuple[SegmentEntry, ...] = ()
    packs: tuple[PackEntry, ...] = ()
    counts: Counts = Counts()
    files: int = 0
    file_bytes: int = 0
    findings: tuple[Finding, ...] = ()
    reuses: tuple[str, ...] = ()
    buffered: tuple[BufferedRows, ...] = ()


@dataclass(frozen=True, slots=True)
class TableCommit:
    """A table's part of a commit. ``live`` rows were counted by the source, None if unknown."""

    table: str
    added: tuple[Added, ...] = ()
    cursor: Cursor | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    full: bool = False
    live: int | None = None
    census_at: datetime | None = None
    finding: Finding | None = None


@written(alive="held")
@dataclass(frozen=True, slots=True)
class TableState:
    """What the vault knows of a table as of a snapshot.

    ``alive`` records are alive in the vault, ``deleted`` ones have a tombstone. ``read_at`` is the
    number of the snapshot that last read it.
    """

    table: str
    alive: int
    deleted: int
    cursor: Cursor | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    census_at: datetime | None = None
    read_at: int = 0
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A commit, as lists show it. ``as_of`` is the source's clock at the run's start.

    ``head`` is the hex digest of the manifest; its first 12 digits are printed for people.
    ``only`` names the tables that a backup between two nights read; a night read all, and it is
    empty.
    """

    org: str
    number: int
    head: str
    run: str
    kind: CommitKind
    as_of: datetime
    started: datetime
    finished: datetime
    rows_seen: int = 0
    counts: Counts = Counts()
    bytes_added: int = 0
    certificate: str | None = None
    only: tuple[str, ...] = ()

    @property
    def partial(self) -> bool:
        """True for a backup between two nights: it read a few tables and kept all others."""
        return bool(self.only)

    def read(self, table: str) -> bool:
        """True if this backup looked at the table."""
        return not self.only or table in self.only


def nights(infos: Iterable[SnapshotInfo]) -> list[SnapshotInfo]:
    """Those that read every table."""
    return [info for info in infos if not info.partial]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file that the vault holds for a record."""

    blob: str
    table: str
    record: str
    column: str
    size: int
    checksum: str | None = None
    name: str = ""
    media_type: str = ""
    since: int = 0


@dataclass(frozen=True, slots=True)
class Lineage:
    """A record that the vault knows, and the live record that stands for it in a target org.

    ``old`` is the id in the org whose chain holds the row, ``live`` the id in the org ``target``
    (its oid in the same vault). ``run`` brought it back; ``since`` is the number of the commit that
    holds the row, 0 before it is committed.
    """

    table: str
    old: str
    live: str
    target: str
    run: str
    since: int = 0


@dataclass(frozen=True, slots=True)
class Version:
    """One observed state of a record, or its tombstone.

    ``cells`` has the columns of that version's schema; a column that is not there was not in the
    schema, which is not the same as null. ``op`` tells what was observed.
    """

    table: str
    record: str
    snapshot: int
    op: Op
    observed_at: datetime
    modified_at: datetime | None
    modified_by: str | None
    cells: Mapping[str, str | None] = field(default_factory=dict)


class ChangeKind(StrEnum):
    """What happened to a record between two snapshots."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    REVIVED = "revived"


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A record that a search found, by the ``column`` whose value matched."""

    org: str
    table: str
    record: str
    column: str
    value: str = ""
    label: str = ""
    alive: bool = True


@dataclass(frozen=True, slots=True)
class IdSpan:
    """Ids from ``low`` on, below ``high`` (None: no end), in the order of their bytes."""

    low: str = ""
    high: str | None = None


EVERY_ID = IdSpan()


class Visibility(StrEnum):
    """Whether the reading user still sees a row or a column that the vault holds."""

    HIDDEN = "hidden"
    VISIBLE = "visible"


@dataclass(frozen=True, slots=True)
class HiddenItem:
    """A row or a column that the user stopped seeing at snapshot ``since``.

    Exactly one of ``record`` and ``column`` is set.
    """

    table: str
    record: str | None
    column: str | None
    since: int


class VerifyLevel(StrEnum):
    """How deep a verification looks."""

    QUICK = "quick"  # presence and size
    FULL = "full"  # every digest, every seal, the live root
    DEEP = "deep"  # decrypts all, recomputes row hashes, sidecars, search


@dataclass(frozen=True, slots=True)
class VerifyPart:
    """One part of a vault's objects, ``number`` of ``of``: each has its turn, and all of them are all.

    What is small and proves the rest, keys and commits, is in each part.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def read_part(text: str) -> VerifyPart:
    """The part that a text such as ``7/30`` names; raises UsageError (``verify-part-wrong``)."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= MOST_PARTS):
        raise UsageError(
            "verify-part-wrong",
            f"“{text}” names no part of the vault.",
            next_step="Write it as 7/30: the seventh of thirty parts.",
        )
    return VerifyPart(int(number), int(of))


@dataclass(frozen=True, slots=True)
class Damage:
    """An object that is missing or not what the vault wrote."""

    object: str
    sentence: str

    @property
    def text(self) -> str:
        """Both in one sentence."""
        return f"{self.object}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """What a verification looked at, and what is wrong (nothing: ``damages`` is empty)."""

    level: VerifyLevel
    objects: int
    bytes: int
    heads: Mapping[str, str]
    damages: tuple[Damage, ...]
