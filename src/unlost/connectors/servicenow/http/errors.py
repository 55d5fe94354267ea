"""ServiceNow's errors: their parsing, the reaction to them, and their texts for people.

Sources: ServiceNow docs, "Table API" (a body {"error": {"message", "detail"}}), "REST API HTTP
response codes", "Inbound REST API rate limiting" (429 with Retry-After), and the source of PySNC
1.2.1, which expects an HTTP 200 whose text reports a cancelled transaction.
"""

import msgspec

from unlost.kit.counted_walk import PageTooSlow
from unlost.kit.http import (
    AnswerHandling,
    CallFailure,
    HttpAnswer,
    RetryRule,
    RetryTable,
    SourceLabel,
)
from unlost.kit.http.failures import redirected, unreachable
from unlost.kit.http.table import NO_ANSWER_RULES, PROXY_RULE
from unlost.model.decoders import decoder_for
from unlost.model.errors import AuthExpired, NotAllowed, SourceRefused, TransientError, UnlostError

SERVICENOW = SourceLabel("ServiceNow", "servicenow")
CANCELLED = "cancelled"  # our code for an answer with a good status that reports a failure
LONGEST = 300  # shown characters of ServiceNow's own texts
# A table, or a type of calls, that is closed to REST for everyone.
CLOSED_TO_REST = "Failed API level ACL Validation"


class ErrorText(msgspec.Struct):
    """The error in an answer; both texts may be missing."""

    message: str | None = None
    detail: str | None = None


class Envelope(msgspec.Struct):
    """An answer of which only the error is read."""

    error: ErrorText | str | None = None


class ServiceNowRefusal(SourceRefused):
    """ServiceNow will not do this."""


class PageCancelled(PageTooSlow):
    """Raised for a transaction that the instance cancelled."""


def understand(answer: HttpAnswer) -> tuple[str, str]:
    """No code, and the text of a refusal; both empty if it is not of the documented shape."""
    try:
        error = decoder_for(Envelope).decode(answer.body).error
    except (msgspec.DecodeError, RecursionError):
        return "", ""
    return "", text_of_error(error)


def text_of_error(error: ErrorText | str | None) -> str:
    """Message and detail of an error in one line."""
    if isinstance(error, ErrorText):
        parts = (part for part in (error.message, error.detail) if part)
        return ": ".join(parts)[:LONGEST]
    return (error or "")[:LONGEST]


def judge(answer: HttpAnswer) -> tuple[str, str] | None:
    """Code and text of a failure inside a good answer: an error beside the rows, or no JSON."""
    if not answer.body:
        return None
    try:
        error = decoder_for(Envelope).decode(answer.body).error
    except (msgspec.DecodeError, RecursionError):
        return CANCELLED, "its response is no JSON"
    return None if error is None else (CANCELLED, text_of_error(error))


TABLE = RetryTable(
    (
        *NO_ANSWER_RULES,
        RetryRule(AnswerHandling.REFUSE, codes=frozenset({CANCELLED})),
        RetryRule(AnswerHandling.REAUTH, statuses=frozenset({401})),
        # This status says that the call is wrong, and not that a proxy is busy.
        RetryRule(AnswerHandling.REFUSE, statuses=frozenset({406})),
        PROXY_RULE,
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({500})),
        RetryRule(AnswerHandling.REFUSE, statuses=frozenset({400, 403, 404, 405, 414, 415})),
    )
)


def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
    """Turn a failure into an error of ours."""
    if failure.code == CANCELLED:
        return PageCancelled(
            "servicenow-cancelled",
            "ServiceNow did not finish a page ({call}: {reason}).",
            next_step="Try again later. If it happens often, lower the rows per page in the "
            "settings of the org.",
            call=failure.call,
            reason=failure.message,
        )
    if failure.status == 0:
        return unreachable(failure, action)
    if failure.moved_to:
        return redirected(failure)
    if action is AnswerHandling.RETRY:
        return _busy(failure)
    if action is AnswerHandling.REFUSE:
        return _refusal(failure)
    if action is AnswerHandling.REAUTH:
        return AuthExpired(
            "servicenow-session",
            "ServiceNow ended the session again, right after a new sign-in ({call}).",
            next_step="Check whether the backup user is active, and the roles that its REST access "
            "policies need.",
            call=failure.call,
        )
    return NotAllowed(
        "servicenow-not-allowed",
        "ServiceNow does not accept this call ({call} → HTTP {status}: {reason}).",
        next_step="Check the address of the instance, and its REST API access policies.",
        call=failure.call,
        status=failure.status,
        reason=failure.message or "no reason given",
    )


def _refusal(failure: CallFailure) -> ServiceNowRefusal:
    if CLOSED_TO_REST.lower() in failure.message.lower():
        return ServiceNowRefusal(
            "servicenow-closed",
            "The table is closed to REST ({call}).",
            next_step="Select “Allow access to this table via web services” on the table, or "
            "exclude it.",
            call=failure.call,
        )
    return ServiceNowRefusal(
        "servicenow-refused",
        "ServiceNow refused: {reason} ({call} → HTTP {status}).",
        next_step="Give the backup user a role that may read the table, or exclude it.",
        reason=failure.message or "no reason given",
        call=failure.call,
        status=failure.status,
    )


def _busy(failure: CallFailure) -> TransientError:
    return TransientError(
        "servicenow-busy",
        "ServiceNow could not answer ({call} → HTTP {status}: {reason}).",
        next_step="Try again later. If it happens often, look at the rate limit rules of the "
        "instance.",
        retry_after=failure.retry_after,
        call=failure.call,
        status=failure.status,
        reason=failure.message or "no reason given",
    )
