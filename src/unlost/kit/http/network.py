"""Connections that end a call in time, however slowly the other side answers.

The timeouts of HTTP libraries start anew with each byte, so a server that sends one now and then
keeps a call open for ever. The library hands the read timeout of a call down to its connection;
here that number also knows when the whole call must be over, and how much it may receive before its
answer begins.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, Self

from unlost.kit.http.limits import SLOWEST, AnswerLimits, AnswerTooLarge
from unlost.model.errors import TransientError
from unlost.model.ports.system import Clock

PIECE = 64 << 10  # the library reads so much at most, headers and the first of a body together


class CallTooSlow(TransientError):
    """Raised for a call that did not end in its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(
            "answer-too-slow",
            "A response of the source was not complete after {seconds} seconds.",
            next_step="Unlost requests it again automatically. If the problem persists, check the "
            "network and the proxies between this machine and the source.",
            seconds=round(seconds),
        )


class CallTimer(float):
    """The timeout of one read in seconds, and the allowance of the whole call."""

    __slots__ = ("_answered", "_began", "_clock", "_limits", "_received")

    def __new__(cls, seconds: float, *, clock: Clock, limits: AnswerLimits) -> Self:
        """Begin a call now."""
        del clock, limits
        return super().__new__(cls, seconds)

    def __init__(self, seconds: float, *, clock: Clock, limits: AnswerLimits) -> None:
        del seconds
        self._clock = clock
        self._limits = limits
        self._began = clock.monotonic()
        self._received = 0
        self._answered = False

    def seconds_until_end(self) -> float:
        """Seconds that the next read may take; raises CallTooSlow if none are left."""
        allowed = self._limits.seconds + self._received / SLOWEST
        remaining = allowed - (self._clock.monotonic() - self._began)
        if remaining <= 0:
            raise CallTooSlow(allowed)
        return min(float(self), remaining)

    def count(self, size: int) -> None:
        """Count received bytes; raises AnswerTooLarge if no answer has begun among them."""
        self._received += size
        if not self._answered and self._received > self._limits.headers + PIECE:
            raise headers_too_large(self._limits)

    def answered(self) -> None:
        """Note that the headers are complete: only the body follows."""
        self._answered = True


def headers_too_large(limits: AnswerLimits) -> AnswerTooLarge:
    """The error for headers beyond their limit."""
    return AnswerTooLarge(f"its headers have more than {limits.headers:,} bytes")


class Connection(Protocol):
    """A connection of the HTTP library (``httpcore.NetworkStream``)."""

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes: ...  # noqa: D102
    def write(self, buffer: bytes, timeout: float | None = None) -> None: ...  # noqa: D102
    def close(self) -> None: ...  # noqa: D102
    def start_tls(self, *args: Any, **options: Any) -> "Connection": ...  # noqa: D102
    def get_extra_info(self, info: str) -> Any: ...  # noqa: D102


class TimedConnection:
    """A connection whose reads and writes end with their call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Receive at most ``max_bytes``."""
        data = self._connection.read(max_bytes, _now(timeout))
        if isinstance(timeout, CallTimer):
            timeout.count(len(data))
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send."""
        self._connection.write(buffer, _now(timeout))

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def start_tls(self, *args: Any, **options: Any) -> "TimedConnection":
        """Encrypt the connection."""
        return TimedConnection(self._connection.start_tls(*args, **options))

    def get_extra_info(self, info: str) -> Any:
        """A fact about the connection."""
        return self._connection.get_extra_info(info)


def _now(timeout: float | None) -> float | None:
    return timeout.seconds_until_end() if isinstance(timeout, CallTimer) else timeout


class TimedNetwork:
    """Opens timed connections (``httpcore.NetworkBackend``)."""

    def __init__(self, connect: Callable[..., Connection], sleep: Callable[[float], None]) -> None:
        self._connect = connect
        self.sleep = sleep

    def connect_tcp(self, *args: Any, **options: Any) -> TimedConnection:
        """Connect to a host."""
        return TimedConnection(self._connect(*args, **options))


def time_connections(transports: Iterable[Any]) -> None:
    """Let these transports of the library, direct ones and proxies, open timed connections.

    The library offers no option for it. If it changes its inside, this fails when a client is made.
    """
    for transport in transports:
        network = transport._pool._network_backend
        transport._pool._network_backend = TimedNetwork(network.connect_tcp, network.sleep)
