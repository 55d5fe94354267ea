"""Faults that only Salesforce has, beside those of the kit."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from unlost_simulators.kit import faults
from unlost_simulators.kit.faults import FaultKind, FaultRule


class SalesforceFault(StrEnum):
    """The kind of a fault. Contract of the real service: each was seen by some client in life."""

    # answered instead of the request
    EDGE_420 = "edge_420"
    EDGE_406 = "edge_406"
    REQUEST_LIMIT = "request_limit"  # 403 REQUEST_LIMIT_EXCEEDED
    EXPIRED_SESSION = "expired_session"  # the session of this request is ended, then 401
    QUERY_TIMEOUT = "query_timeout"  # unless the query's time window is short enough
    EXPIRED_LOCATOR = "expired_locator"  # 404 INVALID_QUERY_LOCATOR
    # done to the answer
    SHORT_PAGE = "short_page"  # a result page lacks rows that its header promises
    EMPTY_PAGE = "empty_page"  # 200 with an empty body although rows exist
    NO_CONTENT_PAGE = "no_content_page"  # 204 although rows exist
    MISSING_LOCATOR = "missing_locator"
    # done inside the org
    JOB_FAILED = "job_failed"  # a Bulk job ends as Failed
    LATE_COMMIT = "late_commit"  # rows of an edit become visible later than they are stamped
    ROW_LOCKED = "row_locked"  # rows of a write request get UNABLE_TO_LOCK_ROW
    STORAGE_FULL = "storage_full"  # new rows get STORAGE_LIMIT_EXCEEDED after so many


INSTEAD = faults.INSTEAD | {
    SalesforceFault.EDGE_420, SalesforceFault.EDGE_406, SalesforceFault.REQUEST_LIMIT,
    SalesforceFault.EXPIRED_SESSION, SalesforceFault.QUERY_TIMEOUT,
    SalesforceFault.EXPIRED_LOCATOR,
}  # fmt: skip
PAGES_ONLY = frozenset({
    SalesforceFault.SHORT_PAGE, SalesforceFault.EMPTY_PAGE, SalesforceFault.NO_CONTENT_PAGE,
    SalesforceFault.MISSING_LOCATOR,
})  # fmt: skip
AFTERWARDS = faults.AFTERWARDS | PAGES_ONLY
ROWS = frozenset({SalesforceFault.ROW_LOCKED, SalesforceFault.STORAGE_FULL})


@dataclass(frozen=True, slots=True)
class SalesforceRule(FaultRule):
    """A planted fault of a Salesforce org.

    ``seconds`` is read by LATE_COMMIT too, ``after_rows`` by ROW_LOCKED, STORAGE_FULL and by
    JOB_FAILED of ingest jobs, ``status``, ``code`` and ``message`` by JOB_FAILED.
    """

    KINDS: ClassVar[tuple[type[StrEnum], ...]] = (FaultKind, SalesforceFault)

    code: str = "UNKNOWN_EXCEPTION"
    message: str = (
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1"
    )
    # SHORT_PAGE
    rows: int = 1
    # ROW_LOCKED: share of the rows of a request, the last ones
    percent: float = 100.0
    # JOB_FAILED
    polls: int = 0
    tell: bool = True  # whether a failed job carries an errorMessage
    # QUERY_TIMEOUT
    window_days: float = 0.0
