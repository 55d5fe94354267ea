"""Records that refer to given records in a snapshot: whole tables are filtered, no record looked
up.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from unlost.engine.restore.planning.survey import RestoreSurvey
from unlost.model.plan import RecordKey
from unlost.model.ports.vault import Snapshot
from unlost.model.runs.progress import Phase
from unlost.model.source.schema import ColumnTrait, Reference

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
        for table, references in self._references.items():
            values = {
                column: wanted
                for column, reference in references.items()
                if (wanted := _ids(reference, parents))
            }
            if not values:
                continue
            for rows in self._kept.rows(table, tuple(references)):
                met = _referring_rows(rows, values)
                if not met.num_rows:
                    continue
                if self._survey.plannable(table):
                    yield from _matches(table, met, references, parents, values)
                else:
                    self.never[table] += met.num_rows
            self._survey.report_progress(Phase.READ, table)

    def _business_references(self) -> dict[str, dict[str, Reference]]:
        """By table, the columns that may refer to a record that is no configuration."""
        references: dict[str, dict[str, Reference]] = {}
        for name, state in sorted(self._snapshot.tables().items()):
            shape = self._survey.shape(self._number, name)
            if shape is None or not state.alive:
                continue
            own_references = {
                column.name: column.reference
                for column in shape.columns
                if column.reference is not None
                and not column.has(ColumnTrait.VOLATILE)
                and any(self._survey.is_business_table(table) for table in column.reference.tables)
            }
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
        """All live rows of a table with any reference; must be read to the end."""
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


def _ids(reference: Reference, parents: Mapping[str, AbstractSet[str]]) -> pa.Array | None:
    union = set().union(*(parents.get(table, set()) for table in reference.tables))
    return pa.array(sorted(union), pa.string()) if union else None


def _matches(
    table: str,
    rows: pa.Table,
    references: Mapping[str, Reference],
    parents: Mapping[str, AbstractSet[str]],
    values: Mapping[str, pa.Array],
) -> Iterator[Child]:
    for column, wanted in values.items():
        met = rows.filter(pc.is_in(rows[column], value_set=wanted))
        tables = [name for name in references[column].tables if name in parents]
        for record, value in zip(met["_u_id"].to_pylist(), met[column].to_pylist(), strict=True):
            owner = next(name for name in tables if value in parents[name])
            yield Child(RecordKey(table, record), column, RecordKey(owner, value))


def _referring_rows(rows: pa.Table, values: Mapping[str, pa.Array]) -> pa.Table:
    """The rows that refer to any of these."""
    masks = [pc.is_in(rows[column], value_set=wanted) for column, wanted in values.items()]
    return rows.filter(reduce(pc.or_, masks))
