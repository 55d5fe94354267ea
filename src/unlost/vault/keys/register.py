"""Keeping the register of slots: one more entry whenever a slot comes or goes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UsageError
from unlost.model.ports import Entropy
from unlost.model.store import Store
from unlost.vault.format.register import (
    REGISTER,
    Register,
    claimed_master,
    claims_to_follow,
    damaged_register,
    encode_register,
    read_register,
    register_name,
    register_number,
)
from unlost.vault.format.sealed import NONCE_BYTES
from unlost.vault.keys.hierarchy import InheritedKeys, Keyring, derive, outdated

ENTRIES = 3  # of a renewal, one after the other: so that no single object carries the vault


def entry_numbers(store: Store) -> list[int]:
    """The numbers of all entries, newest first, whether they prove themselves or not."""
    numbers = (register_number(listed.name) for listed in store.list(REGISTER))
    return sorted(filter(None, numbers), reverse=True)


def newest_entry(store: Store, keys: Keyring) -> int:
    """The number of the newest entry that proves itself under a master key; 0 if none does."""
    for number in entry_numbers(store):
        with suppress(IntegrityError, NotFound, NotAllowed, UsageError):
            read_entry(store, keys, number)
            return number
    return 0


def read_entry(store: Store, keys: Keyring, number: int) -> Register:
    """An entry, proved; raises NotFound, IntegrityError, UsageError.

    Raises NotAllowed (``key-outdated``) where a newer master key made it.
    """
    name = register_name(number)
    data = store.get(name)
    if claimed_master(data) > keys.generation:
        if claims_to_follow(data, token=_token(keys, keys.generation)):
            raise outdated()
        raise damaged_register(name)
    return read_register(data, name=name, mac=lambda of, body: keys.mac(name, body, generation=of))


def registered(store: Store, keys: Keyring) -> Register:
    """The newest entry that the present master key proves; number 0, and no slots, if there is none.

    Raises NotAllowed (``key-outdated``) where a newer master key made one that is newer still,
    IntegrityError where there are entries and none proves itself.
    """
    return _newest(store, keys)[0]


def _newest(store: Store, keys: Keyring) -> tuple[Register, int]:
    """The newest entry, and the number of the next: found by one look, so that nobody is overtaken."""
    numbers = entry_numbers(store)
    register = next(_proved_entries(store, keys, numbers), None)
    if register is None and numbers:
        raise damaged_register(register_name(numbers[0]))
    newest = register or Register(keys.vault.hex(), 0, {})
    taken, free = set(numbers), newest.number + 1
    while free in taken:  # by what does not prove itself
        free += 1
    return newest, free


def _proved_entries(store: Store, keys: Keyring, numbers: Iterable[int]) -> Iterator[Register]:
    """Those of the entries that the present master key proves."""
    for number in numbers:
        with suppress(IntegrityError, NotFound):
            register = read_entry(store, keys, number)
            if register.master == keys.generation:
                yield register


def with_earlier(
    store: Store, *, vault: bytes, master: bytes, entropy: Entropy
) -> tuple[Keyring, Register | None]:
    """The keys of a vault, with what counts of the time before, as the newest entry tells.

    That entry too where it is what ``registered`` would find, so that nobody reads it twice.
    """
    keys = Keyring(store, vault=vault, master=master, entropy=entropy)
    for place, number in enumerate(entry_numbers(store)):
        name = register_name(number)
        try:  # whichever master key it says it is of
            register = read_register(store.get(name), name=name, mac=partial(_whatever, keys, name))
        except (IntegrityError, NotFound):
            continue
        keyring = _inheriting(store, keys, register, entropy=entropy)
        return keyring, register if place == 0 and register.master == keyring.generation else None
    return keys, None


def _inheriting(store: Store, keys: Keyring, register: Register, *, entropy: Entropy) -> Keyring:
    return Keyring(
        store,
        vault=keys.vault,
        master=keys.masters[-1],
        entropy=entropy,
        earlier=[_opened(sealed, keys, place) for place, sealed in enumerate(register.earlier, 1)],
        inherited=InheritedKeys(register.keys, frozenset(register.shredded)),
    )


def _whatever(keys: Keyring, name: str, _: int, body: bytes) -> bytes:
    """The proof by the present master key, whatever number it has."""
    return keys.mac(name, body)


def succeed(
    store: Store, keys: Keyring, new: Keyring, *, slots: Mapping[str, str], sheet: str
) -> None:
    """The entry by which a new master key follows: from then on it counts, and none before it."""
    earlier = enumerate(new.masters[:-1], 1)
    entry = Register(
        keys.vault.hex(),
        0,
        slots,
        sheet,
        new.generation,
        earlier=tuple(_sealed_under(new, master, place) for place, master in earlier),
        followed=tuple(_token(new, number) for number in range(1, new.generation)),
        keys=new.inherited.keys,
        shredded=tuple(new.inherited.shredded),
    )
    while True:
        if _put(store, new, replace(entry, number=_newest(store, keys)[1])):
            return


def repeat_entry(store: Store, keys: Keyring) -> None:
    """Repeat the newest entry until there are as many of this master key as should be."""
    while is_single(store, keys):
        register, free = _newest(store, keys)
        _put(store, keys, replace(register, number=free))


def is_single(store: Store, keys: Keyring) -> bool:
    """True if too few entries know the master keys before the present one."""
    entries = islice(_proved_entries(store, keys, entry_numbers(store)), ENTRIES)
    return keys.generation > 1 and len(list(entries)) < ENTRIES


def strange_entries(store: Store, keys: Keyring) -> list[int]:
    """The numbers of entries that do not prove themselves, or that an earlier master key added since.

    Raises NotAllowed (``key-outdated``), IntegrityError where none is whole.
    """
    numbers = entry_numbers(store)
    first = min((register.number for register in _proved_entries(store, keys, numbers)), default=0)
    registered(store, keys)
    return [number for number in numbers if not _belongs(store, keys, number, first)]


def mend_register(store: Store, keys: Keyring) -> None:
    """Remove what does not prove itself, and close the hole with the entry next to it."""
    strange = strange_entries(store, keys)
    whole = set(entry_numbers(store)) - set(strange)
    for number in sorted(strange):
        store.delete(register_name(number))
        source = min(
            (whole_number for whole_number in whole if whole_number > number), default=number - 1
        )
        if source in whole:
            _put(store, keys, replace(read_entry(store, keys, source), number=number))
            whole.add(number)


def _belongs(store: Store, keys: Keyring, number: int, first: int) -> bool:
    try:
        register = read_entry(store, keys, number)
    except (IntegrityError, NotFound):
        return False
    except UsageError:  # of a newer Unlost
        return True
    return register.master == keys.generation or number < first


def _token(keys: Keyring, generation: int) -> str:
    """What proves to the holder of a master key that somebody who had it let another one follow."""
    return keys.mac("followed", keys.vault, generation=generation).hex()


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
    """One more entry, changed from the newest, and the same again; none where ``change`` changes nothing.

    This is the moment from which a slot counts, or counts no more. ``change`` is called again where
    somebody else was quicker, and may raise. Raises IntegrityError where none proves itself.
    """
    while True:
        register, free = _newest(store, keys)
        wished = replace(change(register), number=free)
        if (wished.slots, wished.sheet) == (register.slots, register.sheet):
            return register
        if _put(store, keys, wished):
            _put(store, keys, replace(wished, number=free + 1))  # one of them may be lost
            return wished


def register_slot(store: Store, keys: Keyring, slot: str, digest: str) -> None:
    """One more entry, with this slot; raises IntegrityError where none proves itself."""
    change_register(
        store, keys, lambda register: replace(register, slots={**register.slots, slot: digest})
    )


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
    mac = partial(keys.mac, name, generation=register.master)
    return store.put_new(name, encode_register(register, mac=mac))
