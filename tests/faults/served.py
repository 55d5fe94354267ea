"""The service as a process of its own, on a clock that can be put forward from outside.

Started by ``test_chaos``: the file named by the second argument holds how many seconds the clock is
ahead of the machine's.
"""

import signal
import sys
from datetime import datetime, timedelta
from pathlib import Path

from unlost.app.compose import open_application
from unlost.app.home.cancellation import CancellationFlag
from unlost.app.home.system import SystemClock
from unlost.app.service.service import Service


class ShiftedClock(SystemClock):
    """The machine's clock, put forward."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        """The machine's time and the seconds of the file."""
        return super().now() + timedelta(seconds=float(self._file.read_text("ascii")))


def main() -> None:
    """Serve until SIGTERM."""
    home, shift = Path(sys.argv[1]), Path(sys.argv[2])
    cancel_flag = CancellationFlag()
    signal.signal(signal.SIGTERM, lambda *_: cancel_flag.set())
    clock = ShiftedClock(shift)
    service = Service(
        lambda held: open_application(home, clock=clock, cancel_flag=held), cancel_flag, every=0.5
    )
    service.run()


if __name__ == "__main__":
    main()
