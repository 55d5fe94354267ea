"""The ports of the vault: how it is read, how a run commits to it, and how it is maintained."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, Protocol

import pyarrow as pa

from unlost.model.bycolumns import ReadByColumns
from unlost.model.certificate import Certificate
from unlost.model.copies import HomeCopies
from unlost.model.erasure import PastErasure
from unlost.model.hidden_columns import HiddenColumns
from unlost.model.maintenance import Agreement, MaintenanceOperation, MaintenancePlan
from unlost.model.org import OrgIdentity
from unlost.model.plan import RecordKey
from unlost.model.reading import FileRef, Rows
from unlost.model.rekeying import Rekeyed
from unlost.model.retention import Hold, HoldTarget
from unlost.model.salvage import PastSalvage
from unlost.model.schema import Schema
from unlost.model.snapshot import (
    Added,
    CommitKind,
    Counts,
    HiddenItem,
    Lineage,
    SearchHit,
    SnapshotInfo,
    StoredFile,
    TableCommit,
    TableState,
    VerifyLevel,
    VerifyPart,
    VerifyReport,
    Version,
    Visibility,
)
from unlost.model.upkeep import Compaction, OrgUsage, Sweep


class Snapshot(ReadByColumns, Protocol):
    """The picture of one org at one commit.

    Tables read from it have the columns of the snapshot's schema as text, in the schema's order,
    after the system columns ``_u_id``, ``_u_op``, ``_u_snap`` (number of the commit that brought
    the version), ``_u_observed_at``, ``_u_modified_at``, ``_u_modified_by``.
    """

    @property
    def info(self) -> SnapshotInfo:
        """Number, times, counts."""
        ...

    def schema(self) -> Schema:
        """The schema of the snapshot."""
        ...

    def tables(self) -> Mapping[str, TableState]:
        """State of each table that the vault holds."""
        ...

    def scan(self, table: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Live records in the order of their ids, in bounded batches."""
        ...

    def scan_deleted(
        self, table: str, *, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """Last known states of deleted records, in the order of their ids."""
        ...

    def live_ids(self, table: str) -> Iterator[pa.Table]:
        """Live ids in order, in bounded tables: ``_u_id``, ``_u_observed_at``, ``_u_snap``."""
        ...

    def get(
        self, table: str, ids: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Newest states (live or last known before deletion) of these ids, with ``_u_op``."""
        ...

    def where(
        self,
        table: str,
        column: str,
        values: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Newest states, as ``get`` gives them, of the records with one of these values there.

        Quick for a column in which a change log names its records; any other is read whole.
        """
        ...

    def row_bytes(self, table: str) -> int:
        """About how many bytes of text a record has, without long texts; 0 if it holds none."""
        ...

    def hidden(self, table: str | None = None) -> Sequence[HiddenItem]:
        """Rows and columns that the reading user stopped seeing."""
        ...

    def files(self, table: str, records: Sequence[str]) -> Sequence[StoredFile]:
        """The newest files that the vault holds for these records."""
        ...

    def certificate(self) -> Certificate | None:
        """The certificate of the run that made it."""
        ...


class VaultReader(Protocol):
    """The vault as people read it. ``org`` is the vault's own id of an org (oid).

    What a person must not see is kept back behind this port: a method that is added here must not
    give a value of a hidden column, by itself or by what it counts.
    """

    def orgs(self) -> Mapping[str, OrgIdentity]:
        """All orgs by oid."""
        ...

    def head(self, org: str) -> Snapshot | None:
        """The newest backup, or None."""
        ...

    def snapshots(self, org: str) -> Sequence[SnapshotInfo]:
        """All backups, oldest first: nights, and those of a few tables between them."""
        ...

    def commits(self, org: str) -> Sequence[SnapshotInfo]:
        """All that took a number, oldest first: nights, restores and whatever else."""
        ...

    def at(self, org: str, number: int, *, forgotten: bool = False) -> Snapshot:
        """The snapshot of this number; raises NotFound (``snapshot-unknown``, ``snapshot-forgotten``).

        ``forgotten``: any commit, also one of which versions were forgotten.
        """
        ...

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """All versions of a record, oldest first; empty if the vault never saw it."""
        ...

    def changes(self, org: str, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
        """Compare two snapshots: ``_u_id`` and ``change`` (``ChangeKind``), by id."""
        ...

    def search(self, org: str, text: str, *, limit: int = 20) -> Sequence[SearchHit]:
        """Records whose id, name, number, e-mail, phone or key begins with the text's tokens."""
        ...

    def open_file(self, org: str, blob: str) -> AbstractContextManager[BinaryIO]:
        """A stored file's bytes."""
        ...

    def journals(self, org: str, *, unfinished: bool = False) -> Sequence[str]:
        """Runs that have a journal: those with a commit in its order, then the others.

        ``unfinished``: only the others. They lie in the vault alone: whoever opens it finds them.
        """
        ...

    def lineage(
        self,
        org: str,
        *,
        table: str | None = None,
        records: Sequence[str] = (),
        lives: Sequence[str] = (),
    ) -> Sequence[Lineage]:
        """Which live records stand for records of this org: the newest row of each, by id.

        With ``table`` and ``records`` (old ids) the cost is that of their rows; then the rows that carry them on are
        given too, for ``unlost.model.lineage.resolve``. Otherwise all are read; ``lives``: what leads to one of them.
        """
        ...

    def past_operations[P: (PastErasure, PastSalvage)](
        self, org: str, kind: type[P]
    ) -> tuple[P, ...]:
        """List the operations of this kind that were applied, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file on its way into the vault; ``open`` may raise when called or while reading."""

    ref: FileRef
    open: Callable[[], AbstractContextManager[BinaryIO]]


class Commit(Protocol):
    """An open commit of one run. Nothing of it is visible before ``finish``."""

    run: str
    number: int  # the number that it gets unless another run commits first

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

    def add_few(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """As ``add``; but where it comes to few rows, the piece itself holds them (``held``).

        They are durable where the piece is, and can be read only while the run is open.
        """
        ...

    def recall(self, added: Iterable[Added]) -> None:
        """Know again the rows that pieces hold which an earlier process was given; others are known.

        Whoever goes on with a run calls this before it adds more of the same table.
        """
        ...

    def admitted(self, table: str, rows: Rows) -> Rows:
        """The rows without those of records that were erased, or match one that was."""
        ...

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """Ids of records without those that were erased."""
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


class VaultMaintenance(Protocol):
    """The part of the port ``Vault`` that maintains it; ``org`` is its oid.

    ``pause`` is called every now and then, and stops the work by raising.
    """

    def plan[E](
        self, org: str, operation: MaintenanceOperation[E], *, pause: Callable[[], None] = ...
    ) -> MaintenancePlan[E]:
        """Show the effect that an operation would have now; nothing is written.

        Raises Conflict (``erase-held``, ``rectify-held``), UsageError, NotFound (``record-unknown``),
        and of a salvage IntegrityError where commits or schemas are damaged: then nothing can be
        salvaged.
        """
        ...

    def apply[E](
        self,
        org: str,
        plan: Agreement[E],
        *,
        run: str,
        pause: Callable[[], None] = ...,
        before_write: Callable[[E], object] = ...,
    ) -> E:
        """Carry out an operation whose effect was agreed to. Safe to repeat.

        Looks again, and raises the operation's Conflict (``forget-changed``, ``erase-changed``,
        ``rectify-changed``, ``salvage-changed``) where its effect would be another one by now.
        ``before_write`` gets the effect once it is certain, also where there is nothing to write,
        and stops the operation by raising.
        Raises what planning does, Conflict (``runs-open``) while a backup or restore is open, and
        (``maintenance-outrun``) where another run committed meanwhile. After an error nothing has
        changed, except that the rest of an earlier operation that was cut off may be removed.
        """
        ...

    def compact(self, org: str, *, run: str, pause: Callable[[], None] = ...) -> Compaction:
        """Put versions from many commits side by side where it is due; no snapshot shows it.

        One at a time for an org; backups and restores may go on beside it. Raises Conflict
        (``maintenance-outrun``); what was done so far is good, and the rest is done by the next call.
        """
        ...

    def rekey(
        self, org: str, *, run: str, most: int | None = None, pause: Callable[[], None] = ...
    ) -> Rekeyed:
        """Seal all that is live anew under the newest org key, then remove the earlier ones.

        Backups stay as they are, to the bit. ``most``: bytes after which it stops; calling again goes on.
        One at a time for an org; backups may go on beside it. Raises Conflict (``maintenance-outrun``),
        IntegrityError, StoreError, and what ``pause`` raises.
        """
        ...

    def sweep(self, org: str, *, run: str) -> Sweep:
        """Remove what was condemned days ago, and condemn what runs left that came to nothing."""
        ...

    def verify(self, level: VerifyLevel, *, part: VerifyPart | None = None) -> VerifyReport:
        """Look whether everything is there, and whether all of it or a part is whole.

        Never raises for damage: damage is what it reports.
        """
        ...

    def holds(self, org: str) -> tuple[Hold, ...]:
        """All holds that were not lifted, also those that have run out."""
        ...

    def change_holds(
        self,
        org: str,
        *,
        placed: Sequence[Hold] = (),
        lifted: Sequence[HoldTarget] = (),
        run: str,
    ) -> SnapshotInfo:
        """Take holds back, then place others; one on the same thing replaces the earlier one."""
        ...

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Those of the records that are on the list of what is not taken in again."""
        ...

    def usage(self, org: str) -> OrgUsage:
        """How much an org needs, as far as its newest commit tells."""
        ...


class Vault(VaultReader, VaultMaintenance, Protocol):
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
