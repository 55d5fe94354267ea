"""Answers that try to fill memory or time end with an error, before they do."""

import gzip
import json
import threading
import time
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import repeat

import httpx
import pytest

from fakes.wire import Chunks, Wire, json_answer
from unlost.kit import json_to_arrow
from unlost.kit.csv_to_arrow import HEADER_BYTES, LARGEST_BLOCK, MOST_COLUMNS, CsvReader, RowTooWide
from unlost.kit.http import (
    FILE,
    SMALL,
    AnswerLimits,
    AnswerTooLarge,
    Backoff,
    HttpAnswer,
    HttpCall,
    HttpClient,
    HttpPolicy,
)
from unlost.kit.http import limits as limits_of_answers
from unlost.kit.http.body import number_in, whole
from unlost.kit.http.client import LONGEST_PAUSE
from unlost.kit.http.limits import CALL_SECONDS, RATIO_FROM, SLOWEST
from unlost.kit.http.network import CallTimer, CallTooSlow, TimedConnection, TimedNetwork
from unlost.kit.json_to_arrow import MOST_VALUES, MalformedAnswer, batch_of, decode, text_of
from unlost.kit.oauth import TOKEN_RETRIES, oauth_error_factory, understand_oauth
from unlost.model.errors import IntegrityError, LimitReached, NotAllowed, TransientError
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy
from unlost.testing.system import FreeBudget

URL = "https://source.example/thing"
GZIP = {"content-encoding": "gzip"}
MIB = 1 << 20


class Parts:
    def __init__(self) -> None:
        self.wire = Wire()
        self.clock = VirtualClock()
        policy = HttpPolicy(
            TOKEN_RETRIES, understand_oauth, oauth_error_factory(()), backoff=Backoff(3)
        )
        self.client = HttpClient(
            policy,
            clock=self.clock,
            entropy=SeededEntropy(),
            budget=FreeBudget(),
            transport=self.wire.transport,
        )

    def get(self, *answers: httpx.Response, limits: AnswerLimits = SMALL) -> bytes:
        self.wire.on("GET", "thing", *answers)
        return self.client.send(HttpCall("GET", URL, limits=limits)).body


class EndlessChunks(Chunks):
    def __init__(self, piece: bytes) -> None:
        super().__init__()
        self.piece, self.given = piece, 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in repeat(self.piece):
            self.given += len(piece)
            yield piece


def test_a_body_without_an_end_is_given_up_and_not_asked_for_again() -> None:
    parts, body = Parts(), EndlessChunks(b"x" * 65_536)
    with pytest.raises(AnswerTooLarge, match="more than 1,048,576 bytes"):
        parts.get(httpx.Response(200, stream=body))
    assert body.given <= SMALL.decoded + 65_536
    assert len(parts.wire.calls) == 1


def test_a_megabyte_that_expands_to_a_gigabyte_is_stopped_early() -> None:
    packed = gzip.compress(bytes(64 * MIB), 9)
    pieces: list[bytes] = []
    with pytest.raises(AnswerTooLarge, match="compressed more than 500 times"):
        pieces.extend(whole(iter([packed]), GZIP))
    plain = sum(map(len, pieces))
    assert RATIO_FROM - MIB <= plain <= 500 * len(packed) < 33 * MIB


def test_a_blank_picture_may_shrink_like_a_bomb() -> None:
    assert sum(map(len, whole(iter([gzip.compress(bytes(64 * MIB), 9)]), GZIP, FILE))) == 64 * MIB


def test_empty_gzip_members_without_end_are_given_up() -> None:
    members = repeat(gzip.compress(b"") * 1_000)
    with pytest.raises(AnswerTooLarge):
        list(whole(members, GZIP, SMALL))


def test_an_error_whose_body_has_no_end_is_still_judged_by_its_status() -> None:
    parts = Parts()
    with pytest.raises(NotAllowed, match="HTTP 400"):
        parts.get(httpx.Response(400, stream=EndlessChunks(b"x" * 65_536)))


def test_headers_beyond_their_limit_are_refused() -> None:
    many = {f"X-{at}": "a" * 100 for at in range(400)}
    with pytest.raises(AnswerTooLarge, match="its headers"):
        Parts().get(json_answer({}, **many))


def test_a_body_that_is_encoded_as_nobody_asked_is_refused() -> None:
    with pytest.raises(IntegrityError) as caught:
        Parts().get(httpx.Response(200, headers={"Content-Encoding": "zstd"}, stream=Chunks(b"x")))
    assert caught.value.code == "answer-encoding"


def test_a_source_that_asks_for_a_pause_of_years_is_asked_again_after_a_day() -> None:
    parts = Parts()
    with pytest.raises(LimitReached) as caught:
        parts.get(httpx.Response(503, headers={"Retry-After": "9" * 18}))
    assert caught.value.resume_at == parts.clock.now() + timedelta(days=1)
    assert parts.clock.slept == []


def test_a_pause_that_is_no_number_is_the_usual_one() -> None:
    parts = Parts()
    with pytest.raises(TransientError):
        parts.get(httpx.Response(503, headers={"Retry-After": "9" * 400}))
    assert 0 < max(parts.clock.slept) < LONGEST_PAUSE


@pytest.mark.parametrize(
    ("location", "shown"),
    [
        ("https://evil.example/x", "evil.example"),
        ("/thing", "another path"),
        ("http://[", "another"),
    ],
)
def test_a_redirect_is_not_followed_and_named(location: str, shown: str) -> None:
    parts = Parts()
    with pytest.raises(NotAllowed, match=shown) as caught:
        parts.get(httpx.Response(307, headers={"Location": location}))
    assert caught.value.code == "source-redirects"
    assert "GET /thing" in caught.value.sentence
    assert len(parts.wire.calls) == 1


@pytest.mark.parametrize("text", ["٣", "²", "-1", "+1", "1.0", "", "9" * 19, "0x1"])
def test_a_header_that_is_no_plain_number_is_none(text: str) -> None:
    assert number_in({"n": text}, "n") is None
    assert number_in({"n": " 42 "}, "n") == 42


def test_large_answers_are_decoded_one_after_the_other() -> None:
    parts = Parts()
    parts.wire.on("GET", "thing", lambda _: httpx.Response(200, stream=Chunks(bytes(2 * MIB))))
    busy = threading.Lock()
    overlaps: list[bool] = []

    def read(_: HttpAnswer) -> None:
        overlaps.append(not busy.acquire(blocking=False))
        time.sleep(0.01)
        busy.release()

    call = HttpCall("GET", URL, limits=AnswerLimits(4 * MIB))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: parts.client.send_for(call, read), range(8)))
    assert overlaps == [False] * 8


# --- time ------------------------------------------------------------------------------------------


class SlowConnection:
    """Gives a byte for each read, after some seconds."""

    def __init__(self, clock: VirtualClock, seconds: float, piece: bytes = b"x") -> None:
        self.clock, self.seconds, self.piece = clock, seconds, piece
        self.timeouts: list[float | None] = []
        self.closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self.timeouts.append(timeout)
        self.clock.advance(seconds=self.seconds)
        return self.piece

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self.timeouts.append(timeout)

    def close(self) -> None:
        self.closed = True

    def start_tls(self, *args: object, **options: object) -> "SlowConnection":
        return self

    def get_extra_info(self, info: str) -> str:
        return info


def test_a_server_that_sends_a_byte_now_and_then_does_not_keep_a_call_open() -> None:
    clock = VirtualClock()
    slow = SlowConnection(clock, 100)
    connection = TimedConnection(slow).start_tls(timeout=20.0)
    timer = CallTimer(630.0, clock=clock, limits=SMALL)
    timer.answered()
    connection.write(b"GET", timer)
    with pytest.raises(CallTooSlow) as caught:
        deque((connection.read(65_536, timer) for _ in range(100)), maxlen=0)
    assert caught.value.code == "answer-too-slow"
    assert CALL_SECONDS <= clock.monotonic() <= CALL_SECONDS + 100
    assert slow.timeouts[-1] is not None
    assert slow.timeouts[-1] <= 100.1
    assert all(type(timeout) is float for timeout in slow.timeouts)


def test_a_large_body_at_a_usual_speed_has_all_the_time_it_needs() -> None:
    clock = VirtualClock()
    connection = TimedConnection(SlowConnection(clock, 1.0, b"x" * SLOWEST * 2))
    timer = CallTimer(630.0, clock=clock, limits=FILE)
    timer.answered()
    for _ in range(int(CALL_SECONDS) * 3):
        connection.read(65_536, timer)
    assert clock.monotonic() > CALL_SECONDS


def test_lines_before_the_answer_that_never_end_are_given_up() -> None:
    connection = TimedConnection(
        SlowConnection(VirtualClock(), 0, b"HTTP/1.1 100 Continue\r\n\r\n")
    )
    timer = CallTimer(630.0, clock=VirtualClock(), limits=SMALL)
    with pytest.raises(AnswerTooLarge, match="its headers"):
        deque((connection.read(65_536, timer) for _ in range(100_000)), maxlen=0)


def test_a_connection_without_a_call_is_as_before() -> None:
    slow = SlowConnection(VirtualClock(), 0)
    network = TimedNetwork(lambda *_, **__: slow, lambda _: None)
    connection = network.connect_tcp("host", 1, timeout=20.0)
    assert connection.read(1, 5.0) == b"x"
    connection.write(b"x", None)
    assert connection.get_extra_info("socket") == "socket"
    connection.close()
    assert slow.closed
    assert slow.timeouts == [5.0, None]


# --- values ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body", [b"[" + b"{}," * MOST_VALUES + b"1]", b"[" + b'"",' * (MOST_VALUES + 9) + b"1]"]
)
def test_a_body_of_millions_of_small_values_is_refused_before_it_is_decoded(body: bytes) -> None:
    with pytest.raises(AnswerTooLarge, match="more than 1,200,000 values"):
        decode(body)


def test_commas_in_long_texts_are_no_values() -> None:
    text = "a,{[" * MOST_VALUES
    assert decode(b'{"a":"%s\\""}' % text.encode()) == {"a": text + '"'}


def test_only_separators_outside_texts_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(
        [{'a,{"[\\': "\\\\,", "b": '\\",{', "c": ["\\\\", '"', ""]}, "\\", ",", 1, {}, []]
    ).encode()
    for size in range(1, len(body) + 1):
        monkeypatch.setattr(json_to_arrow, "_SLICE", size)
        assert (
            json_to_arrow._count_outside_texts(body, json_to_arrow.SEPARATORS)
            == 5 + 2 + 2 + 1 + 3 + 1
        )


def test_json_that_is_nested_without_end_is_an_error_with_a_code() -> None:
    with pytest.raises(MalformedAnswer, match="nested too deeply") as caught:
        decode(b"[" * 100_000, call="GET /limits")
    assert "GET /limits" in caught.value.sentence


def test_a_value_that_is_nested_too_deeply_to_be_text_is_an_error_with_a_code() -> None:
    value: object = 1
    for _ in range(5_000):
        value = {"a": value}
    with pytest.raises(MalformedAnswer):
        text_of(value)
    with pytest.raises(MalformedAnswer):
        batch_of([{"A": value}], ["A"])


def test_half_a_character_is_an_error_with_a_code() -> None:
    with pytest.raises(TransientError) as caught:
        decode(rb'"\ud800"')
    assert caught.value.code == "body-cut"


def test_a_number_of_thousands_of_digits_is_an_error_with_a_code() -> None:
    with pytest.raises(MalformedAnswer):
        decode(b"9" * 5_000)


# --- CSV -------------------------------------------------------------------------------------------


class Body:
    def __init__(self, *pieces: bytes, again: bytes = b"") -> None:
        self.pieces, self.again, self.given = pieces, again, 0

    def chunks(self) -> Iterator[bytes]:
        yield from self.pieces
        while self.again:
            self.given += len(self.again)
            yield self.again


def test_a_header_line_without_end_is_given_up() -> None:
    body = Body(b"Id", again=b",Name" * 10_000)
    with pytest.raises(AnswerTooLarge, match="first line"):
        CsvReader(body)
    assert body.given <= HEADER_BYTES + 50_000


def test_a_million_columns_are_refused() -> None:
    with pytest.raises(AnswerTooLarge, match="columns"):
        CsvReader(Body(b"," * MOST_COLUMNS + b"\n"))


@pytest.mark.parametrize("line", [b"Id,\xff\n", b"Id," + b"x" * 200_000 + b"\n"])
def test_a_header_line_that_is_no_csv_is_an_error_with_a_code(line: bytes) -> None:
    with pytest.raises(TransientError):
        CsvReader(Body(line))


def test_a_row_without_end_takes_a_few_blocks() -> None:
    body = Body(b'Id\n"', again=b"x" * 65_536)
    with pytest.raises(RowTooWide):
        list(CsvReader(body, block_bytes=LARGEST_BLOCK // 16).batches())
    assert body.given <= LARGEST_BLOCK // 16 * 40


def test_the_largest_block_fits_the_memory_of_a_backup() -> None:
    assert LARGEST_BLOCK * 32 <= 256 * MIB
    assert limits_of_answers.DOCUMENT.decoded * 5 <= 256 * MIB
