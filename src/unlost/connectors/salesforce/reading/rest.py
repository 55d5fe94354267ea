"""Reading by REST queries: page after page, in smaller windows if a query is too slow.

Sources: REST guide (query, queryAll); SOQL limits (two minutes a query).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import pyarrow as pa

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import (
    BatchedAnswer,
    QueryPage,
    SalesforceApi,
    query_path,
    result_short,
)
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import IDS_IN_A_QUERY, OLDEST, SHORTEST_WINDOW
from unlost.connectors.salesforce.reading.pieces import ResultStream
from unlost.connectors.salesforce.reading.work import TableQuery
from unlost.kit.http import AnswerTooLarge
from unlost.kit.json_to_arrow import batch_of
from unlost.model.errors import SourceRefused, TransientError
from unlost.model.source.reading import Page

# Errors that a smaller window avoids (SOQL limits; REST guide, status codes).
TOO_MUCH = (
    "QUERY_TIMEOUT",
    "QUERY_TOO_COMPLICATED",
    "OPERATION_TOO_LARGE",
    "EXCEEDED_ID_LIMIT",
)
# A result's pages are kept for two days; after that the query must start again.
LOST_PLACE = ("INVALID_QUERY_LOCATOR",)
# A job takes about as many calls: start, look, fetch, delete. It takes more while it waits.
FEW_PAGES = 5
READ_AGAIN = frozenset({"result-short", "result-repeats", "result-mixed"})


class RestQueries:
    """Queries of one org."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api

    def read(self, reading: TableQuery, *, all_rows: bool = True) -> Iterator[Page]:
        """All rows of a query; one that Salesforce gives up on is cut into windows."""
        try:
            yield from self._whole(reading, all_rows=all_rows)
        except SalesforceRefusal as error:
            if not error.has_code(*TOO_MUCH):
                raise
            for half in self._halves(reading):
                yield from self.read(half, all_rows=all_rows)

    def path(self, reading: TableQuery) -> str:
        """The path of a query in a composite call."""
        return query_path(reading.soql, all_rows=True)

    def shared(
        self, reading: TableQuery, answer: BatchedAnswer, at: datetime, *, most: int
    ) -> list[Page] | None:
        """All pages of a query that was sent in a composite call, checked as those of ``read``.

        None if there are more than ``most`` rows and ``FEW_PAGES``. Raises what the first attempt of
        ``read`` meets; then nothing of the result counts.
        """

        def rows(records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
            return batch_of(records, reading.columns)

        first = self._api.first_page(answer, at, rows)
        if first.link is not None and first.total > max(most, FEW_PAGES * first.count):
            return None
        return list(self._checked(self._api.pages_from(first, rows), ResultStream()))

    def now(self) -> datetime:
        """This machine's clock."""
        return self._api.clock.now()

    def count(self, reading: TableQuery, *, all_rows: bool = True) -> int | None:
        """The number of rows of a query now; None if Salesforce will not count."""
        try:
            pages = self._api.query_pages(reading.count_soql, list, all_rows=all_rows)
            total = next(pages).total
        except SalesforceRefusal:
            return None
        return total if total >= 0 else None

    def size(self, reading: TableQuery, *, all_rows: bool = True) -> int | None:
        """The count by which a way to read is chosen; None also if Salesforce does not answer."""
        try:
            return self.count(reading, all_rows=all_rows)
        except TransientError:
            return None

    def read_chunks(
        self,
        reading: TableQuery,
        column: str,
        values: Sequence[str],
        *,
        chunk: int = IDS_IN_A_QUERY,
    ) -> Iterator[Page]:
        """The rows in which ``column`` is one of ``values``, ``chunk`` of them in a query."""
        for start in range(0, len(values), chunk):
            part = values[start : start + chunk]
            equality = soql.equals(column, part[0])
            condition = equality if chunk == 1 else soql.any_of(column, part)
            yield from self._whole(
                TableQuery(
                    reading.table,
                    reading.columns,
                    " AND ".join(filter(None, (reading.condition, condition))),
                )
            )

    def _whole(self, reading: TableQuery, *, all_rows: bool = True) -> Iterator[Page]:
        delivery = ResultStream()
        small = False
        for attempt in count(1):
            try:
                yield from self._pages(reading, delivery, all_rows=all_rows, small=small)
                return
            except AnswerTooLarge:
                if small:
                    raise
                small = True
            except SalesforceRefusal as error:
                if not error.has_code(*LOST_PLACE):
                    raise
                lost = TransientError.of(replace(error.message, code="query-locator-lost"))
                self._api.client.backoff.wait(attempt, lost)
            except TransientError as error:
                if error.code not in READ_AGAIN:
                    raise
                self._api.client.backoff.wait(attempt, error)
            delivery.again()

    def _pages(
        self, reading: TableQuery, delivery: ResultStream, *, all_rows: bool, small: bool
    ) -> Iterator[Page]:
        def rows(records: Sequence[Mapping[str, Any]]) -> pa.RecordBatch:
            return batch_of(records, reading.columns)

        pages = self._api.query_pages(reading.soql, rows, all_rows=all_rows, small=small)
        yield from self._checked(pages, delivery)

    def _checked(
        self, pages: Iterator[QueryPage[pa.RecordBatch]], delivery: ResultStream
    ) -> Iterator[Page]:
        total, read = 0, 0
        for page in pages:
            total = page.total
            read += page.count
            if read > total:
                break  # more rows than announced, perhaps without an end
            yield from delivery.take(page.records, page.at)
        if read != total:
            raise result_short(read, total)
        yield from delivery.proved(total)

    def _halves(self, reading: TableQuery) -> tuple[TableQuery, TableQuery]:
        """Cut a window in two; the later half keeps the open end."""
        lo = soql.parse_instant(reading.lo or OLDEST)
        hi = soql.parse_instant(reading.hi) if reading.hi else self._api.server_time()
        if reading.stamp is None or hi - lo < SHORTEST_WINDOW:
            raise SourceRefused(
                "query-too-slow",
                "Salesforce cannot read {table}, even in small windows.",
                next_step="Ask Salesforce support for a custom index on SystemModstamp, or "
                "exclude the table.",
                table=reading.table,
            )
        middle = soql.instant(_middle(lo, hi))
        return reading.between(reading.lo or OLDEST, middle), reading.between(middle, reading.hi)


def _middle(lo: datetime, hi: datetime) -> datetime:
    return lo + timedelta(seconds=(hi - lo).total_seconds() // 2)
