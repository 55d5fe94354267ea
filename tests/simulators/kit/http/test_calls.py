"""Calls and answers as values."""

from pathlib import Path

import pytest

from unlost_simulators.kit.http.calls import (
    Answer,
    Call,
    FileSlice,
    call_from_target,
    json_answer,
    no_content,
)


def test_a_call_from_an_address_has_its_parts() -> None:
    call = call_from_target("get", "/a//b%2Fc/?x=1&y=", headers={"host": "h"}, body=b"k=v&e=")
    assert (call.method, call.path, call.query) == ("GET", "/a//b/c/", {"x": "1", "y": ""})
    assert call.segments == ["a", "b/c"]
    assert call.host == "h"
    assert call.form() == {"k": "v", "e": ""}


@pytest.mark.parametrize(("accepted", "gzip"), [("gzip, br", True), ("identity", False)])
def test_compression_is_the_choice_of_the_client(accepted: str, gzip: bool) -> None:
    call = Call("GET", "/", "/", {}, {"accept-encoding": accepted})
    assert call.accepts_gzip() is gzip


def test_an_answer_sends_its_body_its_file_and_its_stream(tmp_path: Path) -> None:
    file = tmp_path / "rows"
    file.write_bytes(b"0123456789")
    answer = Answer(body=b"head ", file=FileSlice(file, 2, 5))
    assert answer.length == 10
    assert b"".join(answer.chunks()) == b"head 23456"
    answer.stream = iter([b"!"])
    assert answer.length is None
    assert b"".join(answer.chunks()) == b"head 23456!"
    with pytest.raises(OSError, match="shorter"):
        list(FileSlice(file, 8, 5).chunks())


def test_json_and_empty_answers() -> None:
    answer = json_answer({"a": 1}, 201, Retry_After="5")
    assert (answer.status, answer.document, answer.headers) == (201, {"a": 1}, {"Retry-After": "5"})
    assert (no_content().status, no_content().content_type) == (204, None)
