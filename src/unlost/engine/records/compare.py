"""Compare two backups, or a backup and the live org: records created, changed, deleted, revived.

Both yield tables in bounded batches, one row a field: ``id``, ``change``, ``column``, ``old``,
``new``. A record that was created, deleted, archived or revived without a differing cell has one
row with a null column.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.merge import align_streams, read_run, write_sorted_runs
from unlost.engine.records.archived import ArchivedRecords, with_archived
from unlost.engine.restore.journal.archives import ArchiveRuns
from unlost.engine.rows import chosen
from unlost.engine.sameness import differs
from unlost.model.errors import NotFound
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.reading import Op, ReadTask, Ready, Rows
from unlost.model.source.schema import Column, ColumnTrait, Schema, Table, WireKind
from unlost.model.vault.snapshot import ChangeKind, CommitKind

GET_IDS = 1_000
GONE = pa.array([ChangeKind.DELETED.value, ChangeKind.ARCHIVED.value])
DIFFERENCES = pa.schema(
    [
        ("id", pa.string()),
        ("change", pa.string()),
        ("column", pa.string()),
        ("old", pa.string()),
        ("new", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class TableSummary:
    """The differences in one table, in records."""

    table: str
    created: int = 0
    changed: int = 0
    deleted: int = 0
    revived: int = 0
    archived: int = 0

    @property
    def total(self) -> int:
        """Records that differ in any way."""
        return self.created + self.changed + self.deleted + self.revived + self.archived

    def of_kind(self, kind: ChangeKind) -> int:
        """Return the number of records that differ in this way."""
        counts = {
            ChangeKind.CREATED: self.created,
            ChangeKind.CHANGED: self.changed,
            ChangeKind.DELETED: self.deleted,
            ChangeKind.REVIVED: self.revived,
            ChangeKind.ARCHIVED: self.archived,
        }
        return counts[kind]


@dataclass(frozen=True, slots=True)
class Between:
    """Two snapshots of one org, the earlier one first.

    ``filtered``: tables whose hidden columns the vault leaves out. ``uncommitted``: records of
    archives that commit after ``new``, or not yet.
    """

    vault: VaultReader
    org: str
    old: Snapshot
    new: Snapshot
    filtered: frozenset[str] = frozenset()
    uncommitted: ArchiveRuns = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        vault: VaultReader,
        org: str,
        *,
        after: int,
        other: int,
        filtered: Iterable[str] = (),
        uncommitted: ArchiveRuns | None = None,
    ) -> "Between":
        """The snapshots of these numbers, in either order."""
        first, last = sorted((after, other))
        old, new = vault.at(org, first), vault.at(org, last)
        return cls(vault, org, old, new, frozenset(filtered), uncommitted or {})

    @property
    def archives(self) -> ArchivedRecords:
        """The records that archives took out of the org, as the later snapshot has them."""
        return ArchivedRecords(self.vault, self.new, self.uncommitted)

    def tables(self) -> list[str]:
        """Tables of either snapshot."""
        return sorted({*self.old.tables(), *self.new.tables()})

    def differences(self, table: str) -> Iterator[pa.Table]:
        """All differences of a table."""
        for ids in self.changed(table):
            for at in range(0, ids.num_rows, GET_IDS):
                yield self.described(table, ids.slice(at, GET_IDS))

    def changed(self, table: str) -> Iterator[pa.Table]:
        """The records that differ in the vault, in the order of their ids: id and change."""
        after, until = self.old.info.number, self.new.info.number
        archived = self.uncommitted.get(table, {})
        for each in self.vault.changes(self.org, table, after=after, until=until):
            change = with_archived(each, archived)
            ids = change["_u_id"].cast(pa.string())
            yield pa.table({"id": ids, "change": change["change"]})

    def described(self, table: str, changes: pa.Table) -> pa.Table:
        """The fields in which these records differ."""
        ids = changes["id"].to_pylist()
        old, new = _stored_rows(self.old, table, ids), _stored_rows(self.new, table, ids)
        kinds = {column.name: column for s in (self.old, self.new) for column in _columns(s, table)}
        unread = _unread((self.old, self.new), table, ids)
        return _fields(changes, old, new, list(kinds.values()), unread)

    def plain(self, table: str) -> bool:
        """True if each difference in the vault is a difference in a compared field.

        Then records can be counted without reading them. Not so if columns came, went or are
        hidden, and for bytes, which are not compared here.
        """
        if any(info.kind is CommitKind.SALVAGE for info in self.vault.commits(self.org)):
            return False  # a lost value differs in the vault, but is no difference for people
        columns = _columns(self.old, table)
        binary = any(column.kind is WireKind.BINARY for column in columns)
        return table not in self.filtered and not binary and columns == _columns(self.new, table)

    def summary(self, table: str) -> TableSummary:
        """The differences in a table, in records."""
        changed = self.changed(table) if self.plain(table) else self.differences(table)
        return summarize(changed, table)


def summarize(differences: Iterable[pa.Table], table: str) -> TableSummary:
    """Count the records of a table's differences, or of its changes, each once."""
    counts = dict.fromkeys(ChangeKind, 0)
    for batch in differences:
        kinds = pl.DataFrame(pl.from_arrow(batch)).unique("id")["change"].value_counts()
        for kind, count in kinds.iter_rows():
            counts[ChangeKind(kind)] += count
    return TableSummary(
        table,
        counts[ChangeKind.CREATED],
        counts[ChangeKind.CHANGED],
        counts[ChangeKind.DELETED],
        counts[ChangeKind.REVIVED],
        counts[ChangeKind.ARCHIVED],
    )


@dataclass(frozen=True, slots=True)
class Act:
    """The time and the user (an id) of a change, as far as the org reports them."""

    at: datetime | None
    by: str | None


UNKNOWN_ACT = Act(None, None)


@dataclass(frozen=True, slots=True)
class LiveDifferences:
    """Differences of some records of a table, and the ``removals`` of deleted ones, by id."""

    differences: pa.Table
    removals: Mapping[str, Act] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LiveComparison:
    """A snapshot and the live org, read by its changes since the snapshot's cursor.

    Deletions are those that the source reports; ``by_census`` also lists the ids of a table, sorted
    in the folder ``work``. ``schema`` is the source's present schema, if it is already known.
    ``archives``: the records that archives took out of the org by now.
    """

    source: Source
    old: Snapshot
    clock: Clock
    work: Path
    by_census: bool = False
    schema: Schema | None = None
    archives: ArchivedRecords | None = None

    def tables(self) -> list[str]:
        """Tables of the snapshot."""
        return sorted(self.old.tables())

    def differences(self, table: str) -> Iterator[pa.Table]:
        """All differences of a table; raises the errors of the source."""
        for part in self.parts(table):
            yield part.differences

    def parts(self, table: str) -> Iterator[LiveDifferences]:
        """The same, with the removals; raises the errors of the source."""
        for part in self._parts(table):
            if self.archives is not None:
                marked = self.archives.marked(table, part.differences)
                part = replace(part, differences=marked)  # noqa: PLW2901
            yield part

    def _parts(self, table: str) -> Iterator[LiveDifferences]:
        described = (self.schema or self.source.discover()).table(table)
        state = self.old.tables().get(table)
        if described is None or state is None:
            raise NotFound(
                "table-unknown",
                "The table {table} does not exist in both the backup and the org.",
                next_step="List the tables with `unlost certificate ORG`.",
                table=table,
            )
        reported: set[str] = set()
        bare: list[Rows] = []
        tasks = self.source.plan_reads(described, state.cursor, nightly=state.cursor)
        for task in self._ready(tasks):
            for page in self.source.read(task):
                if page.rows.cells is None:
                    bare.append(page.rows)
                else:
                    yield self._described(described, _fresh(page.rows, reported))
        for rows in bare:  # a list of deletions also names undeleted records: rows are more exact
            yield self._described(described, _fresh(rows, reported))
        if self.by_census:
            yield from map(LiveDifferences, self._absent(described, reported))

    def summary(self, table: str) -> TableSummary:
        """The differences in a table, in records; raises the errors of the source."""
        return summarize(self.differences(table), table)

    def _described(self, table: Table, rows: Rows) -> LiveDifferences:
        old = _stored_rows(self.old, table.name, rows.ids.to_pylist())
        new = _as_stored(rows)
        plain = pl.DataFrame(pl.from_arrow(new.select(["_u_id", "_u_op"])))
        before = pl.DataFrame(pl.from_arrow(old.select(["_u_id", "_u_op"]).cast(IDS_AND_OPS)))
        both = plain.join(before, on="_u_id", how="left", suffix="_old")
        changes = both.select(pl.col("_u_id").alias("id"), _live_change().alias("change"))
        arrow = changes.filter(pl.col("change").is_not_null()).to_arrow()
        unread = _unread((self.old,), table.name, rows.ids.to_pylist())
        differences = _fields(_text(arrow), old, new, table.columns, unread)
        return LiveDifferences(differences, _removals(rows, old))

    def _ready(self, tasks: Sequence[ReadTask]) -> Iterator[ReadTask]:
        """The tasks, as soon as the source has finished its part of them."""
        read_tasks = list(tasks)
        while read_tasks:
            state = self.source.prepare(read_tasks.pop(0))
            if isinstance(state, Ready):
                yield from state.tasks
            else:
                read_tasks.append(state.task)
                pause = (state.until - self.clock.now()).total_seconds()
                self.clock.sleep(max(pause, 0.0))

    def _absent(self, table: Table, reported: set[str]) -> Iterator[pa.Table]:
        hidden = [mark.record for mark in self.old.hidden(table.name) if mark.record is not None]
        known = pa.array(sorted(reported.union(hidden)), pa.string())
        listed = (pa.table({"id": ids.cast(pa.string())}) for ids in self.source.census(table))
        runs = write_sorted_runs(listed, folder=self.work, name=f"compare/{table.name}")
        absent = (
            pa.table({"id": rows["_u_id"].cast(pa.string())})
            for rows in self.old.live_ids(table.name)
        )
        for mine, *theirs in align_streams([absent, *(read_run(self.work, run) for run in runs)]):
            if mine is not None:
                yield _lost(mine["id"], [known, *(t["id"] for t in theirs if t is not None)])


def _removals(rows: Rows, old: pa.Table) -> dict[str, Act]:
    """The removals among these rows. A stamp that the backup has too is that of an earlier edit."""
    known = dict(zip(old["_u_id"].to_pylist(), _stamps(old), strict=True))
    stamps = zip(
        rows.ids.to_pylist(),
        rows.ops.to_pylist(),
        rows.modified_at.to_pylist(),
        rows.modified_by.to_pylist(),
        strict=True,
    )
    return {
        record: Act(at, by)
        for record, op, at, by in stamps
        if not Op(op).alive and at is not None and at != known.get(record)
    }


def _stamps(rows: pa.Table) -> list[datetime | None]:
    """The times of change of stored rows; None for all if the snapshot does not have the table."""
    name = "_u_modified_at"
    stamps: list[datetime | None] = (
        rows[name].to_pylist() if name in rows.column_names else [None] * rows.num_rows
    )
    return stamps


def _fresh(rows: Rows, reported: set[str]) -> Rows:
    """The last row of each record not in ``reported`` yet; adds the records to it."""
    ids = rows.ids.to_pylist()
    # Pages can overlap, and a deletion can be reported twice: each record counts once.
    again = pa.array(sorted(reported.intersection(ids)), pa.string())
    reported.update(ids)
    last = pl.Series("id", pl.from_arrow(rows.ids)).is_last_distinct().to_arrow()
    return chosen(rows, pc.and_(last, pc.invert(pc.is_in(rows.ids, value_set=again))))


IDS_AND_OPS = pa.schema([("_u_id", pa.string()), ("_u_op", pa.string())])


def _live_change() -> pl.Expr:
    """Classify a row read now against the snapshot's version."""
    now = pl.col("_u_op") == Op.STATE.value
    was = pl.col("_u_op_old") == Op.STATE.value
    known = pl.col("_u_op_old").is_not_null()
    return (
        pl.when(now & ~known)
        .then(pl.lit(ChangeKind.CREATED.value))
        .when(now & was)
        .then(pl.lit(ChangeKind.CHANGED.value))
        .when(now)
        .then(pl.lit(ChangeKind.REVIVED.value))
        .when(was)
        .then(pl.lit(ChangeKind.DELETED.value))
        .otherwise(pl.lit(None))
    )


def _lost(ids: pa.ChunkedArray, known: Sequence[pa.Array | pa.ChunkedArray]) -> pa.Table:
    for some in known:
        plain = some.combine_chunks() if isinstance(some, pa.ChunkedArray) else some
        ids = ids.filter(pc.invert(pc.is_in(ids, value_set=plain)))
    kinds = pa.array([ChangeKind.DELETED.value] * len(ids), pa.string())
    return _rows_without_field(pa.table({"id": ids, "change": kinds}))


def _unread(
    snapshots: Iterable[Snapshot], table: str, ids: Sequence[str]
) -> Mapping[str, frozenset[str]]:
    """By column, the records whose value one of the snapshots does not know."""
    by_table: dict[str, set[str]] = {}
    for snapshot in snapshots:
        unread = snapshot.unread(table, ids) if table in snapshot.tables() else {}
        for record, columns in unread.items():
            for column in columns:
                by_table.setdefault(column, set()).add(record)
    return {column: frozenset(records) for column, records in by_table.items()}


def _fields(
    changes: pa.Table,
    old: pa.Table,
    new: pa.Table,
    columns: Sequence[Column],
    unread: Mapping[str, frozenset[str]],
) -> pa.Table:
    """One row for each differing field; records with other changes have at least one.

    ``unread``: by column, records whose value there is unknown.
    """
    before, after = (_aligned(changes["id"], rows).combine_chunks() for rows in (old, new))
    masks = []
    for column in columns:
        if column.has(ColumnTrait.VOLATILE) or column.kind is WireKind.BINARY:
            continue
        if column.name in before.column_names and column.name in after.column_names:
            older, other = before[column.name], after[column.name]
            if not older.equals(other):
                field = _field(changes, column, older, other)
                passed = pa.array(sorted(unread.get(column.name, ())), pa.string())
                masks.append(field.filter(pc.invert(pc.is_in(field["id"], value_set=passed))))
    fields = pa.concat_tables([DIFFERENCES.empty_table(), *masks])
    rest = changes.filter(
        pc.and_(
            pc.invert(pc.is_in(changes["id"], value_set=fields["id"])),
            pc.not_equal(changes["change"], ChangeKind.CHANGED.value),
        )
    )
    return pa.concat_tables([fields, _rows_without_field(rest)]).sort_by("id")


def _rows_without_field(changes: pa.Table) -> pa.Table:
    """Rows without a field."""
    nothing = {name: pa.nulls(changes.num_rows, pa.string()) for name in DIFFERENCES.names[2:]}
    return pa.table(
        {"id": changes["id"], "change": changes["change"], **nothing}, schema=DIFFERENCES
    )


def _field(
    changes: pa.Table, column: Column, old: pa.ChunkedArray, new: pa.ChunkedArray
) -> pa.Table:
    older, other = old.combine_chunks().cast(pa.string()), new.combine_chunks().cast(pa.string())
    gone = pc.is_in(changes["change"].combine_chunks(), value_set=GONE)
    mask = pc.and_(differs(column.kind, older, other), pc.invert(gone))
    hit = changes.filter(mask)
    return pa.table(
        {
            "id": hit["id"],
            "change": hit["change"],
            "column": pa.array([column.name] * hit.num_rows, pa.string()),
            "old": older.filter(mask),
            "new": other.filter(mask),
        },
        schema=DIFFERENCES,
    )


def _aligned(ids: pa.ChunkedArray, rows: pa.Table) -> pa.Table:
    """The rows of these ids in their order; nulls for missing ones."""
    places = pc.index_in(ids.combine_chunks(), value_set=rows["_u_id"].cast(pa.string()))
    return rows.take(places)


def _stored_rows(snapshot: Snapshot, table: str, ids: Sequence[str]) -> pa.Table:
    """A snapshot's rows of these ids; no row if it does not hold the table."""
    if table not in snapshot.tables():
        return IDS_AND_OPS.empty_table()
    return snapshot.get(table, ids)


def _as_stored(rows: Rows) -> pa.Table:
    """Rows of the source, with a snapshot's column names."""
    system = {"_u_id": rows.ids, "_u_op": rows.ops}
    cells = {}
    if rows.cells is not None:
        cells = {name: rows.cells.column(name) for name in rows.cells.schema.names}
    return pa.table({**system, **cells})


def _columns(snapshot: Snapshot, table: str) -> Sequence[Column]:
    shape = snapshot.schema().table(table)
    return shape.columns if shape is not None else ()


def _text(changes: pa.Table) -> pa.Table:
    return changes.cast(pa.schema([("id", pa.string()), ("change", pa.string())]))
