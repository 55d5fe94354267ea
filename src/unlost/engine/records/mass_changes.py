"""Count the changes that many records of a table share between two backups.

    changed ids ──5,000 at a time──▶ old and new cells ──▶ counts by column, kind, value and user

Memory stays bounded: of each batch only counts remain, and of the values that a column was
overwritten with only the most frequent ones. A value can lose a count only in a batch in which
``TOP_VALUES`` others are more frequent, so that a value of many records is never lost.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.sameness import differs
from unlost.model.mass_changes import MassChange, MassKind, UserShare
from unlost.model.ports.vault import Snapshot, VaultReader
from unlost.model.source.reading import Op
from unlost.model.source.schema import (
    Column,
    ColumnTrait,
    Table,
    TableTrait,
    WireKind,
)
from unlost.model.vault.snapshot import ChangeKind, CommitKind

FETCH = 5_000  # ids per lookup
TOP_VALUES = 200  # values of a column that are counted
MANY_PARTS = 500  # frames of counts before they are added up
AROUND = timedelta(minutes=15)
NEARLY_ALL = 0.9  # of the edits of a column of few values, which have one value by chance at times
USERS = 5  # listed users of a change
LISTED_LEAST = 20  # smaller changes of these kinds are one person's day
BIN = frozenset({TableTrait.UNDELETE, TableTrait.REPORTS_DELETES})  # traits of tables that use it
LISTED = frozenset({MassKind.FILLED, MassKind.EDITED, MassKind.TRANSFERRED})

NONE_ARCHIVED: Mapping[str, Collection[str]] = {}

_INSTANT = pl.Datetime("us", "UTC")
_COUNTS: Mapping[str, pl.DataType | type[pl.DataType]] = {
    "column": pl.String,
    "kind": pl.String,
    "value": pl.UInt64,
    "by": pl.String,
    "count": pl.UInt32,
    "first": _INSTANT,
    "last": _INSTANT,
}
_GROUP = ("column", "kind", "value", "by")
_OTHER = 0  # stands for all values that are not counted


@dataclass(frozen=True, slots=True)
class PutBackValues:
    """Values that a restore of ours wrote into live records of a table: those of a backup.

    ``columns``: the written ones; all if empty.
    """

    table: str
    snapshot: int
    columns: frozenset[str]
    records: frozenset[str]


def mass_changes(
    vault: VaultReader,
    org: str,
    table: Table,
    *,
    after: int,
    until: int,
    put_back: Sequence[PutBackValues] = (),
    by_runs: frozenset[str] = frozenset(),
    archived: Mapping[str, Collection[str]] = NONE_ARCHIVED,
) -> tuple[MassChange, ...]:
    """The changes that records of a table share between two backups, by column and kind.

    A table that the older backup lacks has none. Records that a restore of ours created, that a run
    of ours deleted (``by_runs``), or that were archived, do not count; nor do values that a restore of
    ours put back, and references that an archive emptied. ``archived``: records by table that archives
    took away and that no version in the vault names yet.
    """
    old, new = vault.at(org, after), vault.at(org, until)
    before = old.schema().table(table.name)
    if before is None or table.name not in old.tables():
        return ()
    wanted = [
        _Wanted(vault.at(org, values.snapshot, forgotten=True), values)
        for values in put_back
        if values.table == table.name
    ]
    counter = _Counter(table, _judged(before, table), old, new, wanted, archived)
    restored = _restored(vault, org, table.name, after=after, until=until)
    for change in vault.changes(org, table.name, after=after, until=until):
        for kind in ChangeKind:
            ids = change.filter(pc.equal(change["change"], kind.value))["_u_id"].cast(pa.string())
            if by_runs and kind is ChangeKind.DELETED:
                ids = ids.filter(pc.invert(pc.is_in(ids, pa.array(sorted(by_runs), pa.string()))))
            for at in range(0, len(ids), FETCH):
                counter.count(kind, ids.slice(at, FETCH).to_pylist(), restored)
    return tuple(counter.changes(old.tables()[table.name].alive))


def _judged(old: Table, new: Table) -> tuple[Column, ...]:
    """The columns in both backups that only people and programs change, not the source itself."""
    system = {
        new.id_column, new.modified_column, new.modified_by_column, new.stamp_column,
        *(file.column for file in new.files),
    }  # fmt: skip
    return tuple(
        column
        for column in new.columns
        if column.name not in system
        if not column.traits & {ColumnTrait.VOLATILE, ColumnTrait.CALCULATED}
        if column.kind is not WireKind.BINARY
        if (known := old.column(column.name)) is not None and known.kind is column.kind
    )


def _restored(
    vault: VaultReader, org: str, table: str, *, after: int, until: int
) -> Collection[str]:
    """The live ids of records that restores of ours created between two backups."""
    ours = {
        commit.number
        for commit in vault.commits(org)
        if commit.kind is CommitKind.RESTORE and after < commit.number < until
    }
    if not ours:
        return frozenset()
    rows = vault.lineage(org, table=None, superseded=True)
    return frozenset(
        row.live for row in rows if row.table == table and row.target == org and row.since in ours
    )


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Values that a restore of ours wrote, and the backup that has them."""

    backup: Snapshot
    values: PutBackValues

    def rows(self, ids: Sequence[str], columns: Sequence[str]) -> pa.Table | None:
        """The wanted cells of these records; None if the restore wrote none of them."""
        mine = [record for record in ids if record in self.values.records]
        if not mine:
            return None
        names = [name for name in columns if not self.values.columns or name in self.values.columns]
        known = self.backup.schema().table(self.values.table)
        there = [name for name in names if known is not None and known.column(name) is not None]
        return self.backup.get(self.values.table, mine, columns=there)


@dataclass(slots=True)
class _Counter:
    """Adds up the counts of a table, batch by batch."""

    table: Table
    columns: tuple[Column, ...]
    old: Snapshot
    new: Snapshot
    wanted: Sequence[_Wanted] = ()
    archived: Mapping[str, Collection[str]] = field(default_factory=dict)
    parts: list[pl.DataFrame] = field(default_factory=list)

    def count(self, kind: ChangeKind, ids: list[str], restored: Collection[str]) -> None:
        """Count a batch of records with one kind of change."""
        if kind is ChangeKind.CREATED:
            self._created([record for record in ids if record not in restored])
        elif kind is ChangeKind.DELETED:
            self._deleted(ids)
        elif kind is ChangeKind.CHANGED:  # not revived or archived: neither is a damage
            self._changed(ids)
        if len(self.parts) > MANY_PARTS:
            self.parts = [_most_frequent(_added_up(self.parts))]

    def _created(self, ids: list[str]) -> None:
        """Count records that are new in the org, not merely visible since this backup."""
        rows = _alive(self.new.get(self.table.name, ids, columns=[]))
        # Records of the seconds around the earlier backup may be in the later one only.
        since = pl.col("at").is_null() | (pl.col("at") > self.old.info.as_of - AROUND)
        self._add(_stamps(rows).filter(since), MassKind.CREATED)

    def _deleted(self, ids: list[str]) -> None:
        rows = self.new.get(self.table.name, ids, columns=[])
        in_bin = pc.equal(rows["_u_op"].cast(pa.string()), Op.DELETED.value)
        self._add(_stamps(rows.filter(in_bin)), MassKind.DELETED)
        # Only a row that was delivered as deleted names the user who deleted it.
        gone = _stamps(rows.filter(pc.invert(in_bin))).with_columns(
            pl.lit("").alias("by"), pl.lit(None, _INSTANT).alias("at")
        )
        self._add(gone, MassKind.DELETED)
        if self.table.traits >= BIN:
            self._add(gone, MassKind.BIN_SKIPPED)

    def _changed(self, ids: list[str]) -> None:
        names = [column.name for column in self.columns]
        old, new = (
            _alive(snapshot.get(self.table.name, ids, columns=names))
            for snapshot in (self.old, self.new)
        )
        there = new["_u_id"].cast(pa.string()).combine_chunks()
        old = old.filter(pc.is_in(old["_u_id"].cast(pa.string()), value_set=there))
        places = pc.index_in(old["_u_id"].cast(pa.string()).combine_chunks(), value_set=there)
        new = new.take(places)
        stamps = _users_of_changes(_stamps(old), _stamps(new))
        keys = new["_u_id"].cast(pa.string()).combine_chunks()
        wanted = [rows for some in self.wanted if (rows := some.rows(keys.to_pylist(), names))]
        for column in self.columns:
            before, after = _text(old, column), _text(new, column)
            mask = differs(column.kind, before, after)
            for rows in wanted:
                if column.name in rows.column_names:
                    mask = pc.and_not(mask, _has_wanted(column, keys, after, rows))
            if column.reference is not None and pc.any(mask).as_py():
                mask = pc.and_not(mask, self._emptied_by_archive(column, before, after, mask))
            if pc.any(mask).as_py():
                self._compare(column, before, after, stamps, mask)

    def _emptied_by_archive(
        self, column: Column, old: pa.Array, new: pa.Array, mask: pa.BooleanArray
    ) -> pa.BooleanArray:
        """The rows of the mask whose reference the org emptied because its record was archived."""
        gone = pc.or_(pc.is_null(new), pc.equal(pc.fill_null(new, ""), ""))
        emptied = pc.and_(mask, pc.and_(gone, pc.is_valid(old)))
        ids = pc.unique(old.filter(emptied)).to_pylist()
        targets = column.reference.tables if column.reference is not None and ids else ()
        archived: set[str] = set()
        for target in self.new.tables().keys() & set(targets):
            archived |= set(ids) & set(self.archived.get(target, ()))
            archived |= _archived(self.new, target, ids)
        return pc.and_(emptied, pc.is_in(old, value_set=pa.array(sorted(archived), pa.string())))

    def _compare(
        self,
        column: Column,
        old: pa.Array,
        new: pa.Array,
        stamps: pl.DataFrame,
        mask: pa.BooleanArray,
    ) -> None:
        cells = pl.DataFrame({"old": pl.Series(old), "new": pl.Series(new)})
        cells = cells.hstack(stamps).filter(pl.Series(mask))
        kinds = (
            pl.when(_empty("old") & _empty("new"))
            .then(pl.lit(None, pl.String))
            .when(_empty("new"))
            .then(pl.lit(MassKind.EMPTIED.value))
            .when(_empty("old"))
            .then(pl.lit(MassKind.FILLED.value))
            .otherwise(pl.lit(_edit_kind(self.table, column).value))
        )
        cells = cells.with_columns(kind=kinds).filter(pl.col("kind").is_not_null())
        edited = pl.col("kind") == MassKind.EDITED.value
        value = pl.when(edited).then(pl.col("new").hash()).otherwise(pl.lit(_OTHER, pl.UInt64))
        counts = _grouped(cells.with_columns(value=value, column=pl.lit(column.name)))
        self.parts.append(_most_frequent(counts))

    def _add(self, stamps: pl.DataFrame, kind: MassKind) -> None:
        if len(stamps):
            rows = stamps.with_columns(
                column=pl.lit(""), kind=pl.lit(kind.value), value=pl.lit(_OTHER, pl.UInt64)
            )
            self.parts.append(_grouped(rows))

    def changes(self, total: int) -> Iterator[MassChange]:
        """Return all counts as changes of a table that had so many records."""
        if not self.parts:
            return
        counts = _with_overwritten(_added_up(self.parts), self.table)
        edited = pl.col("kind").is_in([MassKind.EDITED.value, MassKind.OVERWRITTEN.value])
        edits = dict(
            counts.filter(edited).group_by("column").agg(pl.col("count").sum()).iter_rows()
        )
        users = counts.group_by("column", "kind", "by").agg(*_SUMS)
        users = users.sort("column", "kind", "count", "by", descending=[False, False, True, False])
        for (column, kind), rows in users.group_by("column", "kind", maintain_order=True):
            count, change = int(rows["count"].sum()), MassKind(kind)
            # Edits count together with those that had the most frequent value, if these are fewer.
            whole = edits[column] if change is MassKind.EDITED else count
            listed = whole if whole <= 2 * count else count
            if change in LISTED and listed < LISTED_LEAST:
                continue
            shares = tuple(
                UserShare(row["by"], row["count"], row["first"], row["last"])
                for row in rows.head(USERS).iter_rows(named=True)
            )
            few = change is MassKind.OVERWRITTEN and column in _few_valued(self.table)
            yield MassChange(self.table.name, change, count, total, str(column), shares, few=few)


_SUMS = (pl.col("count").sum(), pl.col("first").min(), pl.col("last").max())


def _grouped(rows: pl.DataFrame) -> pl.DataFrame:
    at = pl.col("at")
    counts = (pl.len().alias("count"), at.min().alias("first"), at.max().alias("last"))
    return rows.group_by(*_GROUP).agg(*counts).select(pl.col(n).cast(t) for n, t in _COUNTS.items())


def _added_up(parts: list[pl.DataFrame]) -> pl.DataFrame:
    return pl.concat(parts).group_by(*_GROUP).agg(*_SUMS)


def _most_frequent(counts: pl.DataFrame) -> pl.DataFrame:
    """The counts with all but the most frequent values of each column put together."""
    of_value = pl.col("count").sum().over("column", "kind", "value")
    rank = of_value.rank("dense", descending=True).over("column", "kind")
    value = pl.when(rank <= TOP_VALUES).then("value").otherwise(pl.lit(_OTHER, pl.UInt64))
    return (
        counts.with_columns(value.alias("value"))
        .group_by(*_GROUP)
        .agg(*_SUMS)
        .select(pl.col(n).cast(t) for n, t in _COUNTS.items())
    )


def _with_overwritten(counts: pl.DataFrame, table: Table) -> pl.DataFrame:
    """The counts in which edits with the most frequent value of their column are overwritten.

    A value is one of many if a single record has it. In a column of few possible values some value
    is always frequent: there it must be the value of nearly all edits.
    """
    few = _few_valued(table)
    edited = (pl.col("kind") == MassKind.EDITED.value) & (pl.col("value") != _OTHER)
    of_value = pl.col("count").sum().over("column", "kind", "value")
    of_column = pl.col("count").sum().over("column", "kind")
    counted = counts.with_columns(size=of_value, share=of_value / of_column)
    most = pl.col("size") == pl.col("size").filter(edited).max().over("column")
    first = pl.col("value") == pl.col("value").filter(edited & most).min().over("column")
    enough = (pl.col("size") > 1) & (~pl.col("column").is_in(few) | (pl.col("share") >= NEARLY_ALL))
    kind = pl.when(edited & most & first & enough).then(pl.lit(MassKind.OVERWRITTEN.value))
    return counted.with_columns(kind=kind.otherwise("kind"))


def _few_valued(table: Table) -> list[str]:
    """The columns with few possible values."""
    return [c.name for c in table.columns if c.choices or c.kind is WireKind.BOOLEAN]


def _edit_kind(table: Table, column: Column) -> MassKind:
    """Transferred for a column that refers to people, such as the owner."""
    by = table.column(table.modified_by_column or "")
    people = set(by.reference.tables) if by is not None and by.reference is not None else set()
    refers = column.reference is not None and bool(people & set(column.reference.tables))
    return MassKind.TRANSFERRED if refers else MassKind.EDITED


def _alive(rows: pa.Table) -> pa.Table:
    return rows.filter(pc.equal(rows["_u_op"].cast(pa.string()), Op.STATE.value))


def _archived(snapshot: Snapshot, table: str, ids: Sequence[str]) -> set[str]:
    """The ids of these records that an archive took out of the org, as a snapshot has them."""
    rows = snapshot.get(table, ids, columns=[])
    mask = pc.equal(rows["_u_op"].cast(pa.string()), Op.ARCHIVED.value)
    return set(rows["_u_id"].cast(pa.string()).filter(mask).to_pylist())


def _stamps(rows: pa.Table) -> pl.DataFrame:
    """The user and time of the last change of each row."""
    frame = pl.DataFrame(pl.from_arrow(rows.select(["_u_modified_by", "_u_modified_at"])))
    return frame.select(
        pl.col("_u_modified_by").cast(pl.String).fill_null("").alias("by"),
        pl.col("_u_modified_at").cast(_INSTANT).alias("at"),
    )


def _users_of_changes(old: pl.DataFrame, new: pl.DataFrame) -> pl.DataFrame:
    """The users and times of changes of the same records, unknown where the stamp did not move.

    A record that changed without a new stamp was changed by the org, such as by the deletion of a
    record that it names. Its last user did something else, earlier.
    """
    moved = (new["at"] != old["at"]).fill_null(value=True)
    return new.select(
        pl.when(moved).then("by").otherwise(pl.lit("")).alias("by"),
        pl.when(moved).then("at").otherwise(pl.lit(None, _INSTANT)).alias("at"),
    )


def _has_wanted(
    column: Column, keys: pa.Array, values: pa.Array, wanted: pa.Table
) -> pa.BooleanArray:
    """The records that have the value which a restore of ours put back."""
    place = pc.index_in(keys, value_set=wanted["_u_id"].cast(pa.string()).combine_chunks())
    same = pc.invert(differs(column.kind, _text(wanted, column).take(place), values))
    return pc.and_(pc.is_valid(place), same)


def _text(rows: pa.Table, column: Column) -> pa.Array:
    return rows[column.name].cast(pa.string()).combine_chunks()


def _empty(name: str) -> pl.Expr:
    return pl.col(name).is_null() | (pl.col(name) == "")
