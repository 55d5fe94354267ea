"""The ports: what the engine asks of connectors, of the vault, of runners, and of the system.

Engine, vault and connectors know one another only through these. ``unlost.app`` wires them.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import pyarrow as pa

from unlost.model.certificate import Certificate
from unlost.model.copies import HomeCopies
from unlost.model.erasure import Suppressing
from unlost.model.errors import UnlostError
from unlost.model.hidden_columns import HiddenColumns
from unlost.model.jobs import Job
from unlost.model.knowledge import Knowledge
from unlost.model.org import OrgIdentity
from unlost.model.progress import Progress
from unlost.model.quota import Quota
from unlost.model.reading import Cursor, FileRef, IdRange, Page, ReadTask, Ready, Rows, Wait
from unlost.model.retention import Retention
from unlost.model.schema import Schema, Table
from unlost.model.snapshot import (
    Added,
    ChangeKind,
    CommitKind,
    Counts,
    Lineage,
    SnapshotInfo,
    TableCommit,
    Visibility,
)
from unlost.model.upkeep import Upkeep
from unlost.model.vault_reader import Snapshot, VaultReader
from unlost.model.verifying import Verifying
from unlost.model.waiting import Waiting
from unlost.model.writing import (
    MissingPermission,
    RecordQuery,
    RowOutcome,
    WriteCapability,
    WriteOp,
    WriteRow,
)

# --- the system ---------------------------------------------------------------------------------


class Clock(Protocol):
    """Time: the only way to learn it or to let it pass."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        ...


class Entropy(Protocol):
    """Randomness: the only way to draw it."""

    def bytes(self, size: int) -> bytes:
        """``size`` unpredictable bytes."""
        ...

    def fraction(self) -> float:
        """A number in [0, 1), for jitter; not for secrets."""
        ...


class Observer(Protocol):
    """Told how a run gets on."""

    def progress(self, event: Progress) -> None:
        """Take notice of an event; must be quick and never raise."""
        ...


class SecretStore(Protocol):
    """Keeps an org's secrets sealed."""

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        ...

    def put(self, name: str, value: str) -> None:
        """Keep a secret; it is durable when this returns."""
        ...


class Cache(Protocol):
    """Keeps what the source can give again: an entry may be gone at any time, but is never altered."""

    def get(self, name: str) -> bytes | None:
        """The entry of this name; None where there is none, or none that can be trusted."""
        ...

    def put(self, name: str, value: bytes) -> None:
        """Keep an entry, or quietly do not."""
        ...

    def drop(self, name: str) -> None:
        """Forget an entry."""
        ...


class Budget(Protocol):
    """Leaves room for the other users of an org's API."""

    def take(self, calls: int = 1) -> None:
        """Ask before calling; raises LimitReached when the budget is spent."""
        ...

    def report(self, *, used: int, limit: int) -> None:
        """What the source last said about its calls of the day."""
        ...


class Lease(Protocol):
    """Keeps two runs of one kind off one org."""

    def hold(self, org: str, *, kind: CommitKind, run: str) -> AbstractContextManager[None]:
        """Hold the lease while the context is open; raises Conflict if another run has it."""
        ...


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The head that the application last saw of an org's chain."""

    number: int
    head: str


class Witness(Protocol):
    """Remembers heads outside the vault, so that a removed newest manifest is noticed."""

    def get(self, org: str) -> Witnessed | None:
        """The last head seen, or None on first sight."""
        ...

    def put(self, org: str, seen: Witnessed) -> None:
        """Remember a head; durable when this returns."""
        ...


# --- sources ------------------------------------------------------------------------------------


class Source(Protocol):
    """The read side of an org. No method writes."""

    def identity(self) -> OrgIdentity:
        """Who this org is."""
        ...

    def server_time(self) -> datetime:
        """The source's clock now (never ours)."""
        ...

    def discover(self) -> Schema:
        """Tables, columns, references, findings, and the permission fingerprint."""
        ...

    def quotas(self) -> Sequence[Quota]:
        """Storage and API calls."""
        ...

    def cursor_at(self, table: Table, when: datetime) -> Cursor | None:
        """The cursor for a table whose read began ``when``; None if it has none."""
        ...

    def plan_reads(
        self, table: Table, since: Cursor | None, *, ids: IdRange | None = None
    ) -> Sequence[ReadTask]:
        """The tasks that read a table, all of it (None) or what changed; deletes come first.

        The connector subtracts its own overlap from the cursor, and may answer an old cursor with
        tasks that say ``full``. With ``ids``, of a table that has ID_RANGES, the other way round:
        the rows of this range that reading from the cursor leaves out, for they did not change.
        """
        ...

    def id_order(self, ids: pa.Array) -> pa.Array:
        """Texts for these ids whose bytes sort as the source sorts the ids. Calls nothing."""
        ...

    def prepare(self, task: ReadTask) -> Ready | Wait:
        """Start or look after work that the source does by itself."""
        ...

    def read(self, task: ReadTask) -> Iterator[Page]:
        """Pages of a prepared task, each proved; ends only when the task is complete."""
        ...

    def read_ids(self, table: Table, ids: Sequence[str]) -> Iterator[Page]:
        """The rows of these ids, deleted ones too; ids that are not there are left out."""
        ...

    def census(self, table: Table) -> Iterator[pa.Array]:
        """Every live canonical id, in any order, in bounded arrays; raises if incomplete."""
        ...

    def count(self, table: Table) -> int | None:
        """How many live rows the source counts; None if it will not say."""
        ...

    def files_in(self, table: Table, rows: Rows) -> Sequence[FileRef]:
        """The files that these rows have; rows whose file has no bytes give none."""
        ...

    def open_file(self, ref: FileRef) -> AbstractContextManager[BinaryIO]:
        """A file's bytes as a stream; reading raises IntegrityError where they do not agree."""
        ...


# --- writers ------------------------------------------------------------------------------------


class Writer(Protocol):
    """The write side of an org, opened with a credential of its own for one run.

    It keeps nothing and repeats nothing that may have taken effect: a call whose answer was lost
    gives UNKNOWN outcomes, and the engine looks before it tries again.
    """

    def identity(self) -> OrgIdentity:
        """Who this org is."""
        ...

    def server_time(self) -> datetime:
        """The source's clock now (never ours)."""
        ...

    def missing(self, tables: Sequence[Table]) -> Sequence[MissingPermission]:
        """Permissions that the writing user lacks for these tables; empty if it may do all."""
        ...

    def prepare(self, tables: Sequence[Table]) -> None:
        """Look up together what these tables need; without it, it is looked up one by one."""
        ...

    def capability(self, table: Table) -> WriteCapability:
        """What may be written to a table."""
        ...

    def write(
        self, op: WriteOp, table: Table, rows: Sequence[WriteRow], *, token: str
    ) -> Sequence[RowOutcome]:
        """Write rows of one table: one outcome a row, in the same order.

        ``token`` names the call for the org's own log where it has one. Raises LimitReached,
        NotAllowed, AuthExpired, TransientError only where nothing was written by this call.
        Where a capability allows several calls at once, threads call this at the same time.
        """
        ...

    def upload(self, table: Table, row: WriteRow, body: BinaryIO, *, token: str) -> RowOutcome:
        """Create a record whose file is ``body``, streamed."""
        ...

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by the values of these columns; values that nobody has are left out.

        Raises Conflict (``key-not-unique``) where several live records share one.
        """
        ...

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """These live records as the org has them now; ids that are not there are left out."""
        ...

    def fetch_several(self, looks: Sequence[RecordQuery]) -> Sequence[Rows]:
        """What ``fetch`` gives for each of these, in as few calls as the org takes."""
        ...

    def recent(
        self, table: Table, since: datetime, *, columns: Sequence[str], sent: Sequence[WriteRow]
    ) -> Rows:
        """Records of the table that this user made since then, by the source's clock.

        ``sent``: the rows whose records are looked for. Where they told when they were first made,
        their records say so too, and no other old record is among the answer.
        Raises SourceRefused where the table does not tell who made a record, or when.
        """
        ...

    def settle(self, table: Table, *, since: datetime) -> None:
        """Return when no call of this user on the table, made since then, can still take effect."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """The small ports that a connector may use; ``cache`` is None where nothing is to be kept."""

    clock: Clock
    entropy: Entropy
    secrets: SecretStore
    budget: Budget
    observer: Observer
    cache: Cache | None = None


@dataclass(frozen=True, slots=True)
class SecretField:
    """A secret that a connector reads from the secret store under ``name``, as a form asks for it.

    ``required``: without it the org cannot be opened. ``lines``: it is a text of several lines,
    such as a private key, that comes from a file and is not typed.
    """

    name: str
    label: str
    help: str = ""
    required: bool = True
    lines: bool = False


class Connector(Knowledge, Protocol):
    """Speaks one SaaS. ``config`` is a frozen dataclass of plain values, no secrets.

    ``id_form`` completes the sentence "Ids of records have …" for people who typed another text.
    """

    name: str
    config: type
    id_form: str

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """The secrets that this config needs; with None, all that any config may need."""
        ...

    def open_source(self, config: object, context: Context) -> AbstractContextManager[Source]:
        """A source for the org that ``config`` names."""
        ...

    def open_writer(self, config: object, context: Context) -> AbstractContextManager[Writer]:
        """A writer; config and secrets are those of the write identity."""
        ...

    def write_permissions(self) -> Sequence[str]:
        """What a write identity must be allowed to do, in the words of the source's own set-up."""
        ...


# --- the vault ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file on its way into the vault; ``open`` may raise when called or while reading."""

    ref: FileRef
    open: Callable[[], AbstractContextManager[BinaryIO]]


class Commit(Suppressing, Waiting, Protocol):
    """An open commit of one run. Nothing of it is visible before ``finish``."""

    run: str
    number: int  # the number it will have if nobody commits before it

    def put_schema(self, schema: Schema) -> str:
        """Set the schema for what is added from now on; returns its hash."""
        ...

    def add(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """Write rows as segments, leaving out what did not change; durable when it returns.

        ``carry`` names columns that the rows lack because the user may not see them: their last
        known values are carried forward, so that hiding a column changes no record.
        Within a commit the later of two adds wins for a record.
        """
        ...

    def add_files(self, files: Iterable[IncomingFile]) -> Added:
        """Stream files into packs; a file that cannot be read becomes a finding.

        Raises LimitReached and AuthExpired of the source, which end the run, and StoreError.
        """
        ...

    def mark(
        self,
        table: str,
        *,
        visibility: Visibility,
        records: Sequence[str] = (),
        columns: Sequence[str] = (),
    ) -> Added:
        """Say that the user stopped or began to see these rows or columns."""
        ...

    def lineage(self, rows: Sequence[Lineage]) -> Added:
        """Say which live record stands for which; for finish, under the table that it names.

        Of two rows of one (target, table, old) the later wins, also over earlier commits.
        Raises NotFound (``org-unknown``) where a target is no org of this vault.
        """
        ...

    def counts(self, table: str, added: Sequence[Added]) -> Counts:
        """What these pieces do to a table in this commit: each record once, as ``finish`` counts."""
        ...

    def put_certificate(self, certificate: Certificate) -> None:
        """Seal the run's certificate; part of the commit."""
        ...

    def finish(
        self, tables: Sequence[TableCommit], *, as_of: datetime, partial: bool = False
    ) -> SnapshotInfo:
        """Commit everything in one step. Calling it again gives the same snapshot.

        ``partial``: no other table was looked at, and the snapshot says so (``only``).
        """
        ...

    def abandon(self) -> None:
        """Give up: the intent is removed; what was written is garbage."""
        ...


class Journal(Protocol):
    """What one run that writes to an org has done, entry by entry; entry 0 is its plan.

    Entries are sealed, never changed, and each proves all before it. Safe to share between threads;
    of two processes on one run the one that comes second to a number is stopped.
    """

    run: str

    def append(self, payload: bytes) -> int:
        """Keep an entry and return its number; durable when it returns.

        It goes behind the entries that this object has read or written. An entry that is there
        with the same bytes counts as written. Raises Conflict where other bytes are there
        (``journal-conflict``) or the run's commit is made (``journal-closed``).
        """
        ...

    def read(self) -> Iterator[bytes]:
        """All entries in order, each proved before it is given.

        Raises IntegrityError naming the object where an entry is missing or changed, or the end is
        cut off. While the run has no commit, nothing tells how many entries there were, so that a
        cut end is noticed only by who has seen it.
        """
        ...


class Vault(VaultReader, Upkeep, Retention, Verifying, Protocol):
    """The encrypted, append-only store. ``org`` is the vault's own id of an org (oid)."""

    @property
    def homes(self) -> HomeCopies:
        """Copies of the data of the homes that use this vault."""
        ...

    def visible(self, hidden: Mapping[str, HiddenColumns]) -> VaultReader:
        """The vault to read, without the columns that are hidden of each org."""
        ...

    def adopt(self, identity: OrgIdentity) -> str:
        """The oid of this org, made on first sight."""
        ...

    def begin(self, org: str, *, run: str, kind: CommitKind, identity: OrgIdentity) -> Commit:
        """Open, or re-open, the commit of a run; refuses another org's identity."""
        ...

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """The bytes of small files; raises NotFound or IntegrityError where one is not there or not whole."""
        ...

    def journal(self, org: str, run: str) -> Journal:
        """The journal of a run; empty before its first entry."""
        ...


# --- runs ---------------------------------------------------------------------------------------


class Runner(Protocol):
    """Runs work so that a crash loses no finished step. Step results are JSON values."""

    @property
    def run(self) -> str:
        """The id of the run; the same when it is resumed."""
        ...

    def step[T](self, name: str, call: Callable[[], T], *, result: type[T]) -> T:
        """The result of a step: from its record if it was done before, else by doing it."""
        ...

    def map[A, T](
        self,
        name: str,
        call: Callable[[A], T],
        items: Sequence[A],
        *,
        key: Callable[[A], str],
        result: type[T],
    ) -> list[T]:
        """A step for each item, in parallel within bounds; results in the order of the items.

        The first error stops the rest and is raised after running steps have ended.
        """
        ...

    def is_done(self, name: str, key: str) -> bool:
        """True for a step of ``map`` that a resumed run finds done."""
        ...

    def sleep_until(self, when: datetime) -> None:
        """Let time pass, durably."""
        ...


class Jobs(Protocol):
    """Takes jobs and has them done, each at least once: a job must allow to be done again."""

    def enqueue(self, job: Job) -> None:
        """Have a job done in its turn; durable when this returns, and nothing if it is known."""
        ...

    def again(self, ids: Iterable[str]) -> None:
        """Forget those that ended without doing what they should, so that they can be asked for again."""
        ...


__all__ = [
    "Budget",
    "Cache",
    "ChangeKind",
    "Clock",
    "Commit",
    "Connector",
    "Context",
    "Entropy",
    "IncomingFile",
    "Jobs",
    "Journal",
    "Lease",
    "Observer",
    "Runner",
    "SecretField",
    "SecretStore",
    "Snapshot",
    "Source",
    "UnlostError",
    "Vault",
    "VaultReader",
    "Witness",
    "Witnessed",
    "Writer",
]
