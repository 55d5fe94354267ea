"""The small ports of a run, in memory."""

import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager

from unlost.model.errors import Conflict, LimitReached
from unlost.model.ports.source import Context
from unlost.model.ports.system import Budget, Clock, SecretStore, Witnessed
from unlost.model.runs.exclusion import RunKind, RunLock, org_locks
from unlost.model.runs.progress import Progress
from unlost.testing.clock import VirtualClock
from unlost.testing.entropy import SeededEntropy


class MemorySecretStore:
    """A SecretStore without a file: secrets are lost with the object."""

    def __init__(self, secrets: dict[str, str] | None = None) -> None:
        self.secrets = dict(secrets or {})

    def get(self, name: str) -> str | None:
        """The secret of this name, or None."""
        return self.secrets.get(name)

    def put(self, name: str, value: str) -> None:
        """Store a secret."""
        self.secrets[name] = value


class MemoryCache:
    """A Cache whose entries a test may read, change and delete."""

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """The entry of this name, or None."""
        return self.entries.get(name)

    def put(self, name: str, value: bytes) -> None:
        """Store an entry."""
        self.entries[name] = value

    def drop(self, name: str) -> None:
        """Delete an entry."""
        self.entries.pop(name, None)


class NullObserver:
    """An Observer that ignores all events."""

    def progress(self, event: Progress) -> None:
        """Ignore an event."""


class ListObserver:
    """An Observer that records all events."""

    def __init__(self) -> None:
        self.events: list[Progress] = []

    def progress(self, event: Progress) -> None:
        """Record an event."""
        self.events.append(event)


class FreeBudget:
    """A Budget without a limit; counts the calls."""

    def __init__(self) -> None:
        self.taken = 0
        self.used = 0
        self.limit = 0

    def take(self, calls: int = 1) -> None:
        """Allow the calls."""
        self.taken += calls

    def report(self, *, used: int, limit: int) -> None:
        """Record the source's own count."""
        self.used, self.limit = used, limit


class SpentBudget:
    """A Budget that is used up: no call may be made."""

    def take(self, calls: int = 1) -> None:
        """Refuse the calls."""
        raise LimitReached(
            "api-budget-spent",
            "{calls} more calls are not allowed.",
            next_step="Wait for the next day.",
            calls=calls,
        )

    def report(self, *, used: int, limit: int) -> None:
        """Ignore the source's own count."""


def memory_context(
    secrets: Mapping[str, str] | SecretStore,
    *,
    clock: Clock | None = None,
    budget: Budget | None = None,
) -> Context:
    """The ports that a connector may use, in memory: waits pass immediately, calls are free.

    ``secrets`` by name, or a store of them.
    """
    store = MemorySecretStore(dict(secrets)) if isinstance(secrets, Mapping) else secrets
    return Context(
        clock=clock or VirtualClock(),
        entropy=SeededEntropy(1),
        secrets=store,
        budget=budget or FreeBudget(),
        observer=NullObserver(),
    )


class MemoryLease:
    """A Lease for the threads of one process."""

    def __init__(self) -> None:
        self._held: dict[tuple[str, RunLock], str] = {}
        self._lock = threading.Lock()

    @contextmanager
    def hold(self, org: str, *, kind: RunKind, run: str) -> Iterator[None]:
        """Hold the locks of a kind; raises Conflict while another run has one of them."""
        locks = [(org, lock) for lock in org_locks(kind)]
        with self._lock:
            holder = next((self._held[lock] for lock in locks if lock in self._held), None)
            if holder is not None:
                raise Conflict(
                    "run-in-progress",
                    "Another {kind} of this org is running ({holder}).",
                    next_step="Wait until it has ended, then try again.",
                    kind=kind.value,
                    holder=holder,
                )
            self._held.update(dict.fromkeys(locks, run))
        try:
            yield
        finally:
            with self._lock:
                for lock in locks:
                    del self._held[lock]


class MemoryWitness:
    """A Witness without a file: heads are lost with the object."""

    def __init__(self) -> None:
        self.seen: dict[str, Witnessed] = {}

    def get(self, org: str) -> Witnessed | None:
        """The last head seen."""
        return self.seen.get(org)

    def orgs(self) -> Collection[str]:
        """The oids of all orgs of which a head was seen."""
        return self.seen.keys()

    def put(self, org: str, seen: Witnessed) -> None:
        """Record a head."""
        self.seen[org] = seen
