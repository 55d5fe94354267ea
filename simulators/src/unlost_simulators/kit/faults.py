"""Fault plans: rules for which request fails, how, and how often; every hit is counted.

A rule is never triggered by record names or other magic values, only by what it matches. A test
that plants a fault asks afterwards which rules were not hit, and fails when there are any.
Knows no HTTP server: ``kit.http`` and the systems carry the decisions out.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Any, ClassVar, Self


class FaultKind(StrEnum):
    """The kinds of faults that every system has; each was seen by some client in life.

    A system adds an enum for what only it can get wrong.
    """

    # answered instead of the request
    UNAVAILABLE_HTML = "unavailable_html"  # 503 with an HTML page of the edge
    EMPTY_500 = "empty_500"
    THROTTLED_429 = "throttled_429"
    REFUSE = "refuse"  # status, code and message as the rule says
    GARBAGE = "garbage"  # the status of success, and a body that is no answer
    # done to the answer
    CUT = "cut"  # the body ends early
    DELAY = "delay"  # nothing comes for some time, then the answer
    DRIP = "drip"  # the body comes in small pieces with pauses
    DATE_SKEW = "date_skew"
    # done to the answer once the effect is there
    REPLY_LOST = "reply_lost"  # the connection ends without a single byte of an answer
    UNAVAILABLE_AFTER = "unavailable_after"  # 503 with an HTML page, although all was done


INSTEAD = frozenset({
    FaultKind.UNAVAILABLE_HTML, FaultKind.EMPTY_500, FaultKind.THROTTLED_429, FaultKind.REFUSE,
    FaultKind.GARBAGE,
})  # fmt: skip
WIRE = frozenset({FaultKind.CUT, FaultKind.DELAY, FaultKind.DRIP})
SKEW = frozenset({FaultKind.DATE_SKEW})
AFTERWARDS = WIRE | SKEW
AFTER_EFFECT = frozenset({FaultKind.REPLY_LOST, FaultKind.UNAVAILABLE_AFTER})

type Kinds = frozenset[StrEnum] | frozenset[FaultKind]


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
    them (0: for ever). The further members are read by the kinds that need them. A system derives
    its rule, with the enums of all kinds that it carries out in ``KINDS``.
    """

    KINDS: ClassVar[tuple[type[StrEnum], ...]] = (FaultKind,)

    kind: StrEnum
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
    # DELAY, DRIP, DATE_SKEW
    seconds: float = 0.0
    chunk: int = 1024
    # REFUSE
    status: int = 400
    code: str = "ERROR"
    message: str = "An unexpected error occurred."
    # faults of single rows: rows that go well before the fault, or the rows of these records alone
    after_rows: int = 0
    records: tuple[str, ...] = ()

    @classmethod
    def from_json(cls, members: Mapping[str, Any]) -> Self:
        """Read a rule from the admin API; an unknown member or kind is a ``ValueError``."""
        unknown = set(members) - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"a fault rule has no member {', '.join(sorted(unknown))}")
        values = dict(members)
        values["kind"] = cls._kind(values.get("kind"))
        values["place"] = CutPlace(values.get("place", CutPlace.AFTER_BYTES))
        values["framing"] = Framing(values.get("framing", Framing.LENGTH))
        values["records"] = tuple(values.get("records", ()))
        return cls(**values)

    @classmethod
    def _kind(cls, name: str | None) -> StrEnum:
        kinds = {str(kind): kind for enum in cls.KINDS for kind in enum}
        if name is None:
            raise ValueError(f"kind is missing; one of {', '.join(kinds)}")
        if name not in kinds:
            raise ValueError(f"no kind of fault is called {name}; one of {', '.join(kinds)}")
        return kinds[name]

    def to_json(self) -> dict[str, Any]:
        """Give the rule as the admin API shows it."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

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
class _Planted[Rule: FaultRule]:
    rule: Rule
    seen: int = 0
    hits: int = 0
    rows: int = 0


@dataclass(slots=True)
class FaultPlan[Rule: FaultRule]:
    """The planted rules of one simulator, with their counts; safe from many threads."""

    _planted: list[_Planted[Rule]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _made: int = 0

    def plant(self, rule: Rule) -> Rule:
        """Add a rule and give it back with its id."""
        with self._lock:
            self._made += 1
            named = rule if rule.id else replace(rule, id=f"fault-{self._made}")
            self._planted.append(_Planted(named))
        return named

    def clear(self) -> None:
        """Forget all rules and their counts."""
        with self._lock:
            self._planted.clear()

    def draw(self, kinds: Kinds, request: Subject) -> Rule | None:
        """Give the first rule of these kinds that fires on this request, counting the hit."""
        with self._lock:
            for planted in self._planted:
                if planted.rule.kind in kinds and planted.rule.matches(request) and _fires(planted):
                    planted.hits += 1
                    return planted.rule
        return None

    def applies(self, kinds: Kinds, request: Subject) -> bool:
        """Tell whether a rule of these kinds matches the request; nothing is counted."""
        with self._lock:
            rules = [planted.rule for planted in self._planted]
        return any(rule.kind in kinds and rule.matches(request) for rule in rules)

    def fitting_rows(self, kinds: Kinds, request: Subject, rows: int) -> int | None:
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

    def spend(self, kinds: Kinds, request: Subject, rows: int) -> None:
        """Count rows that went through against the first rule that matches."""
        with self._lock:
            for planted in self._planted:
                if planted.rule.kind in kinds and planted.rule.matches(request):
                    planted.rows += rows
                    return

    def undo(self, rule: Rule) -> None:
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
                {**each.rule.to_json(), "seen": each.seen, "hits": each.hits}
                for each in self._planted
            ]

    def unhit(self) -> list[str]:
        """Give the ids of the rules that never fired."""
        with self._lock:
            return [each.rule.id for each in self._planted if each.hits == 0]


def _fires[Rule: FaultRule](planted: _Planted[Rule]) -> bool:
    planted.seen += 1
    if planted.seen <= planted.rule.skip:
        return False
    return planted.rule.times == 0 or planted.hits < planted.rule.times
