"""Comparison of live objects with the manifests."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from blake3 import blake3

from unlost.model.vault.store import Store
from unlost.vault.format.manifest import ObjectEntry
from unlost.vault.maintenance.verify.verify_result import MISSING, VerifyFindings
from unlost.vault.stores.store import missing
from unlost.vault.stores.unread import unread

_READ_BYTES = 8 << 20
_MOST_READERS = 4


def check_sizes(
    objects: Iterable[ObjectEntry], listing: Mapping[str, int], findings: VerifyFindings
) -> list[ObjectEntry]:
    """Check presence and size; returns the objects that agree."""
    agree = []
    for entry in objects:
        size = listing.get(entry.name)
        findings.count_object(size or 0)
        if size is None:
            findings.damage(entry.name, MISSING)
        elif size != entry.bytes:
            findings.damage(entry.name, f"It has {size} bytes instead of {entry.bytes}.")
        else:
            agree.append(entry)
    return agree


def check_digests(
    objects: Iterable[ObjectEntry], store: Store, findings: VerifyFindings
) -> list[ObjectEntry]:
    """Check the hash of all bytes, a few objects at a time; returns the objects that agree."""

    def check(entry: ObjectEntry) -> ObjectEntry | None:
        digest_now = findings.attempt(entry.name, lambda: _digest(store, entry))
        if digest_now is not None and digest_now != entry.blake3:
            findings.damage(entry.name, "Its bytes have changed since they were written.")
        return entry if digest_now == entry.blake3 else None

    with ThreadPoolExecutor(min(_MOST_READERS, os.cpu_count() or 1)) as pool:
        return [entry for entry in pool.map(check, objects) if entry is not None]


def _digest(store: Store, entry: ObjectEntry) -> str:
    digest = blake3()
    path = store.path(entry.name)
    if path is None:
        for start in range(0, entry.bytes, _READ_BYTES):
            digest.update(store.get_range(entry.name, start=start, length=_READ_BYTES))
    else:
        try:
            # Local files are mapped: hashing them in C avoids a copy of every byte.
            digest.update_mmap(path)
        except FileNotFoundError:
            raise missing(entry.name) from None
        except OSError as error:
            raise unread(entry.name, error) from error
    return digest.hexdigest()
