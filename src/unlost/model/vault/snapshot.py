"""Contents of a vault: commits, snapshots, versions, changes, search hits.

    commit n ── SnapshotInfo(number=n, kind=BACKUP)     a backup, shown to people
    commit n+1 ── kind=COMPACT                          maintenance, not shown
      └── TablePart: SegmentEntry … PackEntry           objects it added

A snapshot is the state of an org after a commit. A version is valid from its commit until the
commit of the next version of the same record. See docs/adr/0001.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import overload

from unlost.model.errors import UsageError
from unlost.model.finding import Finding
from unlost.model.source.images import is_image
from unlost.model.source.reading import Cursor, Op
from unlost.model.source.schema import TableRank
from unlost.model.written import written

MOST_PARTS = 1000


class CommitKind(StrEnum):
    """The cause of a commit; only backups are shown to people."""

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

    @property
    def has_plan(self) -> bool:
        """True for a run of a plan: it writes to the org, and has a journal."""
        return self in (CommitKind.RESTORE, CommitKind.ARCHIVE)


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment in a manifest. ``blake3`` is hex; ids are canonical.

    ``sidecar``: the sealed sidecar itself (base64) if it is small, otherwise empty. ``first`` and
    ``last``: the commits whose versions a merged segment contains; 0 for any other segment, whose
    versions are of the commit that added it. ``bundle``: id of the object that contains it with
    other segments, from row ``at`` on, of ``of`` rows in all; empty if it is an object itself.
    ``bytes`` and ``blake3`` describe the object.
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
        """Id of the object that contains its rows."""
        return self.bundle or self.id

    @property
    def own_bytes(self) -> int:
        """Its share of the object's bytes."""
        return self.bytes * self.rows // self.of if self.bundle else self.bytes


@dataclass(frozen=True, slots=True)
class BufferedRows:
    """Rows of a segment that is written when its run ends: sealed (base64) by a key of the run."""

    id: str
    sealed: str


@dataclass(frozen=True, slots=True)
class PackEntry:
    """A pack in a manifest."""

    id: str
    bytes: int
    blake3: str
    epoch: int


@dataclass(frozen=True, slots=True)
class Counts:
    """Effects of added rows on a table. ``unchanged``: rows that were read and made no version."""

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
    """A durable piece of an open commit: a JSON value that a run checkpoints.

    The run passes it to ``finish``. ``segments``: of the table and of system tables (search, files,
    hidden). ``reuses``: packs of earlier commits that already have contents of this piece.
    ``buffered``: rows of segments that are not written yet.
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
    """The part of a table in a commit. ``live``: rows counted by the source, None if unknown."""

    table: str
    added: tuple[Added, ...] = ()
    cursor: Cursor | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    full: bool = False
    live: int | None = None
    census_at: datetime | None = None
    finding: Finding | None = None


@written(alive="held", last_read_in="read_at")
@dataclass(frozen=True, slots=True)
class TableState:
    """The vault's knowledge of a table as of a snapshot.

    ``alive``: live records; ``deleted``: records with a tombstone. ``last_read_in``: number of
    the snapshot that last read the table.
    """

    table: str
    alive: int
    deleted: int
    cursor: Cursor | None = None
    window_start: datetime | None = None
    window_end: datetime | None = None
    census_at: datetime | None = None
    last_read_in: int = 0
    finding: Finding | None = None


@dataclass(frozen=True, slots=True)
class SnapshotInfo:
    """A commit in a list. ``as_of``: the source's clock at the start of the run.

    ``head``: hex hash of the manifest; people see its first 12 digits. ``only``: the tables that an
    hourly backup read; empty for a nightly one, which reads all.
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
        """True for an hourly backup: it read a few tables and kept all others."""
        return bool(self.only)

    def read(self, table: str) -> bool:
        """Return true if this backup read the table."""
        return not self.only or table in self.only


def nights(infos: Iterable[SnapshotInfo]) -> list[SnapshotInfo]:
    """Return the nightly backups: those that read every table."""
    return [info for info in infos if not info.partial]


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file of a record in the vault, or an image in a text of it (``model.source.images``)."""

    blob: str
    table: str
    record: str
    column: str
    size: int
    checksum: str | None = None
    name: str = ""
    media_type: str = ""
    since: int = 0

    @property
    def is_image(self) -> bool:
        """True for an image in a text of the record."""
        return is_image(self.column)


@dataclass(frozen=True, slots=True)
class Lineage:
    """A record of the vault, and the live record that replaces it in a target org.

    ``old``: id in the org whose chain contains the row; ``live``: id in the org ``target`` (its oid
    in the same vault). ``run``: the restore; ``since``: number of the commit with the row, 0 before
    the commit.
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

    ``cells``: values of the columns of that version's schema. A column that is absent was not in
    the schema, which differs from null. ``op``: the kind of observation.
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
    """The change of a record between two snapshots."""

    CREATED = "created"
    CHANGED = "changed"
    DELETED = "deleted"
    REVIVED = "revived"
    ARCHIVED = "archived"  # an archive took it out of the org; the vault has it


class SearchMatch(StrEnum):
    """The way in which a record matches a search, the best first."""

    ID = "id"
    KEY = "key"  # the whole of a number, a code, a telephone number or an e-mail address
    WHOLE_NAME = "whole-name"
    NAME = "name"  # words of its name
    VALUE = "value"  # the whole value of another column
    WORDS = "words"  # words of other columns

    @property
    def whole(self) -> bool:
        """True if a whole value matches, not only the beginnings of words."""
        return self not in (SearchMatch.NAME, SearchMatch.WORDS)


@dataclass(frozen=True, slots=True)
class SearchHit:
    """A record found by a search; ``column``: the column whose value matched best.

    ``former``: an earlier version of the record had the value; the newest one has another.
    """

    org: str
    table: str
    record: str
    column: str
    value: str = ""
    label: str = ""
    alive: bool = True
    former: bool = False
    match: SearchMatch = SearchMatch.WORDS
    rank: TableRank = TableRank.OTHER


@dataclass(frozen=True, slots=True)
class SearchHits(Sequence[SearchHit]):
    """The hits of a search, best first. ``cut``: more records have the words, and were not checked."""

    hits: tuple[SearchHit, ...] = ()
    cut: bool = False

    def __len__(self) -> int:
        """Return the number of hits."""
        return len(self.hits)

    @overload
    def __getitem__(self, at: int) -> SearchHit: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[SearchHit, ...]: ...
    def __getitem__(self, at: int | slice) -> SearchHit | tuple[SearchHit, ...]:
        """Return one hit, or some."""
        return self.hits[at]


@dataclass(frozen=True, slots=True)
class SearchIndexState:
    """The part of a search index that follows earlier rules and waits to be rebuilt.

    Both are numbers of rows of the index. Old rows find less: until they are rebuilt, accents and
    numbers must be typed as they are stored.
    """

    old: int
    total: int


@dataclass(frozen=True, slots=True)
class SearchHelp:
    """Help for a search: the state of the index, and texts that the typed one may stand for.

    Each suggestion finds something; in it one word differs in a letter or two. The best is first.
    """

    index: SearchIndexState
    suggestions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IdSpan:
    """Ids from ``low`` on, below ``high`` (None: no end), in byte order."""

    low: str = ""
    high: str | None = None


EVERY_ID = IdSpan()


class Visibility(StrEnum):
    """Visibility, for the reading user, of a row or a column in the vault."""

    HIDDEN = "hidden"
    VISIBLE = "visible"


@dataclass(frozen=True, slots=True)
class HiddenItem:
    """A row or a column that the user can no longer see since snapshot ``since``.

    Exactly one of ``record`` and ``column`` is set.
    """

    table: str
    record: str | None
    column: str | None
    since: int


class VerifyLevel(StrEnum):
    """The depth of a verification."""

    QUICK = "quick"  # presence and size
    FULL = "full"  # the hash of every object, every journal entry, the live root
    DEEP = "deep"  # decrypts all, recomputes row hashes, sidecars, search


@dataclass(frozen=True, slots=True)
class VerifyPart:
    """One part of a vault's objects, ``number`` of ``of``; all parts together are all objects.

    Keys and commits, which are small and prove the rest, belong to every part.
    """

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"


def read_part(text: str) -> VerifyPart:
    """Parse a part, as in ``7/30``; raises UsageError (``verify-part-wrong``)."""
    number, _, of = text.partition("/")
    if not (number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of) <= MOST_PARTS):
        raise UsageError(
            "verify-part-wrong",
            "“{text}” is not a part of the vault.",
            next_step="Write it as 7/30, for the seventh of thirty parts.",
            text=text,
        )
    return VerifyPart(int(number), int(of))


@dataclass(frozen=True, slots=True)
class Damage:
    """An object that is missing, or differs from what the vault wrote."""

    object: str
    sentence: str

    @property
    def text(self) -> str:
        """Object and reason in one sentence."""
        return f"{self.object}: {self.sentence}"


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """Result of a verification; without damage, ``damages`` is empty.

    ``unproved``: the orgs, by oid, for which nothing outside the vault remembers the newest commit.
    ``strange``: names of objects that no writer of the format makes.
    """

    level: VerifyLevel
    objects: int
    bytes: int
    heads: Mapping[str, str]
    damages: tuple[Damage, ...]
    unproved: tuple[str, ...] = ()
    strange: tuple[str, ...] = ()
