"""Conditions that the instance does not answer, found by asking for a row that the user can see.

A user who may not read the access rules cannot know which query ACLs forbid a condition. ServiceNow
drops such a condition, which the rows then show, or it empties the answer, which looks like a table
without rows, or without changes.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from unlost.connectors.servicenow.http.api import PARALLEL, ServiceNowApi
from unlost.connectors.servicenow.http.walk import ID, RowCondition, TableWalk, WalkQuery
from unlost.connectors.servicenow.schema.dictionary import DictionaryTable
from unlost.connectors.servicenow.schema.tables import CLASS, has_classes, stamp_of
from unlost.model.errors import SourceRefused

type Row = Mapping[str, str | None]


def find_unanswered(api: ServiceNowApi, tables: Sequence[DictionaryTable]) -> dict[str, str]:
    """The first column by which each table cannot be queried; empty where all can."""
    with ThreadPoolExecutor(PARALLEL) as threads:
        columns = threads.map(lambda table: _unanswered(api, table), tables)
        return dict(zip((table.name for table in tables), columns, strict=True))


def _unanswered(api: ServiceNowApi, table: DictionaryTable) -> str:
    columns = (ID, *(name for name in (CLASS, stamp_of(table)) if name in table.columns))
    try:
        walk = TableWalk(api, WalkQuery(table.name, columns))  # no condition that could be refused
        row = next(walk.rows(), None)
        conditions = list(_fulfilled(table, row)) if row is not None else []
        refused = (each.column for each in conditions if not _answers(api, table.name, each))
        return next(refused, "")
    except SourceRefused:
        return ""  # the reading of the table meets it, too, and says why


def _fulfilled(table: DictionaryTable, row: Row) -> Iterator[RowCondition]:
    """Conditions as backups write them, which this row fulfills."""
    record, kind, stamp = (row.get(name) or "" for name in (ID, CLASS, stamp_of(table)))
    values = (
        RowCondition(ID, among=(record,)),
        RowCondition(ID, at_least=record),
        RowCondition(CLASS, among=(kind,)) if kind and has_classes(table) else None,
        RowCondition(stamp_of(table), at_least=stamp) if stamp else None,
    )
    yield from filter(None, values)


def _answers(api: ServiceNowApi, table: str, condition: RowCondition) -> bool:
    """True if rows come; whether they fulfill the condition is checked at each page."""
    walk = TableWalk(api, WalkQuery(table, (), (condition,)))
    return next(walk.rows(), None) is not None
