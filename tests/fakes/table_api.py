"""A Table API in memory: scripted rows, and the addresses that were asked for."""

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import parse_qs, urlsplit

import httpx

from fakes.wire import Chunks
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.kit.sessions import BasicSession
from unlost.testing.clock import present_clock
from unlost.testing.system import memory_context

type Row = Mapping[str, object]
type Answer = httpx.Response
HOST = "https://acme.service-now.com"


def rows_answer(rows: Sequence[Row], *, total: int | None = None) -> Answer:
    """A page of rows, with the count of its query."""
    headers = {} if total is None else {"X-Total-Count": str(total)}
    return httpx.Response(200, json={"result": list(rows)}, headers=headers)


def error_answer(status: int, message: str, detail: str = "", **headers: str) -> Answer:
    """A refusal in ServiceNow's form."""
    body = {"error": {"message": message, "detail": detail or None}, "status": "failure"}
    return httpx.Response(status, json=body, headers=headers)


def count_answer(count: object) -> Answer:
    """An answer of the Aggregate API."""
    return httpx.Response(200, json={"result": {"stats": {"count": count}}})


class ScriptedApi:
    """Answers calls by a function of path and parameters; ``calls`` are those that were made."""

    def __init__(self, answer: Callable[[str, Mapping[str, str]], Answer]) -> None:
        self.calls: list[tuple[str, Mapping[str, str]]] = []
        self._answer = answer

    def transport(self) -> httpx.BaseTransport:
        """The network of a client."""
        return httpx.MockTransport(self._handle)

    def api(self, *, page_rows: int = 100) -> ServiceNowApi:
        """Signed calls to this API; waits pass immediately."""
        context = memory_context({"password": "secret"}, clock=present_clock())
        session = BasicSession("backup", secrets=context.secrets)
        return ServiceNowApi(
            HOST, session, context, page_rows=page_rows, transport=self.transport()
        )

    def _handle(self, request: httpx.Request) -> httpx.Response:
        address = urlsplit(str(request.url))
        parameters = {name: values[0] for name, values in parse_qs(address.query).items()}
        path = address.path.removeprefix("/api/now/")
        self.calls.append((path, parameters))
        answer = self._answer(path, parameters)
        return httpx.Response(
            answer.status_code, headers=answer.headers, stream=Chunks(answer.content)
        )
