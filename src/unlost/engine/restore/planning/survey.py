"""The basis of a plan: the live org, the vault's backups, write capabilities.

Everything is queried once. Nothing here writes.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.planning.lives import lives_of
from unlost.engine.restore.values.addresses import IdIndex
from unlost.engine.restore.values.edits import NO_EDITS, Backups, Edits, Values, checked
from unlost.model.bypass import Bypass
from unlost.model.errors import NotFound, UsageError
from unlost.model.org import OrgIdentity
from unlost.model.plan import PlanBasis, RecordKey
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock, Observer
from unlost.model.ports.vault import Snapshot, Vault
from unlost.model.ports.writer import PlanningAccess
from unlost.model.runs.exclusion import RunKind
from unlost.model.runs.progress import Phase, Progress
from unlost.model.source.reading import Op, Rows
from unlost.model.source.schema import Reference, Schema, Table, TableTrait
from unlost.model.source.shared_files import SharedFile
from unlost.model.source.writing import Birth, WriteCapability
from unlost.model.storage import StorageRule
from unlost.model.vault.snapshot import CommitKind, Lineage, SnapshotInfo

READ_IDS = 500  # records with all their cells in memory at a time
FETCH_IDS = 2_000  # ids requested at a time
WITH_CELLS = frozenset({Op.STATE.value, Op.DELETED.value})
NO_TABLE = WriteCapability("", reason="The org no longer has this table.")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanPorts:
    """The ports of a plan. The writer only reports its capabilities, and writes nothing.

    ``basis``: the user whose permissions ``writer`` reports. ``bypass``: the switch that the org's admin
    named, None for none. ``rules``: the storage that records need in the org, by table; empty if the
    connector does not know it. ``shared``: the kinds of files that records share there.
    """

    source: Source
    writer: PlanningAccess
    vault: Vault
    clock: Clock
    observer: Observer
    basis: PlanBasis = PlanBasis.WRITE_USER
    bypass: Bypass | None = None
    rules: Mapping[str, StorageRule] = field(default_factory=dict)
    shared: tuple[SharedFile, ...] = ()


@dataclass(frozen=True, slots=True)
class LiveRow:
    """A record as the org has it: live, or in its bin."""

    deleted: bool
    cells: Mapping[str, str | None]


class RestoreSurvey:
    """The answers that a plan needs; not for sharing between threads."""

    def __init__(
        self,
        org: str,
        ports: PlanPorts,
        *,
        unbinned: Collection[RecordKey] = (),
        edits: Edits = NO_EDITS,
        takes_back: str = "",
        archived: Collection[RecordKey] = (),
    ) -> None:
        """``unbinned``: records that cannot leave the bin, whatever the org shows.

        ``edits`` are wanted instead of the vault's values. ``takes_back``: a run whose new records
        take the place of none. ``archived``: records that an archive took away.

        Raises UsageError (``other-org``) if source or writer is another org than the vault's.
        """
        self.org = org
        self.ports = ports
        self._edits = edits
        self._takes_back = takes_back
        self.archived = frozenset(archived)
        self._unbinned = frozenset(unbinned)
        self.identity = _same_org(org, ports)
        self._snapshots: dict[int, Snapshot] = {}
        self._shapes: dict[tuple[int, str], Table | None] = {}
        self._references: dict[tuple[int, str, str], Reference] = {}
        self._capabilities: dict[str, WriteCapability] = {}

    # --- the org -----------------------------------------------------------------------------------

    @cached_property
    def schema(self) -> Schema:
        """The source's present schema."""
        self.report_progress(Phase.DISCOVER)
        return self.ports.source.discover()

    @cached_property
    def tables(self) -> Mapping[str, Table]:
        """The org's tables by name."""
        return {table.name: table for table in self.schema.tables}

    def table(self, name: str) -> Table:
        """A table that the org is known to have."""
        return self.tables[name]

    def capability(self, name: str) -> WriteCapability:
        """The write capability for a table; an empty one if the org does not have it."""
        if name not in self._capabilities:
            table = self.tables.get(name)
            known = self.ports.writer.capability(table) if table is not None else NO_TABLE
            self._capabilities[name] = known
        return self._capabilities[name]

    def is_business_table(self, name: str) -> bool:
        """True if the org has this table, and it is not configuration."""
        table = self.tables.get(name)
        return table is not None and not table.has(TableTrait.CONFIGURATION)

    def plannable(self, name: str) -> bool:
        """True if records of this table belong in a plan, if only to be named as not restored.

        A plan counts others by table: configuration, and data that only the org writes.
        """
        return self.is_business_table(name) and self.capability(name).birth is not Birth.NEVER

    def referring(self, name: str) -> list[str]:
        """The org's tables that may refer to records of this one."""
        return [
            table.name
            for table in self.schema.tables
            for column in table.columns
            if column.reference is not None and name in column.reference.tables
        ]

    def rows(self, name: str, ids: Sequence[str], *, columns: Sequence[str]) -> dict[str, LiveRow]:
        """The org's rows of these ids, including its bin."""
        live_rows: dict[str, LiveRow] = {}
        for chunk in chunks(ids, READ_IDS):
            for page in self.ports.source.read_ids(self.table(name), chunk):
                live_rows.update(_live_rows(page.rows, columns))
            self.report_progress(Phase.READ, name, rows=len(chunk))
        for key in self._unbinned:
            if key.table == name and key.record in live_rows and live_rows[key.record].deleted:
                # The org still shows it in the bin, but refused to undelete it.
                del live_rows[key.record]
        return live_rows

    def alive(self, name: str, ids: Iterable[str]) -> set[str]:
        """The live ones of these ids."""
        live_ids: set[str] = set()
        for chunk in chunks(sorted(set(ids)), FETCH_IDS):
            rows = self.ports.writer.fetch(self.table(name), chunk, columns=[])
            live_ids.update(rows.ids.to_pylist())
        return live_ids

    # --- the vault ---------------------------------------------------------------------------------

    @cached_property
    def backups(self) -> Sequence[SnapshotInfo]:
        """All backups, oldest first; raises NotFound (``no-backup-yet``) if there is none."""
        backups = self.ports.vault.snapshots(self.org)
        if not backups:
            raise NotFound(
                "no-backup-yet",
                "This org has no backup yet.",
                next_step="Start a backup with `unlost backup ORG`.",
            )
        return backups

    @property
    def newest(self) -> int:
        """The number of the newest backup."""
        return self.backups[-1].number

    def backup_before(self, number: int) -> int | None:
        """The newest backup before commit ``number``; of a forgotten one the last states remain."""
        earlier = [backup for backup in self._backup_numbers if backup < number]
        return earlier[-1] if earlier else None

    def backup_after(self, number: int) -> int | None:
        """The first backup after commit ``number``; None if there is none yet."""
        return next((backup for backup in self._backup_numbers if backup > number), None)

    @cached_property
    def _backup_numbers(self) -> Sequence[int]:
        """Numbers of all backups that ever existed, oldest first."""
        commits = self.ports.vault.commits(self.org)
        return [info.number for info in commits if info.kind is CommitKind.BACKUP]

    def snapshot(self, number: int) -> Snapshot:
        """A snapshot; raises NotFound."""
        if number not in self._snapshots:
            self._snapshots[number] = self.ports.vault.at(self.org, number, forgotten=True)
        return self._snapshots[number]

    def shape(self, number: int, name: str) -> Table | None:
        """A table as it was in a snapshot; None if it did not exist."""
        key = (number, name)
        if key not in self._shapes:
            snapshot = self.snapshot(number)
            is_stored = name in snapshot.tables()
            self._shapes[key] = snapshot.schema().table(name) if is_stored else None
        return self._shapes[key]

    def reference(self, number: int, name: str, column: str) -> Reference:
        """The tables that a reference pointed to in a snapshot."""
        key = (number, name, column)
        if key not in self._references:
            shape = self.shape(number, name)
            referring = shape.column(column) if shape is not None else None
            if referring is None:  # a value was typed for a column that was added later
                referring = self.table(name).column(column)
            assert referring is not None
            assert referring.reference is not None
            self._references[key] = referring.reference
        return self._references[key]

    @cached_property
    def lineage(self) -> Mapping[RecordKey, str]:
        """Records that came back earlier under another id, and that id."""
        return lives_of(self._lineages, self.org)

    @cached_property
    def _lineages(self) -> Sequence[Lineage]:
        rows = self.ports.vault.lineage(self.org, superseded=True)
        return [row for row in rows if row.run != self._takes_back]

    @cached_property
    def freed(self) -> frozenset[RecordKey]:
        """Records whose places new ones took in an archive."""
        return frozenset(
            key
            for row in self._lineages
            if row.run.startswith(RunKind.ARCHIVE)
            and (key := RecordKey(row.table, row.old)) in self.lineage
            and self.lineage[key] != row.old
        )

    def restored_id(self, old: str) -> str | None:
        """The id with which the record of this id came back earlier; a shortened id will do."""
        key = self._replaced_ids.find(old)
        return None if key is None else self.lineage[key]

    @cached_property
    def _replaced_ids(self) -> IdIndex:
        return IdIndex(self.lineage)

    def lives(self, key: RecordKey) -> tuple[str, ...]:
        """The ids under which a record may be live, the likeliest first.

        An older life can be live although the last one is not: the bin returns it with its master.
        """
        last = self.life(key)
        known = dict.fromkeys((last.record, key.record))
        return tuple(known | dict.fromkeys(self._earlier.get(last, ())))

    @cached_property
    def _earlier(self) -> Mapping[RecordKey, Sequence[str]]:
        """All earlier ids of a record, by its last life."""
        earlier: dict[RecordKey, list[str]] = defaultdict(list)
        for key, last in self.lineage.items():
            earlier[RecordKey(key.table, last)].append(key.record)
        return earlier

    def typed(self, key: RecordKey) -> Values:
        """Values typed for a record, under any of its ids."""
        return self._typed.get(self.life(key), {}) if self._typed else {}

    def taken(self, key: RecordKey) -> Backups:
        """Columns of a record that come from other backups; not those with a typed value."""
        backups, typed = self.edits.taken.get(key, {}), self.typed(key)
        return {name: number for name, number in backups.items() if name not in typed}

    def life(self, key: RecordKey) -> RecordKey:
        """The last life of a record: one that came back and was lost again is one record."""
        return RecordKey(key.table, self.lineage.get(key, key.record))

    @cached_property
    def edits(self) -> Edits:
        """Typed values as cells; raises UsageError (``edit-…``) for values that cannot be set."""
        if not self._edits.records:
            return self._edits
        zone = ZoneInfo(self.identity.zone)
        return checked(self._edits, self.tables, self.capability, zone=zone)

    @cached_property
    def _typed(self) -> Mapping[RecordKey, Values]:
        return {self.life(key): edit_cells for key, edit_cells in self.edits.values.items()}

    def newest_alive(self, name: str, ids: Sequence[str], *, upto: int) -> dict[str, int]:
        """For each id the newest backup, up to ``upto``, in which the record was alive."""
        newest: dict[str, int] = {}
        by_bound = {upto: list(ids)}
        while by_bound:
            number = max(by_bound)
            for key, alive, since in self._states(number, name, by_bound.pop(number)):
                earlier = self.backup_before(since)
                if alive:
                    newest[key] = number
                elif earlier is not None:
                    by_bound.setdefault(earlier, []).append(key)
        return newest

    def _states(
        self, number: int, name: str, ids: Sequence[str]
    ) -> Iterator[tuple[str, bool, int]]:
        """The ids known to a snapshot: alive or not, and since which commit."""
        if self.shape(number, name) is None:
            return
        for chunk in chunks(ids, FETCH_IDS):
            rows = self.snapshot(number).get(name, chunk, columns=[])
            ops = [text == Op.STATE.value for text in rows["_u_op"].to_pylist()]
            yield from zip(rows["_u_id"].to_pylist(), ops, rows["_u_snap"].to_pylist(), strict=True)

    def merged_into(self, name: str, ids: Sequence[str]) -> dict[str, str]:
        """For lost records the ones into which they were merged, as far as a backup saw that."""
        column, shape = self.tables[name].merged_into_column or "", self.shape(self.newest, name)
        if shape is None or shape.column(column) is None:
            return {}
        winners: dict[str, str] = {}
        for chunk in chunks(ids, FETCH_IDS):
            rows = self.snapshot(self.newest).get(name, chunk, columns=[column])
            dead = rows.filter(pc.not_equal(rows["_u_op"].cast(pa.string()), Op.STATE.value))
            named = dead.filter(pc.is_valid(dead[column]))
            winners.update(zip(named["_u_id"].to_pylist(), named[column].to_pylist(), strict=True))
        return winners

    # --- progress ------------------------------------------------------------------------------------

    def report_progress(self, phase: Phase, table: str = "", *, rows: int = 0) -> None:
        """Report the progress of planning."""
        self.ports.observer.progress(Progress(phase, table, rows=rows))


def chunks[T](items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The items, at most ``size`` at a time."""
    for at in range(0, len(items), size):
        yield items[at : at + size]


def _same_org(org: str, ports: PlanPorts) -> OrgIdentity:
    known = ports.vault.orgs().get(org)
    for identity in (ports.source.identity(), ports.writer.identity()):
        if known is None or not known.same_org(identity):
            raise UsageError(
                "other-org",
                "The credentials belong to {label}, which is not the org of the backup.",
                next_step="Check the address of the org with `unlost org list`.",
                label=identity.label or identity.tenant,
            )
    assert known is not None
    return known


def _live_rows(rows: Rows, columns: Sequence[str]) -> dict[str, LiveRow]:
    """Rows of a page, with the columns that the source delivered.

    A row with only an id is purged: its record no longer exists.
    """
    cells: Sequence[Mapping[str, str | None]] = [{}] * len(rows)
    if rows.cells is not None:
        present = [name for name in columns if name in rows.cells.schema.names]
        cells = rows.cells.select(present).to_pylist() if present else cells
    live_triples = zip(rows.ids.to_pylist(), rows.ops.to_pylist(), cells, strict=True)
    return {
        key: LiveRow(op == Op.DELETED.value, live_cells)
        for key, op, live_cells in live_triples
        if op in WITH_CELLS
    }
