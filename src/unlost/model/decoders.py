"""Thread-safe decoding of values into types.

msgspec analyses a type at its first use. A second thread that uses the type meanwhile sees it half
analysed, and the process crashes (msgspec 0.22; a few thousand new types and four threads are
enough to see it). Types are therefore analysed one at a time here, and code that runs in threads
must not decode into types, or convert to them, in any other way.
"""

import threading
from collections.abc import Callable
from typing import Any

import msgspec

_lock = threading.Lock()
_known: dict[Any, "TypeDecoder[Any]"] = {}


class TypeDecoder[T]:
    """A decoder of an analysed type."""

    def __init__(self, kind: type[T], float_hook: Callable[[str], Any] | None = None) -> None:
        """``float_hook`` makes values of the texts of numbers with a fraction or an exponent."""
        self._kind = kind
        self._decoder = msgspec.json.Decoder(kind, float_hook=float_hook)

    def decode(self, data: bytes | str) -> T:
        """Decode a value from JSON; raises msgspec.MsgspecError."""
        return self._decoder.decode(data)

    def convert(self, value: object, *, strict: bool = True) -> T:
        """Convert plain values; raises msgspec.ValidationError."""
        return msgspec.convert(value, self._kind, strict=strict)


def decoder_for[T](
    kind: type[T], *, float_hook: Callable[[str], Any] | None = None
) -> TypeDecoder[T]:
    """Return the decoder of a type, which is analysed at the first call."""
    with _lock:
        decoder = _known.get((kind, float_hook))
        if decoder is None:
            decoder = _known[kind, float_hook] = TypeDecoder(kind, float_hook)
    return decoder
