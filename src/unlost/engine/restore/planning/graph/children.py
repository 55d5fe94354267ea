"""Records that refer to given records in a snapshot: whole tables are filtered, no record looked
up.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import reduce

import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.named_rows import (
    AT,
    RECORD,
    TABLE,
    TARGETS,
    TEXT,
    by_id,
    naming_rows,
)
from unlost.engine.restore.planning.survey import FETCH_IDS, RestoreSurvey, chunks
from unlost.model.named_records import read_columns
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.runs.progress import Phase
from unlost.model.source.schema import Column, ColumnTrait

KEPT_BYTES = 192 << 20  # of references of all tables in memory; the rest is read again


@dataclass(frozen=True, slots=True)
class Child:
    """A record that refers to another by a column."""

    key: RecordKey
    column: str
    parent: RecordKey


class Children:
    """The references of one snapshot.

    ``never`` counts, by table, referring records that cannot come back.
    """

    def __init__(self, survey: RestoreSurvey, number: int) -> None:
        self.never: Counter[str] = Counter()
        self._survey = survey
        self._snapshot = survey.snapshot(number)
        self._number = number
        self._references = self._business_references()
        self._kept = _Kept(self._snapshot, KEPT_BYTES)

    def of(self, parents: Mapping[str, AbstractSet[str]]) -> Iterator[Child]:
        """All records that refer to one of these, by table; one result for each reference."""
        named = _NamedParents(self._snapshot, parents)
        for table, columns in self._references.items():
            targets = {column.name: wanted for column in columns if len(wanted := named.of(column))}
            if not targets:
                continue
            for rows in self._kept.rows(table, self._read(table, columns)):
                yield from self._children(table, rows, columns, targets)
            self._survey.report_progress(Phase.READ, table)

    def _children(
        self,
        table: str,
        rows: pa.Table,
        columns: Sequence[Column],
        targets: Mapping[str, pl.DataFrame],
    ) -> Iterator[Child]:
        """The rows that refer to the targets of a column, or their number if they cannot come back."""
        referring: set[int] = set()
        for column in columns:
            if column.name not in targets:
                continue
            pairs = _pairs(rows, column, targets[column.name])
            if not len(pairs):
                continue
            if not self._survey.plannable(table):
                referring.update(pairs[AT])
                continue
            ids = rows["_u_id"].take(pairs[AT].to_arrow()).to_pylist()
            for record, owner, parent in zip(ids, pairs[TABLE], pairs[RECORD], strict=True):
                yield Child(RecordKey(table, record), column.name, RecordKey(owner, parent))
        self.never[table] += len(referring)

    def _read(self, table: str, columns: Sequence[Column]) -> tuple[str, ...]:
        shape = self._survey.shape(self._number, table)
        assert shape is not None
        return read_columns(shape, columns)

    def _business_references(self) -> dict[str, list[Column]]:
        """By table, the columns that may refer to a record that is no configuration."""
        references: dict[str, list[Column]] = {}
        for name, state in sorted(self._snapshot.tables().items()):
            shape = self._survey.shape(self._number, name)
            if shape is None or not state.alive:
                continue
            own_references = [
                column
                for column in shape.columns
                if column.reference is not None
                and not column.has(ColumnTrait.VOLATILE)
                and any(self._survey.is_business_table(table) for table in column.reference.tables)
            ]
            if own_references:
                references[name] = own_references
        return references


class _Kept:
    """Ids and references of tables, read once as far as memory allows."""

    def __init__(self, snapshot: Snapshot, budget: int) -> None:
        self._snapshot = snapshot
        self._left = budget
        self._tables: dict[str, pa.Table] = {}

    def rows(self, table: str, columns: Sequence[str]) -> Iterator[pa.Table]:
        """All live rows of a table with any of these columns; must be read to the end."""
        if table in self._tables:
            yield self._tables[table]
            return
        waiting: list[pa.Table] = []
        bytes_left = self._left
        for batch in self._snapshot.scan(table, columns=columns):
            rows = _referring(pa.Table.from_batches([batch]), columns)
            bytes_left -= rows.nbytes
            if bytes_left < 0:
                # The table does not fit into the budget: it is read again next time.
                waiting.clear()
            else:
                waiting.append(rows)
            yield rows
        if waiting and bytes_left >= 0:
            self._tables[table] = pa.concat_tables(waiting)
            self._left = bytes_left


def _referring(rows: pa.Table, columns: Sequence[str]) -> pa.Table:
    """The rows with a non-null column, as text."""
    names = ["_u_id", *columns]
    mask = reduce(pc.or_, [pc.is_valid(rows[column]) for column in columns])
    plain = rows.select(names).filter(mask)
    return plain.cast(pa.schema([(name, pa.string()) for name in names]))


class _NamedParents:
    """Parents as the targets of references: by their ids, or by the keys that a snapshot has."""

    def __init__(self, snapshot: Snapshot, parents: Mapping[str, AbstractSet[str]]) -> None:
        self._snapshot = snapshot
        self._parents = parents
        self._targets: dict[tuple[str, str | None], pl.DataFrame] = {}

    def of(self, column: Column) -> pl.DataFrame:
        """The parents that a column may name."""
        reference = column.reference
        assert reference is not None
        parts = [
            self._of_table(table, reference.key_column)
            for table in reference.tables
            if table in self._parents
        ]
        return pl.concat(parts) if parts else pl.DataFrame(schema=TARGETS)

    def _of_table(self, table: str, key_column: str | None) -> pl.DataFrame:
        place = (table, key_column)
        if place not in self._targets:
            ids = sorted(self._parents[table])
            by_key = key_column is not None
            self._targets[place] = (
                self._by_key(table, key_column or "", ids)
                if by_key
                else by_id(table, pl.Series(ids, dtype=pl.String))
            )
        return self._targets[place]

    def _by_key(self, table: str, key_column: str, ids: Sequence[str]) -> pl.DataFrame:
        shape = self._snapshot.schema().table(table)
        if shape is None or shape.column(key_column) is None:
            return pl.DataFrame(schema=TARGETS)
        rows = [
            self._snapshot.get(table, part, columns=[key_column]) for part in chunks(ids, FETCH_IDS)
        ]
        keys = pa.concat_tables([part.select([key_column, "_u_id"]) for part in rows])
        return pl.DataFrame({
            TABLE: pl.repeat(table, len(keys), dtype=pl.String, eager=True),
            TEXT: pl.Series(keys[key_column].cast(pa.string())),
            RECORD: pl.Series(keys["_u_id"].cast(pa.string())),
        }).drop_nulls()  # fmt: skip


def _pairs(rows: pa.Table, column: Column, targets: pl.DataFrame) -> pl.DataFrame:
    """The rows that name targets, each with the first of several tables that have the id."""
    reference = column.reference
    assert reference is not None
    if reference.holds_one_id:  # most rows name none of the targets
        met = pc.indices_nonzero(pc.is_in(rows[column.name], value_set=targets[TEXT].to_arrow()))
        pairs = naming_rows(rows.take(met), column, targets)
        pairs = pairs.with_columns(pl.Series(met).gather(pairs[AT]).cast(pl.UInt32).alias(AT))
    else:
        pairs = naming_rows(rows, column, targets)
    return pairs.unique([AT, RECORD], keep="first", maintain_order=True)
