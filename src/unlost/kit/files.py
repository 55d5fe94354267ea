"""The bytes of files as a stream that proves that they are whole."""

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import BinaryIO

from unlost.kit.http.backoff import BackoffTimer
from unlost.kit.http.body import BodyStream
from unlost.kit.http.once import SourceLabel
from unlost.model.errors import IntegrityError, TransientError
from unlost.model.source.reading import FileRef

BUFFER = 256 << 10
NO_HASH = "md5"  # computed where the source has no hash, and compared with nothing

type OpenBody = Callable[[], AbstractContextManager[BodyStream]]


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
