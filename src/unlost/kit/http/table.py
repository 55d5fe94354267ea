"""The retry table: maps a failed call to the reaction. Data, not code."""

from dataclasses import dataclass
from enum import StrEnum

from unlost.kit.http.messages import CallFailure

NO_ANSWER = 0  # the status of a call without an answer


class AnswerHandling(StrEnum):
    """The reaction to an answer."""

    OK = "ok"
    RETRY = "retry"  # wait a little, call again
    REAUTH = "reauth"  # sign in again once, replay once
    REFUSE = "refuse"  # the source will not give this: a gap
    LIMIT = "limit"  # an allowance is used up: the run parks
    FAIL = "fail"  # calling again cannot help


@dataclass(frozen=True, slots=True)
class RetryRule:
    """A line of the table; an empty field matches anything.

    ``contains`` is searched in the message, ignoring case.
    """

    action: AnswerHandling
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    contains: str = ""

    def fits(self, failure: CallFailure) -> bool:
        """True if the line applies to this failure."""
        return (
            (not self.statuses or failure.status in self.statuses)
            and (not self.codes or failure.code in self.codes)
            and self.contains.lower() in failure.message.lower()
        )


@dataclass(frozen=True, slots=True)
class RetryTable:
    """Lines in order; the first that fits decides. A failure that fits no line is final."""

    rules: tuple[RetryRule, ...]

    def decide(self, failure: CallFailure) -> AnswerHandling:
        """The reaction to a failure."""
        fitting = (rule.action for rule in self.rules if rule.fits(failure))
        return next(fitting, AnswerHandling.FAIL)


# Calls that surely cannot succeed, and those that got no answer. They come first in a table.
NO_ANSWER_RULES = (
    RetryRule(AnswerHandling.FAIL, statuses=frozenset({NO_ANSWER}), contains="certificate"),
    RetryRule(AnswerHandling.FAIL, codes=frozenset({"UnsupportedProtocol", "LocalProtocolError"})),
    RetryRule(AnswerHandling.RETRY, statuses=frozenset({NO_ANSWER})),
)
# Statuses that the proxies in front of a source give for a while: too many calls, or no source.
PROXY_RULE = RetryRule(AnswerHandling.RETRY, statuses=frozenset({406, 420, 429, 502, 503, 504}))
