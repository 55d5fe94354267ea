"""Locks of a home in PostgreSQL, held by a session, for several machines."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

import psycopg
from blake3 import blake3
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.rows import scalar_row

from unlost.model.errors import database_away
from unlost.model.runs.locks import HeldLock

BEAT_SECONDS = 5.0  # interval of checks of the session
# A vanished machine is noticed after about 10 + 5 x 3 seconds, by the server, which then ends its
# sessions, and by the client (PostgreSQL documentation: runtime-config-connection, libpq-connect).
ALIVE = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
    "connect_timeout": 10,
}
SERVER_ALIVE = (
    "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
    "-c tcp_user_timeout=25000"
)
_NAMESPACE = b"unlost lock\x00"


@dataclass(slots=True)
class SessionLock:
    """An advisory lock of a session."""

    _locks: "SessionLocks"
    _name: str

    def release(self) -> None:
        """Release it; a second call does nothing."""
        self._locks.release(self._name)


class SessionLocks:
    """Advisory locks of PostgreSQL, held by a dedicated session (port ``Locks``).

    A session can end while its process lives: the server restarted, or the network failed. Other
    processes can then take the locks, and ``lost`` is called so that this process stops its work
    under them. Poolers that share sessions between transactions cannot be used.
    """

    def __init__(self, url: str, *, lost: Callable[[], None]) -> None:
        """``lost`` is called once, in a separate thread. Nothing is opened before ``take``."""
        self._url = url
        self._lost = lost
        self._session: psycopg.Connection[bool] | None = None
        self._held: set[str] = set()
        self._lock = threading.Lock()
        self._over = threading.Event()

    def take(self, name: str) -> HeldLock | None:
        """Take a lock; None if another session has it. Raises StoreError (``database-away``)."""
        with self._lock:
            try:
                return self._taken(name)
            except psycopg.OperationalError as error:
                raise database_away(str(error)) from error

    def _taken(self, name: str) -> HeldLock | None:
        session = self._opened()
        # Advisory locks are reentrant within a session, but a second holder must be refused here,
        # too.
        if name in self._held:
            return None
        locked = session.execute("SELECT pg_try_advisory_lock(%s)", (_number(name),)).fetchone()
        if not locked:
            return None
        self._held.add(name)
        return SessionLock(self, name)

    def release(self, name: str) -> None:
        """Release a lock; the end of a session has already released its locks."""
        with self._lock:
            session = self._session
            if name not in self._held or session is None:
                return
            self._held.discard(name)
            if not session.closed:
                self._unlock(session, name)

    def close(self) -> None:
        """Release all locks."""
        self._over.set()
        with self._lock:
            self._held.clear()
            if self._session is not None:
                self._session.close()

    def _unlock(self, session: psycopg.Connection[bool], name: str) -> None:
        try:
            session.execute("SELECT pg_advisory_unlock(%s)", (_number(name),))
        except psycopg.OperationalError:
            session.close()

    def _opened(self) -> psycopg.Connection[bool]:
        if self._over.is_set() or (self._session is not None and self._session.closed):
            raise database_away("the session that held its locks has ended")
        if self._session is None:
            options = conninfo_to_dict(self._url).get("options", "")
            url = make_conninfo(self._url, **ALIVE, options=f"{options} {SERVER_ALIVE}".strip())
            # Autocommit: a transaction that stays open would hold back the server's vacuum.
            self._session = psycopg.connect(url, autocommit=True, row_factory=scalar_row)
            threading.Thread(target=self._beat, name="locks", daemon=True).start()
        return self._session

    def _beat(self) -> None:
        """Check the session until it is over."""
        while not self._over.wait(BEAT_SECONDS):
            with self._lock:
                alive = self._alive()
            if not alive:
                if not self._over.is_set():
                    self._lost()
                return

    def _alive(self) -> bool:
        session = self._session
        if session is None or session.closed:
            return False
        try:
            session.execute("SELECT true")
        except psycopg.OperationalError:
            session.close()
            return False
        return True


def _number(name: str) -> int:
    """The 64-bit key of a lock on the server."""
    digest = blake3(_NAMESPACE + name.encode("utf-8")).digest(length=8)
    return int.from_bytes(digest, "big", signed=True)
