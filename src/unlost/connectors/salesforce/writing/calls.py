"""Calls that write: made once. An answer that does not come is told, not asked for again.

Sources: REST guide (status codes); no call of Salesforce has an idempotency key.
"""

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from unlost.connectors.salesforce.api import SEND_JSON, Api, read_json
from unlost.connectors.salesforce.errors import TABLE, speaker, understand
from unlost.kit.http import (
    Action,
    Answer,
    Failure,
    Headers,
    HttpClient,
    Manners,
    Request,
    RetryTable,
    Rule,
    Transport,
)
from unlost.kit.oauth import OAuthSession
from unlost.model.errors import TransientError, UnlostError
from unlost.model.ports.source import Context

# Nothing was sent, or the edge turned it away: calling again is safe.
UNSENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
TURNED_AWAY = frozenset({406, 420, 429})
# The call may have been taken and its answer lost on the way.
NO_ANSWERS = frozenset({0, 500, 502, 503, 504})

WRITE_TABLE = RetryTable(
    (
        Rule(Action.FAIL, statuses=frozenset({0}), contains="certificate"),
        Rule(Action.RETRY, codes=UNSENT),
        Rule(Action.RETRY, statuses=TURNED_AWAY),
        Rule(Action.FAIL, statuses=NO_ANSWERS),
        *TABLE.rules,
    )
)


class AnswerLost(TransientError):
    """A call was made and its answer did not come: it may have taken effect."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            "salesforce-answer-lost",
            f"Salesforce did not answer a call that writes ({reason}).",
            next_step="The run looks what became of it before it goes on.",
        )


def write_manners(now: Callable[[], datetime], notice: Callable[[Headers], None]) -> Manners:
    """The manners of calls that write."""
    usual = speaker(now)

    def speak(failure: Failure, action: Action) -> UnlostError:
        trusted = "certificate" not in failure.message
        if action is Action.FAIL and failure.status in NO_ANSWERS and trusted:
            return AnswerLost(failure.code or f"HTTP {failure.status}")
        return usual(failure, action)

    return Manners(WRITE_TABLE, understand, speak, notice)


class WriteClient:
    """Makes calls that write, each once, and signs them as the write identity."""

    def __init__(
        self, api: Api, session: OAuthSession, context: Context, *, transport: Transport | None
    ) -> None:
        """``api`` is the same identity's way of reading."""
        self.api = api
        self._session = session
        self._client = HttpClient(
            write_manners(context.clock.now, api.notice),
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
        """The token as SOAP wants it."""
        return self._session.current().access

    def renew(self, token: str) -> None:
        """Sign in again."""
        self._session.renew(f"Bearer {token}")

    def send(self, request: Request) -> Answer:
        """The whole answer of one call; raises AnswerLost where it does not come whole.

        Raises Refused, LimitReached, AuthExpired, NotAllowed where nothing was written.
        """
        try:
            with self._client.stream(request) as body:
                return Answer(body.status, body.headers, body.read())
        except TransientError as error:
            if error.code == "body-cut":
                raise AnswerLost("its answer was cut") from error
            raise

    def post_json(self, path: str, value: object) -> Any:
        """The decoded JSON of a POST that is made once."""
        body = json.dumps(value).encode()
        return read_json(self.send(Request("POST", self.api.url(path), SEND_JSON, body)))
