"""The retry table: from what a failed call says to what is done about it. Data, not code."""

from dataclasses import dataclass
from enum import StrEnum

from unlost.kit.http.messages import CallFailure

NO_ANSWER = 0  # the status of a call that got no answer


class AnswerHandling(StrEnum):
    """What to do about an answer."""

    OK = "ok"
    RETRY = "retry"  # wait a little, call again
    REAUTH = "reauth"  # sign in again once, replay once
    REFUSE = "refuse"  # the source will not give this: a finding
    LIMIT = "limit"  # an allowance is spent: the run parks
    FAIL = "fail"  # calling again cannot help


@dataclass(frozen=True, slots=True)
class RetryRule:
    """A line of the table; what is empty matches anything.

    ``contains`` is looked for in the message, whatever its case.
    """

    action: AnswerHandling
    statuses: frozenset[int] = frozenset()
    codes: frozenset[str] = frozenset()
    contains: str = ""

    def fits(self, failure: CallFailure) -> bool:
        """True if the line speaks about this failure."""
        return (
            (not self.statuses or failure.status in self.statuses)
            and (not self.codes or failure.code in self.codes)
            and self.contains.lower() in failure.message.lower()
        )


@dataclass(frozen=True, slots=True)
class RetryTable:
    """Lines in order; the first that fits decides, and a failure that none fits is final."""

    rules: tuple[RetryRule, ...]

    def decide(self, failure: CallFailure) -> AnswerHandling:
        """The action for a failure."""
        fitting = (rule.action for rule in self.rules if rule.fits(failure))
        return next(fitting, AnswerHandling.FAIL)
