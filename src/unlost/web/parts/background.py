"""Work that takes longer than a request may: it goes on in a thread of the console's process."""

import threading
from collections.abc import Callable

from unlost.catalog.connection import held_connection


def begin(work: Callable[[], object]) -> None:
    """Do it beside. It answers for its own errors, and for what is left if the process ends."""
    threading.Thread(target=_done, args=(work,), name="beside", daemon=True).start()


def _done(work: Callable[[], object]) -> None:
    with held_connection():
        work()
