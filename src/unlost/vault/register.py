"""Keeping the register of slots: one more entry whenever a slot comes or goes."""

from collections.abc import Mapping
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


def registered(store: Store, keys: Keyring) -> Mapping[str, str]:
    """The slots that the newest entry lists; none if there is no entry."""
    number = newest_entry(store)
    return read_entry(store, keys, number).slots if number else {}


def begin_register(store: Store, keys: Keyring, slots: Mapping[str, str]) -> None:
    """The first entry, in place of what an interrupted founding may have left."""
    for listed in list(store.list(REGISTER)):
        store.delete(listed.name)
    _put(store, keys, number=1, slots=slots)


def register_slot(store: Store, keys: Keyring, slot: str, digest: str) -> None:
    """One more entry, with this slot; raises IntegrityError where the newest one is damaged."""
    while not _put(
        store,
        keys,
        number=newest_entry(store) + 1,
        slots={**registered(store, keys), slot: digest},
    ):
        continue  # somebody else was quicker: look again


def digest_of(copy: bytes) -> str:
    """How the register knows a slot: by the digest of a copy."""
    return blake3(copy).hexdigest()


def _put(store: Store, keys: Keyring, *, number: int, slots: Mapping[str, str]) -> bool:
    name = register_name(number)
    register = Register(vault=keys.vault.hex(), number=number, slots=slots)
    return store.put_new(name, encode_register(register, mac=partial(keys.mac, name)))


def _number(name: str) -> int:
    digits = name.removeprefix(REGISTER)
    return int(digits) if digits.isdecimal() else 0
