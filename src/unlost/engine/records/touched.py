"""Records of a set that changed between two backups, and changed records that belong to them.

    set: Account/001A           changed between the two backups:
                                  Account/001A                        a record of the set
                                  Contact/003B   AccountId=001A       refers to it
                                  OrderItem/802C OrderId=801D         refers to Order/801D, which
                                                                      refers to Account/001A
                                  Contact/003E   AccountId=001F       not of this set

The search goes from what changed up to the set, not down from the set: it costs as much as there
are changes, however large the tables are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.schema import Schema, Table, TableTrait

MOST_CHANGED = 50_000  # changed records of a table that are looked at
GET_IDS = 2_000


@dataclass(frozen=True, slots=True)
class TouchedRecord:
    """A changed record, and the record of the set that it belongs to: itself, or another one.

    ``commit``: number of the commit that brought its newest version.
    """

    key: RecordKey
    belongs_to: RecordKey
    commit: int


@dataclass(frozen=True, slots=True)
class TouchedRecords:
    """The changed records, the newest first. ``unsearched``: tables with too many changes."""

    records: tuple[TouchedRecord, ...]
    unsearched: tuple[str, ...] = ()


@dataclass(frozen=True)
class SetReach:
    """The tables from which references lead to the tables of a set, directly or over one more."""

    schema: Schema
    members: Mapping[str, frozenset[str]]

    @cached_property
    def business_tables(self) -> Mapping[str, Table]:
        """The tables whose records people change: no set-up data, no logs of changes."""
        tables = self.schema.tables
        logs = {table.change_log.table for table in tables if table.change_log is not None}
        return {
            table.name: table
            for table in tables
            if not table.has(TableTrait.CONFIGURATION) and table.name not in logs
        }

    @cached_property
    def near(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """By table and column, the tables of the set to which it refers."""
        owners = self.members.keys() & self.business_tables.keys()
        return self._referring(owners)

    @cached_property
    def far(self) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
        """By table and column, the tables to which it refers and which are near."""
        return self._referring(self.near.keys() - self.members.keys())

    @property
    def tables(self) -> list[str]:
        """All tables in which a change may belong to the set, by name."""
        return sorted({*self.members, *self.near, *self.far})

    def _referring(self, owners: set[str]) -> dict[str, Mapping[str, tuple[str, ...]]]:
        referring: dict[str, Mapping[str, tuple[str, ...]]] = {}
        for name, table in self.business_tables.items():
            columns = {
                column.name: tuple(owner for owner in column.reference.tables if owner in owners)
                for column in table.columns
                if column.reference is not None and column.reference.holds_one_id
            }
            columns = {column: tables for column, tables in columns.items() if tables}
            if columns:
                referring[name] = columns
        return referring


def touched_records(
    vault: VaultReader, org: str, members: Sequence[RecordKey], *, after: int, until: int
) -> TouchedRecords:
    """The changed records of a set, and changed ones that belong to it, between two backups.

    ``members``: the set. Raises NotFound for an unknown backup.
    """
    by_table: dict[str, set[str]] = {}
    for key in members:
        by_table.setdefault(key.table, set()).add(key.record)
    old, new = vault.at(org, after), vault.at(org, until)
    reach = SetReach(new.schema(), {name: frozenset(ids) for name, ids in by_table.items()})
    search = _Search(vault, org, old, new, reach)
    records = [record for table in reach.tables for record in search.touched(table)]
    ordered = sorted(records, key=lambda each: (-each.commit, str(each.key)))
    return TouchedRecords(tuple(ordered), tuple(search.unsearched))


@dataclass(slots=True)
class _Search:
    vault: VaultReader
    org: str
    old: Snapshot
    new: Snapshot
    reach: SetReach
    unsearched: list[str] = field(default_factory=list)

    def touched(self, table: str) -> Iterator[TouchedRecord]:
        """The changed records of a table that are in the set, or belong to it."""
        ids = self._changed(table)
        owners = SetOwners((self.new, self.old), self.reach)
        for at in range(0, len(ids), GET_IDS):
            some = ids.slice(at, GET_IDS)
            commits = self._commits(table, some)
            for record, owner in owners.of(table, some).items():
                yield TouchedRecord(RecordKey(table, record), owner, commits.get(record, 0))

    def _changed(self, table: str) -> pa.StringArray:
        """The ids of changed records; those of the set alone if a table has too many."""
        if table not in self.new.tables():
            return pa.array([], pa.string())
        parts: list[pa.Array] = []
        after, until = self.old.info.number, self.new.info.number
        for change in self.vault.changes(self.org, table, after=after, until=until):
            parts.append(change["_u_id"].cast(pa.string()).combine_chunks())
            if sum(map(len, parts)) > MOST_CHANGED:
                self.unsearched.append(table)
                return pa.array(sorted(self.reach.members.get(table, ())), pa.string())
        return pa.concat_arrays(parts) if parts else pa.array([], pa.string())

    def _commits(self, table: str, ids: pa.StringArray) -> Mapping[str, int]:
        rows = self.new.get(table, ids.to_pylist(), columns=[])
        return dict(zip(rows["_u_id"].to_pylist(), rows["_u_snap"].to_pylist(), strict=True))


@dataclass(frozen=True, slots=True)
class SetOwners:
    """The records of a set to which others belong, by the references in any of the ``snapshots``."""

    snapshots: Sequence[Snapshot]
    reach: SetReach

    def of(self, table: str, ids: pa.StringArray) -> dict[str, RecordKey]:
        """The record of the set to which each of these belongs, without records of no member."""
        members = pa.array(sorted(self.reach.members.get(table, frozenset())), pa.string())
        is_member = pc.is_in(ids, value_set=members)
        owners = {record: RecordKey(table, record) for record in ids.filter(is_member).to_pylist()}
        owners |= self._near(table, ids.filter(pc.invert(is_member)))
        rest = [record for record in ids.to_pylist() if record not in owners]
        return owners | self._far(table, pa.array(rest, pa.string()))

    def referred(self, table: str, values: Mapping[str, str | None]) -> RecordKey | None:
        """The record of the set to which a record with these values belongs, if there is one."""
        for column, tables in self.reach.near.get(table, {}).items():
            value = values.get(column)
            for owner in tables:
                if value in self.reach.members[owner]:
                    return RecordKey(owner, str(value))
        for column, tables in self.reach.far.get(table, {}).items():
            value = values.get(column)
            for between in tables if value else ():
                near = self._near(between, pa.array([value], pa.string()))
                if near:
                    return next(iter(near.values()))
        return None

    def _near(self, table: str, ids: pa.StringArray) -> dict[str, RecordKey]:
        """The records that refer to the set."""
        owners: dict[str, RecordKey] = {}
        for column, tables in self.reach.near.get(table, {}).items():
            for owner in tables:
                members = pa.array(sorted(self.reach.members[owner]), pa.string())
                for record, value in self._referring(table, column, ids, members):
                    owners.setdefault(record, RecordKey(owner, value))
        return owners

    def _far(self, table: str, ids: pa.StringArray) -> dict[str, RecordKey]:
        """The records that refer to records which refer to the set."""
        owners: dict[str, RecordKey] = {}
        for column, tables in self.reach.far.get(table, {}).items():
            pairs = list(self._referring(table, column, ids, None))
            parents = pa.array(sorted({value for _, value in pairs}), pa.string())
            for between in tables:
                near = self._near(between, parents)
                for record, value in pairs:
                    if value in near:
                        owners.setdefault(record, near[value])
        return owners

    def _referring(
        self, table: str, column: str, ids: pa.StringArray, values: pa.Array | None
    ) -> Iterator[tuple[str, str]]:
        """The records whose column has one of these values (any, if None), in any snapshot."""
        for snapshot in self.snapshots:
            shape = snapshot.schema().table(table) if table in snapshot.tables() else None
            if shape is None or shape.column(column) is None or not len(ids):
                continue
            rows = snapshot.get(table, ids.to_pylist(), columns=[column])
            texts = rows[column].cast(pa.string())
            hit = pc.is_valid(texts) if values is None else pc.is_in(texts, value_set=values)
            some = rows.filter(hit)
            yield from zip(
                some["_u_id"].to_pylist(), some[column].cast(pa.string()).to_pylist(), strict=True
            )
