"""The system's clock and randomness: the only module of Unlost that uses them directly."""

import getpass
import os
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's time (port ``Clock``)."""

    def now(self) -> datetime:
        """The present instant, aware, UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Let ``seconds`` pass."""
        time.sleep(max(0.0, seconds))


class SystemEntropy:
    """The operating system's randomness (port ``Entropy``)."""

    def bytes(self, size: int) -> bytes:
        """``size`` unpredictable bytes."""
        return os.urandom(size)

    def fraction(self) -> float:
        """A number in [0, 1)."""
        return secrets.randbelow(1 << 53) / (1 << 53)


def system_user() -> str:
    """The name under which this process runs on the machine."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return str(os.getuid())
