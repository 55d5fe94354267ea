"""A scripted network: answers by method and address, every call remembered."""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from unlost.model.ports.source import Context
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget, MemorySecretStore, NullObserver

type Responder = httpx.Response | Exception | Callable[[httpx.Request], httpx.Response]


def json_answer(value: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(
        status,
        content=json.dumps(value).encode(),
        headers={"Content-Type": "application/json;charset=UTF-8"}
        | {name.replace("_", "-"): text for name, text in headers.items()},
    )


def error_answer(code: str, message: str, status: int = 400) -> httpx.Response:
    return json_answer([{"errorCode": code, "message": message}], status)


def csv_answer(
    body: bytes | str, *, rows: int | None, locator: str | None = "null", **headers: str
):
    data = body.encode() if isinstance(body, str) else body
    said = {"Content-Type": "text/csv"} | headers
    if rows is not None:
        said["Sforce-NumberOfRecords"] = str(rows)
    if locator is not None:
        said["Sforce-Locator"] = locator
    return httpx.Response(200, content=data, headers=said)


class Chunks(httpx.SyncByteStream):
    """A body in pieces, which may break off with an error."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self._pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece


@dataclass
class Rule:
    method: str
    pattern: str
    answers: list[Responder]
    used: int = 0


@dataclass
class Wire:
    """Later rules win. A rule with several answers gives them in turn and repeats the last one.

    ``answering``, where it is set, answers in place of the rules, and may ask them.
    """

    rules: list[Rule] = field(default_factory=list)
    calls: list[httpx.Request] = field(default_factory=list)
    answering: Callable[[httpx.Request], httpx.Response] | None = None

    def on(self, method: str, pattern: str, *answers: Responder) -> None:
        self.rules.insert(0, Rule(method, pattern, list(answers)))

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.calls.append(request)
        target = str(request.url)
        for rule in self.rules:
            if rule.method == request.method and re.search(rule.pattern, target):
                answer = rule.answers[min(rule.used, len(rule.answers) - 1)]
                rule.used += 1
                return self._give(answer, request)
        raise AssertionError(f"no answer for {request.method} {target}")

    def _give(self, answer: Responder, request: httpx.Request) -> httpx.Response:
        if isinstance(answer, Exception):
            raise answer
        made = answer if isinstance(answer, httpx.Response) else answer(request)
        body = made.stream if isinstance(made.stream, Chunks) else Chunks(made.content)
        return httpx.Response(made.status_code, headers=made.headers, stream=body)

    @property
    def transport(self) -> httpx.MockTransport:
        return httpx.MockTransport(self._answer)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        return (self.answering or self)(request)

    def made(self, method: str, pattern: str) -> list[httpx.Request]:
        """Calls of this kind so far."""
        return [
            call
            for call in self.calls
            if call.method == method and re.search(pattern, str(call.url))
        ]


def context(**secrets: str) -> Context:
    """Ports in memory: virtual clock, free budget."""
    return Context(
        clock=VirtualClock(),
        entropy=SeededEntropy(1),
        secrets=MemorySecretStore(secrets),
        budget=FreeBudget(),
        observer=NullObserver(),
    )
