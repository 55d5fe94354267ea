"""Queries of the Table API, and walks through all rows of a query, with proof that all of them came.

ServiceNow drops a condition that it does not understand, or that a query ACL refuses, and returns
the rows of the rest of the query. It applies the limit before row ACLs, so a page may be short or
empty and not be the last one (ServiceNow docs, "Table API"; see ``kit.counted_walk``). So each page
is checked: its rows fulfill the conditions, no id comes twice, and at the end the rows are compared
with the count of the query, which includes hidden rows. That the database compares ids without case
is an inference: they are never compared here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import batched
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.api import PageCall, ServiceNowApi, TablePage
from unlost.kit.counted_walk import CountedWalk, PageRequest
from unlost.kit.rows import check_ids
from unlost.model.errors import SourceRefused
from unlost.model.source.reading import RowCheckPart

ID = "sys_id"
# An id is a text of at most 32 characters; the samples of the Table API page have some that are no
# hexadecimal numbers. These characters have a meaning in queries.
ID_PATTERN = r"\A[^\^,:\x00-\x1f]{1,32}\z"
KNOWN_ID = re.compile(ID_PATTERN.replace(r"\z", r"\Z"))
IDS_PER_CALL = 100  # 33 characters each in an address


@dataclass(frozen=True, slots=True)
class LooseCondition:
    """A condition that also finds other rows, since the database compares without case."""

    column: str
    text: str

    def check(self, table: str, cells: pa.RecordBatch) -> None:
        """Nothing: the caller compares the values."""


@dataclass(frozen=True, slots=True)
class RowCondition:
    """A condition of a query, and the values of ``column`` that rows then must have.

    ``at_least``: the rows have this text or a later one. ``before``: an earlier one, or none.
    ``among``: they have one of these.
    """

    column: str
    at_least: str = ""
    among: tuple[str, ...] = ()
    before: str = ""

    @property
    def text(self) -> str:
        """The condition as an encoded query."""
        if self.at_least:
            return f"{self.column}>={self.at_least}"
        if self.before:
            return f"{self.column}<{self.before}^OR{self.column}ISEMPTY"
        if len(self.among) == 1:
            return f"{self.column}={self.among[0]}"
        return f"{self.column}IN{','.join(self.among)}"

    def check(self, table: str, cells: pa.RecordBatch) -> None:
        """Raise SourceRefused (``servicenow-condition``) if rows do not fulfill the condition."""
        values = cells.column(self.column)
        if self.at_least:
            fits = pc.greater_equal(values, self.at_least)
        elif self.before:
            fits = pc.fill_null(pc.less(values, self.before), fill_value=True)
        else:
            fits = pc.is_in(values, value_set=pa.array(self.among, pa.string()))
        if not pc.all(pc.fill_null(fits, fill_value=False), min_count=0).as_py():
            raise condition_ignored(table, self.column)


def condition_ignored(table: str, column: str) -> SourceRefused:
    """The error for a query whose condition ServiceNow left out."""
    return SourceRefused(
        "servicenow-condition",
        "ServiceNow ignored a condition on {column} of {table}. The backup user may not query this "
        "column.",
        next_step="Give the backup user the roles of the query ACLs (query_range, query_match) of "
        "the table. Without such ACLs, the read ACLs of the column decide.",
        table=table,
        column=column,
    )


def rows_unseen(table: str) -> SourceRefused:
    """The error for rows that ServiceNow counts and does not show."""
    return SourceRefused(
        "servicenow-hidden",
        "The backup user may not read all rows of {table}.",
        next_step="Give the backup user the role admin, together with snc_read_only.",
        table=table,
    )


@dataclass(frozen=True, slots=True)
class IdRange:
    """A part of a table by its ids, in the order of the instance. An empty end is open.

    It is not proved, because that order is not known. Rows of other parts do no harm.
    """

    low: str
    high: str
    column = ID

    @classmethod
    def of_part(cls, part: RowCheckPart) -> Self:
        """The part of ids that are random hexadecimal numbers; any other id is in one of them, too."""
        ends = [f"{number * 0x10000 // part.of:04x}" for number in (part.number, part.number + 1)]
        return cls(ends[0] if part.number else "", ends[1] if part.number + 1 < part.of else "")

    @property
    def text(self) -> str:
        """The range as an encoded query; empty for a whole table."""
        low, high = (
            f"{ID}>={self.low}" if self.low else "",
            f"{ID}<{self.high}" if self.high else "",
        )
        return "^".join(filter(None, (low, high)))

    def check(self, table: str, cells: pa.RecordBatch) -> None:
        """Nothing."""


type QueryCondition = RowCondition | IdRange | LooseCondition


@dataclass(frozen=True, slots=True)
class WalkQuery:
    """The rows to read: those of ``table`` that fulfill all ``conditions``."""

    table: str
    columns: tuple[str, ...]
    conditions: tuple[QueryCondition, ...] = ()

    @property
    def text(self) -> str:
        """All conditions as an encoded query."""
        return "^".join(filter(None, (condition.text for condition in self.conditions)))

    @property
    def fields(self) -> tuple[str, ...]:
        """The columns to ask for: also those that prove the conditions."""
        proving = (condition.column for condition in self.conditions)
        return tuple(dict.fromkeys((ID, *self.columns, *proving)))


class TableWalk(CountedWalk[TablePage]):
    """A walk through the rows of a query, each page checked.

    ``pages`` also raises SourceRefused for a query that ServiceNow does not answer as asked.
    """

    def __init__(self, api: ServiceNowApi, query: WalkQuery) -> None:
        super().__init__(limit=api.page_rows)
        self.api = api
        self.query = query

    def rows(self) -> Iterator[dict[str, str | None]]:
        """The rows of all pages, for the few rows that rules and look-ups need."""
        return (row for page in self.pages() for row in page.cells.to_pylist())

    def fetch(self, request: PageRequest) -> TablePage:
        """A page whose rows fulfill the conditions."""
        query, limit, offset = self.query, request.limit, request.offset
        text = self._text(request.after, f"ORDERBY{ID}")
        call = PageCall(query.table, text, query.fields, limit, offset, request.counted)
        page = self.api.page(call)
        check_ids(page.ids, ID_PATTERN)
        for condition in query.conditions:
            condition.check(query.table, page.cells)
        return page

    def count(self, after: str | None) -> int:
        """The rows after an id, as the Aggregate API counts them."""
        return self.api.count(self.query.table, self._text(after))

    def _text(self, after: str | None, *more: str) -> str:
        behind = f"{ID}>{after}" if after is not None else ""
        return "^".join(filter(None, (self.query.text, behind, *more)))


def whole(api: ServiceNowApi, query: WalkQuery) -> Iterator[Mapping[str, str]]:
    """All rows of a query, empty cells left out; raises SourceRefused if some may be hidden."""
    walk = TableWalk(api, query)
    for row in walk.rows():
        yield {name: value for name, value in row.items() if value}
    if walk.hidden() or not (walk.seen or query.conditions):
        raise rows_unseen(query.table)


def known_rows(api: ServiceNowApi, query: WalkQuery) -> list[Mapping[str, str]] | None:
    """All rows of a query; None if they are not known to be all."""
    try:
        return list(whole(api, query))
    except SourceRefused:
        return None


def walks_by_id(
    api: ServiceNowApi, query: WalkQuery, ids: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], TableWalk]]:
    """Walks through the rows of these ids, with the ids of each."""
    for part in batched(ids, IDS_PER_CALL):
        by_id = RowCondition(ID, among=part)
        yield part, TableWalk(api, replace(query, conditions=(*query.conditions, by_id)))
