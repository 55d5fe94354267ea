"""A store in memory: for tests, trials and programs that build on the vault."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

from unlost.model.vault.store import ListedObject, StoreProperties
from unlost.vault.stores.store import check_name, is_name, missing


class MemoryStore:
    """Keeps objects in a dictionary. Safe to share between threads; gone with the process."""

    def __init__(self) -> None:
        self._objects: dict[str, bytes] = {}
        self._lock = threading.Lock()

    @property
    def properties(self) -> StoreProperties:
        """Facts about this store."""
        return StoreProperties(address="memory:")

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False if the name is taken."""
        check_name(name)
        with self._lock:
            if name in self._objects:
                return False
            self._objects[name] = bytes(data)
            return True

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """``put_new`` of all chunks together."""
        return self.put_new(name, b"".join(chunks))

    def get(self, name: str) -> bytes:
        """All bytes of an object; raises NotFound."""
        body = self._objects.get(check_name(name))
        if body is None:
            raise missing(name)
        return body

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object; raises NotFound."""
        return self.get(name)[start : start + length]

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        body = self._objects.get(check_name(name))
        return None if body is None else len(body)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        with self._lock:
            listed_objects = [
                ListedObject(n, len(b))
                for n, b in self._objects.items()
                if n.startswith(prefix) and is_name(n)
            ]
        yield from sorted(listed_objects, key=lambda listed: listed.name)

    def delete(self, name: str) -> bool:
        """Remove an object; False if there is none."""
        with self._lock:
            return self._objects.pop(check_name(name), None) is not None

    def path(self, name: str) -> Path | None:
        """None: the objects are not files."""
        check_name(name)
        return None
