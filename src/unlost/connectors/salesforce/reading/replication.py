"""Salesforce's own lists of ids that were changed or deleted in a window of time.

Source: REST guide, "Get a list of updated records" and "… deleted records within a given
timeframe".
"""

from datetime import datetime
from urllib.parse import quote

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import SHORTEST_LOG_WINDOW
from unlost.connectors.salesforce.http.shapes import DeletedRecords, UpdatedRecords
from unlost.kit.http import AnswerTooLarge


def deleted_records(
    api: SalesforceApi, table: str, *, start: datetime, end: datetime
) -> DeletedRecords:
    """Salesforce's list of deletions in a window; raises SalesforceRefusal."""
    return api.get_json(deletions_path(table, start=start, end=end), DeletedRecords)


def deletions_path(table: str, *, start: datetime, end: datetime) -> str:
    """The path of Salesforce's list of deletions in a window."""
    return _path(table, "deleted", start, end)


def updates_path(api: SalesforceApi, table: str, *, since: str) -> str:
    """The path of Salesforce's list of ids changed ``since``."""
    return _path(table, "updated", soql.parse_instant(since), api.recent_time())


def updated_ids(api: SalesforceApi, table: str, *, since: str) -> list[str] | None:
    """Ids changed ``since`` (a datetime literal); None if Salesforce will not list them.

    It lists 600,000 at most, and reaches 30 days back; weekly reads need no more.
    """
    try:
        answer = api.get_json(updates_path(api, table, since=since), UpdatedRecords)
    except (SalesforceRefusal, AnswerTooLarge):
        return None
    return answer.ids or []


def _path(table: str, what: str, start: datetime, end: datetime) -> str:
    begin = min(start, end - SHORTEST_LOG_WINDOW)
    return f"sobjects/{table}/{what}/?start={_written(begin)}&end={_written(end)}"


def _written(when: datetime) -> str:
    return quote(when.strftime("%Y-%m-%dT%H:%M:%S+00:00"), safe=":")
