"""Answer bodies as streams that prove that they are whole.

HTTP libraries return the part before a cut of a gzip stream as if it were everything. Here a body
ends without an error only if its length and its compression confirm that it is complete. A body
beyond the limits of its kind ends with an error before it is decompressed any further.
"""

import zlib
from collections.abc import Iterator

from unlost.kit.http.limits import DOCUMENT, RATIO_FROM, AnswerLimits, AnswerTooLarge
from unlost.kit.http.messages import Headers
from unlost.model.errors import IntegrityError, TransientError

GZIP_WINDOW = 16 + zlib.MAX_WBITS  # makes zlib expect the gzip frame
PIECE = 1 << 20
LONGEST_NUMBER = 18  # digits
MOST_MEMBERS = 10_000  # of a gzip stream; servers send one, or one for each piece
PLAIN = frozenset({"", "identity"})
GZIP = frozenset({"gzip", "x-gzip"})


def cut(reason: str) -> TransientError:
    """The error of a body that ended too early; ``reason`` describes the evidence."""
    return TransientError(
        "body-cut",
        "A response of the source ended too early ({reason}).",
        next_step="Unlost requests it again automatically. If the problem persists, check the "
        "proxies between this machine and the source.",
        reason=reason,
    )


class ReceivedBytes:
    """Counts the bytes of a body as they arrive."""

    def __init__(self) -> None:
        self.count = 0

    def counted(self, chunks: Iterator[bytes], announced: int | None) -> Iterator[bytes]:
        """Pass the chunks on; raise an error at the end if their total is not ``announced``."""
        for chunk in chunks:
            self.count += len(chunk)
            yield chunk
        if announced is not None and self.count != announced:
            raise cut(f"{self.count} of {announced} bytes")


def gunzipped(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Decompress the chunks, in pieces of at most 1 MiB; several gzip members form one stream."""
    inflate = zlib.decompressobj(GZIP_WINDOW)
    started = False
    members = 1
    for chunk in chunks:
        pending = chunk
        while pending:
            if inflate.eof:
                members += 1
                if members > MOST_MEMBERS:  # perhaps empty ones, without an end
                    raise AnswerTooLarge(f"it has more than {MOST_MEMBERS:,} compressed parts")
                inflate = zlib.decompressobj(GZIP_WINDOW)
            started = True
            # ``PIECE`` bounds the output of one call: gzip can expand a chunk a thousandfold.
            piece = _inflated(inflate, pending)
            pending = inflate.unused_data if inflate.eof else inflate.unconsumed_tail
            if piece:
                yield piece
    if started and not inflate.eof:
        raise cut("inside its gzip stream")


def _inflated(inflate: "zlib._Decompress", data: bytes) -> bytes:
    try:
        return inflate.decompress(data, PIECE)
    except zlib.error as error:
        raise cut("its gzip stream is damaged") from error


def limited(
    chunks: Iterator[bytes], limits: AnswerLimits, received: ReceivedBytes
) -> Iterator[bytes]:
    """Pass plain chunks on; raise AnswerTooLarge for the first one beyond the limits."""
    decoded = 0
    for chunk in chunks:
        decoded += len(chunk)
        if decoded > limits.decoded:
            raise AnswerTooLarge(f"it has more than {limits.decoded:,} bytes")
        if decoded > RATIO_FROM and decoded > limits.ratio * received.count:
            raise AnswerTooLarge(f"it is compressed more than {limits.ratio:,} times")
        yield chunk


def whole(
    chunks: Iterator[bytes], headers: Headers, limits: AnswerLimits = DOCUMENT
) -> Iterator[bytes]:
    """The plain bytes of a body, checked against its headers (Content-Length, gzip's end)."""
    received = ReceivedBytes()
    checked = received.counted(chunks, number_in(headers, "content-length"))
    encoding = headers.get("content-encoding", "").strip().lower()
    if encoding in GZIP:
        checked = gunzipped(checked)
    elif encoding not in PLAIN:
        raise IntegrityError(
            "answer-encoding",
            "A response of the source is encoded in a way that was not requested ({encoding}).",
            next_step="Check the proxies between this machine and the source.",
            encoding=encoding[:40],
        )
    return limited(checked, limits, received)


def number_in(headers: Headers, name: str) -> int | None:
    """The number in a header; None if there is none, or one that no answer can have."""
    text = headers.get(name, "").strip()
    plain = text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER
    return int(text) if plain else None


class BodyStream:
    """A body to read like a file. Any ``read`` raises TransientError if the body was cut."""

    def __init__(self, status: int, headers: Headers, chunks: Iterator[bytes]) -> None:
        """``chunks`` are plain and already checked (``whole``)."""
        self.status = status
        self.headers = headers
        self.closed = False
        self._chunks = chunks
        self._rest = b""

    def chunks(self) -> Iterator[bytes]:
        """The body in pieces as they arrive; use it instead of ``read``."""
        return self._chunks

    def read(self, size: int = -1) -> bytes:
        """Read up to ``size`` bytes, or the whole rest if it is negative; empty at the end."""
        if size < 0:
            rest, self._rest = self._rest, b""
            return rest + b"".join(self._chunks)
        while not self._rest:
            chunk = next(self._chunks, None)
            if chunk is None:
                return b""
            self._rest = chunk
        piece, self._rest = self._rest[:size], self._rest[size:]
        return piece

    def readable(self) -> bool:
        """Always true."""
        return True

    def close(self) -> None:
        """Stop reading; the connection belongs to the code that opened the stream."""
        self.closed = True
