"""A worker whose waits are shorter than they are: started by ``workers.py``.

    python benchmarks/fast_worker.py HOME FACTOR AHEAD

Its clock runs FACTOR times as fast as the machine's, and AHEAD seconds before it.
"""

import signal
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unlost.app.compose import open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.service.service import Service, ServicePart


class FastClock:
    """A clock that runs so many times as fast as the machine's (port ``Clock``)."""

    def __init__(self, factor: float, *, ahead: float) -> None:
        self._factor = factor
        self._began = datetime.now(UTC) + timedelta(seconds=ahead)
        self._zero = time.monotonic()

    def now(self) -> datetime:
        """The time that it would be."""
        return self._began + timedelta(seconds=self.monotonic())

    def monotonic(self) -> float:
        """Seconds since it began to run."""
        return (time.monotonic() - self._zero) * self._factor

    def sleep(self, seconds: float) -> None:
        """Wait, shorter than asked."""
        time.sleep(max(0.0, seconds) / self._factor)


def main() -> None:
    """Serve one org at a time until SIGTERM."""
    home, factor, ahead = Path(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3])
    cancel_flag = CancellationFlag()
    signal.signal(signal.SIGTERM, lambda *_: cancel_flag.set())
    clock = FastClock(factor, ahead=ahead)
    service = Service(
        lambda held: open_application(home, clock=clock, cancel_flag=held),
        cancel_flag,
        workers=1,
        part=ServicePart.WORKER,
    )
    service.run()


if __name__ == "__main__":
    main()
