"""Salesforce's own list of deletions, and the reasons why it is no proof.

Source: REST guide, "Get a list of deleted records within a given timeframe", and the SOAP guide's
getDeleted: 15 days at most, truncated when it grows, so never the only evidence of deletions.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pyarrow as pa

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import DELETE_LOG, DELETE_LOG_MARGIN
from unlost.connectors.salesforce.reading.replication import DELETED, listed
from unlost.connectors.salesforce.rows import nothing, purged
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Page, Proof


class DeleteLog:
    """The delete log of one org."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api

    def read(self, table: str, since: str) -> Iterator[Page]:
        """Ids deleted ``since`` (a datetime literal), and a finding if the list has a gap."""
        now = self._api.recent_time()
        start = soql.parse_instant(since)
        oldest = now - DELETE_LOG + DELETE_LOG_MARGIN
        try:
            answer = listed(self._api, table, DELETED, start=max(start, oldest), end=now)
        except SalesforceRefusal as error:
            yield _gap(table, now, str(error))
            return
        records = answer.get("deletedRecords") or []
        if records:
            yield _page(records, now)
        if start < oldest:
            yield _gap(table, now, "the last backup is older than the list")
        elif _begins_late(answer, start):
            yield _gap(table, now, "the beginning of the list is missing")


def _begins_late(answer: Any, start: datetime) -> bool:
    earliest = answer.get("earliestDateAvailable")
    return bool(earliest) and soql.parse_instant(earliest) > start


def _page(records: list[Any], at: datetime) -> Page:
    ids = pa.array([record["id"] for record in records], pa.string())
    times = pa.array([record.get("deletedDate") for record in records], pa.string())
    return Page(purged(ids, times, at), Proof(None, len(ids)))


def _gap(table: str, at: datetime, reason: str) -> Page:
    """A page without rows that requests a census of the table in the same backup."""
    finding = Finding.of(
        FindingKind.READ_OTHERWISE,
        Severity.NOTE,
        "Salesforce's list of deletions of {table_name} has a gap ({reason}).",
        "No action is needed. The same run checks the ids of all live records instead.",
        table=table,
        table_name=table,
        reason=reason,
    )
    return Page(nothing(at), Proof(None, 0), findings=(finding,), wants_census=True)
