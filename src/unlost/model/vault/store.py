"""The port of a store: the place where a vault keeps its objects.

A store is a flat set of named, immutable objects. All promises of the vault depend on three
guarantees, which every store must give and which ``unlost.testing.stores`` checks:

1. *Durable*: when a put returns, the object survives a power cut. This also holds if the put
   reports that the name is taken, because the process that took it may have died too early.
2. *Whole*: an object is visible with all of its bytes or not at all.
3. *Create-only*: of two puts of one name, in any two processes, exactly one succeeds.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoreProperties:
    """Facts about a store.

    ``address``: its name for people. ``folder``: its folder, for a store in a file system,
    otherwise None; keys must not be inside it. ``versions``: the store was found to keep versions.
    ``keeps_deleted``: an object was deleted, and still exists in the store.
    """

    address: str
    folder: Path | None = None
    versions: bool = False
    keeps_deleted: bool = False


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object in a listing; ``size`` in bytes."""

    name: str
    size: int


class Store(Protocol):
    """Named immutable objects. A name has parts separated by ``/``, of ``a-z 0-9 . _ -`` each.

    Every method may raise StoreError (the store failed; ``store-full`` if it has no space).
    """

    @property
    def properties(self) -> StoreProperties:
        """Facts about this store."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; false, without any change, if the name is taken. Durable on return."""
        ...

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """Do the same as ``put_new`` in bounded memory; if ``chunks`` raises, create nothing."""
        ...

    def get(self, name: str) -> bytes:
        """Return all bytes of an object; raises NotFound (``object-missing``)."""
        ...

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """Return bytes ``start`` to ``start + length``, or fewer at its end; raises NotFound."""
        ...

    def size(self, name: str) -> int | None:
        """Return the size in bytes; None if the object does not exist."""
        ...

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """List objects whose names begin with ``prefix``, in byte order of the names."""
        ...

    def delete(self, name: str) -> bool:
        """Delete an object; false if there is none. Durable on return."""
        ...

    def path(self, name: str) -> Path | None:
        """Return a local file with the object, if the store has one, for libraries in C."""
        ...
