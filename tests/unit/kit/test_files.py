"""Files: those that have bytes, and bytes proved by any hash of the source."""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest

from unlost.kit.files import PIECE, file_refs, pieces_of, proved_stream
from unlost.kit.http import Backoff, BackoffTimer, BodyStream, SourceLabel
from unlost.kit.http.body import cut
from unlost.kit.rows import live_rows
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.source.reading import FileRef, Op, Rows
from unlost.model.source.schema import FileColumn, Table
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


TABLE = Table(
    "plan", (), files=(FileColumn("body", "size", "hash", "name", "kind"), FileColumn("icon", "px"))
)


def rows_of(*rows: dict[str, str | None]) -> Rows:
    schema = pa.schema([(name, pa.string()) for name in rows[0]])
    cells = pa.RecordBatch.from_pylist(list(rows), schema)
    return live_rows(cells, datetime(2026, 11, 27, tzinfo=UTC), ids="id")


def test_the_files_of_live_rows_are_named_with_their_facts() -> None:
    digest = hashlib.sha256(b"x").hexdigest()
    rows = rows_of({"id": "p1", "size": "1.2E2", "hash": digest.upper(), "name": "a", "px": "0"})
    (ref,) = file_refs(TABLE, rows, algorithm="sha256")
    assert ref == FileRef("plan", "p1", "body", 120, f"sha256:{digest}", "a", "")


def test_a_row_without_bytes_or_with_bytes_elsewhere_has_no_file() -> None:
    rows = rows_of(
        {"id": "deleted", "size": "1", "px": "0"},
        {"id": "empty", "size": "0", "px": "0"},
        {"id": "elsewhere", "size": "1", "px": "1"},
        {"id": "unknown", "size": None, "px": None},
    )
    ops = [Op.DELETED.value, Op.STATE.value, Op.STATE.value, Op.STATE.value]
    rows = replace(rows, ops=pa.array(ops))
    elsewhere = pa.array([False, False, True, False])
    refs = file_refs(TABLE, rows, algorithm="md5", elsewhere=elsewhere)
    assert [(ref.record, ref.column) for ref in refs] == [("unknown", "body"), ("unknown", "icon")]
    everywhere = file_refs(TABLE, rows, algorithm="md5")
    assert ("elsewhere", "icon") in [(ref.record, ref.column) for ref in everywhere]
    assert not list(file_refs(TABLE, replace(rows, cells=None), algorithm="md5"))


def test_the_pieces_of_an_upload_are_hashed_as_they_are_sent() -> None:
    body = b"x" * (PIECE + 1)
    sent = hashlib.sha256()
    pieces = pieces_of(io.BytesIO(body), sent.update)
    assert next(pieces) == body[:PIECE]
    assert sent.digest() == hashlib.sha256(body[:PIECE]).digest()
    assert list(pieces) == [b"x"]
    assert sent.digest() == hashlib.sha256(body).digest()
    assert list(pieces_of(io.BytesIO(body))) == [body[:PIECE], b"x"]
