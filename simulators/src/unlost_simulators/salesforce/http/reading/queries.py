"""``query``, ``queryAll`` and their further pages."""

from __future__ import annotations

import re
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.cursors import LOCATOR_PREFIX, Cursor
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.reading.automation import DATA, approvals, listing
from unlost_simulators.salesforce.http.reading.columns import column_metadata
from unlost_simulators.salesforce.model.answers import ResultRows
from unlost_simulators.salesforce.model.errors import SalesforceError

_QUOTED_OR_OFFSET = re.compile(
    r"('(?:[^'\\]|\\.)*')|(?<=\d\d:\d\d:\d\d) (?=\d\d:?\d\d)|(?<=\.\d{3}) (?=\d\d:?\d\d)"
)
_BATCH = re.compile(r"batchSize\s*=\s*(\d+)", re.IGNORECASE)


def query(context: Context) -> Answer:
    """Answer ``GET query?q=``."""
    planted = listing(context, DATA) or approvals(context)
    return planted or _first_page(context, all_rows=False)


def query_all(context: Context) -> Answer:
    """Answer ``GET queryAll?q=``: deleted and archived rows too."""
    return _first_page(context, all_rows=True)


def next_page(context: Context) -> Answer:
    """Answer ``GET query/0r8…-2000``, also for results of queryAll."""
    locator = context.params["locator"]
    cursor, offset = context.sim.cursors.get(locator, user_id=context.user.id)
    return json_answer(_page(context, cursor, offset))


def _first_page(context: Context, *, all_rows: bool) -> Answer:
    sent = context.call.query.get("q")
    if sent is None:
        raise SalesforceError(400, "MALFORMED_QUERY", "SOQL query is required")
    soql = repair_offsets(sent)
    if context.call.query.get("columns", "").lower() == "true":
        return json_answer(column_metadata(soql))
    rows = context.sim.org.query(
        context.user, soql, all_rows=all_rows, batch_size=batch_size(context)
    )
    cursor = _keep(context, rows, rows.page_size)
    return json_answer(_page(context, cursor, 0))


def _page(context: Context, cursor: Cursor, offset: int) -> dict[str, Any]:
    rows = cursor.rows

    children = 0

    def child_cursor(rest: ResultRows, at: int) -> str:
        nonlocal children
        children += 1
        return _address(context, _keep(context, rest, rest.page_size), at)

    limit = max(0, min(cursor.page, rows.returned - offset))
    records = rows.records(offset, limit, version=context.release, child_cursor=child_cursor)
    end = offset + limit
    document: dict[str, Any] = {"totalSize": rows.total, "done": end >= rows.returned}
    if end < rows.returned:
        document["nextRecordsUrl"] = _address(context, cursor, end)
    elif offset == 0 and not children:
        context.sim.cursors.close(cursor)  # given whole, nothing points into it
    return {**document, "records": list(records)}


def _keep(context: Context, rows: ResultRows, page: int) -> Cursor:
    return context.sim.cursors.open(
        context.sim.ids.make(LOCATOR_PREFIX), rows, user_id=context.user.id, page=page
    )


def _address(context: Context, cursor: Cursor, offset: int) -> str:
    return f"{context.base}/query/{cursor.id}-{offset}"


def repair_offsets(soql: str) -> str:
    """Put back the plus sign of a time offset that an unencoded address turned into a blank."""
    return _QUOTED_OR_OFFSET.sub(lambda match: match.group(1) or "+", soql)


def batch_size(context: Context) -> int | None:
    """Read the hint of ``Sforce-Query-Options: batchSize=N``."""
    match = _BATCH.search(context.call.headers.get("sforce-query-options", ""))
    return int(match.group(1)) if match else None
