"""A store that fails where a test defines a fault, and records each fault that happened.

``StoreCrash`` stands for the end of the process: after it, every call raises it again. A fault that
was defined and never happened fails the test that calls ``assert_all_hit``.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from unlost.model.errors import StoreError
from unlost.model.vault.store import ListedObject, Store, StoreProperties


class StoreCrash(BaseException):
    """The process ended here. No ``except Exception`` may catch it."""


class StoreOperation(Enum):
    """The kinds of calls."""

    PUT = auto()
    GET = auto()
    LIST = auto()
    DELETE = auto()


class FaultKind(Enum):
    """The kinds of faults."""

    CRASH_BEFORE = auto()  # the process ends and the call has done nothing
    CRASH_AFTER = auto()  # the call has done its work, and the process ends
    FULL = auto()  # no space: nothing is written
    FAILS = auto()  # the store raises an error
    SHORT = auto()  # half of the bytes are read
    FLIP = auto()  # a bit of what is read is wrong


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault at the ``at``-th call (from 1), counting only calls of ``on`` (None: every call)."""

    kind: FaultKind
    at: int
    on: StoreOperation | None = None


@dataclass(frozen=True, slots=True)
class StoreCall:
    """A call that was made."""

    operation: StoreOperation
    name: str


class FaultStore:
    """Passes calls to another store, unless a fault is due."""

    def __init__(self, inner: Store, *, faults: Sequence[Fault] = ()) -> None:
        self._inner = inner
        self._faults = faults
        self._hit: set[Fault] = set()
        self._lock = threading.Lock()
        self._dead = False
        self._counts: Counter[StoreOperation] = Counter()
        self.calls: list[StoreCall] = []

    @property
    def properties(self) -> StoreProperties:
        """Facts about the wrapped store."""
        return self._inner.properties

    def assert_all_hit(self) -> None:
        """Raise AssertionError if a fault never happened."""
        missed = [fault for fault in self._faults if fault not in self._hit]
        assert not missed, f"faults that never happened: {missed}"

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object, or fail."""
        return self.put_stream(name, (data,))

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Create an object, or fail; a full store takes half of the chunks first."""
        fault = self._before(StoreOperation.PUT, name)
        if fault is FaultKind.FULL:
            chunks = _fill_up(chunks)
        created = self._inner.put_stream(name, chunks)
        self._after(fault)
        return created

    def get(self, name: str) -> bytes:
        """All bytes of an object, or some."""
        fault = self._before(StoreOperation.GET, name)
        return self._spoil(fault, lambda: self._inner.get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object, or less."""
        fault = self._before(StoreOperation.GET, name)
        return self._spoil(fault, lambda: self._inner.get_range(name, start=start, length=length))

    def size(self, name: str) -> int | None:
        """Size of an object; counts as a reading call."""
        fault = self._before(StoreOperation.GET, name)
        size = self._inner.size(name)
        self._after(fault)
        return size

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects in order."""
        fault = self._before(StoreOperation.LIST, prefix)
        listed_objects = list(self._inner.list(prefix))
        self._after(fault)
        yield from listed_objects

    def delete(self, name: str) -> bool:
        """Remove an object, or fail."""
        fault = self._before(StoreOperation.DELETE, name)
        deleted = self._inner.delete(name)
        self._after(fault)
        return deleted

    def path(self, name: str) -> Path | None:  # noqa: ARG002 (there is never a file)
        """None, so that every byte is read through this store."""
        return None

    def _before(self, operation: StoreOperation, name: str) -> FaultKind | None:
        with self._lock:
            if self._dead:
                raise StoreCrash
            self.calls.append(StoreCall(operation, name))
            fault = self._due(operation)
            if fault is FaultKind.CRASH_BEFORE:
                self._dead = True
                raise StoreCrash
        if fault is FaultKind.FAILS or (
            fault is FaultKind.FULL and operation is not StoreOperation.PUT
        ):
            raise StoreError("store-failed", "The store failed because a test made it fail.")
        return fault

    def _due(self, operation: StoreOperation) -> FaultKind | None:
        self._counts[operation] += 1
        for fault in self._faults:
            count = len(self.calls) if fault.on is None else self._counts[operation]
            if fault.on in (None, operation) and fault.at == count:
                self._hit.add(fault)
                return fault.kind
        return None

    def _after(self, fault: FaultKind | None) -> None:
        if fault is FaultKind.CRASH_AFTER:
            self._dead = True
            raise StoreCrash

    def _spoil(self, fault: FaultKind | None, read: Callable[[], bytes]) -> bytes:
        try:
            data = read()
        finally:
            self._after(fault)
        if fault is FaultKind.SHORT:
            return data[: len(data) // 2]
        if fault is FaultKind.FLIP and data:
            middle = len(data) // 2
            return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]
        return data


def _fill_up(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The first chunk, then the error for a full store."""
    yield from list(chunks)[:1]
    raise StoreError(
        "store-full",
        "There is no space left in the store. No incomplete object was kept.",
        next_step="Free some space, then run it again.",
    )
