"""The HTTP client of all connectors: budget, session, retry table, whole bodies.

A connector describes its source in an ``HttpPolicy``; the client makes each call by it:

  send ─► stream ─► budget ─► network ─► status in ``accept``? ─ yes ─► body, checked for cuts
            ▲                                 │ no, or no answer
            │                                 ▼
            │                   RetryTable.decide(CallFailure)
            ├── RETRY   wait (Backoff), call again
            ├── REAUTH  sign in again, once; call again
            └── other   raise the policy's error

Only ``send`` repeats a call for a body that was cut; the user of ``stream`` has already consumed a
part of the body and must decide that itself. A call whose body is an iterator cannot be repeated.
Redirects are not followed, so a token never leaves for another host. An answer beyond the limits of
its call ends with an error, and is not requested again. See docs/adr/0019 for calls in parallel.
"""

import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Protocol

import httpx

from unlost.kit.addresses import host_of
from unlost.kit.http.backoff import Backoff, BackoffTimer
from unlost.kit.http.body import BodyStream, cut, number_in, whole
from unlost.kit.http.limits import SMALL, AnswerLimits, turn_to_decode
from unlost.kit.http.messages import LONGEST_PATH, CallFailure, Headers, HttpAnswer, HttpCall
from unlost.kit.http.network import CallTimer, CallTooSlow, headers_too_large, time_connections
from unlost.kit.http.table import NO_ANSWER, AnswerHandling, RetryTable
from unlost.model.errors import IntegrityError, TransientError, UnlostError
from unlost.model.ports.system import Budget, Clock, Entropy

type Transport = httpx.BaseTransport

# A data call may take ten minutes to answer (Salesforce app limits cheatsheet, API requests);
# connecting must be quick.
READ_SECONDS = 630.0
CONNECT_SECONDS = 20.0
POOL_SIZE = 64
# A source that asks for a longer pause is asked again sooner; it will refuse again.
LONGEST_PAUSE = 600.0
# Such a body is not whole, or took too long: the same call may bring it.
REPEATED = frozenset({"body-cut", "answer-too-slow"})


class CallSigner(Protocol):
    """Signs calls."""

    def token(self) -> str:
        """The value of the Authorization header; signs in where needed."""
        ...

    def renew(self, stale: str) -> None:
        """Sign in again, unless another thread has already replaced ``stale``."""
        ...


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The way a source reports failures and limits.

    ``understand`` reads code and message from an answer, ``to_error`` turns a failure into an error of
    ours, ``notice`` receives the headers of each answer.
    """

    table: RetryTable
    understand: Callable[[HttpAnswer], tuple[str, str]]
    to_error: Callable[[CallFailure, AnswerHandling], UnlostError]
    notice: Callable[[Headers], None] = lambda _headers: None
    backoff: Backoff = field(default_factory=Backoff)


def _trusted() -> ssl.SSLContext:
    """The trusted authorities. To read them takes 25 ms: once for all clients, until they change."""
    file = Path(os.environ.get("SSL_CERT_FILE", ""))
    changed = file.stat().st_mtime_ns if file.is_file() else 0
    return _read_trusted(file, os.environ.get("SSL_CERT_DIR"), changed)


@cache
def _read_trusted(_file: Path, _folder: str | None, _changed: int) -> ssl.SSLContext:
    return httpx.create_ssl_context()  # reads the variables itself


class HttpClient:
    """Makes calls. Safe for threads; keeps connections open until ``close``."""

    def __init__(
        self,
        policy: HttpPolicy,
        *,
        clock: Clock,
        entropy: Entropy,
        budget: Budget,
        session: CallSigner | None = None,
        transport: Transport | None = None,
        compress: bool = True,
    ) -> None:
        """``transport`` replaces the network in tests; ``compress`` requests gzip bodies."""
        self.backoff = BackoffTimer(policy.backoff, clock, entropy)
        self._clock = clock
        self._policy = policy
        self._budget = budget
        self._session = session
        self._client = httpx.Client(
            verify=_trusted(),
            transport=transport,
            http2=False,
            follow_redirects=False,
            timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=POOL_SIZE, max_keepalive_connections=POOL_SIZE),
            headers={
                "User-Agent": "unlost",
                "Accept-Encoding": "gzip" if compress else "identity",
            },
        )
        if transport is None:
            networks = (self._client._transport, *self._client._mounts.values())
            time_connections(network for network in networks if network is not None)

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def send(self, request: HttpCall) -> HttpAnswer:
        """Return the whole answer; a body that is cut repeats the call, too."""
        return self.send_for(request, lambda answer: answer)

    def send_for[T](self, request: HttpCall, read: Callable[[HttpAnswer], T]) -> T:
        """Return the result of ``read`` for the whole answer.

        A body that is cut repeats the call, also if only ``read`` notices (``body-cut``). ``read``
        must not wait for another thread: large bodies are read one at a time.
        """
        for attempt in count(1):
            try:
                with self.stream(request) as body:
                    pieces = list(body.chunks())
                    with turn_to_decode(sum(map(len, pieces))):
                        plain = b"".join(pieces)
                        pieces.clear()
                        return read(HttpAnswer(body.status, body.headers, plain, request.name))
            except TransientError as error:
                if error.code not in REPEATED:
                    raise
                self.backoff.wait(attempt, error)
        raise AssertionError

    @contextmanager
    def stream(self, request: HttpCall) -> Iterator[BodyStream]:
        """The answer's body as a stream; an interruption raises TransientError ``body-cut``."""
        response = self._persist(request)
        try:
            headers = _headers(response)
            chunks = _chunks(response, headers, request.limits)
            yield BodyStream(response.status_code, headers, chunks)
        finally:
            response.close()

    def _persist(self, request: HttpCall) -> httpx.Response:
        """Call until the call succeeds or the retry table gives up."""
        # One renewal: a user without access gets 401 with a fresh token, too, and would loop here.
        renewed = False
        for attempt in count(1):
            token = self._session.token() if self._session and request.signed else None
            outcome = self._call(request, token)
            if isinstance(outcome, httpx.Response):
                return outcome
            action = self._policy.table.decide(outcome)
            if action is AnswerHandling.REAUTH and self._session and token and not renewed:
                renewed = True
                self._session.renew(token)
                continue
            error = self._policy.to_error(outcome, action)
            if action is not AnswerHandling.RETRY or not isinstance(error, TransientError):
                raise error
            self.backoff.wait(attempt, error)
        raise AssertionError

    def _call(self, request: HttpCall, token: str | None) -> httpx.Response | CallFailure:
        if request.budgeted:
            self._budget.take()
        headers = dict(request.headers) | ({"Authorization": token} if token else {})
        timer = CallTimer(READ_SECONDS, clock=self._clock, limits=request.limits)
        timeouts = {"connect": CONNECT_SECONDS, "read": timer, "write": timer, "pool": READ_SECONDS}
        built = self._client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=request.body,
            extensions={"timeout": timeouts},
        )
        host = built.url.netloc.decode()
        try:
            response = self._client.send(built, stream=True)
        except (httpx.TransportError, CallTooSlow) as error:
            return CallFailure(
                NO_ANSWER,
                code=type(error).__name__,
                message=_cause(error),
                host=host,
                call=request.name,
            )
        timer.answered()
        return self._judged(response, request, host)

    def _judged(
        self, response: httpx.Response, request: HttpCall, host: str
    ) -> httpx.Response | CallFailure:
        """The response, or what it says about the failure of the call."""
        size = sum(len(name) + len(value) for name, value in response.headers.raw)
        if size > request.limits.headers:
            response.close()
            raise headers_too_large(request.limits)
        self._policy.notice(_headers(response))
        if response.status_code in request.accept:
            return response
        return self._failure(response, request, host)

    def _failure(self, response: httpx.Response, request: HttpCall, host: str) -> CallFailure:
        headers = _headers(response)
        try:
            body = b"".join(_chunks(response, headers, SMALL))
            answer = HttpAnswer(response.status_code, headers, body, request.name)
        except (TransientError, IntegrityError):
            answer = HttpAnswer(response.status_code, {}, b"", request.name)
        finally:
            response.close()
        code, message = self._policy.understand(answer)
        return CallFailure(
            answer.status,
            code,
            message,
            host,
            _retry_after(headers),
            request.name,
            _moved_to(answer.status, headers),
        )


def _headers(response: httpx.Response) -> Headers:
    return {name.lower(): value for name, value in response.headers.items()}


def _chunks(response: httpx.Response, headers: Headers, limits: AnswerLimits) -> Iterator[bytes]:
    return whole(_raw(response), headers, limits)


def _raw(response: httpx.Response) -> Iterator[bytes]:
    try:
        yield from response.iter_raw()
    except httpx.TransportError as error:
        raise cut(type(error).__name__) from error


def _cause(error: Exception) -> str:
    """The library's text; for certificate errors that of the check, the only useful one."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"certificate: {cause.verify_message}"
        cause = cause.__cause__ or cause.__context__
    return str(error)


def _retry_after(headers: Headers) -> float | None:
    """Seconds of a Retry-After header; its date form is ignored (RFC 9110, 10.2.3)."""
    seconds = number_in(headers, "retry-after")
    return None if seconds is None else min(float(seconds), LONGEST_PAUSE)


def _moved_to(status: int, headers: Headers) -> str:
    """The host to which an answer redirects; empty if it does not redirect."""
    if not 300 <= status < 400 or "location" not in headers:
        return ""
    return host_of(headers["location"])[:LONGEST_PATH] or "another path"
