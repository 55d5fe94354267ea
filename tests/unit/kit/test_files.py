"""Proved files: any hash of the source, with its name in the error."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from unlost.kit.files import proved_stream
from unlost.kit.http import Backoff, BackoffTimer, BodyStream, SourceLabel
from unlost.kit.http.body import cut
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.source.reading import FileRef
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy

BODY = bytes(range(256)) * 3000
LABEL = SourceLabel("ServiceNow", "servicenow")


def hashed(algorithm: str, body: bytes = BODY) -> str:
    return f"{algorithm}:{hashlib.new(algorithm, body, usedforsecurity=False).hexdigest()}"


class Bodies:
    """Bodies in turn; the last one for ever. A number cuts a body there."""

    def __init__(self, *cuts: int | None, body: bytes = BODY) -> None:
        self.cuts = list(cuts) or [None]
        self.body = body
        self.opened = 0
        self.closed = 0

    @contextmanager
    def open(self) -> Iterator[BodyStream]:
        end = self.cuts[min(self.opened, len(self.cuts) - 1)]
        self.opened += 1
        try:
            yield BodyStream(200, {}, self._chunks(end))
        finally:
            self.closed += 1

    def _chunks(self, end: int | None) -> Iterator[bytes]:
        for at in range(0, len(self.body[:end]), 50_000):
            yield self.body[at : min(at + 50_000, end or len(self.body))]
        if end is not None:
            raise cut("reset")


def read(bodies: Bodies, **facts: object) -> bytes:
    ref = FileRef("sys_attachment", "a1", "file", name="plan.pdf", **facts)  # type: ignore[arg-type]
    timer = BackoffTimer(Backoff(attempts=3), VirtualClock(), SeededEntropy())
    with proved_stream(ref, bodies.open, timer, source=LABEL) as stream:
        return b"".join(iter(lambda: stream.read(70_000), b""))


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256"])
def test_a_file_is_proved_by_the_hash_that_the_source_has(algorithm: str) -> None:
    assert read(Bodies(), size=len(BODY), checksum=hashed(algorithm)) == BODY
    with pytest.raises(IntegrityError, match="checksum in ServiceNow") as caught:
        read(Bodies(body=BODY[:-1] + b"x"), size=len(BODY), checksum=hashed(algorithm))
    assert caught.value.code == "file-not-whole"
    assert "open the file in ServiceNow" in caught.value.next_step


def test_a_file_without_size_and_hash_is_taken_as_it_comes() -> None:
    assert read(Bodies()) == BODY


def test_a_cut_file_goes_on_where_it_broke_off_and_every_connection_is_released() -> None:
    bodies = Bodies(300_000, 100_000, None)
    assert read(bodies, size=len(BODY), checksum=hashed("sha256")) == BODY
    assert bodies.opened == bodies.closed == 3


def test_a_file_that_is_cut_for_ever_is_an_error() -> None:
    with pytest.raises(TransientError):
        read(Bodies(10), size=len(BODY))


def test_a_file_with_more_bytes_than_announced_ends_early() -> None:
    bodies = Bodies()
    with pytest.raises(IntegrityError, match="bytes arrived instead of 10"):
        read(bodies, size=10)
    assert bodies.opened == bodies.closed == 1
