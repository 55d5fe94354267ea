"""The stores of a home: the vault's store, with a local cache of ranges, and others."""

import threading

from unlost.app.home.home import Home
from unlost.model.ports.system import Clock
from unlost.model.vault.store import Store
from unlost.vault.stores.address import StoreAddress
from unlost.vault.stores.bandwidth import Bandwidth, LimitedStore
from unlost.vault.stores.cached import CachedStore
from unlost.vault.stores.pieces import RangeCache
from unlost.vault.stores.reach import open_store

MEGABYTE = 1_000_000
PIECES = "vault"  # a folder in the home's cache

_limits: dict[tuple[str, int], Bandwidth] = {}
_lock = threading.Lock()


def home_store(home: Home, *, clock: Clock) -> Store:
    """Return the store of a home's vault; raises StoreError for wrong settings.

    Without a cache, remains of an earlier one are deleted, as they would outlive their objects.
    """
    store = store_at(home.place, clock=clock)
    limit = home.place.reach.cache * MEGABYTE
    pieces = RangeCache(home.cache / PIECES, limit=limit, clock=clock)
    if home.place.folder is None and limit:
        return CachedStore(store, pieces=pieces)
    pieces.clear()
    return store


def store_at(place: StoreAddress, *, clock: Clock) -> Store:
    """Return the store at a place, limited to its bandwidth; raises StoreError."""
    store = open_store(place, sleep=clock.sleep, now=clock.now)
    if not place.reach.bandwidth:
        return store
    return LimitedStore(store, bandwidth=_limit_of(place), clock=clock)


def _limit_of(place: StoreAddress) -> Bandwidth:
    """Return the bandwidth limit of a place, which all threads of this process share."""
    with _lock:
        key = (f"{place.reach.endpoint} {place}", place.reach.bandwidth)
        # Shared, as several jobs of a process use the same link.
        return _limits.setdefault(key, Bandwidth(key[1] * MEGABYTE))
