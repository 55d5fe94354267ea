"""Opening a vault: from a secret to its keys.

A secret gives a master key and the entry of the register that the owner signed (``unlock.py``). The
entry gives the earlier master keys and the key checks of the keys from before. The first master key
proves ``vault.json``. See docs/adr/0026.
"""

from functools import partial

from cryptography.exceptions import InvalidTag

from unlost.model.errors import IntegrityError, NotAllowed, NotFound
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.register import REGISTER, damaged_register
from unlost.vault.format.vaultjson import MAC_LABEL, VAULT_FILE, prove_vault_file, read_vault_file
from unlost.vault.keys.founding import no_vault_file
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import opened_earlier, registered
from unlost.vault.keys.unlock import KeyProvider, UnlockedVault
from unlost.vault.layout.org_names import named_orgs


def open_keyring(store: Store, provider: KeyProvider, *, entropy: Entropy) -> Keyring:
    """Open a vault: its keys, after ``vault.json`` is proved.

    Raises NotFound (``vault-missing``), UsageError (``format-newer``), NotAllowed (see the
    providers; ``key-wrong`` if the key is another vault's), IntegrityError (``vault-file-missing``,
    ``vault-file-damaged``, ``register-damaged``).
    """
    data = _read_vault_file(store)
    read_vault_file(data)
    keys = unlock_keyring(store, provider, entropy=entropy)
    prove_opened(keys, data, store=store)
    return keys


def unlock_keyring(store: Store, provider: KeyProvider, *, entropy: Entropy) -> Keyring:
    """The keys of a vault whose ``vault.json`` may be lost: for verifying and for rescue."""
    unlocked = provider.unlock(store)
    entry = unlocked.entry
    return Keyring(
        store,
        vault=unlocked.vault,
        master=unlocked.master,
        owner=unlocked.owner,
        entropy=entropy,
        earlier=_earlier(unlocked),
        inherited=entry.checks if entry is not None else None,
    )


def _earlier(unlocked: UnlockedVault) -> tuple[bytes, ...]:
    if unlocked.entry is None:
        return ()
    try:
        return tuple(opened_earlier(unlocked.entry, vault=unlocked.vault, master=unlocked.master))
    except (InvalidTag, ValueError):
        raise damaged_register(REGISTER) from None


def prove_opened(keys: Keyring, data: bytes, *, store: Store) -> None:
    """Check that ``vault.json`` and the keys belong together.

    Raises NotAllowed (``key-wrong``), IntegrityError (``vault-file-damaged``; ``register-damaged``
    if the entry that has the earlier master keys is lost).
    """
    try:
        # It stays under the first master key after a renewal: it protects nothing (ADR 26).
        prove_vault_file(data, mac=partial(keys.mac, MAC_LABEL, generation=1))
    except IntegrityError:
        if read_vault_file(data).vault != keys.vault.hex():
            raise NotAllowed(
                "key-wrong",
                "This key belongs to another vault.",
                next_step="Use the recovery sheet or the key file of this vault. Both contain "
                "the id of the vault.",
            ) from None
        # Without the register a later master key looks like a first one. Then the key is right and
        # the register is what is damaged.
        if keys.generation == 1 and _wraps_later(store, keys):
            raise damaged_register(REGISTER) from None
        # The sheet of a renewal that did not happen, or whose entry is lost.
        registered(store, keys)
        raise


def _wraps_later(store: Store, keys: Keyring) -> bool:
    """True if the supposed first master key has wrapped keys under a later number."""
    return any(keys.opens_later(org) for org in named_orgs(store))


def _read_vault_file(store: Store) -> bytes:
    try:
        return store.get(VAULT_FILE)
    except NotFound:
        if any(next(iter(store.list(prefix)), None) for prefix in ("orgs/", REGISTER)):
            raise no_vault_file(store) from None
        raise NotFound(
            "vault-missing",
            "There is no vault in {address}.",
            next_step="Check the address, or create a vault with `unlost init DIR`.",
            address=store.properties.address,
        ) from None
