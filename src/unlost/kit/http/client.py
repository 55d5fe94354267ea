"""The HTTP client of all connectors: budget, session, retry table, whole bodies.

A connector describes its source in an ``HttpPolicy``; the client makes each call by it:

  send ─► stream ─► budget ─► network ─► status in ``accept``? ─ yes ─► body, checked for cuts
            ▲                                 │ no, or no answer
            │                                 ▼
            │                   RetryTable.decide(CallFailure)
            ├── RETRY   wait (Backoff), call again
            ├── REAUTH  sign in again, once; call again
            └── other   raise the policy's error

A call that may have written is not repeated, whatever the table says (``once``). A source that asks
for a longer wait than the policy allows ends the call with LimitReached, so that the run parks.

``send`` also judges the whole body (``HttpPolicy.judge``) and repeats a call whose body was cut. The
user of ``stream`` has already consumed a part of the body and must decide that itself. A call whose
body is an iterator cannot be repeated.
Redirects are not followed, so a token never leaves for another host. An answer beyond the limits of
its call ends with an error, and is not requested again. See docs/adr/0019 for calls in parallel.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from math import ceil
from typing import Protocol

import httpx

from unlost.kit.addresses import host_of
from unlost.kit.http.backoff import Backoff, BackoffTimer
from unlost.kit.http.body import BodyStream
from unlost.kit.http.limits import SMALL, AnswerTooLarge, turn_to_decode
from unlost.kit.http.messages import CallFailure, Headers, HttpAnswer, HttpCall
from unlost.kit.http.network import CallTimer, CallTooSlow, headers_too_large, time_connections
from unlost.kit.http.once import AnswerLost, SourceLabel, UploadOnce, may_have_effect
from unlost.kit.http.responses import (
    cause_of,
    chunks_of,
    headers_of,
    moved_to,
    retry_after_of,
    trusted,
)
from unlost.kit.http.table import NO_ANSWER, AnswerHandling, RetryTable
from unlost.kit.http.throttle import Throttle
from unlost.model.errors import IntegrityError, LimitReached, TransientError, UnlostError
from unlost.model.ports.system import Budget, Clock, Entropy

type Transport = httpx.BaseTransport

# A data call may take ten minutes to answer (Salesforce app limits cheatsheet, API requests);
# connecting must be quick.
READ_SECONDS = 630.0
CONNECT_SECONDS = 20.0
POOL_SIZE = 64
# A worker that sleeps longer keeps others waiting; the run can go on later.
LONGEST_PAUSE = 600.0
# Such a body is not whole, or took too long: the same call may bring it.
REPEATED = frozenset({"body-cut", "answer-too-slow"})
TOO_LARGE = "its response was too large"


class CallSigner(Protocol):
    """Signs calls."""

    @property
    def header(self) -> str:
        """The name of the header that signs a call."""
        ...

    def token(self) -> str:
        """The value of the header; signs in where needed."""
        ...

    def renew(self, stale: str) -> None:
        """Sign in again, unless another thread has already replaced ``stale``."""
        ...


@dataclass(frozen=True, slots=True)
class HttpPolicy:
    """The way a source reports failures and limits.

    ``understand`` reads code and message from an answer, ``to_error`` turns a failure into an error of
    ours, ``notice`` receives the headers of each answer.

    ``judge`` reads code and message from a whole answer with a good status whose body reports a
    failure, and returns None for all others. Its failures have that status in the table.
    ``call_name`` shortens the name of a call for people. ``longest_pause``: seconds; a source that
    asks for more parks the run.
    """

    table: RetryTable
    understand: Callable[[HttpAnswer], tuple[str, str]]
    to_error: Callable[[CallFailure, AnswerHandling], UnlostError]
    notice: Callable[[Headers], None] = lambda _headers: None
    backoff: Backoff = field(default_factory=Backoff)
    source: SourceLabel = field(default_factory=SourceLabel)
    judge: Callable[[HttpAnswer], tuple[str, str] | None] = lambda _answer: None
    call_name: Callable[[str], str] = str
    longest_pause: float = LONGEST_PAUSE


@dataclass(frozen=True, slots=True)
class _FailedCall:
    """A call that failed, and the token that signed it."""

    failure: CallFailure
    token: str | None = field(repr=False)


class _FailedInside(Exception):
    """Raised for an answer with a good status that reports a failure."""

    def __init__(self, failure: CallFailure) -> None:
        super().__init__()
        self.failure = failure


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
        throttle: Throttle | None = None,
        transport: Transport | None = None,
        compress: bool = True,
    ) -> None:
        """``transport`` replaces the network in tests; ``compress`` requests gzip bodies."""
        self.backoff = BackoffTimer(policy.backoff, clock, entropy)
        self._clock = clock
        self._policy = policy
        self._budget = budget
        self._session = session
        self._throttle = throttle
        self._client = httpx.Client(
            verify=trusted(),
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

        Raises AnswerLost if the call is not repeatable and its answer did not come whole, or is
        none that ``read`` takes.
        """
        for attempt in count(1):
            try:
                with self.stream(request) as body:
                    return self._read_whole(request, body, read)
            except TransientError as error:
                if error.code not in REPEATED:
                    raise
                self.backoff.wait(attempt, error)
            except _FailedInside as failed:
                self.backoff.wait(attempt, self._passing(request, failed.failure))
        raise AssertionError

    def _read_whole[T](
        self, request: HttpCall, body: BodyStream, read: Callable[[HttpAnswer], T]
    ) -> T:
        pieces = list(body.chunks())
        with (
            turn_to_decode(sum(map(len, pieces))),
            self._lost_for(request, "its response has another form"),
        ):
            plain = b"".join(pieces)
            pieces.clear()
            answer = HttpAnswer(body.status, body.headers, plain, self._name(request))
            self._check_inside(answer, host_of(request.url))
            return read(answer)

    def _check_inside(self, answer: HttpAnswer, host: str) -> None:
        complaint = self._policy.judge(answer)
        if complaint is not None:
            code, message = complaint
            pause = retry_after_of(answer.headers)
            raise _FailedInside(CallFailure(answer.status, code, message, host, pause, answer.call))

    @contextmanager
    def stream(self, request: HttpCall) -> Iterator[BodyStream]:
        """The answer's body as a stream; an interruption raises TransientError ``body-cut``.

        If the call is not repeatable, it raises AnswerLost instead.
        """
        with ExitStack() as call:
            response = self._persist(request, call)
            headers = headers_of(response)
            chunks = self._chunks_of(request, response, headers)
            yield BodyStream(response.status_code, headers, chunks)

    def _chunks_of(
        self, request: HttpCall, response: httpx.Response, headers: Headers
    ) -> Iterator[bytes]:
        with self._lost_for(request, "its response was truncated"):
            yield from chunks_of(response, headers, request.limits)

    def _persist(self, request: HttpCall, call: ExitStack) -> httpx.Response:
        """Call until the call succeeds or the retry table gives up.

        ``call`` closes the answer, and ends the turn of the call.
        """
        # One renewal: a user without access gets 401 with a fresh token, too, and would loop here.
        renewed = False
        content = request.body
        if content is not None and not isinstance(content, bytes):
            content = UploadOnce(content, self._policy.source)
        for attempt in count(1):
            outcome = self._call(request, content, call)
            if isinstance(outcome, httpx.Response):
                return outcome
            call.close()
            failure, token = outcome.failure, outcome.token
            action = self._policy.table.decide(failure)
            if action is AnswerHandling.REAUTH and self._session and token and not renewed:
                self._check_no_effect(request, failure, action)
                renewed = True
                self._session.renew(token)
                continue
            self.backoff.wait(attempt, self._passing(request, failure))
        raise AssertionError

    def _passing(self, request: HttpCall, failure: CallFailure) -> TransientError:
        """The error of a call that may be made again after a wait; raises any other error."""
        action = self._policy.table.decide(failure)
        self._check_no_effect(request, failure, action)
        error = self._policy.to_error(failure, action)
        if action is not AnswerHandling.RETRY or not isinstance(error, TransientError):
            raise error
        pause = error.retry_after or 0.0
        if pause > self._policy.longest_pause:
            raise self._long_pause(pause, failure) from error
        return error

    def _check_no_effect(
        self, request: HttpCall, failure: CallFailure, action: AnswerHandling
    ) -> None:
        if not request.repeatable and may_have_effect(failure, action):
            raise self._lost(request, failure.code or f"HTTP {failure.status}")

    @contextmanager
    def _lost_for(self, request: HttpCall, reason: str) -> Iterator[None]:
        """Turn an answer that cannot be used into AnswerLost, unless the call is repeatable."""
        try:
            yield
        except (TransientError, IntegrityError) as error:
            if request.repeatable:
                raise
            if isinstance(error, AnswerTooLarge):
                reason = TOO_LARGE
            raise self._lost(request, reason) from error

    def _lost(self, request: HttpCall, reason: str) -> AnswerLost:
        return AnswerLost(reason, call=self._name(request), source=self._policy.source)

    def _long_pause(self, seconds: float, failure: CallFailure) -> LimitReached:
        return LimitReached(
            "source-pause",
            "{host} accepts no calls for the next {minutes:,} minutes ({call} → HTTP {status}).",
            next_step="The run resumes automatically after that time.",
            resume_at=self._clock.now() + timedelta(seconds=seconds),
            host=failure.host,
            minutes=ceil(seconds / 60),
            call=failure.call,
            status=failure.status,
        )

    def _name(self, request: HttpCall) -> str:
        return self._policy.call_name(request.name)

    def _call(
        self, request: HttpCall, content: bytes | UploadOnce | None, call: ExitStack
    ) -> httpx.Response | _FailedCall:
        """Make the call once."""
        token = self._session.token() if self._session and request.signed else None
        if self._throttle is not None:
            call.enter_context(self._throttle.turn())
        if request.budgeted:
            self._budget.take()
        timer = CallTimer(READ_SECONDS, clock=self._clock, limits=request.limits)
        built = self._built(request, content, token, timer)
        host = built.url.netloc.decode()
        try:
            response = self._client.send(built, stream=True)
            call.callback(response.close)
            timer.answered()
            failure = self._judged(response, request, host)
        except (httpx.TransportError, CallTooSlow) as error:
            return _FailedCall(self._unanswered(request, error, host), token)
        except AnswerTooLarge as error:
            if request.repeatable:
                raise
            raise self._lost(request, TOO_LARGE) from error
        return response if failure is None else _FailedCall(failure, token)

    def _built(
        self,
        request: HttpCall,
        content: bytes | UploadOnce | None,
        token: str | None,
        timer: CallTimer,
    ) -> httpx.Request:
        headers = dict(request.headers)
        if token and self._session:
            headers[self._session.header] = token
        timeouts = {"connect": CONNECT_SECONDS, "read": timer, "write": timer, "pool": READ_SECONDS}
        return self._client.build_request(
            request.method,
            request.url,
            headers=headers,
            content=content,
            extensions={"timeout": timeouts},
        )

    def _unanswered(self, request: HttpCall, error: Exception, host: str) -> CallFailure:
        name = type(error).__name__
        return CallFailure(NO_ANSWER, name, cause_of(error), host, call=self._name(request))

    def _judged(self, response: httpx.Response, request: HttpCall, host: str) -> CallFailure | None:
        """The failure that the status of a response reports; None if its status is accepted."""
        size = sum(len(name) + len(value) for name, value in response.headers.raw)
        if size > request.limits.headers:
            raise headers_too_large(request.limits)
        self._policy.notice(headers_of(response))
        if response.status_code in request.accept:
            return None
        return self._failure(response, request, host)

    def _failure(self, response: httpx.Response, request: HttpCall, host: str) -> CallFailure:
        headers = headers_of(response)
        try:
            body = b"".join(chunks_of(response, headers, SMALL))
            answer = HttpAnswer(response.status_code, headers, body, self._name(request))
        except (TransientError, IntegrityError):
            answer = HttpAnswer(response.status_code, {}, b"", self._name(request))
        code, message = self._policy.understand(answer)
        return CallFailure(
            answer.status,
            code,
            message,
            host,
            retry_after_of(headers),
            answer.call,
            moved_to(answer.status, headers),
        )
