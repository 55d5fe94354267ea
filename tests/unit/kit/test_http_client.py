"""The client: budget before each call, one sign-in again, retries by the table, whole bodies."""

import gzip
import ssl
from datetime import timedelta

import httpx
import pytest

from fakes.wire import Chunks, Wire, error_answer, json_answer
from unlost.kit.addresses import is_loopback
from unlost.kit.http import (
    AnswerHandling,
    Backoff,
    CallFailure,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    RetryRule,
    RetryTable,
    Throttle,
)
from unlost.model.errors import (
    AuthExpired,
    LimitReached,
    SourceRefused,
    TransientError,
    UnlostError,
)
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget

URL = "https://source.example/thing"
TABLE = RetryTable(
    (
        RetryRule(AnswerHandling.FAIL, statuses=frozenset({0}), contains="certificate"),
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({0, 429, 503})),
        RetryRule(AnswerHandling.REAUTH, statuses=frozenset({401})),
        RetryRule(AnswerHandling.LIMIT, codes=frozenset({"LIMIT"})),
        RetryRule(AnswerHandling.REFUSE, statuses=frozenset({400})),
    )
)


def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
    said = f"{failure.status} {failure.code} {failure.message}"
    if action is AnswerHandling.RETRY:
        return TransientError("passing", said, retry_after=failure.retry_after)
    kinds = {
        AnswerHandling.REFUSE: SourceRefused,
        AnswerHandling.REAUTH: AuthExpired,
        AnswerHandling.LIMIT: LimitReached,
    }
    return kinds.get(action, UnlostError)("spoken", said)


def understand(answer: HttpAnswer) -> tuple[str, str]:
    return ("LIMIT" if b"LIMIT" in answer.body else "", answer.body.decode()[:40])


class Signer:
    header = "Authorization"

    def __init__(self) -> None:
        self.tokens = 1
        self.renewed: list[str] = []

    def token(self) -> str:
        return f"Bearer {self.tokens}"

    def renew(self, stale: str) -> None:
        self.renewed.append(stale)
        self.tokens += 1


class Parts:
    def __init__(
        self,
        *,
        attempts: int = 3,
        compress: bool = True,
        policy: HttpPolicy | None = None,
        throttle: Throttle | None = None,
    ) -> None:
        self.wire = Wire()
        self.clock = VirtualClock()
        self.budget = FreeBudget()
        self.signer = Signer()
        self.noticed: list[str] = []
        self.client = HttpClient(
            policy
            or HttpPolicy(
                TABLE,
                understand,
                to_error,
                lambda headers: self.noticed.append(headers.get("x-usage", "")),
                Backoff(attempts=attempts, first=1.0),
            ),
            clock=self.clock,
            entropy=SeededEntropy(),
            budget=self.budget,
            session=self.signer,
            throttle=throttle,
            transport=self.wire.transport,
            compress=compress,
        )


@pytest.fixture
def parts() -> Parts:
    return Parts()


def test_an_answer_comes_whole_signed_and_counted(parts: Parts) -> None:
    parts.wire.on("GET", "thing", json_answer({"a": 1}, x_usage="7"))
    answer = parts.client.send(HttpCall("GET", URL))
    assert answer.is_json
    assert answer.body == b'{"a": 1}'
    assert parts.wire.calls[0].headers["authorization"] == "Bearer 1"
    assert parts.wire.calls[0].headers["accept-encoding"] == "gzip"
    assert parts.budget.taken == 1
    assert parts.noticed == ["7"]
    parts.client.close()


def test_identity_encoding_is_asked_for_where_wanted() -> None:
    parts = Parts(compress=False)
    parts.wire.on("GET", "thing", json_answer({}))
    parts.client.send(HttpCall("GET", URL))
    assert parts.wire.calls[0].headers["accept-encoding"] == "identity"


def test_an_unsigned_unbudgeted_call_takes_nothing(parts: Parts) -> None:
    parts.wire.on("POST", "thing", json_answer({}))
    parts.client.send(HttpCall("POST", URL, body=b"x", signed=False, budgeted=False))
    assert "authorization" not in parts.wire.calls[0].headers
    assert parts.budget.taken == 0


def test_passing_trouble_is_waited_out_and_each_call_is_budgeted(parts: Parts) -> None:
    busy = httpx.Response(503, content=b"<html>busy</html>")
    parts.wire.on("GET", "thing", busy, httpx.ConnectError("no route"), json_answer({}))
    assert parts.client.send(HttpCall("GET", URL)).status == 200
    assert parts.budget.taken == 3
    assert len(parts.clock.slept) == 2


def test_trouble_that_does_not_pass_is_raised_with_the_hosts_name_known(parts: Parts) -> None:
    parts.wire.on("GET", "thing", httpx.ConnectError("no route"))
    with pytest.raises(TransientError, match="0 ConnectError no route"):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == 3


def test_retry_after_is_obeyed(parts: Parts) -> None:
    parts.wire.on(
        "GET",
        "thing",
        httpx.Response(429, headers={"Retry-After": "33"}),
        httpx.Response(429, headers={"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}),
        json_answer({}),
    )
    parts.client.send(HttpCall("GET", URL))
    assert parts.clock.slept[0] == 33.0
    assert parts.clock.slept[1] < 33.0


def test_a_session_is_renewed_once_and_the_call_replayed_once(parts: Parts) -> None:
    parts.wire.on("GET", "thing", error_answer("X", "expired", 401), json_answer({}))
    assert parts.client.send(HttpCall("GET", URL)).status == 200
    assert parts.signer.renewed == ["Bearer 1"]
    assert [call.headers["authorization"] for call in parts.wire.calls] == ["Bearer 1", "Bearer 2"]
    assert parts.clock.slept == []


def test_a_session_that_ends_at_once_again_is_an_error(parts: Parts) -> None:
    parts.wire.on("GET", "thing", error_answer("X", "expired", 401))
    with pytest.raises(AuthExpired):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == 2


@pytest.mark.parametrize(
    ("status", "text", "error"), [(400, "no", SourceRefused), (403, "LIMIT", LimitReached)]
)
def test_refusals_and_limits_are_not_repeated(
    parts: Parts, status: int, text: str, error: type[UnlostError]
) -> None:
    parts.wire.on("GET", "thing", httpx.Response(status, content=text.encode()))
    with pytest.raises(error):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == 1


def test_a_certificate_that_is_not_trusted_is_told_as_such(parts: Parts) -> None:
    trouble = httpx.ConnectError("[SSL] failed")
    trouble.__cause__ = ssl.SSLCertVerificationError(1, "self-signed certificate")
    trouble.__cause__.verify_message = "self-signed certificate"
    parts.wire.on("GET", "thing", trouble)
    with pytest.raises(UnlostError, match="certificate: self-signed"):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == 1


def test_a_body_that_is_cut_makes_the_call_be_made_again(parts: Parts) -> None:
    packed = gzip.compress(b'{"whole":true}')
    cut = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks(packed[:9]))
    broken = httpx.Response(200, stream=Chunks(b"half", httpx.ReadError("reset")))
    good = httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=Chunks(packed))
    parts.wire.on("GET", "thing", cut, broken, good)
    assert parts.client.send(HttpCall("GET", URL)).body == b'{"whole":true}'
    assert len(parts.clock.slept) == 2


def test_a_body_that_is_cut_for_ever_is_an_error(parts: Parts) -> None:
    broken = httpx.Response(200, headers={"Content-Length": "99"}, stream=Chunks(b"half"))
    parts.wire.on("GET", "thing", broken)
    with pytest.raises(TransientError) as caught:
        parts.client.send(HttpCall("GET", URL))
    assert caught.value.code == "body-cut"
    assert len(parts.wire.calls) == 3


def test_an_error_answer_whose_own_body_is_cut_is_still_judged(parts: Parts) -> None:
    broken = httpx.Response(400, stream=Chunks(b"half", httpx.ReadError("reset")))
    parts.wire.on("GET", "thing", broken)
    with pytest.raises(SourceRefused):
        parts.client.send(HttpCall("GET", URL))


def test_a_stream_raises_while_it_is_read(parts: Parts) -> None:
    broken = httpx.Response(200, stream=Chunks(b"half", httpx.RemoteProtocolError("gone")))
    parts.wire.on("GET", "thing", broken)
    with parts.client.stream(HttpCall("GET", URL)) as body:
        assert body.read(4) == b"half"
        with pytest.raises(TransientError):
            body.read(4)


def test_an_accepted_status_is_no_failure(parts: Parts) -> None:
    parts.wire.on("GET", "thing", httpx.Response(304))
    answer = parts.client.send(HttpCall("GET", URL, accept=frozenset({304})))
    assert answer.status == 304
    assert not answer.is_json


@pytest.mark.parametrize(
    ("url", "local"),
    [
        ("http://127.0.0.1:80/x", True),
        ("http://localhost/", True),
        ("http://[::1]:8080/", True),
        ("http://example.com/", False),
        ("nonsense", False),
    ],
)
def test_only_this_machine_is_loopback(url: str, local: bool) -> None:
    assert is_loopback(url) is local


def inside(answer: HttpAnswer) -> tuple[str, str] | None:
    return ("LIMIT" if b"LIMIT" in answer.body else "X", "inside") if b"oh" in answer.body else None


def judging(**rules: AnswerHandling) -> Parts:
    """A client that looks into good answers; ``rules``: the reaction by code."""
    lines = (RetryRule(action, codes=frozenset({code})) for code, action in rules.items())
    return Parts(
        policy=HttpPolicy(RetryTable((*lines, *TABLE.rules)), understand, to_error, judge=inside)
    )


def test_a_failure_inside_a_good_answer_is_waited_out_before_anything_is_used() -> None:
    parts = judging(X=AnswerHandling.RETRY)
    parts.wire.on("GET", "thing", json_answer("oh no"), json_answer("fine"))
    used: list[bytes] = []
    parts.client.send_for(HttpCall("GET", URL), lambda answer: used.append(answer.body))
    assert used == [b'"fine"']
    assert len(parts.clock.slept) == 1


def test_a_failure_inside_that_does_not_pass_is_the_policys_error() -> None:
    parts = judging(X=AnswerHandling.RETRY)
    parts.wire.on("GET", "thing", json_answer("oh no"))
    with pytest.raises(TransientError, match="200 X inside"):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == Backoff().attempts


def test_a_failure_inside_that_no_line_names_is_final() -> None:
    parts = judging()
    parts.wire.on("GET", "thing", json_answer("oh no"))
    with pytest.raises(UnlostError, match="200 X inside"):
        parts.client.send(HttpCall("GET", URL))
    assert len(parts.wire.calls) == 1


def test_a_limit_inside_a_good_answer_is_a_limit() -> None:
    parts = judging()
    parts.wire.on("GET", "thing", json_answer("oh LIMIT"))
    with pytest.raises(LimitReached):
        parts.client.send(HttpCall("GET", URL))


def test_a_long_pause_parks_the_run_and_a_short_one_is_slept() -> None:
    policy = HttpPolicy(TABLE, understand, to_error, longest_pause=60.0)
    parts = Parts(policy=policy)
    short, long = (httpx.Response(429, headers={"Retry-After": text}) for text in ("60", "1200"))
    parts.wire.on("GET", "thing", short, long)
    with pytest.raises(LimitReached, match="next 20 minutes") as caught:
        parts.client.send(HttpCall("GET", URL))
    assert caught.value.code == "source-pause"
    assert parts.clock.slept == [60.0]
    assert caught.value.resume_at == parts.clock.now() + timedelta(seconds=1200)


def test_a_write_that_was_turned_away_for_long_parks_the_run() -> None:
    parts = Parts()
    parts.wire.on("POST", "thing", httpx.Response(429, headers={"Retry-After": "1200"}))
    with pytest.raises(LimitReached):
        parts.client.send(HttpCall("POST", URL))
    assert len(parts.wire.calls) == 1
