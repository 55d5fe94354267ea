"""A store that refuses to write: for programs that only read a vault."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from unlost.model.errors import StoreError
from unlost.model.vault.store import ListedObject, Store, StoreProperties


class ReadOnlyStore:
    """Another store (port ``Store``) that can be read but not changed."""

    def __init__(self, inner: Store) -> None:
        self._inner = inner

    @property
    def properties(self) -> StoreProperties:
        """Facts about the store."""
        return self._inner.properties

    def put_new(self, name: str, data: bytes) -> NoReturn:  # noqa: ARG002 (see the port)
        """Raise StoreError (``store-read-only``)."""
        raise _read_only(self)

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> NoReturn:  # noqa: ARG002
        """Raise StoreError (``store-read-only``)."""
        raise _read_only(self)

    def get(self, name: str) -> bytes:
        """All bytes of an object."""
        return self._inner.get(name)

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """A part of an object."""
        return self._inner.get_range(name, start=start, length=length)

    def size(self, name: str) -> int | None:
        """Size in bytes; None if the object does not exist."""
        return self._inner.size(name)

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``."""
        return self._inner.list(prefix)

    def delete(self, name: str) -> NoReturn:  # noqa: ARG002
        """Raise StoreError (``store-read-only``)."""
        raise _read_only(self)

    def path(self, name: str) -> Path | None:
        """A file to read the object from."""
        return self._inner.path(name)


def _read_only(store: ReadOnlyStore) -> StoreError:
    return StoreError(
        "store-read-only",
        "The vault in {address} was opened read-only.",
        next_step="Use the commands of Unlost to write to it.",
        address=store.properties.address,
    )
