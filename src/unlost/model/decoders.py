"""Thread-safe decoding of values into types.

msgspec analyses a type at its first use. A second thread that uses the type meanwhile sees it half
analysed, and the process crashes (msgspec 0.22; a few thousand new types and four threads are
enough to see it). Types are therefore analysed one at a time here, and code that runs in threads
must not decode into types, or convert to them, in any other way.
"""

import threading
from typing import Any

import msgspec

_lock = threading.Lock()
_known: dict[Any, "TypeDecoder[Any]"] = {}


class TypeDecoder[T]:
    """A decoder of an analysed type."""

    def __init__(self, kind: type[T]) -> None:
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind)

    def decode(self, data: bytes | str) -> T:
        """Decode a value from JSON; raises msgspec.MsgspecError."""
        return self._decoder.decode(data)

    def convert(self, value: object, *, strict: bool = True) -> T:
        """Convert plain values; raises msgspec.ValidationError."""
        return msgspec.convert(value, self._kind, strict=strict)


def decoder_for[T](kind: type[T]) -> TypeDecoder[T]:
    """Return the decoder of a type, which is analysed at the first call."""
    with _lock:
        decoder = _known.get(kind)
        if decoder is None:
            decoder = _known[kind] = TypeDecoder(kind)
    return decoder
