"""Calls that write: made once. A missing answer is reported; the call is not repeated.

Sources: REST guide (status codes); no call of Salesforce has an idempotency key. See docs/adr/0010.
"""

import json
from collections.abc import Callable
from datetime import datetime

from unlost.connectors.salesforce.http.api import SEND_JSON, SalesforceApi, read_json
from unlost.connectors.salesforce.http.errors import (
    TABLE,
    error_factory,
    short_call,
    understand,
)
from unlost.kit.http import (
    AnswerHandling,
    AnswerTooLarge,
    CallFailure,
    Headers,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    RetryRule,
    RetryTable,
    Transport,
)
from unlost.kit.http.client import REPEATED
from unlost.kit.oauth import OAuthSession
from unlost.model.errors import IntegrityError, TransientError, UnlostError
from unlost.model.ports.source import Context

# Nothing was sent, or a proxy refused it: calling again is safe.
UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
TURNED_AWAY = frozenset({406, 420, 429})
# The call may have been accepted and its answer lost on the way.
NO_ANSWERS = frozenset({0, 500, 502, 503, 504})

WRITE_TABLE = RetryTable(
    (
        RetryRule(AnswerHandling.FAIL, statuses=frozenset({0}), contains="certificate"),
        RetryRule(AnswerHandling.RETRY, codes=UNSENT),
        RetryRule(AnswerHandling.RETRY, statuses=TURNED_AWAY),
        RetryRule(AnswerHandling.FAIL, statuses=NO_ANSWERS),
        *TABLE.rules,
    )
)


class AnswerLost(TransientError):
    """Raised when a call was made and its answer did not come: it may have taken effect."""

    def __init__(self, reason: str, *, call: str) -> None:
        """``call`` names the call, such as ``POST /composite/sobjects``."""
        super().__init__(
            "salesforce-answer-lost",
            "Salesforce did not answer a write call ({call} → {reason}).",
            next_step="The run checks the result of the call before it continues.",
            call=short_call(call),
            reason=reason,
        )


def write_policy(now: Callable[[], datetime], notice: Callable[[Headers], None]) -> HttpPolicy:
    """The HTTP policy of calls that write."""
    usual = error_factory(now)

    def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
        trusted = "certificate" not in failure.message
        if action is AnswerHandling.FAIL and failure.status in NO_ANSWERS and trusted:
            return AnswerLost(failure.code or f"HTTP {failure.status}", call=failure.call)
        return usual(failure, action)

    return HttpPolicy(WRITE_TABLE, understand, to_error, notice)


class WriteClient:
    """Makes calls that write, each once, and signs them as the write user."""

    def __init__(
        self,
        api: SalesforceApi,
        session: OAuthSession,
        context: Context,
        *,
        transport: Transport | None,
    ) -> None:
        """``api`` reads as the same identity."""
        self.api = api
        self._session = session
        self._client = HttpClient(
            write_policy(context.clock.now, api.notice),
            clock=context.clock,
            entropy=context.entropy,
            budget=context.budget,
            session=session,
            transport=transport,
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def access_token(self) -> str:
        """The token in the form that SOAP needs."""
        return self._session.current().access

    def renew(self, token: str) -> None:
        """Sign in again."""
        self._session.renew(f"Bearer {token}")

    def send(self, request: HttpCall) -> HttpAnswer:
        """The whole answer of one call; raises AnswerLost if it does not come whole.

        Raises SalesforceRefusal, LimitReached, AuthExpired, NotAllowed if nothing was written.
        """
        try:
            with self._client.stream(request) as body:
                return HttpAnswer(body.status, body.headers, body.read(), request.name)
        except TransientError as error:
            if error.code in REPEATED:
                raise AnswerLost("its response was truncated", call=request.name) from error
            raise
        except AnswerTooLarge as error:
            raise AnswerLost("its response was too large", call=request.name) from error

    def send_json[T](self, request: HttpCall, kind: type[T]) -> T:
        """The decoded JSON of one call; raises AnswerLost if it does not have the form of ``kind``."""
        answer = self.send(request)
        try:
            return read_json(answer, kind)
        except (TransientError, IntegrityError) as error:
            raise AnswerLost("its response has another form", call=request.name) from error

    def post_json[T](self, path: str, value: object, kind: type[T]) -> T:
        """The decoded JSON of a POST that is made once."""
        body = json.dumps(value).encode()
        return self.send_json(HttpCall("POST", self.api.url(path), SEND_JSON, body), kind)
