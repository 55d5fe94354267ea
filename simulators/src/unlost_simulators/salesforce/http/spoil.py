"""Carrying out faults on an answer that is otherwise right: cut, shortened, emptied, slowed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from unlost_simulators.salesforce.bulk.pages import GZIP_LEVEL, GZIP_WINDOW
from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.faults import CutPlace, FaultKind, FaultRule, Framing
from unlost_simulators.salesforce.http.calls import Answer, error_answer

EDGE_PAGE = (
    "<html><head><title>503 Service Unavailable</title></head><body>"
    "<h1>We are down for maintenance.</h1><p>Sorry for the inconvenience.</p></body></html>"
)
QUOTE = 0x22


@dataclass(frozen=True, slots=True)
class Wire:
    """Faults of the delivery: stop after so many bytes, in which framing, or drip.

    ``lost`` ends the connection before a status line.
    """

    stop_after: int | None = None
    framing: Framing = Framing.LENGTH
    drip_chunk: int | None = None
    drip_seconds: float = 0.0
    lost: bool = False


SOUND = Wire()
LOST = Wire(lost=True)


def unavailable() -> Answer:
    """Give the page of the edge when nothing answers behind it."""
    return Answer(503, EDGE_PAGE.encode(), "text/html; charset=UTF-8")


def answer_instead(rule: FaultRule) -> Answer:
    """Give the answer of a fault that takes the place of the real one."""
    match rule.kind:
        case FaultKind.UNAVAILABLE_HTML:
            return unavailable()
        case FaultKind.EMPTY_500:
            return Answer(500, content_type=None)
        case FaultKind.EDGE_420:
            return Answer(420, content_type=None)
        case FaultKind.EDGE_406:
            return Answer(406, content_type=None)
        case FaultKind.THROTTLED_429:
            return Answer(429, b"Too Many Requests", "text/plain")
        case _:
            return error_answer(_refusal(rule))


def _refusal(rule: FaultRule) -> SalesforceError:
    match rule.kind:
        case FaultKind.REQUEST_LIMIT:
            return SalesforceError(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        case FaultKind.EXPIRED_SESSION:
            return SalesforceError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        case FaultKind.QUERY_TIMEOUT:
            text = "Your query request was running for too long."
            return SalesforceError(400, "QUERY_TIMEOUT", text)
        case FaultKind.EXPIRED_LOCATOR:
            return SalesforceError(404, "INVALID_QUERY_LOCATOR", "Invalid query locator")
        case _:
            return SalesforceError(rule.status, rule.code, rule.message)


def spoil_page(answer: Answer, rule: FaultRule) -> Answer:
    """Change a Bulk result page: fewer rows, none, or no locator; its headers stay as they were."""
    answer.spoiled = True
    match rule.kind:
        case FaultKind.SHORT_PAGE if answer.page is not None:
            answer.file = answer.page.without(rule.rows)
        case FaultKind.EMPTY_PAGE:
            answer.body, answer.file = b"", None
        case FaultKind.NO_CONTENT_PAGE:
            answer.status, answer.body, answer.file = 204, b"", None
            answer.content_type = None
        case FaultKind.MISSING_LOCATOR:
            answer.headers.pop("Sforce-Locator", None)
            answer.spoiled = False
        case _:
            pass
    return answer


def wants_plain(rule: FaultRule | None) -> bool:
    """Return true if a cut needs the text of the body and must be made before compression."""
    places = (CutPlace.LAST_CELL, CutPlace.LAST_ROW)
    return rule is not None and rule.kind is FaultKind.CUT and rule.place in places


def cut_plain(answer: Answer, rule: FaultRule) -> Answer:
    """Cut the text of a body inside its last cell or before its last row."""
    text = b"".join(answer.chunks())
    end = inside_last_cell(text) if rule.place is CutPlace.LAST_CELL else before_last_row(text)
    answer.body, answer.file, answer.stream = text[:end], None, None
    answer.spoiled = True
    return answer


def wire_for(answer: Answer, rule: FaultRule | None, *, plain_length: int | None) -> Wire:
    """Give the way of delivery that a fault asks for.

    ``plain_length`` is the length before ``cut_plain``: an uncompressed body announces it.
    """
    if rule is None:
        return SOUND
    if rule.kind is FaultKind.DRIP:
        return Wire(drip_chunk=max(1, rule.chunk), drip_seconds=rule.seconds)
    if wants_plain(rule):
        compressed = "Content-Encoding" in answer.headers
        if compressed or rule.framing is Framing.CLEAN:
            return SOUND
        if plain_length is not None and rule.framing is Framing.LENGTH:
            answer.headers["Content-Length"] = str(plain_length)
        return Wire(stop_after=len(answer.body), framing=rule.framing)
    length = answer.length
    at = rule.after_bytes if rule.place is CutPlace.AFTER_BYTES else (length or 0) // 2
    if length is not None:
        at = min(at, length)
    return Wire(stop_after=at, framing=rule.framing)


def date_skew(rule: FaultRule | None) -> timedelta:
    """Give how far the ``Date`` header is off."""
    return timedelta(seconds=rule.seconds) if rule is not None else timedelta()


def compress(chunks: Iterator[bytes]) -> bytes:
    """Give a body as one gzip member."""
    squeeze = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return b"".join([*(squeeze.compress(chunk) for chunk in chunks), squeeze.flush()])


def inside_last_cell(text: bytes) -> int:
    """Give a position inside the last quoted cell, so that exactly one quote stays open."""
    closing = text.rstrip(b"\r\n").rfind(b'"')
    if closing <= 0:
        return len(text) // 2
    at = closing - 1
    while at > 0 and not (text[at] == QUOTE and text[at - 1] != QUOTE):
        at -= 2 if text[at] == QUOTE else 1
    inside = text[at + 1 : closing]
    half = len(inside) // 2
    while inside[:half].count(b'"') % 2:
        half += 1
    return at + 1 + half


def before_last_row(text: bytes) -> int:
    """Give the end of the last but one row; line breaks inside quotes are not row ends."""
    at = len(text.rstrip(b"\r\n"))
    quotes = 0
    while at > 0:
        at -= 1
        if text[at] == QUOTE:
            quotes += 1
        elif text[at] == 0x0A and quotes % 2 == 0:
            return at + 1
    return 0
