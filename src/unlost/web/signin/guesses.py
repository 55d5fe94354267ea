"""One guess of a password at a time, so that each is counted before the next is checked.

    guesses at the same moment ─> ``counted_guess`` ─> name locked? ─> password right? ─> counted

Without this order, guesses that arrive together would all find the name unlocked.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from blake3 import blake3

from unlost.app.compose import Application
from unlost.model.runs.locks import HeldLock
from unlost.web.failing import too_many_tries

# Names share these locks: the files of a home's locks stay, and anyone can type new names.
LOCKS = 64
WAIT_SECONDS = 10.0
POLL_SECONDS = 0.02


@contextmanager
def counted_guess(app: Application, name: str, address: str) -> Iterator[None]:
    """Let other guesses of this name at this address wait, in all processes of the home.

    Raises LimitReached (``too-many-tries``) after ten seconds.
    """
    lock = _waited_for(app, _lock_of(name.strip().lower(), address))
    try:
        yield
    finally:
        lock.release()


def _lock_of(name: str, address: str) -> str:
    digest = blake3(f"{address}\n{name}".encode()).digest(length=8)
    return f"sign-in-{int.from_bytes(digest) % LOCKS}"


def _waited_for(app: Application, name: str) -> HeldLock:
    deadline = app.clock.monotonic() + WAIT_SECONDS
    while (lock := app.locks.take(name)) is None:
        if app.clock.monotonic() >= deadline:
            raise too_many_tries()
        app.clock.sleep(POLL_SECONDS)
    return lock
