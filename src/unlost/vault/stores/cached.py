"""A remote store with pieces of it on this machine.

Whoever proves the vault must ask the store itself, so that reading from such a store is as reading from the one
within. What asks for the same pieces day by day takes ``remembering``.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from unlost.model.store import ListedObject, Store, StoreProperties
from unlost.vault.stores.pieces import ObjectRange, RangeCache
from unlost.vault.stores.readonly import ReadOnlyStore


class CachedStore:
    """Another store, of whose objects pieces are kept; those of a deleted one are removed first."""

    def __init__(self, inner: Store, *, pieces: RangeCache) -> None:
        self.inner = inner
        self._pieces = pieces
        self.remembering: Store = _Remembering(inner, pieces)

    @property
    def properties(self) -> StoreProperties:
        """Facts about the store."""
        return self.inner.properties

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False if the name is taken."""
        return self.inner.put_new(name, data)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Create an object from chunks; False if the name is taken."""
        return self.inner.put_stream(name, chunks)

    def get(self, name: str) -> bytes:
        """All bytes of an object, from the store itself; raises NotFound."""
        return self.inner.get(name)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object, from the store itself; raises NotFound."""
        return self.inner.get_range(name, start=start, length=length)

    def size(self, name: str) -> int | None:
        """Size in bytes; None if there is no such object."""
        return self.inner.size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        return self.inner.list(prefix)

    def delete(self, name: str) -> bool:
        """Remove an object and what is kept of it; False if there is none."""
        self._pieces.forget(name)
        return self.inner.delete(name)

    def path(self, name: str) -> Path | None:
        """A file to read the object from."""
        return self.inner.path(name)


class _Remembering(ReadOnlyStore):
    """The same store for reading alone: what it reads is kept, and what is kept is not read again."""

    def __init__(self, inner: Store, pieces: RangeCache) -> None:
        super().__init__(inner)
        self._pieces = pieces

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        return self._known(ObjectRange(name), lambda: super(_Remembering, self).get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        return self._known(
            ObjectRange(name, start, length),
            lambda: super(_Remembering, self).get_range(name, start=start, length=length),
        )

    def distrust(self, name: str) -> None:
        """Keep nothing of an object any more: what was read of it is not what was written."""
        self._pieces.drop(name)

    def _known(self, piece: ObjectRange, read: Callable[[], bytes]) -> bytes:
        content = self._pieces.get(piece)
        if content is None:
            content = read()
            self._pieces.put(piece, content)
        return content


def distrust(store: Store, name: str) -> None:
    """Drop what is kept of an object that was found damaged, so that it is read anew."""
    if isinstance(store, _Remembering):
        store.distrust(name)


def itself(store: Store) -> Store:
    """The store as it is read by who proves it: nothing that this machine keeps of it stands in its place."""
    return store.inner if isinstance(store, CachedStore) else store


def remembering(store: Store) -> Store:
    """The store as it is read by who will read the same again."""
    return store.remembering if isinstance(store, CachedStore) else store
