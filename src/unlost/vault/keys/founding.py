"""Founding a vault: its keys, the register, and ``vault.json``.

    1. draft_keyring     keys in memory; nothing is written
    2. add_slot          the first entry of the register; the recovery sheet is shown and confirmed
    3. write_vault_file  the confirmed sheet is noted in the register, then ``vault.json``

A crash before the last put leaves no vault, and founding can be repeated.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

from unlost.model.errors import Conflict, IntegrityError, UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.vaultjson import (
    MAC_LABEL,
    VAULT_FILE,
    VaultFile,
    encode_vault_file,
    read_vault_file,
)
from unlost.vault.keys.derivation import ID_BYTES, KEY_BYTES
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.keys.register import change_register
from unlost.vault.keys.service_key import key_exists
from unlost.vault.keys.unlock import ByServiceKeyFile


def draft_keyring(store: Store, *, entropy: Entropy) -> Keyring:
    """Create the keys of a new vault, without writing anything.

    Raises Conflict (``vault-exists``), IntegrityError (``vault-file-missing``) if the store has
    data without a ``vault.json``.
    """
    if store.size(VAULT_FILE) is not None:
        raise _exists(store)
    if next(iter(store.list("orgs/")), None) is not None:
        raise no_vault_file(store)
    vault, secret = entropy.bytes(ID_BYTES), entropy.bytes(KEY_BYTES)
    return Keyring.of_secret(store, vault=vault, secret=secret, entropy=entropy)


def write_vault_file(
    store: Store, keys: Keyring, *, created: datetime, sheet_confirmed_at: datetime | None = None
) -> None:
    """Write the register, then ``vault.json``: from then on the vault exists.

    ``sheet_confirmed_at``: when the recovery sheet was written down. Raises Conflict
    (``vault-exists``).
    """
    if store.size(VAULT_FILE) is not None:
        raise _exists(store)
    # The register first: once ``vault.json`` is there, a slot must be in it to open the vault.
    sheet = sheet_confirmed_at.isoformat() if sheet_confirmed_at is not None else ""
    change_register(store, keys, lambda entry: replace(entry, sheet=sheet))
    file = VaultFile(vault=keys.vault.hex(), created=created.isoformat())
    data = encode_vault_file(file, mac=partial(keys.mac, MAC_LABEL))
    if not store.put_new(VAULT_FILE, data):
        raise _exists(store)


def confirm_vault_file(store: Store) -> None:
    """Make ``vault.json`` durable, because its founder may have died before it was.

    Putting it again changes nothing, and a put that finds the name taken makes it durable.
    """
    if store.size(VAULT_FILE) is not None:
        store.put_new(VAULT_FILE, store.get(VAULT_FILE))


def vault_format(store: Store) -> int:
    """The number of a vault's format; raises IntegrityError, NotFound, StoreError."""
    return read_vault_file(store.get(VAULT_FILE)).format


def discard_unfinished_key(path: Path, *, store: Store) -> None:
    """Remove the key file that an interrupted founding in this store left, and no other file.

    That key opens a slot of a store without a ``vault.json``, so it protects nothing. Raises
    Conflict (``key-exists``) if the file is anything else; no change if there is none.
    """
    if not path.exists():
        return
    if store.size(VAULT_FILE) is not None or not _opens(path, store):
        raise key_exists(path)
    path.unlink()


def recovery_sheet(keys: Keyring) -> RecoverySheet:
    """The recovery sheet of an opened vault; raises NotAllowed (``sheet-needed``)."""
    return RecoverySheet(vault=keys.vault, secret=keys.owner.known_secret())


def no_vault_file(store: Store) -> IntegrityError:
    """The error for the data of a vault without its ``vault.json``."""
    return IntegrityError(
        "vault-file-missing",
        "{address} contains the data of a vault, but {vault_file} is missing.",
        next_step="Restore {vault_file} from a mirror of the vault.",
        address=store.properties.address,
        vault_file=VAULT_FILE,
    )


def _opens(path: Path, store: Store) -> bool:
    try:
        ByServiceKeyFile(path).unlock(store)
    except UnlostError:
        return False
    return True


def _exists(store: Store) -> Conflict:
    return Conflict(
        "vault-exists",
        "There is already a vault in {address}.",
        next_step="Use that vault, or choose an empty location.",
        address=store.properties.address,
    )
