"""Calls that write: made once, whatever a connector's table says, unless surely nothing happened."""

from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fakes.wire import Chunks, Wire, json_answer
from unlost.kit.http import (
    SMALL,
    AnswerHandling,
    AnswerLost,
    Backoff,
    CallFailure,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
    RetryRule,
    RetryTable,
    SourceLabel,
)
from unlost.kit.http.once import UNSENT, may_have_effect
from unlost.kit.json_to_arrow import decode
from unlost.model.errors import LimitReached, SourceRefused, TransientError, UnlostError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget

URL = "https://source.example/api/thing"
WRITING = ("POST", "PUT", "PATCH", "DELETE")
# A careless connector repeats everything, also failures inside good answers.
CARELESS = RetryTable((RetryRule(AnswerHandling.RETRY),))
CAREFUL = RetryTable(
    (
        RetryRule(AnswerHandling.REAUTH, statuses=frozenset({401})),
        RetryRule(AnswerHandling.REFUSE, codes=frozenset({"refused"})),
        RetryRule(AnswerHandling.LIMIT, codes=frozenset({"spent"})),
        RetryRule(AnswerHandling.RETRY, codes=frozenset({"busy"})),
        RetryRule(AnswerHandling.RETRY, statuses=frozenset({0, 429, 503})),
    )
)
SENTENCE = "ServiceNow did not answer a write call (POST /thing → {})."


def to_error(failure: CallFailure, action: AnswerHandling) -> UnlostError:
    kinds: dict[AnswerHandling, type[UnlostError]] = {
        AnswerHandling.RETRY: TransientError,
        AnswerHandling.REFUSE: SourceRefused,
        AnswerHandling.LIMIT: LimitReached,
    }
    return kinds.get(action, UnlostError)("spoken", f"{failure.status} {failure.code}")


def judge(answer: HttpAnswer) -> tuple[str, str] | None:
    if b'"error"' not in answer.body:
        return None
    return str(decode(answer.body)["error"]), "inside"


class Signer:
    header = "X-Token"

    def __init__(self) -> None:
        self.renewed = 0

    def token(self) -> str:
        return f"t{self.renewed}"

    def renew(self, stale: str) -> None:
        self.renewed += 1


class Sender:
    """A client of a careless or a careful connector over a scripted network."""

    def __init__(
        self, table: RetryTable = CAREFUL, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        self.wire = Wire()
        self.clock = VirtualClock()
        self.signer = Signer()
        self.client = HttpClient(
            HttpPolicy(
                table,
                lambda answer: ("", answer.body.decode()[:40]),
                to_error,
                backoff=Backoff(attempts=3, first=1.0),
                source=SourceLabel("ServiceNow", "servicenow"),
                judge=judge,
                call_name=lambda call: call.replace("/api/", "/"),
            ),
            clock=self.clock,
            entropy=SeededEntropy(),
            budget=FreeBudget(),
            session=self.signer,
            transport=transport or self.wire.transport,
        )

    def sent(self, method: str = "POST", **options: bool) -> HttpAnswer:
        return self.client.send(HttpCall(method, URL, body=b"{}", **options))

    @property
    def count(self) -> int:
        return len(self.wire.calls)


@pytest.mark.parametrize("method", WRITING)
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (httpx.ReadTimeout("slow"), "ReadTimeout"),
        (httpx.RemoteProtocolError("gone"), "RemoteProtocolError"),
        (httpx.Response(500), "HTTP 500"),
        (httpx.Response(503, headers={"Retry-After": "5000"}), "HTTP 503"),
        (httpx.Response(524), "HTTP 524"),
        (httpx.Response(200, headers={"Content-Length": "9"}, stream=Chunks(b"h")), "truncated"),
        (httpx.Response(200, stream=Chunks(b"half", httpx.ReadError("reset"))), "truncated"),
        (json_answer({}, **{f"X-{at}": "a" * 100 for at in range(400)}), "too large"),
        (json_answer({"error": "unheard of"}), "unheard of"),
        (json_answer({"error": "busy"}), "busy"),
        (httpx.Response(200, content=b'{"error":'), "another form"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_write_whose_answer_may_be_lost_is_made_once(
    method: str, answer: httpx.Response | Exception, reason: str
) -> None:
    for table in (CARELESS, CAREFUL):
        sender = Sender(table)
        sender.wire.on(method, "thing", answer, json_answer({}))
        with pytest.raises(AnswerLost, match=reason) as caught:
            sender.sent(method)
        assert caught.value.code == "servicenow-answer-lost"
        assert caught.value.sentence.startswith("ServiceNow did not answer a write call")
        assert f"{method} /thing" in caught.value.sentence
        assert sender.count == 1
        assert sender.clock.slept == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_call_that_reads_is_made_again(method: str) -> None:
    sender = Sender()
    sender.wire.on(method, "thing", httpx.ReadTimeout("slow"), httpx.Response(503), json_answer({}))
    assert sender.sent(method).status == 200
    assert sender.count == 3


def test_a_post_that_only_reads_is_made_again() -> None:
    sender = Sender()
    cut = httpx.Response(200, headers={"Content-Length": "9"}, stream=Chunks(b"half"))
    sender.wire.on("POST", "thing", httpx.ReadTimeout("slow"), cut, json_answer({}))
    assert sender.sent(harmless=True).status == 200
    assert sender.count == 3


@pytest.mark.parametrize("failure", [httpx.ConnectError("no route"), httpx.Response(429)])
def test_a_write_that_surely_had_no_effect_is_made_again(
    failure: httpx.Response | Exception,
) -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", failure, json_answer({}))
    assert sender.sent().status == 200
    assert sender.count == 2


def test_a_write_with_an_ended_session_is_made_again_after_a_new_sign_in() -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", httpx.Response(401), json_answer({}))
    sender.sent()
    assert [call.headers["x-token"] for call in sender.wire.calls] == ["t0", "t1"]


@pytest.mark.parametrize(("code", "error"), [("refused", SourceRefused), ("spent", LimitReached)])
def test_a_refusal_inside_a_good_answer_is_one_where_the_table_names_it(
    code: str, error: type[UnlostError]
) -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", json_answer({"error": code}))
    with pytest.raises(error):
        sender.sent()
    assert sender.count == 1


def test_an_answer_that_the_reader_does_not_take_is_lost() -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", json_answer({"id": 7}))
    with pytest.raises(AnswerLost, match="another form"):
        sender.client.send_for(HttpCall("POST", URL), lambda answer: decode(answer.body, list[str]))
    assert sender.count == 1


def test_a_body_that_is_larger_than_its_limit_is_a_lost_answer() -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", httpx.Response(200, content=b"x" * (SMALL.decoded + 1)))
    with pytest.raises(AnswerLost, match="too large"):
        sender.client.send(HttpCall("POST", URL, limits=SMALL))
    assert sender.count == 1


def test_a_streamed_answer_of_a_write_that_is_cut_is_lost() -> None:
    sender = Sender()
    sender.wire.on("POST", "thing", httpx.Response(200, stream=Chunks(b"a", httpx.ReadError("x"))))
    with sender.client.stream(HttpCall("POST", URL)) as body, pytest.raises(AnswerLost):
        body.read()


def pieces() -> Iterator[bytes]:
    yield b"file"


def test_a_body_that_was_begun_cannot_be_sent_again() -> None:
    sender = Sender()

    def refuse(request: httpx.Request) -> httpx.Response:
        assert request.read() == b"file"
        return httpx.Response(429)

    sender.wire.on("POST", "thing", refuse)
    with pytest.raises(TransientError, match="ServiceNow rejected an upload") as caught:
        sender.client.send(HttpCall("POST", URL, body=pieces()))
    assert caught.value.code == "upload-unsent"


class UnreachableOnce(httpx.BaseTransport):
    """Fails before it takes the first byte of a body, then answers."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self._reached = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        if not self._reached:
            self._reached = True
            raise httpx.ConnectError("no route")
        self.bodies.append(request.read())
        return httpx.Response(200, stream=Chunks(b"{}"))


def test_a_body_that_was_not_begun_is_sent_after_all() -> None:
    network = UnreachableOnce()
    sender = Sender(transport=network)
    sender.client.send(HttpCall("POST", URL, body=pieces()))
    assert network.bodies == [b"file"]


@given(st.integers(200, 599) | st.just(0), st.sampled_from(AnswerHandling), st.text(max_size=5))
def test_no_failure_above_499_is_ever_taken_for_a_refusal(
    status: int, action: AnswerHandling, code: str
) -> None:
    lost = may_have_effect(CallFailure(status, code), action)
    if status >= 500 or status == 0:
        assert lost
    elif status >= 300:
        assert not lost
    else:
        assert lost is (action not in {AnswerHandling.REFUSE, AnswerHandling.LIMIT})


@pytest.mark.parametrize("code", sorted(UNSENT))
def test_a_call_that_never_left_had_no_effect(code: str) -> None:
    assert not may_have_effect(CallFailure(0, code), AnswerHandling.RETRY)
