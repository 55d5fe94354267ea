"""One call on its way through a simulator, with the faults that strike it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from http import HTTPStatus

from unlost_simulators.kit.faults import (
    AFTER_EFFECT,
    SKEW,
    WIRE,
    FaultKind,
    FaultPlan,
    FaultRule,
    Kinds,
    Subject,
)
from unlost_simulators.kit.http import spoil
from unlost_simulators.kit.http.calls import Answer, Call
from unlost_simulators.kit.http.spoil import Wire
from unlost_simulators.kit.request_log import RequestLog


@dataclass(slots=True)
class Visit[Rule: FaultRule]:
    """Facts that are found out about a call while it is handled, and the ids of fired rules."""

    call: Call
    faults: FaultPlan[Rule]
    object: str | None = None
    username: str | None = None
    fired: list[str] = field(default_factory=list)
    lost: bool = False

    @property
    def subject(self) -> Subject:
        """Give what rules look at."""
        return Subject(self.call.method, self.call.target, self.object)

    def draw(self, kinds: Kinds) -> Rule | None:
        """Give the first rule of these kinds that fires on the call."""
        rule = self.faults.draw(kinds, self.subject)
        if rule is not None:
            self.fired.append(rule.id)
        return rule

    def undo(self, rule: Rule) -> None:
        """Take the last hit back: the rule turned out not to apply to the call."""
        self.faults.undo(rule)
        self.fired.remove(rule.id)

    def after_effect(self, answer: Answer) -> Answer:
        """Lose or replace the answer of a success, whose effect has happened by now."""
        if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
            return answer
        rule = self.draw(AFTER_EFFECT)
        self.lost = rule is not None and rule.kind is FaultKind.REPLY_LOST
        if rule is not None and rule.kind is FaultKind.UNAVAILABLE_AFTER:
            return spoil.unavailable()
        return answer

    def onto_wire(self, answer: Answer, encode: Callable[[Answer], Answer]) -> tuple[Answer, Wire]:
        """Encode an answer, and say how it is delivered.

        Cuts inside cells are made before the compression, other cuts on the wire.
        """
        rule = self.draw(WIRE) if answer.length != 0 else None
        plain_length = answer.length
        if rule is not None and spoil.wants_plain(rule):
            answer = spoil.cut_plain(answer, rule)
        answer = encode(answer)
        wire = spoil.wire_for(answer, rule, plain_length=plain_length)
        return answer, spoil.LOST if self.lost else wire

    def skew(self) -> timedelta:
        """Give how far the ``Date`` header is off."""
        return spoil.date_skew(self.draw(SKEW))

    def note(self, log: RequestLog, status: int) -> None:
        """Record the call in the log of requests."""
        log.add(
            self.call.method,
            self.call.target,
            status=status,
            object_name=self.object,
            user=self.username,
            faults=tuple(self.fired),
        )
