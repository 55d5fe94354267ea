"""The throttle: never more calls at a time than the source allows a user, and no standstill."""

import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fakes.wire import Chunks, Wire, json_answer
from unlost.kit.http import Backoff, HttpCall, HttpClient, HttpPolicy, Throttle
from unlost.kit.oauth import TOKEN_RETRIES, oauth_error_factory, understand_oauth
from unlost.model.errors import TransientError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget

URL = "https://source.example/thing"
SECONDS = 10.0  # of real time, after which a thread counts as stuck


class Source:
    """A source that counts the calls that it answers at a time."""

    def __init__(self, calls: int) -> None:
        self.clock = VirtualClock()
        self.throttle = Throttle(calls, clock=self.clock)
        self.wire = Wire()
        self.lock = threading.Lock()
        self.now = 0
        self.most = 0
        self.client = self.new_client()

    def new_client(self) -> HttpClient:
        policy = HttpPolicy(
            TOKEN_RETRIES, understand_oauth, oauth_error_factory(()), backoff=Backoff(2)
        )
        return HttpClient(
            policy,
            clock=self.clock,
            entropy=SeededEntropy(),
            budget=FreeBudget(),
            throttle=self.throttle,
            transport=self.wire.transport,
        )

    def answer(self, request: httpx.Request) -> httpx.Response:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)
        threading.Event().wait(0.01)
        with self.lock:
            self.now -= 1
        return httpx.Response(200, stream=Chunks(b"{}"))


@pytest.mark.parametrize("calls", [1, 3])
def test_no_more_calls_at_a_time_over_all_threads_and_clients(calls: int) -> None:
    source = Source(calls)
    source.wire.answering = source.answer
    clients = [source.client, source.new_client()]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: clients[n % 2].send(HttpCall("GET", URL)), range(24)))
    assert source.most == calls


def test_the_turn_ends_with_the_body_and_not_before() -> None:
    source = Source(1)
    source.wire.on("GET", "thing", httpx.Response(200, stream=Chunks(b"a", b"b")))
    second = threading.Thread(target=source.client.send, args=(HttpCall("GET", URL),))
    with source.client.stream(HttpCall("GET", URL)) as body:
        second.start()
        second.join(0.2)
        assert second.is_alive()
        assert len(source.wire.calls) == 1
        assert body.read() == b"ab"
        source.clock.advance(seconds=7)
    second.join(SECONDS)
    assert not second.is_alive()
    assert source.throttle.waited == 7


def test_a_thread_that_reads_a_stream_may_call_meanwhile() -> None:
    """Threads that all read a stream, and all need another call, must not wait for each other."""
    source = Source(1)
    source.wire.on("GET", "thing", httpx.Response(200, stream=Chunks(b"a")))
    with source.client.stream(HttpCall("GET", URL)) as body:
        assert source.client.send(HttpCall("GET", URL)).body == b"a"
        assert body.read() == b"a"
    with ThreadPoolExecutor(1) as pool:
        later = pool.submit(source.client.send, HttpCall("GET", URL))
        assert later.result(SECONDS).status == 200


def test_a_call_that_waits_for_another_try_gives_its_turn_away() -> None:
    source = Source(1)
    turns: list[bool] = []

    def sleep(seconds: float) -> None:
        turns.append(source.throttle._turns.acquire(blocking=False))
        source.throttle._turns.release()

    source.clock.sleep = sleep  # type: ignore[method-assign]
    source.wire.on("GET", "thing", httpx.Response(503), json_answer({}))
    source.client.send(HttpCall("GET", URL))
    assert turns == [True]


@pytest.mark.parametrize("failure", [httpx.Response(400), httpx.ReadError("x"), RuntimeError("x")])
def test_a_call_that_fails_gives_its_turn_back(failure: httpx.Response | Exception) -> None:
    source = Source(1)
    source.wire.on("GET", "thing", failure)
    for _ in range(3):
        with pytest.raises(Exception):  # noqa: B017
            source.client.send(HttpCall("GET", URL))
    source.wire.on("GET", "thing", json_answer({}))
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(source.client.send, HttpCall("GET", URL)).result(SECONDS).status == 200


def test_a_body_that_is_cut_gives_its_turn_back() -> None:
    source = Source(1)
    source.wire.on("GET", "thing", httpx.Response(200, stream=Chunks(b"a", httpx.ReadError("x"))))
    with pytest.raises(TransientError):
        source.client.send(HttpCall("GET", URL))
    assert source.throttle._turns.acquire(blocking=False)
