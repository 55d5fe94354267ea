"""The proxy: an httpx transport in front of another one, which changes answers as a lie says.

``SimulatorTransport`` answers from a simulated org in the same process, without sockets. In front
of ``httpx.HTTPTransport`` the same proxy lies to a client of a real server.
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx

from lying_proxy.calls import CallKind, Exchange, Itinerary, ServedAnswer
from lying_proxy.lie import Lie, Stage
from unlost_simulators.kit.http.calls import call_from_target
from unlost_simulators.salesforce.http.dispatcher import Dispatcher
from unlost_simulators.salesforce.simulator import Simulator

# They describe a body as it was sent, which the proxy changes.
OF_THE_BODY = frozenset({"content-length", "content-encoding", "transfer-encoding"})


class SimulatorTransport(httpx.BaseTransport):
    """A simulated org that answers in process."""

    def __init__(self, sim: Simulator) -> None:
        self._dispatcher = Dispatcher(sim)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        call = call_from_target(request.method, target, headers=headers, body=request.read())
        answer = self._dispatcher.serve(call).answer
        return httpx.Response(
            answer.status, headers=answer.headers, content=b"".join(answer.chunks())
        )


class LyingProxy(httpx.BaseTransport):
    """Passes calls on, and changes the answers that its lie is about. Without a lie it is honest.

    A composite or batch call is taken apart: a lie is about one of its inner calls.
    """

    def __init__(self, inner: httpx.BaseTransport, lie: Lie | None, stage: Stage) -> None:
        self._inner, self._lie, self._stage = inner, lie, stage
        self._itinerary = Itinerary()
        self.questions: Counter[tuple[CallKind, str]] = Counter()  # of the running backup

    def begin(self, backup: int) -> None:
        """Begin a numbered backup."""
        self._stage.backup, self._stage.lies = backup, 0
        self.questions = Counter()

    def end(self) -> None:
        """End a backup: what the lie did in the org is undone."""
        if self._lie is not None and self._lie.after is not None:
            self._lie.after(self._stage)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request, honestly or not."""
        target, body = request.url.raw_path.decode(), self._unconditional(request.read())
        headers = {**request.headers, "accept-encoding": "identity"}
        headers.pop("content-length", None)
        passed = httpx.Request(request.method, request.url, headers=headers, content=body)
        served = self._inner.handle_request(passed)
        answer = ServedAnswer(
            served.status_code,
            {name.lower(): text for name, text in served.headers.items()},
            served.read(),
        )
        if target.endswith(("/composite", "/composite/batch")):
            answer = self._inner_calls(json.loads(body), answer)
        else:
            answer = self._exchanged(request.method, target, body, answer)
        return _sent(answer)

    def _exchanged(
        self, method: str, target: str, body: bytes, answer: ServedAnswer
    ) -> ServedAnswer:
        stage = self._stage
        call = self._itinerary.call(method, target, body)
        self.questions[call.kind, call.table] += 1
        exchange = Exchange(call, answer, stage.backup)
        self._itinerary.note(exchange)
        changed = answer
        if self._lie is not None and self._lie.is_about(call, stage):
            changed = self._lie.change(exchange, stage)
            stage.lies += changed is not answer
        stage.honest.append(exchange)
        return changed

    def _inner_calls(self, asked: Mapping[str, Any], answer: ServedAnswer) -> ServedAnswer:
        """The answer with each of its parts exchanged; the outer headers may be lied about too."""
        batch = "batchRequests" in asked
        requests = asked["batchRequests" if batch else "compositeRequest"]
        status, inner = ("statusCode", "result") if batch else ("httpStatusCode", "body")
        if answer.status == 200:
            document = answer.json
            parts = document["results" if batch else "compositeResponse"]
            for request, part in zip(requests, parts, strict=True):
                target = f"/services/data/{request['url']}" if batch else request["url"]
                before = ServedAnswer(
                    part[status], answer.headers, json.dumps(part[inner]).encode()
                )
                text = json.dumps(request.get("body")).encode()
                changed = self._exchanged(request["method"], target, text, before)
                if is_cut(changed):
                    return replace(answer, body=answer.body[: len(answer.body) // 2])
                part[status], part[inner] = changed.status, changed.json
            answer = answer.with_json(document)
        # A lie about any call, such as one of the clock, is about the outer answer.
        return self._exchanged("POST", "/composite", b"", answer)

    def _unconditional(self, body: bytes) -> bytes:
        """The body; if the lie is about describes, without conditions: 304 cannot be lied about."""
        lie = self._lie
        if b"If-Modified-Since" not in body or lie is None or CallKind.DESCRIBE not in lie.kinds:
            return body
        asked = json.loads(body)
        for request in asked["compositeRequest"]:
            request.pop("httpHeaders", None)
        return json.dumps(asked).encode()


def is_cut(answer: ServedAnswer) -> bool:
    """True if a body is no JSON: within a composite call only the whole answer can be cut."""
    try:
        return answer.json is ...
    except ValueError:
        return True


def _sent(answer: ServedAnswer) -> httpx.Response:
    headers = {name: text for name, text in answer.headers.items() if name not in OF_THE_BODY}
    return httpx.Response(answer.status, headers=headers, stream=httpx.ByteStream(answer.body))
