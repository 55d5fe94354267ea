"""Fault plans: rules for which request fails, how, and how often; every hit is counted.

A rule is never triggered by record names or other magic values, only by what it matches. A test
that plants a fault asks afterwards which rules were not hit, and fails when there are any.
Knows no HTTP server: the dispatcher and the delivery carry the decisions out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any


class FaultKind(StrEnum):
    """The kind of a fault. Contract of the real service: each was seen by some client in life."""

    # answered instead of the request
    UNAVAILABLE_HTML = "unavailable_html"  # 503 with an HTML page of the edge
    EMPTY_500 = "empty_500"
    EDGE_420 = "edge_420"
    EDGE_406 = "edge_406"
    THROTTLED_429 = "throttled_429"
    REQUEST_LIMIT = "request_limit"  # 403 REQUEST_LIMIT_EXCEEDED
    EXPIRED_SESSION = "expired_session"  # the session of this request is ended, then 401
    REFUSE = "refuse"  # status, code and message as the rule says
    QUERY_TIMEOUT = "query_timeout"  # unless the query's time window is short enough
    EXPIRED_LOCATOR = "expired_locator"  # 404 INVALID_QUERY_LOCATOR
    # done to the answer
    CUT = "cut"  # the body ends early
    SHORT_PAGE = "short_page"  # a result page lacks rows that its header promises
    EMPTY_PAGE = "empty_page"  # 200 with an empty body although rows exist
    NO_CONTENT_PAGE = "no_content_page"  # 204 although rows exist
    MISSING_LOCATOR = "missing_locator"
    DRIP = "drip"  # the body comes in small pieces with pauses
    DATE_SKEW = "date_skew"
    # done to the answer once the effect is there
    REPLY_LOST = "reply_lost"  # the connection ends without a single byte of an answer
    UNAVAILABLE_AFTER = "unavailable_after"  # 503 with an HTML page, although all was done
    # done inside the org
    JOB_FAILED = "job_failed"  # a Bulk job ends as Failed
    LATE_COMMIT = "late_commit"  # rows of an edit become visible later than they are stamped
    ROW_LOCKED = "row_locked"  # rows of a write request get UNABLE_TO_LOCK_ROW
    STORAGE_FULL = "storage_full"  # new rows get STORAGE_LIMIT_EXCEEDED after so many


INSTEAD = frozenset({
    FaultKind.UNAVAILABLE_HTML, FaultKind.EMPTY_500, FaultKind.EDGE_420, FaultKind.EDGE_406,
    FaultKind.THROTTLED_429, FaultKind.REQUEST_LIMIT, FaultKind.EXPIRED_SESSION,
    FaultKind.REFUSE, FaultKind.QUERY_TIMEOUT, FaultKind.EXPIRED_LOCATOR,
})  # fmt: skip
AFTERWARDS = frozenset({
    FaultKind.CUT, FaultKind.SHORT_PAGE, FaultKind.EMPTY_PAGE, FaultKind.NO_CONTENT_PAGE,
    FaultKind.MISSING_LOCATOR, FaultKind.DRIP, FaultKind.DATE_SKEW,
})  # fmt: skip
AFTER_EFFECT = frozenset({FaultKind.REPLY_LOST, FaultKind.UNAVAILABLE_AFTER})
ROWS = frozenset({FaultKind.ROW_LOCKED, FaultKind.STORAGE_FULL})
PAGES_ONLY = frozenset({
    FaultKind.SHORT_PAGE, FaultKind.EMPTY_PAGE, FaultKind.NO_CONTENT_PAGE,
    FaultKind.MISSING_LOCATOR,
})  # fmt: skip


class Framing(StrEnum):
    """Framing of a cut body on the wire."""

    LENGTH = "length"  # Content-Length tells the whole length, the connection ends before it
    CHUNKED = "chunked"  # no length; the last chunk never comes
    CLEAN = "clean"  # Content-Length tells the cut length: nothing on the wire shows the loss


class CutPlace(StrEnum):
    """The place where a body is cut."""

    AFTER_BYTES = "after_bytes"
    LAST_CELL = "last_cell"  # inside the last quoted cell of the body: one quote is still open
    LAST_ROW = "last_row"  # after the last but one row: what is left parses without complaint
    HALF = "half"


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One planted fault.

    ``method`` equals, ``path`` is a regular expression searched in path and query, ``object``
    equals without case. The rule lets ``skip`` matching requests pass, then fires on ``times`` of
    them (0: for ever). The further members are read by the kinds that need them.
    """

    kind: FaultKind
    id: str = ""
    method: str | None = None
    path: str | None = None
    object: str | None = None
    skip: int = 0
    times: int = 1
    # CUT
    place: CutPlace = CutPlace.AFTER_BYTES
    after_bytes: int = 0
    framing: Framing = Framing.LENGTH
    gzip: bool | None = None  # fire only on compressed (or only on plain) bodies
    # SHORT_PAGE
    rows: int = 1
    # DRIP, DATE_SKEW, LATE_COMMIT
    seconds: float = 0.0
    chunk: int = 1024
    # JOB_FAILED of ingest jobs, ROW_LOCKED, STORAGE_FULL: rows that go well before the fault
    after_rows: int = 0
    # ROW_LOCKED: share of the rows of a request, the last ones; or the rows of these records alone
    percent: float = 100.0
    records: tuple[str, ...] = ()
    # REFUSE, JOB_FAILED
    status: int = 400
    code: str = "UNKNOWN_EXCEPTION"
    message: str = (
        "An unexpected error occurred. Please include this ErrorId if you contact support: 1-1"
    )
    polls: int = 0
    tell: bool = True  # whether a failed job carries an errorMessage
    # QUERY_TIMEOUT
    window_days: float = 0.0

    def matches(self, request: Subject) -> bool:
        """Return true if the rule applies to this request."""
        if self.method is not None and self.method.upper() != request.method:
            return False
        if self.path is not None and re.search(self.path, request.target) is None:
            return False
        if self.object is None:
            return True
        return (request.object or "").lower() == self.object.lower()


@dataclass(frozen=True, slots=True)
class Subject:
    """Facts that rules check: method, path with query, and the object of the request."""

    method: str
    target: str
    object: str | None = None


@dataclass(slots=True)
class _Planted:
    rule: FaultRule
    seen: int = 0
    hits: int = 0
    rows: int = 0


@dataclass(slots=True)
class FaultPlan:
    """The planted rules of one simulator, with their counts; safe from many threads."""

    _planted: list[_Planted] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: int = 0

    def plant(self, rule: FaultRule) -> FaultRule:
        """Add a rule and give it back with its id."""
        with self._lock:
            self._made += 1
            named = rule if rule.id else _with_id(rule, f"fault-{self._made}")
            self._planted.append(_Planted(named))
        return named

    def clear(self) -> None:
        """Forget all rules and their counts."""
        with self._lock:
            self._planted.clear()

    def draw(self, kinds: frozenset[FaultKind], request: Subject) -> FaultRule | None:
        """Give the first rule of these kinds that fires on this request, counting the hit."""
        with self._lock:
            for planted in self._planted:
                if planted.rule.kind in kinds and planted.rule.matches(request) and _fires(planted):
                    planted.hits += 1
                    return planted.rule
        return None

    def applies(self, kinds: frozenset[FaultKind], request: Subject) -> bool:
        """Tell whether a rule of these kinds matches the request; nothing is counted."""
        with self._lock:
            rules = [planted.rule for planted in self._planted]
        return any(rule.kind in kinds and rule.matches(request) for rule in rules)

    def fitting_rows(self, kinds: frozenset[FaultKind], request: Subject, rows: int) -> int | None:
        """Give how many of so many rows the first rule that matches still lets through.

        What was spent before counts against its ``after_rows``. None when no rule speaks about
        the request, or all of the rows go through; otherwise it is a hit.
        """
        with self._lock:
            for planted in self._planted:
                if planted.rule.kind in kinds and planted.rule.matches(request):
                    planted.seen += 1
                    remaining = max(0, planted.rule.after_rows - planted.rows)
                    planted.hits += rows > remaining
                    return remaining if rows > remaining else None
        return None

    def spend(self, kinds: frozenset[FaultKind], request: Subject, rows: int) -> None:
        """Count rows that went through against the first rule that matches."""
        with self._lock:
            for planted in self._planted:
                if planted.rule.kind in kinds and planted.rule.matches(request):
                    planted.rows += rows
                    return

    def undo(self, rule: FaultRule) -> None:
        """Take a hit back: the rule was drawn and turned out not to apply."""
        with self._lock:
            for planted in self._planted:
                if planted.rule.id == rule.id:
                    planted.hits -= 1
                    planted.seen -= 1

    def report(self) -> list[dict[str, Any]]:
        """Give each rule with how often it was looked at and how often it fired."""
        with self._lock:
            return [
                {**rule_to_json(each.rule), "seen": each.seen, "hits": each.hits}
                for each in self._planted
            ]

    def unhit(self) -> list[str]:
        """Give the ids of the rules that never fired."""
        with self._lock:
            return [each.rule.id for each in self._planted if each.hits == 0]


def rule_from_json(data: Mapping[str, Any]) -> FaultRule:
    """Read a rule from the admin API; an unknown member or kind is a ``ValueError``."""
    known = {each.name for each in fields(FaultRule)}
    unknown = set(data) - known
    if unknown:
        raise ValueError(f"a fault rule has no member {', '.join(sorted(unknown))}")
    if "kind" not in data:
        raise ValueError(f"kind is missing; one of {', '.join(FaultKind)}")
    values = dict(data)
    values["kind"] = FaultKind(values["kind"])
    values["place"] = CutPlace(values.get("place", CutPlace.AFTER_BYTES))
    values["framing"] = Framing(values.get("framing", Framing.LENGTH))
    values["records"] = tuple(values.get("records", ()))
    return FaultRule(**values)


def rule_to_json(rule: FaultRule) -> dict[str, Any]:
    """Give a rule as the admin API shows it."""
    return {each.name: getattr(rule, each.name) for each in fields(FaultRule)}


def _fires(planted: _Planted) -> bool:
    planted.seen += 1
    if planted.seen <= planted.rule.skip:
        return False
    return planted.rule.times == 0 or planted.hits < planted.rule.times


def _with_id(rule: FaultRule, name: str) -> FaultRule:
    return rule_from_json({**rule_to_json(rule), "id": name})
