"""Salesforce's errors: their parsing, the reaction to them, and their texts for people.

Sources: REST guide (status codes and error responses), SOAP guide (exception codes), and answers of
live orgs in public issue threads. OAuth's errors have another form (``signin``).
"""

import re
from collections.abc import Callable
from datetime import datetime

from unlost.connectors.salesforce.http.limits import LIMIT_PAUSE
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
from unlost.kit.json_to_arrow import decode
from unlost.kit.sign_in_words import SignInWords
from unlost.model.errors import (
    AuthExpired,
    IntegrityError,
    LimitReached,
    NotAllowed,
    SourceRefused,
    TransientError,
    UnlostError,
)

SALESFORCE = SourceLabel("Salesforce", "salesforce")
WORDS = SignInWords(
    private_key_unreadable="Store the .key file for the certificate of the External Client App.",
    source_redirects="Check the address of the org. Use its My Domain, not an address that leads "
    "there. Check the proxies between this machine and the source.",
    sign_in_not_understood="Check the org's address (its My Domain, without a path).",
    sign_in_not_lasting="Add the scope 'Perform requests at any time (refresh_token, "
    "offline_access)' to the app. Then sign in again.",
)
_COMMON = re.compile(r" /services/data/v[\d.]+/")
LONGEST_CODE = 100  # shown characters; the longest code that is known has half of them


class SalesforceRefusal(SourceRefused):
    """Salesforce will not do this; ``native`` is its own error code, ``text`` its own text."""

    def __init__(self, native: str, text: str, status: int, call: str = "") -> None:
        """``call`` names the call that was refused, such as ``POST /composite/batch``."""
        super().__init__(
            "salesforce-refused",
            "Salesforce refused: {reason} ({native}).",
            next_step="The page 'Connect Salesforce' of the documentation explains refused calls.",
            reason=first_line(text) or "no reason given",
            native=f"{call} → {native or status}" if call else native or status,
        )
        self.native = native
        self.text = text
        self.status = status

    def has_code(self, *codes: str) -> bool:
        """True if it carries one of these codes, ignoring case."""
        return self.native.upper() in {code.upper() for code in codes}


def first_line(message: str) -> str:
    """The useful part of a message for people: query errors put it in their last line."""
    lines = [line.strip() for line in message.strip().splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def understand(answer: HttpAnswer) -> tuple[str, str]:
    """Code and message of an error answer; empty if it is not JSON of the documented shape."""
    if not answer.is_json:
        return "", ""
    try:
        return read_error(decode(answer.body))
    except (TransientError, IntegrityError):
        return "", ""


def short_call(call: str) -> str:
    """The name of a call without the part of the path that all calls have in common."""
    return _COMMON.sub(" /", call)


def read_error(value: object) -> tuple[str, str]:
    """Code and message of a decoded error: an array of objects, or one object (Bulk 1)."""
    first = value[0] if isinstance(value, list) and value else value
    if not isinstance(first, dict):
        return "", ""
    code = first.get("errorCode") or first.get("exceptionCode") or first.get("statusCode") or ""
    message = first.get("message") or first.get("exceptionMessage") or ""
    return str(code)[:LONGEST_CODE], str(message)


def _codes(*names: str) -> frozenset[str]:
    return frozenset(names)


def _statuses(*numbers: int) -> frozenset[int]:
    return frozenset(numbers)


NO_API = _codes("API_DISABLED_FOR_ORG", "API_CURRENTLY_DISABLED")

TABLE = RetryTable(
    (
        *NO_ANSWER_RULES,
        # sessions: these two texts return after any sign-in
        RetryRule(
            AnswerHandling.FAIL,
            statuses=_statuses(401),
            contains="not valid for use with the REST API",
        ),
        RetryRule(AnswerHandling.FAIL, statuses=_statuses(401), contains="not attached to Agent"),
        RetryRule(AnswerHandling.REAUTH, statuses=_statuses(401)),
        RetryRule(AnswerHandling.REAUTH, codes=_codes("INVALID_SESSION_ID", "InvalidSessionId")),
        # allowances: too many concurrent calls pass in seconds, too many a day do not
        RetryRule(
            AnswerHandling.RETRY, codes=_codes("REQUEST_LIMIT_EXCEEDED"), contains="Concurrent"
        ),
        RetryRule(AnswerHandling.LIMIT, codes=_codes("REQUEST_LIMIT_EXCEEDED", "LIMIT_EXCEEDED")),
        RetryRule(AnswerHandling.LIMIT, contains="Max bulk v2 query"),
        RetryRule(AnswerHandling.FAIL, codes=NO_API),
        # the proxies in front of Salesforce, and temporary failures behind them
        PROXY_RULE,
        RetryRule(
            AnswerHandling.RETRY,
            codes=_codes(
                "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
                "ORG_LOCKED",
                "REQUEST_RUNNING_TOO_LONG",
                "SERVER_UNAVAILABLE",
                "TXN_SECURITY_METERING_ERROR",
                "UNABLE_TO_LOCK_ROW",
                "UNKNOWN_EXCEPTION",
            ),
        ),
        RetryRule(AnswerHandling.RETRY, statuses=_statuses(500)),
        # a retired API version
        RetryRule(AnswerHandling.FAIL, statuses=_statuses(410)),
        RetryRule(AnswerHandling.FAIL, codes=_codes("UNSUPPORTED_API_VERSION")),
        # everything else is about one table, column or record
        RetryRule(
            AnswerHandling.REFUSE,
            statuses=_statuses(400, 403, 404, 405, 409, 412, 413, 414, 415, 431),
        ),
    )
)


def error_factory(
    now: Callable[[], datetime],
) -> Callable[[CallFailure, AnswerHandling], UnlostError]:
    """Build a function that turns failures into errors; ``now`` dates a retry after a limit."""

    def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
        if failure.status == 0:
            return unreachable(failure, action)
        if failure.moved_to:
            return redirected(failure, WORDS)
        if action is AnswerHandling.RETRY:
            return _temporary_error(failure)
        if action is AnswerHandling.LIMIT:
            return _limit(failure, now() + LIMIT_PAUSE)
        if action is AnswerHandling.REFUSE:
            return SalesforceRefusal(failure.code, failure.message, failure.status, failure.call)
        if action is AnswerHandling.REAUTH:
            return _session_over(failure)
        return _permanent_error(failure)

    return to_error


def _temporary_error(failure: CallFailure) -> TransientError:
    reason = f"{failure.code}: {first_line(failure.message)}" if failure.code else "no reason given"
    return TransientError(
        "source-error",
        "Salesforce could not answer ({call} → HTTP {status}, {reason}).",
        next_step="Try again later. See status.salesforce.com for outages.",
        retry_after=failure.retry_after,
        call=failure.call,
        status=failure.status,
        reason=reason,
    )


def _limit(failure: CallFailure, resume_at: datetime) -> LimitReached:
    return LimitReached(
        "salesforce-limit",
        "A limit of the org is reached: {reason} ({call}).",
        next_step="The run resumes automatically when calls are available again (rolling 24 "
        "hours). See Setup > System Overview for the usage.",
        resume_at=resume_at,
        call=failure.call,
        reason=first_line(failure.message) or failure.code,
    )


def _session_over(failure: CallFailure) -> AuthExpired:
    return AuthExpired(
        "salesforce-session",
        "Salesforce ended the session again, right after a new sign-in ({call}).",
        next_step="Check whether the backup user or the External Client App was blocked. Check "
        "the login history of the user in Setup.",
        call=failure.call,
    )


def wrong_version() -> NotAllowed:
    """The error for an org that does not know the API version of the settings."""
    return NotAllowed(
        "salesforce-api-version",
        "This org does not support the API version in its settings.",
        next_step="Set a newer API version for the org, or keep the default.",
    )


def _permanent_error(failure: CallFailure) -> UnlostError:
    if failure.code in NO_API:
        return NotAllowed(
            "salesforce-api-disabled",
            "This org or this user may not use the API.",
            next_step="Grant the permission 'API Enabled' to the backup user (Enterprise edition "
            "or newer, or Professional with API access).",
        )
    if failure.status == 410 or failure.code == "UNSUPPORTED_API_VERSION":
        return wrong_version()
    line = first_line(failure.message) or "no reason given"
    return NotAllowed(
        "salesforce-session-refused",
        "Salesforce does not accept this sign-in for its API ({call} → HTTP {status}: {line}).",
        next_step="Give the External Client App the scope 'Manage user data via APIs (api)' and "
        "the backup user the permission 'API Enabled'.",
        call=failure.call,
        status=failure.status,
        line=line,
    )
