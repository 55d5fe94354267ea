"""A call as the handlers see it, and an answer as they give it; knows no server and no system."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

JSON_TYPE = "application/json;charset=UTF-8"
READ_CHUNK = 2 << 20


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, read to its end.

    ``path`` is percent-decoded; ``target`` is path and query as they were sent. Header names are
    in lower case.
    """

    method: str
    path: str
    target: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def segments(self) -> list[str]:
        """Give the decoded parts of the path; doubled and trailing slashes do not count.

        A slash that came percent-encoded (in the value of an external id) is part of its part.
        """
        return [unquote(part) for part in self.target.partition("?")[0].split("/") if part]

    @property
    def host(self) -> str:
        """Give the ``Host`` header."""
        return self.headers.get("host", "")

    def accepts_gzip(self) -> bool:
        """True if the client accepts a compressed response."""
        return "gzip" in self.headers.get("accept-encoding", "").lower()

    def form(self) -> dict[str, str]:
        """Read the body as an HTML form."""
        return dict(parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True))


def call_from_target(method: str, target: str, *, headers: Mapping[str, str], body: bytes) -> Call:
    """Make a call from a relative address, as the composite resources carry them."""
    path, _, query = target.partition("?")
    values = dict(parse_qsl(query, keep_blank_values=True))
    return Call(method.upper(), unquote(path), target, values, headers, body)


@dataclass(frozen=True, slots=True)
class FileSlice:
    """A piece of a file that is sent without being loaded whole."""

    path: Path
    start: int
    length: int

    def chunks(self) -> Iterator[bytes]:
        """Give the bytes in large pieces."""
        remaining = self.length
        with self.path.open("rb", buffering=0) as source:
            source.seek(self.start)
            while remaining > 0:
                chunk = source.read(min(READ_CHUNK, remaining))
                if not chunk:
                    raise OSError(f"{self.path} is shorter than expected")
                remaining -= len(chunk)
                yield chunk


@dataclass(slots=True)
class Answer:
    """A status, headers and a body that is bytes, a file, or a stream of unknown length.

    ``document`` is written as text when the call's wishes are known. ``spoiled``: a fault changed the
    body.
    """

    status: int = 200
    body: bytes = b""
    content_type: str | None = JSON_TYPE
    headers: dict[str, str] = field(default_factory=dict)
    file: FileSlice | None = None
    stream: Iterator[bytes] | None = None
    document: Any = None
    spoiled: bool = False

    @property
    def length(self) -> int | None:
        """Give the length of the body in bytes where it is known."""
        if self.stream is not None:
            return None
        return len(self.body) + (self.file.length if self.file else 0)

    def chunks(self) -> Iterator[bytes]:
        """Give the body piece by piece."""
        if self.body:
            yield self.body
        if self.file is not None:
            yield from self.file.chunks()
        if self.stream is not None:
            yield from self.stream


def json_answer(document: Any, status: int = 200, **headers: str) -> Answer:
    """Give a JSON answer; the text is written when the call's wishes are known."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, document=document, headers=named)


def no_content() -> Answer:
    """Give the empty success."""
    return Answer(204, content_type=None)
