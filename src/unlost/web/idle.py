"""Return the memory of finished requests to the system.

A page that compares two backups may need a hundred megabytes for a second, and the allocator keeps
the free pages.
"""

import threading
from collections.abc import Callable

from unlost.app.home.process import give_back
from unlost.web.uploads import AsgiApp, Message, Receive, Send

TRIM_SECONDS = 15.0


class CountedRequests:
    """An ASGI application that counts its requests."""

    def __init__(self, app: AsgiApp) -> None:
        self._app = app
        self.count = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Count a request before and after it is served."""
        self.count += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self.count += 1


def trim_after_requests(
    requests: CountedRequests,
    stopped: threading.Event,
    *,
    seconds: float = TRIM_SECONDS,
    release: Callable[[], None] = give_back,
) -> None:
    """Release unused memory after each period in which requests came, until stopped.

    Also while more of them come: it takes milliseconds, and a busy console has few pauses.
    """
    seen = requests.count
    while not stopped.wait(seconds):
        if requests.count != seen:
            seen = requests.count
            release()
