"""The system's clock and randomness; no other module of Unlost uses them directly."""

import getpass
import os
import secrets
import time
from datetime import UTC, datetime


class SystemClock:
    """The machine's time (port ``Clock``)."""

    def now(self) -> datetime:
        """Return the present instant, aware, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds of a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep for this long."""
        time.sleep(max(0.0, seconds))


class SystemEntropy:
    """The operating system's randomness (port ``Entropy``)."""

    def bytes(self, size: int) -> bytes:
        """Return ``size`` unpredictable bytes."""
        return os.urandom(size)

    def fraction(self) -> float:
        """Return a number in [0, 1)."""
        return secrets.randbelow(1 << 53) / (1 << 53)


def system_user() -> str:
    """Return the name of the user that runs this process."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a user without a name, as in some containers
        return str(os.getuid())
