"""Facts about a record for people: its table, its name, and its deletion."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from unlost.app.records.excerpt import excerpt
from unlost.engine.merge_winner import merge_winner
from unlost.model.errors import NotFound
from unlost.model.named_records import named_records, names_ids, texts_of
from unlost.model.source.display import DisplayRule
from unlost.model.source.reading import Op
from unlost.model.source.schema import Column, Reference, Schema, Table
from unlost.model.vault.snapshot import SnapshotInfo, Version

if TYPE_CHECKING:
    from unlost.model.ports.vault import Snapshot


@dataclass(frozen=True, slots=True)
class RecordDeletion:
    """The kind of a record's deletion, and its time and user as far as the org reported them.

    ``at`` None: it lies between the backups at ``after`` (None: before the first) and ``until``.
    ``merged_into``: the record into which the org merged it, with its name; None if it did not.
    """

    how: Op
    at: datetime | None
    by: str | None
    by_name: str
    after: datetime | None
    until: datetime
    merged_into: str | None = None
    merged_into_name: str = ""


def table_named(schema: Schema, name: str) -> Table:
    """Return the table of this name, in any case; raises NotFound."""
    exact = schema.table(name)
    if exact is not None:
        return exact
    same = [table for table in schema.tables if table.name.lower() == name.lower()]
    if len(same) == 1:
        return same[0]
    near = get_close_matches(name, [table.name for table in schema.tables], n=3, cutoff=0.5)
    raise NotFound(
        "table-unknown",
        "This backup has no table {name!r}.",
        next_step="Did you mean {near}?" if near else "List the tables with `unlost certificate`.",
        near=" or ".join(near),
        name=name,
    )


def record_unknown(table: str, record: str) -> NotFound:
    """Return the error for a record that is not in the vault: never seen, forgotten or erased."""
    return NotFound(
        "record-unknown",
        "The vault has no record {record!r} in {table}.",
        next_step="Search for it with `unlost find` by number, name, e-mail or phone. Erased "
        "records are no longer in the vault.",
        record=record,
        table=table,
    )


def deletion_of(
    versions: Sequence[Version],
    nights: Sequence[SnapshotInfo],
    *,
    people: UserNames,
    winners: MergeWinners,
) -> RecordDeletion | None:
    """Return the deletion of a record with these versions (oldest first); None if it is live."""
    if not versions or versions[-1].op.alive:
        return None
    last = versions[-1]
    first = _first_tombstone(versions)
    before = [night for night in nights if night.number < first.snapshot and night.read(last.table)]
    # A deleted row has both; most lists of deletions have times only.
    by = last.modified_by if last.op in (Op.DELETED, Op.PURGED) else None
    winner = winners.of(versions)
    return RecordDeletion(
        how=last.op,
        at=_gone_at(last),
        by=by,
        by_name=people.name(last.table, by),
        after=before[-1].as_of if before else None,
        until=first.observed_at,
        merged_into=winner,
        merged_into_name=winners.name(last.table, winner),
    )


def _gone_at(last: Version) -> datetime | None:
    """Return when a record left the org, by its last version; None if it is not known exactly."""
    if last.op is Op.ARCHIVED:
        return last.observed_at
    return last.modified_at if last.op in (Op.DELETED, Op.PURGED) else None


def last_alive(versions: Sequence[Version], nights: Sequence[SnapshotInfo]) -> int | None:
    """Return the number of the last backup that shows a deleted record live; None if none does.

    Those that did may have been forgotten.
    """
    alive = [version.snapshot for version in versions if version.op.alive]
    first = _first_tombstone(versions)
    numbers = [night.number for night in nights]
    shown = [n for n in numbers if alive and alive[-1] <= n < first.snapshot]
    return shown[-1] if shown else None


def _first_tombstone(versions: Sequence[Version]) -> Version:
    """Return the first tombstone of the last deletion; later ones only add detail."""
    first = versions[-1]
    for version in reversed(versions):
        if version.op.alive:
            break
        first = version
    return first


class UserNames:
    """Names of the users who changed records, read from a snapshot and cached."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._names = RecordNames(snapshot)
        self._schema = snapshot.schema()

    def name(self, table: str, user: str | None) -> str:
        """Return the name of a user in a table's last-modified column; empty if unknown."""
        described = self._schema.table(table)
        column = (
            described
            and described.modified_by_column
            and described.column(described.modified_by_column)
        )
        if not user or not column or column.reference is None:
            return ""
        if column.reference.key_column is not None:
            return self._names.by_key(column.reference, user)
        return self._names.of(column.reference.tables, [user]).get(user, "")


class MergeWinners:
    """The records into which the org merged others, read from a snapshot."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._names = RecordNames(snapshot)
        self._schema = snapshot.schema()

    def column(self, table: str) -> str | None:
        """Return the column of a table that names the surviving record; None if it has none."""
        described = self._schema.table(table)
        return described.merged_into_column if described is not None else None

    def of(self, versions: Sequence[Version]) -> str | None:
        """Return the record into which one with these versions (oldest first) was merged."""
        return merge_winner(versions, self._schema.table(versions[-1].table))

    def name(self, table: str, winner: str | None) -> str:
        """Return the name of a surviving record; empty if there is none."""
        return self._names.of([table], [winner]).get(winner, "") if winner is not None else ""


@dataclass(frozen=True, slots=True)
class ValueMeaning:
    """A record to which a value refers: its table and name; or a label, without a table."""

    table: str
    name: str


def name_in(cells: Mapping[str, str | None], table: Table, texts: Sequence[str] = ()) -> str:
    """Return the name of a record with these values, else the first words of its texts."""
    name = cells.get(table.name_column) if table.name_column is not None else None
    return name or next((words for text in texts if (words := excerpt(cells.get(text) or ""))), "")


def _several(texts: Sequence[str], records: Mapping[str, ValueMeaning]) -> ValueMeaning:
    """Return the names of the records in a list; with their table if it has one record."""
    names = ", ".join(records[text].name if text in records else text for text in texts)
    table = records[texts[0]].table if len(texts) == 1 and texts[0] in records else ""
    return ValueMeaning(table, names)


def no_rule(_: Table) -> DisplayRule:
    """No column has a role: the knowledge about an org without a connector."""
    return DisplayRule()


class RecordNames:
    """Names of records, read from a snapshot and cached.

    ``rules``: the columns of a table that have a role for people, such as the texts whose first
    words stand for a name.
    """

    def __init__(self, snapshot: Snapshot, rules: Callable[[Table], DisplayRule] = no_rule) -> None:
        self._snapshot, self._rules = snapshot, rules
        self._schema = snapshot.schema()
        self._held = snapshot.tables()
        self._known: dict[tuple[str, str], str] = {}
        self._keys: dict[tuple[str, str], str] = {}

    def number_column(self, table: Table) -> str | None:
        """Return the column with the number by which people know a record; None without one."""
        return next(iter(self._rules(table).number_columns), None)

    def of(self, tables: Iterable[str], ids: Sequence[str]) -> Mapping[str, str]:
        """Return names by id, for the records that are in one of the tables."""
        return {record_id: named.name for record_id, named in self.named(tables, ids).items()}

    def named(self, tables: Iterable[str], ids: Sequence[str]) -> Mapping[str, ValueMeaning]:
        """Return tables and names by id, for the records that are in one of the tables."""
        records: dict[str, ValueMeaning] = {}
        for table in tables:
            wanted = [record_id for record_id in ids if record_id not in records]
            names = self._in_table(table, wanted)
            records |= {record_id: ValueMeaning(table, name) for record_id, name in names.items()}
        return records

    def by_key(self, reference: Reference, key: str) -> str:
        """Return the name of the live record that a reference by key names; empty if unknown."""
        for table in reference.tables:
            if (table, key) not in self._keys:
                self._keys[table, key] = self._holder(table, reference.key_column or "", key)
            if self._keys[table, key]:
                return self._keys[table, key]
        return ""

    def _holder(self, name: str, key_column: str, key: str) -> str:
        table = self._schema.table(name)
        if table is None or name not in self._held or table.column(key_column) is None:
            return ""
        rows = self._snapshot.where(name, key_column, [key], columns=[]).to_pylist()
        alive = [str(row["_u_id"]) for row in rows if Op(row["_u_op"]).alive]
        return next(iter(self._in_table(name, alive).values()), "")

    def meaning(self, column: Column, values: Sequence[str]) -> Mapping[str, ValueMeaning]:
        """Return what values of a column stand for, if it is known: records, or labels of lists."""
        return self.meanings(column, [{column.name: value} for value in values])

    def meanings(
        self, column: Column, rows: Sequence[Mapping[str, str | None]]
    ) -> Mapping[str, ValueMeaning]:
        """Return the same by the cells of rows, which may name the tables of their records."""
        cells = {cell for row in rows if (cell := row.get(column.name))}
        if not names_ids(column):
            labels = {cell: column.label_of(cell) for cell in cells}
            return {cell: ValueMeaning("", label) for cell, label in labels.items() if label}
        wanted: dict[tuple[str, ...], dict[str, None]] = {}
        for named in (named for row in rows for named in named_records(column, row)):
            wanted.setdefault(named.tables, {})[named.text] = None
        records: dict[str, ValueMeaning] = {}
        for tables, texts in wanted.items():
            records |= self.named(tables, list(texts))
        reference = column.reference
        if reference is None or reference.separator is None:
            return records
        listed = {cell: texts_of(reference, cell) for cell in cells}
        return {cell: _several(texts, records) for cell, texts in listed.items()}

    def _in_table(self, name: str, ids: Sequence[str]) -> Mapping[str, str]:
        table = self._schema.table(name)
        if table is None or name not in self._held:
            return {}
        texts = self._rules(table).text_columns
        if table.name_column is None and not texts:
            return {}
        missing = [record_id for record_id in ids if (name, record_id) not in self._known]
        self._known |= {(name, record_id): "" for record_id in missing}
        if missing and table.name_column is not None:
            self._learn(table, missing, [table.name_column])
        nameless = [record_id for record_id in missing if not self._known[name, record_id]]
        if nameless and texts:
            self._learn(table, nameless, texts)
        return {
            record_id: self._known[name, record_id]
            for record_id in ids
            if self._known[name, record_id]
        }

    def _learn(self, table: Table, ids: Sequence[str], columns: Sequence[str]) -> None:
        rows = self._snapshot.get(table.name, ids, columns=columns).to_pylist()
        texts = [column for column in columns if column != table.name_column]
        self._known |= {(table.name, row["_u_id"]): name_in(row, table, texts) for row in rows}
