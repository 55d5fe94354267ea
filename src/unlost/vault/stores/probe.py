"""Tests, before a vault is made in a store, that the store keeps the promises a vault needs."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from unlost.model.errors import StoreError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.stores.store import MAY_NOT_DELETE, not_atomic

WRITERS = 8
FOLDER = "probe/"
_ROUNDS = 4


def probe_store(store: Store, *, entropy: Entropy) -> bool:
    """Let eight writers race for one name, several times, and remove the objects again.

    Returns False if these credentials may not delete: then the objects stay until a probe with
    other credentials runs. Raises StoreError: ``store-not-atomic`` if not exactly one writer wins
    or if a loser's bytes are kept, else the store's own error.
    """
    try:
        for number in range(_ROUNDS):
            _race(store, f"{FOLDER}{entropy.bytes(8).hex()}-{number}")
    finally:
        cleared = _cleared(store)
    return cleared


def _race(store: Store, name: str) -> None:
    barrier = Barrier(WRITERS)

    def write(writer: int) -> bool:
        barrier.wait()
        return store.put_new(name, _body(writer))

    with ThreadPoolExecutor(WRITERS) as pool:
        won = list(pool.map(write, range(WRITERS)))
    if won.count(True) != 1:
        raise not_atomic(
            store.properties, f"{won.count(True)} of {WRITERS} writers of one name succeeded"
        )
    if store.get(name) != _body(won.index(True)):
        raise not_atomic(store.properties, "it stored the bytes of a writer that it had refused")


def _cleared(store: Store) -> bool:
    """Remove the objects of this and earlier races; False if that is not allowed."""
    try:
        for listed in list(store.list(FOLDER)):
            store.delete(listed.name)
    except StoreError as error:
        if error.code == MAY_NOT_DELETE:
            return False
        raise
    return True


def _body(writer: int) -> bytes:
    return f"writer {writer}".encode() * 512
