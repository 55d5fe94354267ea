"""Salesforce's own lists of ids that were changed or deleted in a window of time.

Source: REST guide, "Get a list of updated records" and "… deleted records within a given
timeframe".
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import SHORTEST_LOG_WINDOW

UPDATED = "updated"
DELETED = "deleted"


def listed(api: SalesforceApi, table: str, what: str, *, start: datetime, end: datetime) -> Any:
    """The answer of a list (``UPDATED`` or ``DELETED``); raises SalesforceRefusal."""
    begin = min(start, end - SHORTEST_LOG_WINDOW)
    window = f"start={_written(begin)}&end={_written(end)}"
    return api.get_json(f"sobjects/{table}/{what}/?{window}")


def updated_ids(api: SalesforceApi, table: str, *, since: str) -> list[str] | None:
    """Ids changed ``since`` (a datetime literal); None if Salesforce will not list them.

    It lists 600,000 at most, and reaches 30 days back; weekly reads need no more.
    """
    start = soql.parse_instant(since)
    try:
        answer = listed(api, table, UPDATED, start=start, end=api.recent_time())
    except SalesforceRefusal:
        return None
    return list(answer.get("ids") or ())


def _written(when: datetime) -> str:
    return quote(when.strftime("%Y-%m-%dT%H:%M:%S+00:00"), safe=":")
