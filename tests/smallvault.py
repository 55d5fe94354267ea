"""One org in a vault in memory, and rows by hand: for tests of single promises of the vault."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pyarrow as pa

from unlost.model.org import OrgIdentity
from unlost.model.ports.removals import RemovalLedger
from unlost.model.ports.system import Witness
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.snapshot import Added, CommitKind, SnapshotInfo, TableCommit
from unlost.model.vault.store import Store
from unlost.testing.clock import START, VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.vault.commits.foreign_commits import ProcessLedger
from unlost.vault.keys.founding import draft_keyring
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, VaultOptions, create_vault, open_vault
from unlost.vault.write.open_commit import OpenCommit

IDENTITY = OrgIdentity("fake", "T1", label="The org")
TABLE = "Thing"
NAMES = ("Name", "Phone", "Amount", "Seen", "Text")
COLUMNS = {
    "Name": Column("Name", WireKind.TEXT, traits=frozenset({ColumnTrait.NAME})),
    "Phone": Column("Phone", WireKind.TEXT, traits=frozenset({ColumnTrait.PHONE})),
    "Amount": Column("Amount", WireKind.DECIMAL),
    "Seen": Column("Seen", WireKind.INSTANT, traits=frozenset({ColumnTrait.VOLATILE})),
    "Text": Column("Text", WireKind.TEXT),
}

type Cells = Mapping[str, str | None]
type Row = tuple[str, str, Cells | None]


def schema(*names: str, hidden: Sequence[str] = (), fingerprint: str = "f") -> Schema:
    """A schema of the table with these columns (none named: all)."""
    columns = tuple(COLUMNS[name] for name in names or NAMES)
    return Schema((Table(TABLE, columns, name_column="Name", hidden=tuple(hidden)),), fingerprint)


def rows(*seen: Row, names: Sequence[str] = NAMES, minute: int = 0) -> Rows:
    """Rows as (id, op, cells)."""
    count = len(seen)
    cells = None
    if any(row[2] is not None for row in seen):
        arrays = [
            pa.array([(c or {}).get(name) for _, _, c in seen], pa.string()) for name in names
        ]
        cells = pa.RecordBatch.from_arrays(arrays, names=list(names))
    return Rows(
        ids=pa.array([row[0] for row in seen], pa.string()),
        ops=pa.array([row[1] for row in seen], pa.string()),
        modified_at=pa.nulls(count, pa.timestamp("ms", tz="UTC")),
        modified_by=pa.nulls(count, pa.string()),
        cells=cells,
        observed_at=START + timedelta(minutes=minute),
    )


@dataclass
class SmallVault:
    """An opened vault with one org; ``reopen`` is another process of the same home."""

    store: Store = field(default_factory=MemoryStore)
    clock: VirtualClock = field(default_factory=VirtualClock)
    entropy: SeededEntropy = field(default_factory=lambda: SeededEntropy(1))
    options: VaultOptions = field(default_factory=VaultOptions)
    witness: Witness | None = None
    ledger: RemovalLedger = field(default_factory=ProcessLedger)
    keys: Keyring = field(init=False)
    vault: EncryptedVault = field(init=False)
    org: str = field(init=False)

    def __post_init__(self) -> None:
        self.keys = draft_keyring(self.store, entropy=self.entropy)
        self.vault = create_vault(
            self.store,
            keys=self.keys,
            clock=self.clock,
            entropy=self.entropy,
            witness=self.witness,
            ledger=self.ledger,
            options=self.options,
        )
        self.org = self.vault.ensure_org(IDENTITY)

    def reopen(self) -> EncryptedVault:
        """The vault as another process finds it."""
        self.vault = open_vault(
            self.store,
            keys=self.keys,
            clock=self.clock,
            entropy=self.entropy,
            witness=self.witness,
            ledger=self.ledger,
            options=self.options,
        )
        return self.vault

    def copied(self, store: Store | None = None) -> "SmallVault":
        """The same vault in another store, opened by another process; in memory by default."""
        copied = copy.copy(self)
        copied.store = store if store is not None else MemoryStore()
        for listed in self.store.list(""):
            assert copied.store.put_new(listed.name, self.store.get(listed.name))
        copied.keys = self.keys.for_store(copied.store)
        copied.reopen()
        return copied

    def begin(self, run: str, *, put: Schema | None = None) -> OpenCommit:
        """Begin a backup, with the schema of all columns or this one."""
        commit = self.vault.begin(self.org, run=run, kind=CommitKind.BACKUP, identity=IDENTITY)
        commit.put_schema(put or schema())
        return commit

    def night(self, run: str, *seen: Row) -> SnapshotInfo:
        """One whole backup of these rows."""
        commit = self.begin(run)
        return finish(commit, commit.add(TABLE, [rows(*seen)]))

    def cells(self, number: int) -> dict[str, dict[str, str | None]]:
        """Live records of a snapshot."""
        found = self.vault.at(self.org, number).scan(TABLE).read_all().to_pylist()
        return {
            row["_u_id"]: {k: v for k, v in row.items() if not k.startswith("_u_")} for row in found
        }

    def changed(self, after: int, until: int) -> dict[str, str]:
        """What ``changes`` tells."""
        parts = self.vault.changes(self.org, TABLE, after=after, until=until)
        return {r["_u_id"]: r["change"] for part in parts for r in part.to_pylist()}


def finish(commit: OpenCommit, *added: Added) -> SnapshotInfo:
    """Finish a run with these pieces of one table."""
    table = added[0].table if added else TABLE
    return commit.finish([TableCommit(table, tuple(added))], as_of=START)
