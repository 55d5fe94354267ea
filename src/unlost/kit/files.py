"""Files of records, and their bytes as a stream that proves that they are whole."""

import hashlib
import io
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc

from unlost.kit.columns import column_or_null
from unlost.kit.http.backoff import BackoffTimer
from unlost.kit.http.body import BodyStream
from unlost.kit.http.once import SourceLabel
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.source.reading import FileRef, Op, Rows
from unlost.model.source.schema import FileColumn, Table

BUFFER = 256 << 10
PIECE = 1 << 20  # of an upload
NO_HASH = "md5"  # computed where the source has no hash, and compared with nothing

type OpenBody = Callable[[], AbstractContextManager[BodyStream]]


def file_refs(
    table: Table, rows: Rows, *, algorithm: str, elsewhere: pa.Array | None = None
) -> Iterator[FileRef]:
    """The files of live rows, without those of which the source says that they have no bytes.

    ``algorithm``: of the hash in the checksum column, such as ``md5``. A text of another form is no
    hash, and compared with nothing. ``elsewhere``: true for rows whose file is not in the source.
    """
    if rows.cells is None:
        return
    here = pc.equal(rows.ops, Op.STATE.value)
    if elsewhere is not None:
        here = pc.and_(here, pc.invert(elsewhere))
    for column in table.files:
        empty = pc.equal(column_or_null(rows.cells, column.size_column), "0")
        with_bytes = pc.and_(here, pc.invert(pc.fill_null(empty, fill_value=False)))
        yield from _refs_in(table, column, rows, with_bytes, algorithm)


def _refs_in(
    table: Table, column: FileColumn, rows: Rows, with_bytes: pa.Array, algorithm: str
) -> Iterator[FileRef]:
    assert rows.cells is not None
    names = (column.size_column, column.checksum_column, column.name_column, column.type_column)
    arrays = (rows.ids, *(column_or_null(rows.cells, name) for name in names))
    values = (array.filter(with_bytes).to_pylist() for array in arrays)
    for record, size, checksum, name, kind in zip(*values, strict=True):
        yield FileRef(
            table=table.name,
            record=record,
            column=column.column,
            size=_whole_number(size),
            checksum=_hash_of(algorithm, checksum),
            name=name or "",
            media_type=kind or "",
        )


def _whole_number(text: str | None) -> int | None:
    """A size: an integer, or one in the exponent form of large CSV numbers; None if it is none."""
    try:
        return int(float(text)) if text else None
    except (ValueError, OverflowError):
        return None


def _hash_of(algorithm: str, checksum: str | None) -> str | None:
    length = 2 * hashlib.new(algorithm, usedforsecurity=False).digest_size
    known = checksum is not None and re.fullmatch(f"[0-9a-fA-F]{{{length}}}", checksum)
    return f"{algorithm}:{checksum.lower()}" if checksum and known else None


class ProvedFile(io.RawIOBase):
    """A file's bytes. Resumes a cut connection; raises IntegrityError for wrong content.

    The proof is the size and the hash of the reference, as far as the source gives them. The hash
    may be any of Python's, such as ``md5:…`` or ``sha256:…``.
    """

    def __init__(
        self, ref: FileRef, reopen: OpenBody, backoff: BackoffTimer, *, source: SourceLabel
    ) -> None:
        """``reopen`` opens the body from its first byte."""
        super().__init__()
        self.ref = ref
        self._source = source
        self._reopen = reopen
        self._backoff = backoff
        self._attempt = 1
        algorithm, _, self._checksum = (ref.checksum or NO_HASH).partition(":")
        self._hash = hashlib.new(algorithm, usedforsecurity=False)
        self._count = 0
        self._open()

    def readable(self) -> bool:
        """Always true."""
        return True

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]
        """Fill the buffer as far as bytes come; 0 at the proved end."""
        piece = self._next(len(buffer))
        if not piece:
            self._prove()
            return 0
        self._hash.update(piece)
        self._count += len(piece)
        if self.ref.size is not None and self._count > self.ref.size:
            self._prove()  # perhaps it has no end
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        """Release the connection."""
        if not self.closed:
            self._opened.__exit__(None, None, None)
        super().close()

    def _open(self) -> None:
        self._opened = self._reopen()
        self._body = self._opened.__enter__()
        self._behind = self._count  # bytes to skip: they were already returned

    def _next(self, size: int) -> bytes:
        while True:
            try:
                self._catch_up()
                return self._body.read(size)
            except TransientError as error:
                self._backoff.wait(self._attempt, error)
                self._attempt += 1
                self._opened.__exit__(None, None, None)
                self._open()

    def _catch_up(self) -> None:
        while self._behind:
            piece = self._body.read(min(self._behind, BUFFER))
            self._behind = self._behind - len(piece) if piece else 0

    def _prove(self) -> None:
        if self.ref.size is not None and self.ref.size != self._count:
            raise self._wrong(f"{self._count} bytes arrived instead of {self.ref.size}")
        if self._checksum and self._checksum != self._hash.hexdigest():
            raise self._wrong(f"its bytes do not match the checksum in {self._source.name}")

    def _wrong(self, reason: str) -> IntegrityError:
        return IntegrityError(
            "file-not-whole",
            "The file {file} ({table}) was not received completely: {reason}.",
            next_step="The next run reads it again. If the problem persists, open the file in "
            "{source}.",
            file=self.ref.name or self.ref.record,
            table=self.ref.table,
            reason=reason,
            source=self._source.name,
        )


@contextmanager
def proved_stream(
    ref: FileRef, reopen: OpenBody, backoff: BackoffTimer, *, source: SourceLabel
) -> Iterator[BinaryIO]:
    """A file's bytes as a stream.

    Raises the errors of the call; IntegrityError (``file-not-whole``).
    """
    with io.BufferedReader(ProvedFile(ref, reopen, backoff, source=source), BUFFER) as stream:
        yield stream


def pieces_of(
    body: BinaryIO, notice: Callable[[bytes], object] = lambda _piece: None
) -> Iterator[bytes]:
    """The bytes of a file for the body of a call, in pieces of 1 MiB.

    ``notice`` receives each piece first, such as the ``update`` of a hash.
    """
    while piece := body.read(PIECE):
        notice(piece)
        yield piece
