"""The ports through which the vault is read: nothing here writes, and hidden columns can be left out."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol

import pyarrow as pa

from unlost.model.bycolumns import ReadByColumns
from unlost.model.certificate import Certificate
from unlost.model.org import OrgIdentity
from unlost.model.salvage import SalvageTold
from unlost.model.schema import Schema
from unlost.model.snapshot import (
    HiddenItem,
    Lineage,
    SearchHit,
    SnapshotInfo,
    StoredFile,
    TableState,
    Version,
)


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

    def at(self, org: str, number: int) -> Snapshot:
        """The snapshot of this number; raises NotFound (``snapshot-forgotten`` too)."""
        ...

    def as_of(self, org: str, number: int) -> Snapshot:
        """Open a commit like ``at``, also one of which versions were forgotten."""
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

    def salvages(self, org: str) -> tuple[SalvageTold, ...]:
        """List the salvages, oldest first."""
        ...
