"""All rows of a query, page by page in the order of their ids, with proof that all of them came.

    first page ─▶ id > last id of it ─▶ … ─▶ empty page ─▶ more rows behind it? ─▶ end ─▶ count
                                                 ▲  yes: go on by offset         │
                                                 └───────────────────────────────┘

ServiceNow drops a condition that it does not understand, or that a query ACL refuses, and returns
the rows of the rest of the query. It applies the limit before row ACLs, so a page may be short or
empty and not be the last one (ServiceNow docs, "Table API"). So each page is checked: its rows
fulfill the conditions, no id comes twice, and at the end the rows are compared with the count of the
query, which includes hidden rows. That the database compares ids without case is an inference: they
are never compared here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import batched
from typing import Protocol, Self

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.servicenow.http.api import PageCall, ServiceNowApi, TablePage
from unlost.connectors.servicenow.http.errors import PageCancelled
from unlost.kit.http import AnswerTooLarge
from unlost.kit.paging import follow_ids
from unlost.kit.rows import check_ids
from unlost.model.errors import SourceRefused
from unlost.model.source.reading import RowCheckPart

ID = "sys_id"
# An id is a text of at most 32 characters; the samples of the Table API page have some that are no
# hexadecimal numbers. These characters have a meaning in queries.
ID_PATTERN = r"\A[^\^,:\x00-\x1f]{1,32}\z"
KNOWN_ID = re.compile(ID_PATTERN.replace(r"\z", r"\Z"))
FEWEST_ROWS = 10  # a page that is not in time with so few rows is given up
IDS_PER_CALL = 100  # 33 characters each in an address


class QueryCondition(Protocol):
    """A condition of a query on ``column``."""

    @property
    def column(self) -> str:
        """The column whose values prove the condition."""
        ...

    @property
    def text(self) -> str:
        """The condition as an encoded query."""
        ...

    def check(self, table: str, cells: pa.RecordBatch) -> None:
        """Raise SourceRefused (``servicenow-condition``) if rows do not fulfill the condition."""
        ...


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
        next_step="Give the backup user the role of the rules (read, query_range, query_match) of "
        "this column.",
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


@dataclass(slots=True)
class TableWalk:
    """A walk through the rows of a query. ``seen`` counts them; read ``hidden`` after the end."""

    api: ServiceNowApi
    query: WalkQuery
    seen: int = 0
    _total: int | None = None
    _end: TablePage | None = None  # an empty page, once all rows are known to be here
    _limit: int = field(default=0)

    def pages(self) -> Iterator[TablePage]:
        """The pages with rows, each checked.

        Raises SourceRefused for a query that ServiceNow does not answer as asked, IntegrityError
        (``paging-in-circles``), PageCancelled.
        """
        self._limit = self.api.page_rows
        for page in follow_ids(self._after, ids=lambda each: each.cells.column(ID)):
            self.seen += len(page)
            yield page

    def rows(self) -> Iterator[dict[str, str | None]]:
        """The rows of all pages, for the few rows that rules and look-ups need."""
        return (row for page in self.pages() for row in page.cells.to_pylist())

    def hidden(self) -> int:
        """The rows that the count of the query has and that did not come.

        Rows that were created or deleted during the walk are left out, as far as two counts can
        show it. Raises SourceRefused if the instance counts in neither way: nothing is proved then.
        """
        if self._end is not None:
            return 0
        total = self._total
        try:
            now = self.api.count(self.query.table, self.query.text)
        except SourceRefused:
            if total is None:
                raise
            now = total
        return max(0, (now if total is None else min(now, total)) - self.seen)

    def _after(self, last: str | None) -> TablePage:
        """The next page with rows after an id; an empty page at the end."""
        if self._end is not None:
            return self._end
        page = self._fetch(last, offset=0, count=last is None)
        if last is None:
            self._total = page.total
            if page.total == len(page):
                self._end = replace(page, cells=page.cells.slice(0, 0))
        return page if len(page) or self._end is not None else self._behind_hidden(last, page)

    def _behind_hidden(self, last: str | None, page: TablePage) -> TablePage:
        """The next page with rows behind pages whose rows are all hidden."""
        offset, total = 0, None
        while not len(page):
            offset += self._limit
            page = self._fetch(last, offset=offset, count=total is None)
            if total is None:
                total = page.total if page.total is not None else self._count_after(last)
            if offset >= total:
                break
        return page

    def _count_after(self, last: str | None) -> int:
        return self.api.count(self.query.table, self._text(last))

    def _text(self, last: str | None) -> str:
        parts = [self.query.text, f"{ID}>{last}" if last is not None else "", f"ORDERBY{ID}"]
        return "^".join(filter(None, parts))

    def _fetch(self, last: str | None, *, offset: int, count: bool) -> TablePage:
        """A checked page; one that is not in time is asked for with fewer rows."""
        query = self.query
        call = PageCall(query.table, self._text(last), query.fields, self._limit, offset, count)
        while True:
            try:
                page = self.api.page(replace(call, limit=self._limit))
            except (PageCancelled, AnswerTooLarge):
                if self._limit // 2 < FEWEST_ROWS:
                    raise
                self._limit //= 2
            else:
                self._check(page)
                return page

    def _check(self, page: TablePage) -> None:
        check_ids(page.cells.column(ID), ID_PATTERN)
        for condition in self.query.conditions:
            condition.check(self.query.table, page.cells)


def whole(api: ServiceNowApi, query: WalkQuery) -> Iterator[Mapping[str, str]]:
    """All rows of a query, empty cells left out; raises SourceRefused if some may be hidden."""
    walk = TableWalk(api, query)
    for row in walk.rows():
        yield {name: value for name, value in row.items() if value}
    if walk.hidden() or not (walk.seen or query.conditions):
        raise rows_unseen(query.table)


def walks_by_id(
    api: ServiceNowApi, query: WalkQuery, ids: Sequence[str]
) -> Iterator[tuple[tuple[str, ...], TableWalk]]:
    """Walks through the rows of these ids, with the ids of each."""
    for part in batched(ids, IDS_PER_CALL):
        by_id = RowCondition(ID, among=part)
        yield part, TableWalk(api, replace(query, conditions=(*query.conditions, by_id)))
