"""Keeping the register of slots: one more entry whenever a slot comes or goes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from blake3 import blake3

from unlost.model.store import Store
from unlost.vault.format.register import (
    REGISTER,
    Register,
    encode_register,
    read_register,
    register_name,
)
from unlost.vault.keys import Keyring


def newest_entry(store: Store) -> int:
    """The number of the newest entry; 0 if there is none."""
    return max((_number(listed.name) for listed in store.list(REGISTER)), default=0)


def read_entry(store: Store, keys: Keyring, number: int) -> Register:
    """An entry, proved; raises NotFound, IntegrityError, UsageError."""
    name = register_name(number)
    return read_register(store.get(name), name=name, mac=partial(keys.mac, name))


def registered(store: Store, keys: Keyring) -> Register:
    """The newest entry; number 0, and no slots, if there is none."""
    number = newest_entry(store)
    return read_entry(store, keys, number) if number else Register(keys.vault.hex(), 0, {})


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


def _put(store: Store, keys: Keyring, register: Register) -> bool:
    name = register_name(register.number)
    return store.put_new(name, encode_register(register, mac=partial(keys.mac, name)))


def _number(name: str) -> int:
    digits = name.removeprefix(REGISTER)
    return int(digits) if digits.isdecimal() else 0
