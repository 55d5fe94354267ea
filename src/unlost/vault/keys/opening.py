"""Founding and opening a vault, and proving and repairing its key material.

Founding has three steps:

    1. draft_keyring     a random id and master key, in memory only
    2. add_slot          the slots; the recovery sheet is shown and confirmed
    3. write_vault_file  the register of slots, then ``vault.json``

A crash before the last put leaves no vault, and founding can be repeated.

Opening has four steps. A secret opens a slot (``unlock.py``), which gives a master key. The newest
entry of the register that this key proves gives the earlier master keys and the keys that are still
valid (``with_earlier``). The first master key proves ``vault.json``. Last, the register must list
the slot that was used. See docs/adr/0026.
"""

import re
from datetime import datetime
from functools import partial
from pathlib import Path

from unlost.model.errors import Conflict, IntegrityError, NotAllowed, NotFound, UnlostError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import RecoverySheet
from unlost.vault.format.register import REGISTER, Register, damaged_register, register_name
from unlost.vault.format.sealed import NONCE_BYTES
from unlost.vault.format.slots import (
    SALT_BYTES,
    KeySlot,
    KeyStretch,
    damaged_slot,
    read_slot,
    slot_folder,
    slot_head,
    unwrap_master,
    wrap_master,
)
from unlost.vault.format.vaultjson import (
    MAC_LABEL,
    VAULT_FILE,
    VaultFile,
    encode_vault_file,
    prove_vault_file,
    read_vault_file,
)
from unlost.vault.keys.hierarchy import ID_BYTES, KEY_BYTES, Keyring
from unlost.vault.keys.register import (
    begin_register,
    digest_of,
    entry_numbers,
    register_slot,
    registered,
    with_earlier,
)
from unlost.vault.keys.unlock import (
    ByServiceKeyFile,
    KeyProvider,
    SlotSecret,
    UnlockedVault,
    key_exists,
    slot_copies,
)
from unlost.vault.layout.org_names import named_orgs

_SLOT = re.compile(r"keys/([a-z0-9][a-z0-9-]{0,40})/[123]")


def draft_keyring(store: Store, *, entropy: Entropy) -> Keyring:
    """Create the keys of a new vault, without writing anything.

    Raises Conflict (``vault-exists``), IntegrityError (``vault-file-missing``) if the store has
    data without a ``vault.json``.
    """
    if store.size(VAULT_FILE) is not None:
        raise _exists(store)
    if _has(store, "orgs/"):
        raise _no_vault_file(store)
    return Keyring(
        store,
        vault=entropy.bytes(ID_BYTES),
        master=entropy.bytes(KEY_BYTES),
        entropy=entropy,
    )


def write_vault_file(
    store: Store, keys: Keyring, *, created: datetime, sheet_confirmed_at: datetime | None = None
) -> None:
    """Write the register of slots, then ``vault.json``: from then on the vault exists.

    ``sheet_confirmed_at``: when the recovery sheet was written down. Raises Conflict
    (``vault-exists``).
    """
    if store.size(VAULT_FILE) is not None:
        raise _exists(store)
    # The register first: once ``vault.json`` is there, a copy must be listed to open the vault.
    sheet = sheet_confirmed_at.isoformat() if sheet_confirmed_at is not None else ""
    begin_register(store, keys, _whole_slots(store, keys), sheet=sheet)
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


def new_stretch(entropy: Entropy) -> KeyStretch:
    """Parameters for a new passphrase slot."""
    return KeyStretch(salt=entropy.bytes(SALT_BYTES))


def add_slot(
    store: Store,
    keys: Keyring,
    secret: SlotSecret,
    *,
    slot: str,
    entropy: Entropy,
    stretch: KeyStretch | None = None,
) -> None:
    """Write the copies of a slot that this secret opens, and list it: from then on it is valid.

    A passphrase needs a ``stretch``. Replaces the copies that an interrupted founding left;
    continues an interrupted call with the same secret. Raises Conflict (``slot-exists``).
    """
    digest = write_slot(store, keys, secret, slot=slot, entropy=entropy, stretch=stretch)
    if store.size(VAULT_FILE) is not None:
        register_slot(store, keys, slot, digest)


def write_slot(
    store: Store,
    keys: Keyring,
    secret: SlotSecret,
    *,
    slot: str,
    entropy: Entropy,
    stretch: KeyStretch | None = None,
) -> str:
    """Write the copies of a slot, which is valid only once it is listed; returns their hash."""
    copy = _interrupted_copy(store, keys, slot, secret) or _wrapped(
        keys, secret, slot, entropy, stretch
    )
    for name in slot_copies(slot):
        # An equal copy is from an interrupted call: putting it again made it durable.
        if not store.put_new(name, copy) and store.get(name) != copy:
            raise _slot_exists(slot)
    return digest_of(copy)


def _wrapped(
    keys: Keyring, secret: SlotSecret, slot: str, entropy: Entropy, stretch: KeyStretch | None
) -> bytes:
    head = slot_head(vault=keys.vault.hex(), name=slot, stretch=stretch)
    bare = KeySlot(keys.vault.hex(), slot, stretch, head, wrapped=b"", mac=b"")
    wrapped = wrap_master(
        keys.master(),
        key=secret.wrapping_key(bare),
        nonce=entropy.bytes(NONCE_BYTES),
        head=head,
        name=slot,
    )
    proved = head + wrapped
    return proved + keys.mac(slot_folder(slot), proved)


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
    """The recovery sheet of an opened vault."""
    return RecoverySheet(vault=keys.vault, master=keys.master())


def open_keyring(store: Store, provider: KeyProvider, *, entropy: Entropy) -> Keyring:
    """Open a vault: its keys, after ``vault.json`` is proved.

    Raises NotFound (``vault-missing``), UsageError (``format-newer``), NotAllowed (see the
    providers; ``key-wrong`` if the key is another vault's, ``slot-removed``, ``key-outdated``),
    IntegrityError (``vault-file-missing``, ``vault-file-damaged``).
    """
    data = _read_vault_file(store)
    read_vault_file(data)
    unlocked = provider.unlock(store)
    keys, listed = _keyring(store, unlocked, entropy=entropy)
    prove_opened(keys, data, store=store)
    _check_slot_valid(store, keys, unlocked.slot, listed=listed)
    return keys


def unlock_keyring(store: Store, provider: KeyProvider, *, entropy: Entropy) -> Keyring:
    """The keys of a vault whose ``vault.json`` may be lost: for verifying and for rescue."""
    return _keyring(store, provider.unlock(store), entropy=entropy)[0]


def _keyring(
    store: Store, unlocked: UnlockedVault, *, entropy: Entropy
) -> tuple[Keyring, Register | None]:
    vault, master = unlocked.vault, unlocked.master
    return with_earlier(store, vault=vault, master=master, entropy=entropy)


def _check_slot_valid(
    store: Store, keys: Keyring, slot: KeySlot | None, *, listed: Register | None
) -> None:
    """Raise NotAllowed for a master key that was replaced, and for a slot that was removed.

    This holds even if a copy of the slot was left or put back. A register that cannot be read does
    not block opening; verification reports it.
    """
    try:
        listed = listed or registered(store, keys)
    except (IntegrityError, NotFound):
        return
    if slot is not None and listed.number and listed.slots.get(slot.name) != digest_of(slot.copy):
        raise NotAllowed(
            "slot-removed",
            "The slot “{slot}” was removed from the vault and no longer opens it.",
            next_step="Open the vault with another key or with the recovery sheet.",
            slot=slot.name,
        )


def prove_opened(keys: Keyring, data: bytes, *, store: Store) -> None:
    """Check that ``vault.json`` and the keys belong together.

    Raises NotAllowed (``key-wrong``), IntegrityError (``vault-file-damaged``; ``register-damaged``
    if the entries that have the earlier master keys are lost).
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
            numbers = entry_numbers(store)
            raise damaged_register(register_name(numbers[0]) if numbers else REGISTER) from None
        raise


def _wraps_later(store: Store, keys: Keyring) -> bool:
    """True if the supposed first master key has wrapped keys under a later number."""
    return any(keys.opens_later(org) for org in named_orgs(store))


def slots(store: Store) -> tuple[str, ...]:
    """The slots that have a copy; other names are ignored."""
    matches = (_SLOT.fullmatch(listed.name) for listed in store.list("keys/"))
    return tuple(sorted({match[1] for match in matches if match}))


def strange_slots(store: Store) -> tuple[str, ...]:
    """The objects below ``keys/`` that are not copies of a slot."""
    return tuple(
        listed_object.name
        for listed_object in store.list("keys/")
        if not _SLOT.fullmatch(listed_object.name)
    )


def remove_strange_slots(store: Store) -> None:
    """Remove the objects below ``keys/`` that are not copies of a slot."""
    for name in strange_slots(store):
        store.delete(name)


def check_slot_copy(store: Store, keys: Keyring, name: str) -> None:
    """Prove one copy of a slot without its secret; raises IntegrityError, NotFound, UsageError."""
    slot = name.split("/")[1]
    parsed = read_slot(store.get(name), name=slot)
    if keys.mac(slot_folder(slot), parsed.proved) != parsed.mac:
        raise damaged_slot(slot)


def repair_slot(store: Store, keys: Keyring, slot: str) -> tuple[str, ...]:
    """Rewrite lost or damaged copies of a slot from an intact copy; returns their names.

    Raises IntegrityError (``slot-damaged``) if no copy is intact.
    """
    broken = [name for name in slot_copies(slot) if not is_whole(store, keys, name)]
    good = [name for name in slot_copies(slot) if name not in broken]
    if not good:
        raise damaged_slot(slot)
    for name in broken:
        store.delete(name)
        store.put_new(name, store.get(good[0]))
    return tuple(broken)


def _opens(path: Path, store: Store) -> bool:
    try:
        ByServiceKeyFile(path).unlock(store)
    except UnlostError:
        return False
    return True


def is_whole(store: Store, keys: Keyring, name: str) -> bool:
    """True if a copy of a slot was written by a holder of these keys and is undamaged."""
    try:
        check_slot_copy(store, keys, name)
    except UnlostError:
        return False
    return True


def opens_copy(store: Store, keys: Keyring, name: str, *, secret: SlotSecret) -> bool:
    """True if a copy of a slot is undamaged and this secret opens it."""
    if not is_whole(store, keys, name):
        return False
    slot = read_slot(store.get(name), name=name.split("/")[1])
    return unwrap_master(slot, key=secret.wrapping_key(slot)) == keys.master()


def _whole_slots(store: Store, keys: Keyring) -> dict[str, str]:
    """The slots of this vault, in the form in which the register lists them."""
    names = {slot: slot_copies(slot)[0] for slot in slots(store)}
    return {
        slot: digest_of(store.get(name))
        for slot, name in names.items()
        if is_whole(store, keys, name)
    }


def _interrupted_copy(store: Store, keys: Keyring, slot: str, secret: SlotSecret) -> bytes | None:
    """A copy that an interrupted call with this secret left; raises Conflict for any other."""
    taken = [name for name in slot_copies(slot) if store.size(name) is not None]
    if store.size(VAULT_FILE) is None:  # no slot is valid yet
        for name in taken:
            store.delete(name)
        return None
    if not taken:
        return None
    whole = [name for name in taken if is_whole(store, keys, name)]
    if slot not in registered(store, keys).slots and whole == taken:
        key_slot = read_slot(store.get(taken[0]), name=slot)
        if unwrap_master(key_slot, key=secret.wrapping_key(key_slot)) == keys.master():
            return key_slot.copy
    raise _slot_exists(slot)


def _slot_exists(slot: str) -> Conflict:
    return Conflict(
        "slot-exists",
        "The vault already has a slot “{slot}”.",
        next_step="Choose another name, or remove that slot first: `unlost key remove {slot}`",
        slot=slot,
    )


def _read_vault_file(store: Store) -> bytes:
    try:
        return store.get(VAULT_FILE)
    except NotFound:
        if _has(store, "orgs/") or _has(store, "keys/"):
            raise _no_vault_file(store) from None
        raise NotFound(
            "vault-missing",
            "There is no vault in {address}.",
            next_step="Check the address, or create a vault with `unlost init DIR`.",
            address=store.properties.address,
        ) from None


def _has(store: Store, prefix: str) -> bool:
    return next(iter(store.list(prefix)), None) is not None


def _exists(store: Store) -> Conflict:
    return Conflict(
        "vault-exists",
        "There is already a vault in {address}.",
        next_step="Use that vault, or choose an empty location.",
        address=store.properties.address,
    )


def _no_vault_file(store: Store) -> IntegrityError:
    return IntegrityError(
        "vault-file-missing",
        "{address} contains the data of a vault, but {vault_file} is missing.",
        next_step="Restore {vault_file} from a mirror of the vault.",
        address=store.properties.address,
        vault_file=VAULT_FILE,
    )
