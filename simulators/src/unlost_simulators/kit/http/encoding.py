"""Texts of documents, and compressed bodies."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from unlost_simulators.kit.http.calls import Answer, Call

COMPRESS_FROM = 512
GZIP_LEVEL = 1
GZIP_WINDOW = 16 + zlib.MAX_WBITS

_ENCODER = msgspec.json.Encoder(decimal_format="number")


def compress(chunks: Iterator[bytes]) -> bytes:
    """Give a body as one gzip member."""
    squeeze = zlib.compressobj(GZIP_LEVEL, zlib.DEFLATED, GZIP_WINDOW)
    return b"".join([*(squeeze.compress(chunk) for chunk in chunks), squeeze.flush()])


def encode(answer: Answer, call: Call) -> Answer:
    """Compress what the client takes compressed; small bodies, blobs and streams stay."""
    if not call.accepts_gzip() or answer.stream is not None or answer.status == 204:
        return answer
    if answer.spoiled or len(answer.body) >= COMPRESS_FROM:
        answer.body, answer.file = compress(answer.chunks()), None
        answer.headers["Content-Encoding"] = "gzip"
    return answer


def write_json(document: Any) -> bytes:
    """Write a document as JSON in UTF-8."""
    try:
        return _ENCODER.encode(document)
    except UnicodeEncodeError:  # half of a surrogate pair, echoed from a request
        return json.dumps(document, ensure_ascii=True, default=str).encode()


def write_body(answer: Answer) -> Answer:
    """Turn the document of an answer into text."""
    if answer.document is not None:
        answer.body, answer.document = write_json(answer.document), None
    return answer
