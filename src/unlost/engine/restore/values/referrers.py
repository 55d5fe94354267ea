"""Records that refer to others: the queries that find them, and their answers."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import batched

import polars as pl
import pyarrow as pa

from unlost.engine.named_rows import AT, RECORD, by_id, naming_rows
from unlost.model.named_records import names_ids
from unlost.model.plan import RecordKey
from unlost.model.ports.writer import PlanningAccess
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import ReferrerQuery, WriteCapability

QUERIES = 200  # sent together
IDS = 2_000  # that a query names

type TargetQuery = tuple[ReferrerQuery, str]
"""A query, and the table of the records to which the others refer."""


@dataclass(frozen=True, slots=True)
class Referrer:
    """A live record ``key`` whose ``column`` refers to ``target``."""

    key: RecordKey
    column: str
    target: RecordKey


def referrer_queries(
    tables: Sequence[Table], records: Iterable[RecordKey]
) -> Iterator[TargetQuery]:
    """One query for each reference to the table of some of these records."""
    by_table: dict[str, list[str]] = {}
    for key in records:
        by_table.setdefault(key.table, []).append(key.record)
    for name, ids in by_table.items():
        for table in tables:
            for column in table.columns:
                reference = column.reference
                if reference is not None and name in reference.tables and names_ids(column):
                    yield ReferrerQuery(table, column.name, ids), name


def referrers_in(query: ReferrerQuery, target: str, rows: Rows) -> Iterator[Referrer]:
    """The answer to a query: the records of the query that each row names."""
    column = query.table.column(query.column)
    assert rows.cells is not None
    assert column is not None
    cells = pa.Table.from_batches([rows.cells])
    pairs = naming_rows(cells, column, by_id(target, pl.Series(query.ids, dtype=pl.String)))
    ids = rows.ids.take(pairs[AT].to_arrow()).to_pylist()
    for record, named in zip(ids, pairs[RECORD], strict=True):
        yield Referrer(RecordKey(query.table.name, record), query.column, RecordKey(target, named))


def referring_ids(
    access: PlanningAccess, table: Table, column: str, ids: Sequence[str]
) -> Sequence[str]:
    """The live records of a table in which a column names one of these ids.

    Rows of tables that the org does not show are left out.
    """
    queries = [ReferrerQuery(table, column, part) for part in batched(ids, IDS)]
    answers = access.referrers(queries)
    return [record for rows in answers if rows is not None for record in rows.ids.to_pylist()]


def owner_columns(table: Table, capability: WriteCapability) -> Sequence[str]:
    """The columns that tell with which records the org keeps rows of this table in step."""
    links = (column.name for column in table.columns if column.reference is not None)
    return [*links, *(column for column, _ in capability.by_product_when)]


def owners_in(cells: Mapping[str, str | None], capability: WriteCapability) -> frozenset[str]:
    """The ids of the records with which the org keeps a row in step; empty for any other row.

    Salesforce moves the direct relation of a contact and its account along with the contact, and
    deletes it with either. ``cells``: the row, in ``owner_columns``.
    """
    marks = capability.by_product_when
    if not any(cells.get(column) == text for column, text in marks):
        return frozenset()
    names = cells.keys() - {column for column, _ in marks}
    return frozenset(value for name in names if (value := cells[name]))
