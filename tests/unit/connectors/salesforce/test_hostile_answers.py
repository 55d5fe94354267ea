"""Answers of another form than the documented one: each value of each answer, replaced by others.

Whatever an answer contains, a person reads an error with a code, and Unlost makes no mistake of its own.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

from fakes.hostile_server import PLACES, org
from fakes.runs import read_all
from fakes.salesforce import FakeSalesforce
from fakes.wire import Chunks
from sweeps import parts_of
from unlost.model.errors import UnlostError
from unlost.model.source.reading import Cursor

PARTS = 40
LONGEST_SENTENCE = 1_000
MARK = "replaced-here"
OTHERS = (
    "null", "[]", "{}", "5", "-1", "1.5e400", "9" * 5_000, "true", '"text"', '""', "[null]", "[[]]",
    '{"a":null}', r'"\ud800"', r'"a\r\nX-Injected: 1"', '"../../x"', '"9999-12-31T23:59:59.000Z"',
    '"' + "9" * 5_000 + '"', '{"a":' * 1_200 + "1" + "}" * 1_200,
)  # fmt: skip

type Path = tuple[str | int, ...]


def everything(made: FakeSalesforce) -> None:
    """All that a backup asks of a source."""
    with made.source() as source:
        source.identity()
        source.server_time()
        tables = source.discover().tables
        source.quotas()
        for table in tables:
            source.count(table)
            for _ in source.census(table):
                pass
            for page in read_all(source, table):
                for ref in source.files_in(table, page.rows):
                    with source.open_file(ref) as stream:
                        stream.read()
            read_all(source, table, Cursor("2026-03-01T00:00:00Z"))


def made(**settings: Any) -> FakeSalesforce:
    fresh = org()
    fresh.config = type(fresh.config)(
        fresh.config.login_url, "key", bulk_above=5, page_rows=15, parallel_pages_above=30
    )
    return fresh


def paths(value: Any, at: Path = ()) -> Iterator[Path]:
    """All places in a value; of a list the first element stands for the others."""
    yield at
    inner = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:1])
        if isinstance(value, list)
        else ()
    )
    for key, each in inner:
        yield from paths(each, (*at, key))


def replaced(value: Any, path: Path) -> Any:
    if not path:
        return MARK
    copied = dict(value) if isinstance(value, dict) else list(value)
    copied[path[0]] = replaced(copied[path[0]], path[1:])
    return copied


def with_body(reply: httpx.Response, body: bytes) -> httpx.Response:
    headers = {name: text for name, text in reply.headers.items() if name != "content-length"}
    return httpx.Response(reply.status_code, headers=headers, stream=Chunks(body))


def lying(made: FakeSalesforce, place: str, path: Path, other: str) -> list[int]:
    """Let the org answer a call with one value replaced; returns a list of the times it did."""
    method, pattern = PLACES[place]
    honest = made.wire.__call__
    hits: list[int] = []

    def answer(request: httpx.Request) -> httpx.Response:
        reply = honest(request)
        if request.method != method or not re.search(pattern, str(request.url)):
            return reply
        try:
            content = replaced(json.loads(reply.read()), path)
        except (ValueError, KeyError, IndexError, TypeError):
            return with_body(reply, reply.read())
        hits.append(1)
        return with_body(reply, json.dumps(content).replace(f'"{MARK}"', other).encode())

    made.wire.answering = answer
    return hits


def honest_answers() -> dict[str, Any]:
    """One JSON answer of each call."""
    fresh = made()
    answers: dict[str, Any] = {}
    honest = fresh.wire.__call__

    def note(request: httpx.Request) -> httpx.Response:
        reply = honest(request)
        reply.read()
        for place, (method, pattern) in PLACES.items():
            fits = method == request.method and re.search(pattern, str(request.url))
            if fits and "json" in reply.headers.get("content-type", ""):
                answers.setdefault(place, json.loads(reply.content))
        return with_body(reply, reply.content)

    fresh.wire.answering = note
    everything(fresh)
    return answers


def cases() -> Iterator[tuple[str, Path, str]]:
    for place, content in honest_answers().items():
        for path in paths(content):
            for other in OTHERS:
                yield place, path, other


def in_plain_words(fresh: FakeSalesforce) -> bool:
    """True if all was read, or refused by an error with a code and a sentence of some lines."""
    try:
        everything(fresh)
    except UnlostError as error:
        return bool(error.code) and 0 < len(error.sentence) < LONGEST_SENTENCE
    return True


@pytest.mark.parametrize("part", parts_of(PARTS, full=8))
def test_no_answer_of_another_form_is_a_mistake_of_unlost(part: int) -> None:
    hits = 0
    for place, path, other in islice(cases(), part, None, PARTS):
        fresh = made()
        hit = lying(fresh, place, path, other)
        assert in_plain_words(fresh), (place, path, other[:40])
        hits += len(hit)
    assert hits


def test_all_calls_of_a_backup_that_answer_in_json_are_among_the_cases() -> None:
    assert set(PLACES) - set(honest_answers()) == {"results", "file"}
