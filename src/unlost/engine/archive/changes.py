"""Changes in the org since the copy was made: records that changed, are gone, or are new.

A new record counts for those that it names: a mail that came to an old case since the copy would be
deleted with the case, and no copy of it exists.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import polars as pl
import pyarrow as pa

from unlost.engine.archive.conditions import instant
from unlost.engine.sameness import differs
from unlost.model.ports.source import Source
from unlost.model.ports.system import Clock
from unlost.model.ports.vault import Snapshot
from unlost.model.source.reading import Op, Page, ReadTask, Ready, Rows
from unlost.model.source.schema import ColumnTrait, Table, WireKind

FETCH = 5_000  # ids that are looked up in the vault at a time
ID, OP, BY, NOW, THEN, WAS = "id", "op", "by", "now", "then", "was"


@dataclass(slots=True)
class OrgChanges:
    """Changes of a table: ids of records of the backup that ``changed``, or are ``gone``.

    ``by_others``: those of them that are known to be deleted by another user than the one who
    writes. ``named``: ids to which new and changed records refer.
    """

    changed: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    by_others: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class ChangeReader:
    """Reads the changes of tables since the backup was made."""

    source: Source
    snapshot: Snapshot
    clock: Clock
    user: str

    def since(self, table: Table, when: datetime) -> OrgChanges | None:
        """Read all changes of a table; None if the org does not deliver them."""
        cursor = self.source.cursor_at(table, when)
        stamp = table.stamp_column or table.modified_column
        if cursor is None or stamp is None:
            return None
        changes = OrgChanges()
        for task in self.source.plan_reads(table, cursor):
            for page in self._pages(task):
                self._compare(table, stamp, page.rows, changes)
        return changes

    def of(self, table: Table, ids: Sequence[str]) -> OrgChanges:
        """Compare these records, column by column."""
        changes = OrgChanges()
        seen: set[str] = set()
        for page in self.source.read_ids(table, ids) if ids else ():
            live = page.rows.ids.filter(pa.compute.equal(page.rows.ops, Op.STATE.value))
            seen |= set(live.to_pylist())
            changes.changed |= self._differing(table, page.rows)
        changes.gone |= set(ids) - seen
        return changes

    def _pages(self, task: ReadTask) -> Iterator[Page]:
        waiting = [task]
        while waiting:
            match self.source.prepare(waiting.pop()):
                case Ready(tasks):
                    for ready in tasks:
                        yield from self.source.read(ready)
                case wait:
                    self.clock.sleep(max(0.0, (wait.until - self.clock.now()).total_seconds()))
                    waiting.append(wait.task)

    def _compare(self, table: Table, stamp: str, rows: Rows, changes: OrgChanges) -> None:
        """Note the changed records among these, and those that are gone."""
        if rows.cells is None:
            frame = _observed(rows)
        else:
            frame = pl.DataFrame(pl.from_arrow(rows.cells)).select(
                *_observed(rows).get_columns(),
                pl.col(stamp).alias(NOW),
                *(pl.col(name).alias(f"ref:{name}") for name in _references(table, rows)),
            )
        for part in frame.iter_slices(FETCH):
            both = part.join(self._stored(table, part[ID].to_list(), stamp), on=ID, how="left")
            gone = (pl.col(OP) != Op.STATE.value) & (pl.col(WAS) == Op.STATE.value)
            changes.gone |= set(both.filter(gone)[ID])
            changes.by_others |= set(both.filter(gone & (pl.col(BY) != self.user))[ID])
            if NOW in both.columns:
                _note_changed(both.filter(pl.col(OP) == Op.STATE.value), changes)

    def _stored(self, table: Table, ids: Sequence[str], stamp: str) -> pl.DataFrame:
        known = self.snapshot.schema().table(table.name)
        columns = [stamp] if known is not None and known.column(stamp) is not None else []
        if table.name not in self.snapshot.tables():
            return pl.DataFrame(schema={ID: pl.String, WAS: pl.String, THEN: pl.String})
        rows = self.snapshot.get(table.name, list(ids), columns=columns)
        frame = pl.DataFrame(pl.from_arrow(rows.select(["_u_id", "_u_op", *columns])))
        then = pl.col(stamp) if columns else pl.lit(None, pl.String)
        return frame.select(
            pl.col("_u_id").cast(pl.String).alias(ID),
            pl.col("_u_op").cast(pl.String).alias(WAS),
            then.cast(pl.String).alias(THEN),
        )

    def _differing(self, table: Table, rows: Rows) -> set[str]:
        """The ids of live rows that differ from the backup."""
        assert rows.cells is not None
        live = pa.compute.equal(rows.ops, Op.STATE.value)
        now = rows.cells.append_column("_id", rows.ids).filter(live)
        stored = self.snapshot.get(table.name, now["_id"].to_pylist())
        place = pa.compute.index_in(
            now["_id"], value_set=stored["_u_id"].combine_chunks().cast(pa.string())
        )
        then = stored.take(place)
        changed = pa.compute.is_null(place)
        for column in table.columns:
            if _counts(column.kind, column.traits) and column.name in then.column_names:
                old = then[column.name].combine_chunks().cast(pa.string())
                changed = pa.compute.or_(changed, differs(column.kind, old, now[column.name]))
        return set(now["_id"].filter(changed).to_pylist())


def _observed(rows: Rows) -> pl.DataFrame:
    return pl.DataFrame(
        {ID: rows.ids.to_pylist(), OP: rows.ops.to_pylist(), BY: rows.modified_by.to_pylist()},
        schema={ID: pl.String, OP: pl.String, BY: pl.String},
    )


def _counts(kind: WireKind, traits: frozenset[ColumnTrait]) -> bool:
    """True for columns that people and programs change."""
    return kind is not WireKind.BINARY and ColumnTrait.VOLATILE not in traits


def _references(table: Table, rows: Rows) -> list[str]:
    assert rows.cells is not None
    delivered = set(rows.cells.schema.names)
    return [c.name for c in table.columns if c.reference is not None and c.name in delivered]


def _note_changed(live: pl.DataFrame, changes: OrgChanges) -> None:
    known = pl.col(WAS) == Op.STATE.value
    moved = live.filter(
        ~known.fill_null(value=False) | instant(pl.col(NOW)).ne_missing(instant(pl.col(THEN)))
    )
    changes.changed |= set(moved.filter(known)[ID])
    for name in moved.columns:
        if name.startswith("ref:"):
            changes.named |= set(moved[name].drop_nulls())
