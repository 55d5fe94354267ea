"""The store port: what the vault asks of the place where its objects lie.

A store is a flat set of named, immutable objects. Everything that the vault promises rests on three
guarantees, which every store must give and which ``unlost.testing.stores`` checks:

1. *Durable*: when a put returns, the object survives a power cut; also when it says that the name
   is taken, for the one who took it may have died too early.
2. *Whole*: an object is visible with all its bytes or not at all.
3. *Create-only*: of two puts of one name, in any two processes, exactly one says that it won.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StoreProperties:
    """Facts that the vault adapts to.

    ``address`` names the store for people. ``folder`` is where a store on a file system lies, else
    None: a key must not lie inside it. ``versions``: the store was seen to keep versions; ``keeps_deleted``:
    something was deleted, and it is in the store still.
    """

    address: str
    folder: Path | None = None
    versions: bool = False
    keeps_deleted: bool = False


@dataclass(frozen=True, slots=True)
class ListedObject:
    """An object as a listing tells it; ``size`` in bytes."""

    name: str
    size: int


class Store(Protocol):
    """Named immutable objects. Names are ``/``-separated, of ``a-z 0-9 . _ -`` in each part.

    Every method may raise StoreError (the store failed, ``store-full`` where it has no room).
    """

    @property
    def properties(self) -> StoreProperties:
        """Facts about this store."""
        ...

    def put_new(self, name: str, data: bytes) -> bool:
        """Create an object; False, and nothing changes, if the name is taken. Durable on return."""
        ...

    def put_stream(self, name: str, chunks: Iterable[bytes]) -> bool:
        """``put_new`` in bounded memory; if ``chunks`` raises, nothing is created."""
        ...

    def get(self, name: str) -> bytes:
        """All bytes of an object; raises NotFound (``object-missing``)."""
        ...

    def get_range(self, name: str, *, start: int, length: int) -> bytes:
        """Bytes ``start`` to ``start + length``, fewer where the object ends; raises NotFound."""
        ...

    def size(self, name: str) -> int | None:
        """Size in bytes; None if there is no such object."""
        ...

    def list(self, prefix: str) -> Iterator[ListedObject]:
        """Objects whose names begin with ``prefix``, in the order of their names' bytes."""
        ...

    def delete(self, name: str) -> bool:
        """Remove an object; False if there is none. Durable on return."""
        ...

    def path(self, name: str) -> Path | None:
        """A file to read the object from, where the store has one; for readers in C."""
        ...
