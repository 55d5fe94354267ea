"""Keeping the register of slots: a new entry for each slot that is added or removed.

The register is a sequence of create-only objects; the newest entry with a valid proof is in force:

    slots/00000001   slots {service}             proved by master key 1
    slots/00000002   slots {service, office}     proved by master key 1
    slots/00000003   the same again              one of the two may be lost
    slots/00000004   slots {service-2}           proved by master key 2; holds key 1, sealed
    slots/00000005   the same again
    slots/00000006   the same again              a renewal is written three times

One put makes a change take effect, so a crash leaves the old state or the new one. Of two writers
that want the same number one wins; the other reads the new entry and tries again. An entry is valid
by its proof, never by its number: junk in the folder cannot lock anyone out. See docs/adr/0026.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import islice

from blake3 import blake3
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UsageError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
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

ENTRIES = 3  # of a renewal, one after the other: the loss of one object must not lose the vault


def entry_numbers(store: Store) -> list[int]:
    """The numbers of all entries, newest first, whether their proofs are valid or not."""
    numbers = (register_number(listed.name) for listed in store.list(REGISTER))
    return sorted(filter(None, numbers), reverse=True)


def newest_entry(store: Store, keys: Keyring) -> int:
    """The number of the newest entry that a known master key proves; 0 if there is none."""
    for number in entry_numbers(store):
        with suppress(IntegrityError, NotFound, NotAllowed, UsageError):
            read_entry(store, keys, number)
            return number
    return 0


def read_entry(store: Store, keys: Keyring, number: int) -> Register:
    """An entry, proved; raises NotFound, IntegrityError, UsageError.

    Raises NotAllowed (``key-outdated``) if a newer master key made it.
    """
    name = register_name(number)
    data = store.get(name)
    if claimed_master(data) > keys.generation:
        if claims_to_follow(data, token=_token(keys, keys.generation)):
            raise outdated()
        raise damaged_register(name)
    return read_register(data, name=name, mac=lambda of, body: keys.mac(name, body, generation=of))


def registered(store: Store, keys: Keyring) -> Register:
    """The newest entry that the present master key proves; number 0 and no slots if there is none.

    Raises NotAllowed (``key-outdated``) if a newer master key made a newer entry, IntegrityError if
    there are entries and none of them can be proved.
    """
    return _newest(store, keys)[0]


def _newest(store: Store, keys: Keyring) -> tuple[Register, int]:
    """The newest entry, and the next free number, from a single listing of the store.

    With two listings, an entry that was written between them could be overlooked.
    """
    numbers = entry_numbers(store)
    register = next(_proved_entries(store, keys, numbers), None)
    if register is None and numbers:
        raise damaged_register(register_name(numbers[0]))
    newest = register or Register(keys.vault.hex(), 0, {})
    taken, free = set(numbers), newest.number + 1
    while free in taken:  # by an object without a valid proof
        free += 1
    return newest, free


def _proved_entries(store: Store, keys: Keyring, numbers: Iterable[int]) -> Iterator[Register]:
    """The entries that the present master key proves."""
    for number in numbers:
        with suppress(IntegrityError, NotFound):
            register = read_entry(store, keys, number)
            if register.master == keys.generation:
                yield register


def with_earlier(
    store: Store, *, vault: bytes, master: bytes, entropy: Entropy
) -> tuple[Keyring, Register | None]:
    """The keys of a vault, with the earlier keys that the newest entry lists.

    Also returns that entry if it is the one that ``registered`` would find, so that it is read
    once.
    """
    keys = Keyring(store, vault=vault, master=master, entropy=entropy)
    for place, number in enumerate(entry_numbers(store)):
        name = register_name(number)
        try:  # whatever number of a master key it claims
            register = read_register(
                store.get(name), name=name, mac=partial(_mac_by_present_key, keys, name)
            )
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


def _mac_by_present_key(keys: Keyring, name: str, _: int, body: bytes) -> bytes:
    """The proof by the present master key, whatever number the entry claims."""
    return keys.mac(name, body)


def write_renewal(
    store: Store, keys: Keyring, new: Keyring, *, slots: Mapping[str, str], sheet: str
) -> None:
    """Write the entry that puts a new master key in force, and ends all earlier ones."""
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
    """Repeat the newest entry until the present master key has ``ENTRIES`` of them."""
    while is_single(store, keys):
        register, free = _newest(store, keys)
        _put(store, keys, replace(register, number=free))


def is_single(store: Store, keys: Keyring) -> bool:
    """True if too few entries hold the earlier master keys."""
    entries = islice(_proved_entries(store, keys, entry_numbers(store)), ENTRIES)
    return keys.generation > 1 and len(list(entries)) < ENTRIES


def strange_entries(store: Store, keys: Keyring) -> list[int]:
    """The numbers of entries without a valid proof, or added with an earlier master key since.

    Raises NotAllowed (``key-outdated``), IntegrityError if no entry is whole.
    """
    numbers = entry_numbers(store)
    first = min((register.number for register in _proved_entries(store, keys, numbers)), default=0)
    registered(store, keys)
    return [number for number in numbers if not _belongs(store, keys, number, first)]


def repair_register(store: Store, keys: Keyring) -> None:
    """Remove entries without a valid proof, and fill each gap with the entry next to it."""
    strange = strange_entries(store, keys)
    whole = set(entry_numbers(store)) - set(strange)
    for number in sorted(strange):
        store.delete(register_name(number))
        # Each entry repeats what is in force, so the next whole entry can fill the gap.
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
    """The token that proves to holders of a master key that one of them replaced it."""
    return keys.mac("followed", keys.vault, generation=generation).hex()


def begin_register(
    store: Store, keys: Keyring, slots: Mapping[str, str], *, sheet: str = ""
) -> None:
    """Write the first entry, in place of entries that an interrupted founding may have left."""
    for listed in list(store.list(REGISTER)):
        store.delete(listed.name)
    _put(store, keys, Register(keys.vault.hex(), 1, slots, sheet))


def change_register(
    store: Store, keys: Keyring, change: Callable[[Register], Register]
) -> Register:
    """Append an entry, changed from the newest, and once more; nothing if ``change`` has no effect.

    From this moment a slot is valid, or is not any more. ``change`` is called again if another
    writer was quicker, and may raise. Raises IntegrityError if no entry can be proved.
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
    """Append an entry with this slot; raises IntegrityError if no entry can be proved."""
    change_register(
        store, keys, lambda register: replace(register, slots={**register.slots, slot: digest})
    )


def digest_of(copy: bytes) -> str:
    """The hash by which the register identifies a slot's copies."""
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
