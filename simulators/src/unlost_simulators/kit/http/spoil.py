"""Carrying out faults on an answer that is otherwise right: cut, slowed, lost."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from unlost_simulators.kit.faults import CutPlace, FaultKind, FaultRule, Framing
from unlost_simulators.kit.http.calls import Answer

EDGE_PAGE = (
    "<html><head><title>503 Service Unavailable</title></head><body>"
    "<h1>We are down for maintenance.</h1><p>Sorry for the inconvenience.</p></body></html>"
)
GARBAGE = b"\x00\x1f\x8b <<< no answer >>> {"
QUOTE = 0x22


@dataclass(frozen=True, slots=True)
class Wire:
    """Faults of the delivery: stop after so many bytes, in which framing, wait, or drip.

    ``lost`` ends the connection before a status line.
    """

    wait_seconds: float = 0.0
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


def answer_instead(rule: FaultRule) -> Answer | None:
    """Give the answer of a fault that takes the place of the real one.

    None for a refusal, which each system words in its way.
    """
    match rule.kind:
        case FaultKind.UNAVAILABLE_HTML:
            return unavailable()
        case FaultKind.EMPTY_500:
            return Answer(500, content_type=None)
        case FaultKind.THROTTLED_429:
            return Answer(429, b"Too Many Requests", "text/plain")
        case FaultKind.GARBAGE:
            return Answer(body=GARBAGE)
        case _:
            return None


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
    if rule.kind is FaultKind.DELAY:
        return Wire(wait_seconds=rule.seconds)
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
