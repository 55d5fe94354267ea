"""Work that takes longer than a request may: it runs in a thread of the console's process."""

import threading
from collections.abc import Callable

from unlost.catalog.connection import keep_connection


def begin(work: Callable[[], object]) -> None:
    """Start work in a thread. It must handle its own errors, and the end of the process."""
    threading.Thread(target=_done, args=(work,), name="beside", daemon=True).start()


def _done(work: Callable[[], object]) -> None:
    with keep_connection():
        work()
