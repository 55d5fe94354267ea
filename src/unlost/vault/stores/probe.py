"""Asks a store, before a vault is made in it, whether it keeps the promises that a vault needs."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault.stores.store import not_atomic

WRITERS = 8
_ROUNDS = 4


def probe_store(store: Store, *, entropy: Entropy) -> None:
    """Let eight writers race for one name, a few times over; leaves nothing behind.

    Raises StoreError: ``store-not-atomic`` where more or less than one of them wins or where
    another's bytes are kept, else what the store itself says.
    """
    for number in range(_ROUNDS):
        name = f"probe/{entropy.bytes(8).hex()}-{number}"
        try:
            _race(store, name)
        finally:
            store.delete(name)


def _race(store: Store, name: str) -> None:
    barrier = Barrier(WRITERS)

    def write(writer: int) -> bool:
        barrier.wait()
        return store.put_new(name, _body(writer))

    with ThreadPoolExecutor(WRITERS) as pool:
        won = list(pool.map(write, range(WRITERS)))
    address = store.properties.address
    if won.count(True) != 1:
        raise not_atomic(address, f"{won.count(True)} of {WRITERS} writers of one name won")
    if store.get(name) != _body(won.index(True)):
        raise not_atomic(address, "it kept the bytes of a writer that had lost")


def _body(writer: int) -> bytes:
    return f"writer {writer}".encode() * 512
