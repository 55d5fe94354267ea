"""Reading values back into types, safe in all threads.

msgspec learns what a type consists of when it meets it for the first time. A second thread that meets
it meanwhile reads what is half learned, and the process crashes (msgspec 0.22; a few thousand fresh types
and four threads are enough to see it). So types are learned one at a time, and nothing else decodes into
types or converts to them where threads work.
"""

import threading
from typing import Any

import msgspec

_one = threading.Lock()
_known: dict[Any, "TypeDecoder[Any]"] = {}


class TypeDecoder[T]:
    """A type that was learned."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, data: bytes | str) -> T:
        """A value from JSON; raises msgspec.MsgspecError."""
        return self._decoder.decode(data)

    def convert(self, value: object, *, strict: bool = True) -> T:
        """A value from plain ones; raises msgspec.ValidationError."""
        return msgspec.convert(value, self._kind, strict=strict)


def decoder_for[T](kind: type[T]) -> TypeDecoder[T]:
    """What reads values of a type, learned at the first call."""
    with _one:
        decoder = _known.get(kind)
        if decoder is None:
            decoder = _known[kind] = TypeDecoder(kind)
    return decoder
