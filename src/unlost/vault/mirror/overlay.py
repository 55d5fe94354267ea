"""A store with some objects from another one: the vault as it would be after a repair."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from unlost.model.vault.store import ListedObject, Store, StoreProperties
from unlost.vault.stores.readonly import ReadOnlyStore


class OverlayStore:
    """Reads the names in ``taken`` from the other store. Neither store is written to."""

    def __init__(self, store: Store, other: Store, *, taken: Iterable[str]) -> None:
        self._own = ReadOnlyStore(store)
        self._other = ReadOnlyStore(other)
        self._taken = frozenset(taken)

    @property
    def properties(self) -> StoreProperties:
        """Facts about the store to be repaired."""
        return self._own.properties

    def put_new(self, name: str, data: bytes) -> bool:
        """Raise StoreError (``store-read-only``)."""
        return self._own.put_new(name, data)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Raise StoreError (``store-read-only``)."""
        return self._own.put_stream(name, chunks)

    def delete(self, name: str) -> bool:
        """Raise StoreError (``store-read-only``)."""
        return self._own.delete(name)

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        return self._of(name).get(name)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        return self._of(name).get_range(name, start=start, length=length)

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        return self._of(name).size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        listed_objects = [
            listed_object
            for listed_object in self._own.list(prefix)
            if listed_object.name not in self._taken
        ]
        for name in self._taken:
            size = self._other.size(name) if name.startswith(prefix) else None
            if size is not None:
                listed_objects.append(ListedObject(name, size))
        yield from sorted(listed_objects, key=lambda other: other.name)

    def path(self, name: str) -> Path | None:
        """A file to read the object from."""
        return self._of(name).path(name)

    def _of(self, name: str) -> ReadOnlyStore:
        return self._other if name in self._taken else self._own
