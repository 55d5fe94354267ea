"""Proof of damage: an object that cannot be read at the moment is not lost.

An object that seems damaged is read a second time, in other pieces, from the store itself. If its
bytes were corrupted in transit, they differ then.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from blake3 import blake3

from unlost.model.errors import NotFound, StoreError
from unlost.model.vault.snapshot import Damage
from unlost.model.vault.store import Store
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.maintenance.verify.verify_result import MISSING
from unlost.vault.stores.unread import device_failed, unsteady

_READ_BYTES = 8 << 20
_MOST_READERS = 4
_UNREADABLE = ""  # in place of a digest


@dataclass(frozen=True, slots=True)
class StoredDigest:
    """A stored object: no ``size`` if it is missing, no ``digest`` if its device fails."""

    size: int | None
    digest: str


def proved_damages(
    objects: Iterable[ObjectEntry], store: Store, listing: Mapping[str, int]
) -> Iterator[Damage]:
    """Iterate over objects that are wrong twice in the same way; ``listing``: sizes by name.

    Raises StoreError if an object cannot be read at the moment, or differs when it is read again.
    """

    def damage_of(entry: ObjectEntry) -> Damage | None:
        return _damage_of(store, entry, listing.get(entry.name))

    with ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1)) as pool:
        yield from (damage for damage in pool.map(damage_of, objects) if damage is not None)


def _damage_of(store: Store, entry: ObjectEntry, listed: int | None) -> Damage | None:
    first = stored_digest(store, entry.name, size=listed, piece=_READ_BYTES)
    if first == StoredDigest(entry.bytes, entry.blake3):
        return None
    size = store.size(entry.name)
    second = stored_digest(
        store, entry.name, size=size, piece=min(_READ_BYTES, (size or 0) // 2 + 1)
    )
    if second != first:
        raise unsteady(entry.name)
    return Damage(entry.name, _sentence(entry, first))


def stored_digest(store: Store, name: str, *, size: int | None, piece: int) -> StoredDigest:
    """Read an object piece by piece; raises StoreError if it cannot be read at the moment."""
    if size is None:
        return StoredDigest(None, _UNREADABLE)
    digest = blake3()
    try:
        for start in range(0, size, piece):
            length = min(piece, size - start)
            part = store.get_range(name, start=start, length=length)
            if len(part) != length:
                raise unsteady(name)
            digest.update(part)
    except NotFound:
        raise unsteady(name) from None
    except StoreError as error:
        if device_failed(error):
            return StoredDigest(size, _UNREADABLE)
        raise
    return StoredDigest(size, digest.hexdigest())


def _sentence(entry: ObjectEntry, stored_digest: StoredDigest) -> str:
    if stored_digest.size is None:
        return MISSING
    if stored_digest.size != entry.bytes:
        return f"It has {stored_digest.size} bytes instead of {entry.bytes}."
    if stored_digest.digest == _UNREADABLE:
        return "The disk can no longer read it."
    return "Its bytes have changed since they were written."
