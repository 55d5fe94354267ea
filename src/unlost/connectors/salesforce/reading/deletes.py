"""Salesforce's own list of deletions, and the reasons why it is no proof.

Source: REST guide, "Get a list of deleted records within a given timeframe", and the SOAP guide's
getDeleted: 15 days at most, truncated when it grows, so never the only evidence of deletions.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

import pyarrow as pa

from unlost.connectors.salesforce import soql
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.http.errors import SalesforceRefusal
from unlost.connectors.salesforce.http.limits import DELETE_LOG, DELETE_LOG_MARGIN
from unlost.connectors.salesforce.http.shapes import DeletedRecord, DeletedRecords
from unlost.connectors.salesforce.reading.replication import deleted_records, deletions_path
from unlost.connectors.salesforce.rows import purged
from unlost.kit.http import AnswerTooLarge
from unlost.kit.rows import no_rows
from unlost.model.finding import Finding, FindingKind, Severity
from unlost.model.source.reading import Page, Proof


class DeleteLog:
    """The delete log of one org."""

    def __init__(self, api: SalesforceApi) -> None:
        self._api = api

    def read(self, table: str, since: str) -> Iterator[Page]:
        """Ids deleted ``since`` (a datetime literal), and a finding if the list has a gap."""
        now = self._api.recent_time()
        try:
            answer = deleted_records(self._api, table, start=_start(since, now), end=now)
        except (SalesforceRefusal, AnswerTooLarge) as error:
            yield _gap(table, now, str(error))
            return
        yield from self.pages(table, since, answer)

    def path(self, table: str, since: str) -> str:
        """The path of the list in a composite call."""
        now = self._api.recent_time()
        return deletions_path(table, start=_start(since, now), end=now)

    def pages(self, table: str, since: str, answer: DeletedRecords) -> Iterator[Page]:
        """The pages of an answer."""
        now, start = self._api.recent_time(), soql.parse_instant(since)
        if answer.deleted_records:
            yield _page(answer.deleted_records, now)
        if start < _oldest(now):
            yield _gap(table, now, "the last backup is older than the list")
        elif _begins_late(answer, start):
            yield _gap(table, now, "the beginning of the list is missing")


def _start(since: str, now: datetime) -> datetime:
    return max(soql.parse_instant(since), _oldest(now))


def _oldest(now: datetime) -> datetime:
    return now - DELETE_LOG + DELETE_LOG_MARGIN


def _begins_late(answer: DeletedRecords, start: datetime) -> bool:
    """True if the list begins after ``start``, or does not show when it begins."""
    earliest = answer.earliest_date_available
    try:
        return bool(earliest) and soql.parse_instant(earliest or "") > start
    except (ValueError, OverflowError):
        return True


def _page(records: Sequence[DeletedRecord], at: datetime) -> Page:
    ids = pa.array([record.id for record in records], pa.string())
    times = pa.array([record.deleted_date for record in records], pa.string())
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
    return Page(no_rows(at), Proof(None, 0), findings=(finding,), wants_census=True)
