"""A remote store with a cache of pieces on this machine.

Verification must read the store itself, so reading through this store bypasses the cache. Callers
that read the same pieces every day use ``with_cache``. See docs/adr/0030.
"""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from unlost.model.vault.store import ListedObject, Store, StoreProperties
from unlost.vault.stores.pieces import ObjectRange, RangeCache
from unlost.vault.stores.readonly import ReadOnlyStore


class CachedStore:
    """Another store with a cache of its objects' pieces.

    Deleting an object first removes its pieces from the cache.
    """

    def __init__(self, inner: Store, *, pieces: RangeCache) -> None:
        self.inner = inner
        self._pieces = pieces
        self.with_cache: Store = _ReadThroughCache(inner, pieces)

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
        """Size in bytes; None if the object does not exist."""
        return self.inner.size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in order."""
        return self.inner.list(prefix)

    def delete(self, name: str) -> bool:
        """Remove an object and its cached pieces; False if there is none."""
        self._pieces.forget(name)
        return self.inner.delete(name)

    def path(self, name: str) -> Path | None:
        """A file to read the object from."""
        return self.inner.path(name)


class _ReadThroughCache(ReadOnlyStore):
    """The same store, read only: reads go through the cache."""

    def __init__(self, inner: Store, pieces: RangeCache) -> None:
        super().__init__(inner)
        self._pieces = pieces

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        return self._known(ObjectRange(name), lambda: super(_ReadThroughCache, self).get(name))

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        return self._known(
            ObjectRange(name, start, length),
            lambda: super(_ReadThroughCache, self).get_range(name, start=start, length=length),
        )

    def drop_cached(self, name: str) -> None:
        """Drop the cached pieces of an object: they are not the bytes that were written."""
        self._pieces.drop(name)

    def _known(self, piece: ObjectRange, read: Callable[[], bytes]) -> bytes:
        content = self._pieces.get(piece)
        if content is None:
            content = read()
            self._pieces.put(piece, content)
        return content


def drop_cached(store: Store, name: str) -> None:
    """Drop the cached pieces of an object that was found damaged, so that it is read again."""
    if isinstance(store, _ReadThroughCache):
        store.drop_cached(name)


def without_cache(store: Store) -> Store:
    """The store without its cache, for verification."""
    return store.inner if isinstance(store, CachedStore) else store


def with_cache(store: Store) -> Store:
    """The store with its cache, for callers that will read the same data again."""
    return store.with_cache if isinstance(store, CachedStore) else store
