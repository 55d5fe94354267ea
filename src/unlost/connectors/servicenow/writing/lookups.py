"""Look-ups of live records: by id, by key, by what they refer to, and those that a user created.

A text with characters that have a meaning in queries is never sent: a part of it without them finds
its records, and others, which are left out here. So a condition that ServiceNow drops costs time and
finds the same records.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import batched

import pyarrow as pa

from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.connectors.servicenow.http.walk import (
    ID,
    IDS_PER_CALL,
    KNOWN_ID,
    LooseCondition,
    RowCondition,
    TableWalk,
    WalkQuery,
    walks_by_id,
)
from unlost.connectors.servicenow.reading.pieces import observed
from unlost.connectors.servicenow.reading.trail import FORM
from unlost.connectors.servicenow.schema.discover import TablePlace
from unlost.connectors.servicenow.schema.tables import CREATED
from unlost.kit.json_to_arrow import batch_of
from unlost.kit.matching import MatchLookup
from unlost.model.errors import SourceRefused
from unlost.model.source.reading import Rows
from unlost.model.source.schema import Table
from unlost.model.source.writing import ReferrerQuery

AUTHOR = "sys_created_by"
PLAIN = re.compile(r"(?!NULL\Z)[\w.@/#+-]+( [\w.@/#+-]+)*")
SPECIAL = re.compile(r"[\^,:\\%\x00-\x1f]")
LONGEST_PART, PARTS_PER_CALL = 100, 20  # an address has some 6,000 characters


def usable_part(text: str) -> str:
    """The longest part of a text that has no meaning in a query; empty if there is none."""
    parts = (part.strip()[:LONGEST_PART].strip() for part in SPECIAL.split(text))
    return max(parts, key=len)


class InstanceLookups(ABC):
    """Look-ups in the tables of one instance, as the port ``PlanningAccess`` has them."""

    def __init__(self, api: ServiceNowApi) -> None:
        self._api = api

    @abstractmethod
    def _place(self, table: Table) -> TablePlace:
        """The place of a table's rows."""

    def fetch(self, table: Table, ids: Sequence[str], *, columns: Sequence[str]) -> Rows:
        """Live records by id, also archived ones; without those whose class was changed."""
        names, place = self._names(table, columns), self._place(table)
        queries = (
            WalkQuery(each, names, place.conditions(each) if each == table.name else ())
            for each in place.sources
        )
        known = [each for each in ids if KNOWN_ID.match(each)]
        walks = (walk for query in queries for _, walk in walks_by_id(self._api, query, known))
        return self._rows(table, walks, columns)

    def find(
        self, table: Table, columns: tuple[str, ...], values: Iterable[tuple[str, ...]]
    ) -> Mapping[tuple[str, ...], str]:
        """Live records by a key. Raises Conflict (``key-not-unique``)."""
        match, place = MatchLookup(table, columns, values), self._place(table)
        for condition in _conditions(columns[0], match.firsts):
            query = WalkQuery(table.name, columns, (*place.conditions(table.name), condition))
            for row in TableWalk(self._api, query).rows():
                match.take(tuple(row[name] or "" for name in columns), str(row[ID]))
        return match.records()

    def referrers(self, queries: Sequence[ReferrerQuery]) -> Sequence[Rows | None]:
        """Live records by what a column refers to; None if some may be hidden."""
        return [self._referring(query) for query in queries]

    def _referring(self, query: ReferrerQuery) -> Rows | None:
        column = query.table.column(query.column)
        is_list = column is not None and column.reference is not None and column.reference.separator
        conditions: Iterator[RowCondition | LooseCondition] = (
            _like_any(query.column, ids) if is_list else RowCondition(query.column, among=ids)
            for ids in batched(query.ids, IDS_PER_CALL)
        )
        names = self._names(query.table, [query.column])
        of_class = self._place(query.table).conditions(query.table.name)
        walks = [
            TableWalk(self._api, WalkQuery(query.table.name, names, (*of_class, condition)))
            for condition in conditions
        ]
        try:
            rows = self._rows(query.table, walks, [query.column])
            return None if any(walk.hidden() for walk in walks) else rows
        except SourceRefused:
            return None

    def _created(self, table: Table, since: datetime, user: str, columns: Sequence[str]) -> Rows:
        """Records that a user created since then."""
        of_class = self._place(table).conditions(table.name)
        conditions = (
            RowCondition(AUTHOR, among=(user,)), RowCondition(CREATED, at_least=since.strftime(FORM)),
        )  # fmt: skip
        query = WalkQuery(table.name, self._names(table, columns), (*of_class, *conditions))
        return self._rows(table, [TableWalk(self._api, query)], columns)

    def _names(self, table: Table, columns: Sequence[str]) -> tuple[str, ...]:
        stamps = filter(None, (table.modified_column, table.modified_by_column))
        return tuple(dict.fromkeys((ID, *columns, *stamps)))

    def _rows(self, table: Table, walks: Iterable[TableWalk], columns: Sequence[str]) -> Rows:
        names = self._names(table, columns)
        batches = [page.cells.select(list(names)) for walk in walks for page in walk.pages()]
        batch = pa.concat_batches([batch_of([], names), *batches])
        rows = observed(table, batch, self._api.now())
        return replace(rows, cells=batch.select(list(columns)) if columns else None)


def _conditions(column: str, values: Sequence[str]) -> Iterator[LooseCondition]:
    """Conditions that all rows with these values fulfill."""
    plain = [value for value in values if PLAIN.fullmatch(value)]
    for some in batched(plain, IDS_PER_CALL):
        yield LooseCondition(column, f"{column}IN{','.join(some)}")
    parts = {usable_part(value) for value in values if value and not PLAIN.fullmatch(value)}
    for some in batched(sorted(parts), PARTS_PER_CALL):
        yield _like_any(column, some)


def _like_any(column: str, parts: Sequence[str]) -> LooseCondition:
    like = (f"{column}LIKE{part}" if part else f"{column}ISNOTEMPTY" for part in parts)
    return LooseCondition(column, "^OR".join(like))
