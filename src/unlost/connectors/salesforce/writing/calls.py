"""Calls that write, as the write user: made once. A missing answer is reported.

Sources: REST guide (status codes); no call of Salesforce has an idempotency key. See docs/adr/0010
and ``kit.http.once``.
"""

import json

from unlost.connectors.salesforce.http.api import SEND_JSON, SalesforceApi
from unlost.connectors.salesforce.http.errors import SALESFORCE
from unlost.kit.http import AnswerLost, HttpAnswer, HttpCall
from unlost.kit.json_to_arrow import read_as
from unlost.kit.oauth import OAuthSession


class WriteClient:
    """Makes calls that write, each once, and signs them as the write user."""

    def __init__(self, api: SalesforceApi, session: OAuthSession) -> None:
        """``api`` signs its calls with ``session``."""
        self.api = api
        self._session = session

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
        return self.api.client.send(request)

    def send_json[T](self, request: HttpCall, kind: type[T]) -> T:
        """The decoded JSON of one call; raises AnswerLost if it does not have the form of ``kind``.

        A page of a proxy is no refusal of Salesforce, either: the call may have reached it.
        """
        return self.api.client.send_for(request, read_as(kind))

    def post_json[T](self, path: str, value: object, kind: type[T]) -> T:
        """The decoded JSON of a POST that is made once."""
        body = json.dumps(value).encode()
        return self.send_json(HttpCall("POST", self.api.url(path), SEND_JSON, body), kind)


def answer_lost(reason: str, *, call: str) -> AnswerLost:
    """The error for an answer that came, but does not show the result of the call."""
    return AnswerLost(reason, call=call, source=SALESFORCE)
