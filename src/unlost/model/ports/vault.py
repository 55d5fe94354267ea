"""Ports of the vault: how people read it, how a run commits to it, and how it is maintained.

    Vault ─┬─ VaultReader        orgs, snapshots, history, search; without hidden columns
           ├─ VaultMaintenance   plan and apply, compact, rekey, sweep, verify, holds
           ├─ begin ─▶ Commit    put_schema, add …, put_certificate, finish
           └─ journal ─▶ Journal entries of a run that writes to an org

A run adds rows to an open commit, which is invisible until ``finish`` puts one manifest. What
``add`` returns is a *piece* of the commit (``Added``), a durable JSON value. A resumed run hands
all of its earlier pieces to ``finish``.
See docs/adr/0001 and docs/adr/0008.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO, Protocol

from unlost.model.vault.columnar_read import ReadByColumns

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime

    import pyarrow as pa

    from unlost.model.org import OrgIdentity
    from unlost.model.plan import RecordKey
    from unlost.model.source.hidden_columns import HiddenColumns
    from unlost.model.source.reading import FileRef, Rows
    from unlost.model.source.schema import Schema
    from unlost.model.vault.certificate import Certificate
    from unlost.model.vault.copies import HomeCopies
    from unlost.model.vault.erasure import PastErasure
    from unlost.model.vault.maintenance import Agreement, MaintenanceOperation, MaintenancePlan
    from unlost.model.vault.maintenance_results import Compaction, OrgUsage, Sweep
    from unlost.model.vault.past_salvage import PastSalvage
    from unlost.model.vault.pending import PendingRemoval, RejectedRemoval
    from unlost.model.vault.rekeying import Rekeyed
    from unlost.model.vault.retention import Hold, HoldTarget
    from unlost.model.vault.snapshot import (
        Added,
        CommitKind,
        Counts,
        HiddenItem,
        Lineage,
        SearchHelp,
        SearchHits,
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


class RecordFilter(Protocol):
    """A condition on the records of an org, which checks a bounded number of them."""

    def passing(self, table: str, records: Sequence[str]) -> Collection[str]:
        """Return the records that meet the condition; those that were not checked do not."""
        ...

    @property
    def spent(self) -> bool:
        """True if records were not checked, and no more will be."""
        ...


class Snapshot(ReadByColumns, Protocol):
    """The state of one org at one commit.

    Tables read from it have the columns of the snapshot's schema as text, in the schema's order,
    after the system columns ``_u_id``, ``_u_op``, ``_u_snap`` (number of the commit that brought
    the version), ``_u_observed_at``, ``_u_modified_at``, ``_u_modified_by``.
    """

    @property
    def info(self) -> SnapshotInfo:
        """Number, times, counts."""
        ...

    def schema(self) -> Schema:
        """Return the schema of the snapshot."""
        ...

    def tables(self) -> Mapping[str, TableState]:
        """Return the state of each table in the vault."""
        ...

    def scan(self, table: str, *, columns: Sequence[str] | None = None) -> pa.RecordBatchReader:
        """Read live records in the order of their ids, in bounded batches."""
        ...

    def scan_deleted(
        self, table: str, *, columns: Sequence[str] | None = None
    ) -> pa.RecordBatchReader:
        """Read the last known states of deleted records, in the order of their ids."""
        ...

    def live_ids(self, table: str) -> Iterator[pa.Table]:
        """Read live ids in order, in bounded tables: ``_u_id``, ``_u_observed_at``, ``_u_snap``."""
        ...

    def get(
        self, table: str, ids: Sequence[str], *, columns: Sequence[str] | None = None
    ) -> pa.Table:
        """Return the newest states (live or last before deletion) of these ids, with ``_u_op``."""
        ...

    def where(
        self,
        table: str,
        column: str,
        values: Sequence[str],
        *,
        columns: Sequence[str] | None = None,
    ) -> pa.Table:
        """Return newest states, as ``get`` does, of records with one of these values.

        Fast for a column in which a change log or remarks name their records; any other column is
        read in full.
        """
        ...

    def row_bytes(self, table: str) -> int:
        """Estimate the bytes of text of a record, without long texts; 0 for an empty table."""
        ...

    def hidden(self, table: str | None = None) -> Sequence[HiddenItem]:
        """List rows and columns that the reading user can no longer see."""
        ...

    def files(self, table: str, records: Sequence[str]) -> Sequence[StoredFile]:
        """List the newest files in the vault of these records, and the images in their texts."""
        ...

    def certificate(self) -> Certificate | None:
        """Return the certificate of its run."""
        ...


class VaultReader(Protocol):
    """The vault as people read it. ``org``: the vault's own id of an org (oid).

    Data that a person must not see is filtered behind this port. A method that is added here must
    not reveal a value of a hidden column, neither directly nor by a count.
    """

    def orgs(self) -> Mapping[str, OrgIdentity]:
        """Return all orgs by oid."""
        ...

    def newest_backup(self, org: str) -> Snapshot | None:
        """Return the newest backup that was not forgotten, nightly or hourly, or None."""
        ...

    def snapshots(self, org: str) -> Sequence[SnapshotInfo]:
        """List all backups that were not forgotten, oldest first, nightly and hourly."""
        ...

    def commits(self, org: str) -> Sequence[SnapshotInfo]:
        """List all commits, oldest first: backups, restores, maintenance."""
        ...

    def at(self, org: str, number: int, *, forgotten: bool = False) -> Snapshot:
        """Return a snapshot; raises NotFound (``snapshot-unknown``, ``snapshot-forgotten``).

        ``forgotten``: allow any commit, including one with forgotten versions.
        """
        ...

    def history(self, org: str, table: str, record: str) -> Sequence[Version]:
        """Return all versions of a record, oldest first; empty if the vault never had it."""
        ...

    def changes(self, org: str, table: str, *, after: int, until: int) -> Iterator[pa.Table]:
        """Compare two snapshots: ``_u_id`` and ``change`` (``ChangeKind``), by id."""
        ...

    def search(
        self,
        org: str,
        text: str,
        *,
        limit: int = 20,
        former: bool = False,
        tables: Collection[str] | None = None,
        only: RecordFilter | None = None,
    ) -> SearchHits:
        """Find records of which each word of the text begins a word, and records with this id.

        All columns by which people search count, and the words may be in different columns. Case,
        accents, leading zeros and country codes do not matter. ``former``: after them, records that
        once had such a value; this reads all versions of each record that ever had one of the
        words. ``tables``: only records of these tables. ``only``: of those that have the words, only
        records that pass. They are checked before their values are read.
        """
        ...

    def search_help(self, org: str, text: str = "", *, limit: int = 3) -> SearchHelp:
        """Return the state of the search index, and suggestions for a ``text`` that finds nothing.

        Compares a bounded number of the words that begin alike.
        """
        ...

    def open_file(self, org: str, blob: str) -> AbstractContextManager[BinaryIO]:
        """Open a stored file."""
        ...

    def journals(self, org: str, *, unfinished: bool = False) -> Sequence[str]:
        """List runs with a journal: committed ones in the order of their commits, then the others.

        ``unfinished``: only the others. Journals are in the vault alone, so that anyone who can
        open the vault finds them.
        """
        ...

    def lineage(
        self,
        org: str,
        *,
        table: str | None = None,
        records: Sequence[str] = (),
        lives: Sequence[str] = (),
        superseded: bool = False,
    ) -> Sequence[Lineage]:
        """Return the live records that replace records of this org: the newest row of each, by id.

        With ``table`` and ``records`` (old ids), only their rows are read, and the later rows that
        continue them are included, for ``unlost.model.vault.lineage.resolve``. Otherwise all rows are
        read; ``lives``: only rows that lead to one of these. ``superseded``: rows that a newer one
        replaced are included.
        """
        ...

    def past_operations[P: (PastErasure, PastSalvage)](
        self, org: str, kind: type[P]
    ) -> tuple[P, ...]:
        """List the operations of this kind that were applied, oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file to be stored; ``open`` may raise when it is called, or while the file is read."""

    ref: FileRef
    open: Callable[[], AbstractContextManager[BinaryIO]]


class Commit(Protocol):
    """An open commit of one run. It is invisible before ``finish``."""

    run: str
    number: int  # the number that it gets unless another run commits first

    def put_schema(self, schema: Schema) -> str:
        """Set the schema for rows that are added from now on; returns its hash."""
        ...

    def add(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """Write rows as segments, without unchanged ones; durable on return.

        ``carry``: columns that the rows lack because the user may not see them. Their last known
        values are carried forward, so that hiding a column changes no record. If two calls in one
        commit add the same record, the later one wins.
        """
        ...

    def add_few(self, table: str, rows: Iterable[Rows], *, carry: Sequence[str] = ()) -> Added:
        """Do the same as ``add``, but keep few rows in the returned piece (``buffered``).

        They are durable where the piece is stored, and can be read only while the run is open.
        """
        ...

    def recall(self, added: Iterable[Added]) -> None:
        """Restore buffered rows from pieces that an earlier process received.

        A resumed run calls this before it adds more rows of the same table. Pieces of this
        process are known already.
        """
        ...

    def admitted(self, table: str, rows: Rows) -> Rows:
        """Return the rows without records that are suppressed, or match a suppressed value."""
        ...

    def admitted_ids(self, table: str, ids: pa.Array) -> pa.Array:
        """Return the ids without suppressed ones."""
        ...

    def erased_count(self, table: str) -> int:
        """Return the number of records of a table that are on the suppression list."""
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
        """Record that the user stopped or began to see these rows or columns."""
        ...

    def lineage(self, rows: Sequence[Lineage]) -> Added:
        """Record which live record replaces which; pass the result to ``finish`` under its table.

        Of two rows with the same (target, table, old), the later one wins, also across commits.
        Raises NotFound (``org-unknown``) if a target is not an org of this vault.
        """
        ...

    def counts(self, table: str, added: Sequence[Added]) -> Counts:
        """Count the effects of these pieces on a table: each record once, as ``finish`` does."""
        ...

    def put_certificate(self, certificate: Certificate) -> None:
        """Seal the run's certificate; part of the commit."""
        ...

    def finish(
        self, tables: Sequence[TableCommit], *, as_of: datetime, partial: bool = False
    ) -> SnapshotInfo:
        """Commit everything in one step. A repeated call returns the same snapshot.

        ``partial``: only these tables were read, and the snapshot records this (``only``).
        """
        ...

    def abandon(self) -> None:
        """Remove the intent, and the key of buffered rows.

        If the run has not committed, it is given up: objects that it wrote become garbage.
        """
        ...


class Journal(Protocol):
    """The actions of one run that writes to an org, entry by entry; entry 0 is its plan.

    Entries are sealed, never changed, and each proves all before it. Safe to share between threads.
    If two processes work on one run, the one that comes second to a number is stopped.
    """

    run: str

    def append(self, payload: bytes) -> int:
        """Append an entry and return its number; durable on return.

        The entry follows the ones that this object has read or written. An existing entry with the
        same bytes counts as written. Raises Conflict if there are other bytes
        (``journal-conflict``) or if the run is committed (``journal-closed``).
        """
        ...

    def read(self) -> Iterator[bytes]:
        """Read all entries in order, each proved before it is returned.

        Raises IntegrityError, which names the object, if an entry is missing or changed, or if the
        end is cut off. As long as the run has no commit, the number of entries is not recorded, so
        that a missing end is noticed only by a process that has read it before.
        """
        ...


class ForeignRemovals(Protocol):
    """The commits of an org that this home did not order.

    Nothing is removed because of one before it is confirmed, or 30 days have passed since this home
    first saw it. See docs/adr/0036.
    """

    def pending(self, *, measured: bool = ...) -> tuple[PendingRemoval, ...]:
        """List the commits that wait for a decision, and rejected ones that something remains of.

        Unless ``measured``, reads nothing of the objects: they may be gone, and have no sizes.
        """
        ...

    def confirm(self, number: int) -> None:
        """Let the next maintenance remove what a commit takes away.

        Raises NotFound (``removal-unknown``).
        """
        ...

    def reject(self, number: int, *, pause: Callable[[], None] = ...) -> RejectedRemoval:
        """Keep what a commit takes away, and put back what can be put back.

        Safe to repeat. Raises NotFound (``removal-unknown``), Conflict (``removal-order``) while
        an earlier commit waits.
        """
        ...

    def blocking(self) -> tuple[str, ...]:
        """List objects that a stranger has put where the next commits belong, so that none fits.

        Raises IntegrityError if a commit that this home has seen is damaged.
        """
        ...

    def unblock(self, *, keep: Callable[[str, bytes], object]) -> tuple[str, ...]:
        """Remove the objects that ``blocking`` lists; returns their names.

        ``keep`` gets each with its bytes before it is removed.
        """
        ...


class VaultMaintenance(Protocol):
    """The part of the port ``Vault`` for maintenance; ``org`` is its oid.

    ``pause`` is called regularly, and stops the work by raising.
    """

    def plan[E](
        self, org: str, operation: MaintenanceOperation[E], *, pause: Callable[[], None] = ...
    ) -> MaintenancePlan[E]:
        """Compute the effect that an operation would have now; writes nothing.

        Raises Conflict (``erase-held``, ``rectify-held``), UsageError, NotFound
        (``record-unknown``), and, for a salvage, IntegrityError if commits or schemas are damaged:
        then nothing can be salvaged.
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

        Computes the effect again, and raises the operation's Conflict (``forget-changed``,
        ``erase-changed``, ``rectify-changed``, ``salvage-changed``) if it has changed.
        ``before_write`` receives the effect once it is certain, also if there is nothing to write,
        and stops the operation by raising.

        Raises the errors of ``plan``, Conflict (``runs-open``) while a backup or restore is open,
        and (``maintenance-outrun``) if another run committed meanwhile. After an error nothing has
        changed, except that the rest of an earlier operation that was cut off may be removed.
        """
        ...

    def compact(self, org: str, *, run: str, pause: Callable[[], None] = ...) -> Compaction:
        """Merge versions of many commits where it is due, without any change to a snapshot.

        Only one may run in an org; backups and restores may run meanwhile. Raises Conflict
        (``maintenance-outrun``); earlier commits stay, and the next call does the rest.
        """
        ...

    def rekey(
        self, org: str, *, run: str, most: int | None = None, pause: Callable[[], None] = ...
    ) -> Rekeyed:
        """Reseal all live objects under the newest org key, then remove the earlier keys.

        Backups stay unchanged to the bit. ``most``: bytes after which it stops; the next call
        continues. Only one may run in an org; backups may run meanwhile. Raises Conflict
        (``maintenance-outrun``), IntegrityError, StoreError, and any error of ``pause``.
        """
        ...

    def sweep(self, org: str, *, run: str) -> Sweep:
        """Remove objects condemned days ago, and condemn leftovers of runs that failed."""
        ...

    def removals(self, org: str) -> ForeignRemovals:
        """Return the commits of an org that this home did not order, to decide about them."""
        ...

    def verify(
        self,
        level: VerifyLevel,
        *,
        part: VerifyPart | None = None,
        recorded: Mapping[str, int] | None = None,
    ) -> VerifyReport:
        """Check that all objects exist and, depending on ``level`` and ``part``, are undamaged.

        ``recorded``: by oid, a commit that certainly existed. Damage is reported and never raised.
        """
        ...

    def holds(self, org: str) -> tuple[Hold, ...]:
        """List all legal holds that were not lifted, including expired ones."""
        ...

    def change_holds(
        self,
        org: str,
        *,
        placed: Sequence[Hold] = (),
        lifted: Sequence[HoldTarget] = (),
        run: str,
    ) -> SnapshotInfo:
        """Lift legal holds, then place others; a new one replaces one on the same target."""
        ...

    def erased(self, org: str, records: Collection[RecordKey]) -> frozenset[RecordKey]:
        """Return the records among these that are on the suppression list."""
        ...

    def usage(self, org: str) -> OrgUsage:
        """Return the storage that an org needs, according to its newest commit."""
        ...


class Vault(VaultReader, VaultMaintenance, Protocol):
    """The encrypted vault. ``org``: the vault's own id of an org (oid).

    Commits are only appended; maintenance may remove or rewrite objects.
    """

    @property
    def homes(self) -> HomeCopies:
        """Copies of the data of the homes that use this vault."""
        ...

    def visible(self, hidden: Mapping[str, HiddenColumns]) -> VaultReader:
        """Return a reader of the vault without the ``hidden`` columns, by org."""
        ...

    def ensure_org(self, identity: OrgIdentity) -> str:
        """Return the oid of this org; creates one on first sight."""
        ...

    def begin(self, org: str, *, run: str, kind: CommitKind, identity: OrgIdentity) -> Commit:
        """Open or reopen the commit of a run; refuses another org's identity."""
        ...

    def uncached(self) -> Vault:
        """Return this vault without the local cache: every read goes to the store."""
        ...

    def read_files(self, org: str, blobs: Collection[str]) -> Mapping[str, bytes]:
        """Return the bytes of small files.

        Raises NotFound or IntegrityError for a missing or damaged one.
        """
        ...

    def journal(self, org: str, run: str) -> Journal:
        """Return the journal of a run; empty before its first entry."""
        ...

    def plan_code(self, plan: bytes) -> bytes:
        """Return the code of a plan's content under a key of this vault (HMAC, 32 bytes).

        It differs for each master key, so plans from before a renewal are not proved.
        """
        ...
