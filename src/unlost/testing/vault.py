"""A vault for tests: the real vault code, over a store in memory."""

from unlost.model.ports.system import Clock, Entropy
from unlost.model.vault.store import Store
from unlost.testing.entropy import SeededEntropy
from unlost.vault.keys.founding import draft_keyring
from unlost.vault.stores.memory import MemoryStore
from unlost.vault.vault import EncryptedVault, create_vault, open_vault


def memory_vault(
    clock: Clock, *, entropy: Entropy | None = None, store: Store | None = None
) -> EncryptedVault:
    """Create a vault and open it. It takes about a millisecond: each test may have its own.

    Without ``store`` the vault is gone with the process. Without ``entropy`` its keys follow from a
    constant: never store data of people in it.
    """
    entropy = entropy or SeededEntropy()
    store = store if store is not None else MemoryStore()
    keys = draft_keyring(store, entropy=entropy)
    return create_vault(store, keys=keys, clock=clock, entropy=entropy)


def reopened(vault: EncryptedVault, clock: Clock, *, store: Store | None = None) -> EncryptedVault:
    """Open a vault again, as another process of the same home would.

    ``store`` gives access to the same objects in another way, for example with faults.
    """
    sealed = vault.sealed
    store = store if store is not None else sealed.store
    return open_vault(
        store, keys=sealed.keys, clock=clock, entropy=sealed.entropy, ledger=vault.ledger
    )
