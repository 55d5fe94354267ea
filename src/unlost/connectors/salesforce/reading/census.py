"""The complete list of a table's live ids."""

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc

from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import CENSUS_BULK_ABOVE
from unlost.connectors.salesforce.reading.bulk import BulkQueries
from unlost.connectors.salesforce.reading.rest import RestQueries
from unlost.connectors.salesforce.reading.work import TableQuery
from unlost.model.errors import TransientError
from unlost.model.source.reading import Op, Page, Rows

# Archived activities are invisible to `query`; `queryAll` shows them and deleted rows alike. So
# live means: in queryAll and not deleted (Bulk API 2.0 guide, create a query job).
LIVE = "IsDeleted = false"


def live(table: str, condition: str, *, tells_deleted: bool) -> TableQuery:
    """The query of all live ids."""
    parts = (condition, LIVE if tells_deleted else "")
    return TableQuery(table, ("Id",), " AND ".join(filter(None, parts)))


class SalesforceCensus:
    """Counts and lists live ids."""

    def __init__(self, rest: RestQueries, bulk: BulkQueries) -> None:
        self._rest = rest
        self._bulk = bulk

    def ids(self, reading: TableQuery, *, may_bulk: bool) -> Iterator[pa.Array]:
        """All ids in bounded arrays; raises if it cannot list all."""
        for page in self._pages(reading, may_bulk=may_bulk):
            yield live_ids(page.rows)

    def _pages(self, reading: TableQuery, *, may_bulk: bool) -> Iterator[Page]:
        if may_bulk and self._is_large(reading):
            try:
                job = self._bulk.start(reading)
            except SalesforceRefusal:
                pass
            else:
                return self._by_bulk(job, reading)
        return self._rest.read(reading)

    def _is_large(self, reading: TableQuery) -> bool:
        total = self._rest.size(reading)
        return total is None or total > CENSUS_BULK_ABOVE

    def _by_bulk(self, job: str, reading: TableQuery) -> Iterator[Page]:
        info = self._bulk.wait(job)
        if not info.complete:
            raise TransientError(
                "census-broken-off",
                "Salesforce stopped the census of {table} ({message}).",
                next_step="The next run counts again.",
                table=reading.table,
                message=info.message or info.state,
            )
        if info.rows:
            yield from self._bulk.read_all(job, info.rows, reading.columns)
        self._bulk.forget(job)


def live_ids(rows: Rows) -> pa.Array:
    """The ids of the rows that are alive."""
    return rows.ids.filter(pc.equal(rows.ops, Op.STATE.value))
