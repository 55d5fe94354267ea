"""Reading and changing the register: each change is a new entry, signed by the vault's owner.

The newest entry with a valid signature is in force:

    register/00000004/1 … 3   signed by owner 1      slots {service, office}
    register/00000005/1 … 3   signed by owner 2      a renewal; has master key 1, sealed
    register/00000006/1 … 3   signed by a stranger   ignored; ``strange_entries`` names it

One put makes a change take effect, so a crash leaves the old entry or the new one. Of two writers
that want the same number one wins; the other reads the new entry and tries again. An entry is in
force by its signature, never by its number: junk in the folder cannot lock anyone out. Entries
before the newest have no effect and are removed. See docs/adr/0026.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UsageError
from unlost.model.vault.store import ListedObject, Store
from unlost.vault.format.register import (
    LARGEST,
    REGISTER,
    Handover,
    RegisterEntry,
    ShreddedOrg,
    damaged_register,
    encode_entry,
    entry_copies,
    entry_name,
    entry_number,
    handover_message,
    read_entry,
)
from unlost.vault.format.sealed import NONCE_BYTES
from unlost.vault.format.vaultjson import VAULT_FILE
from unlost.vault.keys.derivation import derive
from unlost.vault.keys.hierarchy import Keyring, outdated
from unlost.vault.keys.owner import Owner, is_signed
from unlost.vault.stores.store import where_allowed

_LISTINGS = 3  # a change that goes on meanwhile removes the entries before it


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry of the register with its bytes, which all of its copies must have."""

    entry: RegisterEntry
    data: bytes


def listed_entries(store: Store) -> dict[int, list[str]]:
    """The names of the copies of all entries, newest entry first; valid or not."""
    copies = {
        number: [listed.name for listed in objects if listed.size <= LARGEST]
        for number, objects in _listed(store).items()
    }
    return {number: copies[number] for number in sorted(copies, reverse=True) if copies[number]}


def _listed(store: Store) -> dict[int, list[ListedObject]]:
    """All objects with the names of copies, by the number of the entry."""
    copies: dict[int, list[ListedObject]] = {}
    for listed in store.list(REGISTER):
        if number := entry_number(listed.name):
            copies.setdefault(number, []).append(listed)
    return copies


def find_entry(store: Store, *, owner: bytes) -> StoredEntry | None:
    """The newest entry that the holder of this public key signed; None if there is none.

    Raises NotAllowed (``key-outdated``) if the owner put another master key in force, UsageError
    (``format-newer``). A handover ends an owner for good, whatever the number of its entry: a thief
    of the earlier secret can sign entries of the earlier owner with higher numbers.
    """
    newest = None
    for _ in range(_LISTINGS):
        newest, missed = None, False
        for number, names in listed_entries(store).items():
            for name in names:
                try:
                    data = store.get(name)
                except NotFound:
                    missed = True
                    continue
                entry = _signed_by(data, number, owner)
                if entry is not None:
                    newest = newest or StoredEntry(entry, data)
                    break
                if _is_handed_over(data, number, owner):
                    raise outdated()
        if not missed:
            break
    return newest


def _signed_by(data: bytes, number: int, owner: bytes) -> RegisterEntry | None:
    signed = read_entry(data)
    if signed is None or not is_signed(signed.message(number), signed.signature, by=owner):
        return None
    entry = signed.content(number)
    return entry if entry.owner == owner.hex() else None


def _is_handed_over(data: bytes, number: int, owner: bytes) -> bool:
    """True if an entry belongs to a later owner, to whom this one handed the vault over."""
    signed = read_entry(data)
    if signed is None:
        return False
    with suppress(IntegrityError, UsageError, ValueError):  # anyone may have written it
        entry = signed.content(number)
        by = bytes.fromhex(entry.owner)
        return is_signed(signed.message(number), signed.signature, by=by) and _leads(entry, owner)
    return False


def _leads(entry: RegisterEntry, owner: bytes) -> bool:
    """True if handovers lead from this owner to the owner of the entry."""
    owners = [handover.owner for handover in entry.handovers]
    if owner.hex() not in owners:
        return False
    place = owners.index(owner.hex())
    followers = [*owners[1:], entry.owner]
    return all(
        _is_valid(handover, entry.vault, follower)
        for handover, follower in list(zip(entry.handovers, followers, strict=True))[place:]
    )


def _is_valid(handover: Handover, vault: str, follower: str) -> bool:
    return is_signed(
        handover_message(vault, follower),
        bytes.fromhex(handover.signature),
        by=bytes.fromhex(handover.owner),
    )


def registered(store: Store, keys: Keyring) -> RegisterEntry:
    """The entry in force; number 0 and no slots if the register is empty.

    Raises NotAllowed (``key-outdated``), IntegrityError (``register-damaged``) if there are entries
    and the owner signed none of them.
    """
    stored = find_entry(store, owner=keys.owner.public)
    if stored is not None:
        return stored.entry
    if numbers := list(listed_entries(store)):
        raise damaged_register(entry_name(numbers[0]))
    return _first(keys)


def _first(keys: Keyring) -> RegisterEntry:
    return RegisterEntry(
        vault=keys.vault.hex(), owner=keys.owner.public.hex(), generation=keys.generation
    )


def newest_entry(store: Store, keys: Keyring) -> int:
    """The number of the entry in force; 0 if there is none, or it cannot be read."""
    with suppress(IntegrityError, NotAllowed):
        return registered(store, keys).number
    return 0


def shredded_orgs(store: Store, keys: Keyring) -> Mapping[str, ShreddedOrg]:
    """All shredded orgs, by oid; empty if the register is damaged, which verification reports."""
    with suppress(IntegrityError):
        return registered(store, keys).shredded
    return {}


def change_register(
    store: Store, keys: Keyring, change: Callable[[RegisterEntry], RegisterEntry]
) -> RegisterEntry:
    """Append an entry, changed from the one in force; nothing if ``change`` has no effect.

    From this moment the new entry is in force, and the entries before it are removed. ``change`` is
    called again if another writer was quicker, and may raise. Raises NotAllowed (``sheet-needed``,
    ``key-outdated``), IntegrityError (``register-damaged``).
    """
    keys.owner.known_secret()
    _clear_founding(store, keys)
    while True:
        present = registered(store, keys)
        wished = change(present)
        if wished == present and present.number:
            complete_entry(store, keys)
            return present
        if (written := _appended(store, keys, wished, present)) is not None:
            return written


def _appended(
    store: Store, keys: Keyring, wished: RegisterEntry, present: RegisterEntry
) -> RegisterEntry | None:
    return append_entry(store, keys, wished, after=present.number, owner=keys.owner.public)


def append_entry(
    store: Store, keys: Keyring, entry: RegisterEntry, *, after: int, owner: bytes
) -> RegisterEntry | None:
    """Write an entry under the next free number; None if another writer was quicker.

    ``owner``: the public key that signed the entry in force, number ``after``. Raises NotAllowed
    (``sheet-needed``).
    """
    taken, owners = _listed(store), {owner, keys.owner.public}
    number = _free_number(store, taken, after=after, owners=owners)
    if number is None:
        return None
    entry = replace(entry, number=number)
    first, *others = entry_copies(number)
    data = encode_entry(entry, sign=keys.owner.sign)
    if len(data) > LARGEST:  # no reader would take it, and the vault could not be opened any more
        raise _too_large(len(data))
    if not store.put_new(first, data):
        return None
    for name in others:
        store.put_new(name, data)  # junk that was put there before is named by a verification
    # Others may have written two entries meanwhile, and removed the one that had this number.
    if _is_overtaken(store, number, owners=owners):
        remove_entries(store, (first, *others))  # the handover in a renewal would end the owner
        return None
    remove_entries(
        store, (listed.name for before in taken if before < number for listed in taken[before])
    )
    return entry


def _too_large(size: int) -> IntegrityError:
    return IntegrityError(
        "register-too-large",
        "The register of the vault would have {size} bytes, because the vault has too many org keys. "
        "Nothing was changed.",
        next_step="Find out who can write to the vault: an org has few keys. List the objects below "
        "orgs/ whose names contain /keys/, and remove the keys that someone added.",
        size=size,
    )


def _free_number(
    store: Store,
    taken: Mapping[int, list[ListedObject]],
    *,
    after: int,
    owners: Collection[bytes],
) -> int | None:
    """The number after the entry in force, or after junk that has this number.

    None if another writer has just taken it.
    """
    number = after + 1
    while number in taken:
        if any(_is_own(store, listed, owners) for listed in taken[number]):
            return None
        number += 1
    return number


def _is_overtaken(store: Store, number: int, *, owners: Collection[bytes]) -> bool:
    """True if one of these owners, or whom they handed the vault to, has a later entry."""
    return any(
        later > number and any(_is_own(store, listed, owners) for listed in copies)
        for later, copies in _listed(store).items()
    )


def _is_own(store: Store, listed: ListedObject, owners: Collection[bytes]) -> bool:
    """True for a copy of an entry by one of these owners, or by whom they handed the vault to."""
    if listed.size > LARGEST:
        return False
    number, data = entry_number(listed.name) or 0, _bytes(store, listed.name)
    return any(
        _signed_by(data, number, owner) is not None or _is_handed_over(data, number, owner)
        for owner in owners
    )


def is_entry_of(store: Store, name: str, owner: bytes) -> bool:
    """True for a copy of an entry that this owner signed, whatever its number."""
    return _signed_by(_bytes(store, name), entry_number(name) or 0, owner) is not None


def remove_entries(store: Store, names: Iterable[str]) -> None:
    """Remove objects of the register, where the credentials allow it."""
    with where_allowed():
        for name in list(names):
            store.delete(name)


def _clear_founding(store: Store, keys: Keyring) -> None:
    """Remove the entries that an interrupted founding left: without a vault they mean nothing."""
    if store.size(VAULT_FILE) is None and find_entry(store, owner=keys.owner.public) is None:
        remove_entries(store, [listed.name for listed in store.list(REGISTER)])


def lacking_copies(store: Store, stored: StoredEntry) -> list[str]:
    """The copies of an entry that are missing or differ."""
    names = entry_copies(stored.entry.number)
    return [name for name in names if _bytes(store, name) != stored.data]


def _bytes(store: Store, name: str) -> bytes:
    try:
        return store.get(name)
    except NotFound:
        return b""


def complete_entry(store: Store, keys: Keyring) -> None:
    """Write the missing copies of the entry in force, as a crash may have left a single one."""
    stored = find_entry(store, owner=keys.owner.public)
    if stored is not None:
        for name in entry_copies(stored.entry.number):
            store.put_new(name, stored.data)  # putting it again makes it durable


def strange_entries(store: Store, keys: Keyring) -> list[str]:
    """The objects after the entry in force: its owner did not sign them, or they are no entries.

    Raises NotAllowed (``key-outdated``), IntegrityError (``register-damaged``).
    """
    # Listed first: an entry that another process adds meanwhile is not strange.
    names = [listed.name for listed in store.list(REGISTER)]
    present = registered(store, keys).number
    return [name for name in names if (entry_number(name) or present + 1) > present]


def repair_register(store: Store, keys: Keyring) -> tuple[str, ...]:
    """Rewrite the copies of the entry in force, and remove everything else; returns the names.

    Raises NotAllowed (``key-outdated``), IntegrityError (``register-damaged``).
    """
    # Listed first: an entry that another process adds meanwhile must not be removed.
    names = [listed.name for listed in store.list(REGISTER)]
    stored = find_entry(store, owner=keys.owner.public)
    if stored is None:
        registered(store, keys)
        return ()
    copies = entry_copies(stored.entry.number)
    lacking = lacking_copies(store, stored)
    others = [name for name in names if name not in copies]
    for name in lacking:
        if not store.put_new(name, stored.data):
            store.delete(name)
            store.put_new(name, stored.data)
    for name in others:
        store.delete(name)
    return (*lacking, *others)


def sealed_earlier(keys: Keyring) -> tuple[str, ...]:
    """The earlier master keys, oldest first, each sealed under the present one."""
    return tuple(_sealed(keys, master, place) for place, master in enumerate(keys.masters[:-1], 1))


def opened_earlier(entry: RegisterEntry, *, vault: bytes, master: bytes) -> Iterator[bytes]:
    """The earlier master keys of an entry, oldest first."""
    key = AESGCM(derive(master, "earlier"))
    for place, text in enumerate(entry.earlier, 1):
        sealed = bytes.fromhex(text)
        yield key.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _bound(vault, place))


def _sealed(keys: Keyring, master: bytes, place: int) -> str:
    nonce = keys.random(NONCE_BYTES)
    key = AESGCM(derive(keys.master(), "earlier"))
    return (nonce + key.encrypt(nonce, master, _bound(keys.vault, place))).hex()


def _bound(vault: bytes, place: int) -> bytes:
    """The vault's id, and the number of the sealed master key in two bytes."""
    return vault + place.to_bytes(2, "little")


def handed_over(before: Keyring, new: Keyring, present: RegisterEntry) -> tuple[Handover, ...]:
    """The handovers of all generations; the last is not signed if the secret is not at hand."""
    owner: Owner = before.owner
    message = handover_message(before.vault.hex(), new.owner.public.hex())
    signature = owner.sign(message).hex() if owner.secret is not None else ""
    return (*present.handovers, Handover(owner.public.hex(), signature))
