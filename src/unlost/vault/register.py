"""Keeping the register of slots: one more entry whenever a slot comes or goes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, NotFound
from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault.format.register import (
    REGISTER,
    Register,
    claimed_master,
    damaged_register,
    encode_register,
    read_register,
    register_name,
)
from unlost.vault.format.sealed import NONCE_BYTES
from unlost.vault.keys import Keyring, derive, outdated


def newest_entry(store: Store) -> int:
    """The number of the newest entry; 0 if there is none."""
    return max((_number(listed.name) for listed in store.list(REGISTER)), default=0)


def read_entry(store: Store, keys: Keyring, number: int) -> Register:
    """An entry, proved; raises NotFound, IntegrityError, UsageError.

    Raises NotAllowed (``key-outdated``) where it says that a newer master key made it.
    """
    name = register_name(number)
    data = store.get(name)
    if claimed_master(data) > keys.generation:
        raise outdated()
    return read_register(data, name=name, mac=lambda of, body: keys.mac(name, body, generation=of))


def registered(store: Store, keys: Keyring) -> Register:
    """The newest entry; number 0, and no slots, if there is none.

    Raises NotAllowed (``key-outdated``) where a newer master key made it, IntegrityError where it is
    damaged, or somebody made it with an earlier one.
    """
    number = newest_entry(store)
    if not number:
        return Register(keys.vault.hex(), 0, {})
    found = read_entry(store, keys, number)
    if found.master < keys.generation:
        raise damaged_register(register_name(number))
    return found


def masters_before(store: Store, *, vault: bytes, master: bytes, entropy: Entropy) -> list[bytes]:
    """The master keys that this one followed, oldest first, as the newest entry that it proves tells."""
    keys = Keyring(store, vault=vault, master=master, entropy=entropy)
    for number in range(newest_entry(store), 0, -1):
        name = register_name(number)
        try:  # whichever master key it says it is of
            found = read_register(store.get(name), name=name, mac=partial(_whatever, keys, name))
        except (IntegrityError, NotFound):
            continue
        return [_opened(sealed, keys, place) for place, sealed in enumerate(found.earlier, 1)]
    return []


def _whatever(keys: Keyring, name: str, _: int, body: bytes) -> bytes:
    """The proof by the present master key, whatever number it has."""
    return keys.mac(name, body)


def succeed(
    store: Store, keys: Keyring, new: Keyring, *, slots: Mapping[str, str], sheet: str
) -> None:
    """The entry by which a new master key follows: from then on it counts, and none before it."""
    earlier = tuple(
        _sealed_under(new, master, place) for place, master in enumerate(new.masters[:-1], 1)
    )
    while True:
        number = registered(store, keys).number + 1
        entry = Register(keys.vault.hex(), number, slots, sheet, new.generation, earlier)
        if _put(store, new, entry):
            return


def begin_register(
    store: Store, keys: Keyring, slots: Mapping[str, str], *, sheet: str = ""
) -> None:
    """The first entry, in place of what an interrupted founding may have left."""
    for listed in list(store.list(REGISTER)):
        store.delete(listed.name)
    _put(store, keys, Register(keys.vault.hex(), 1, slots, sheet))


def change_register(
    store: Store, keys: Keyring, change: Callable[[Register], Register]
) -> Register:
    """One more entry, changed from the newest; none where ``change`` leaves it as it is.

    This is the moment from which a slot counts, or counts no more. ``change`` is called again where
    somebody else was quicker, and may raise. Raises IntegrityError where the newest is damaged.
    """
    while True:
        held = registered(store, keys)
        wished = replace(change(held), number=held.number + 1)
        if (wished.slots, wished.sheet) == (held.slots, held.sheet):
            return held
        if _put(store, keys, wished):
            return wished


def register_slot(store: Store, keys: Keyring, slot: str, digest: str) -> None:
    """One more entry, with this slot; raises IntegrityError where the newest one is damaged."""
    change_register(store, keys, lambda held: replace(held, slots={**held.slots, slot: digest}))


def digest_of(copy: bytes) -> str:
    """How the register knows a slot: by the digest of a copy."""
    return blake3(copy).hexdigest()


def _sealed_under(keys: Keyring, master: bytes, place: int) -> str:
    nonce = keys.random(NONCE_BYTES)
    bound = keys.vault + bytes([place])
    return (nonce + AESGCM(_earlier_key(keys)).encrypt(nonce, master, bound)).hex()


def _opened(sealed: str, keys: Keyring, place: int) -> bytes:
    data, bound = bytes.fromhex(sealed), keys.vault + bytes([place])
    return AESGCM(_earlier_key(keys)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], bound)


def _earlier_key(keys: Keyring) -> bytes:
    return derive(keys.master(), "earlier")


def _put(store: Store, keys: Keyring, register: Register) -> bool:
    name = register_name(register.number)
    return store.put_new(name, encode_register(register, mac=partial(keys.mac, name)))


def _number(name: str) -> int:
    digits = name.removeprefix(REGISTER)
    return int(digits) if digits.isdecimal() else 0
