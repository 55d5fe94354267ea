"""The ways to open a vault: recovery sheet, service key file, passphrase.

Each provider gives the master key from a secret, and the entry of the register that its owner
signed. The sheet and a passphrase also give the owner's secret; see ``owner.py``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

from unlost.model.errors import IntegrityError, NotAllowed, NotFound, UsageError
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.register import (
    REGISTER,
    RegisterEntry,
    damaged_register,
    entry_number,
    read_entry,
)
from unlost.vault.format.slots import KeySlot, KeyStretch, SlotHolds, SlotPlace, unwrap_key
from unlost.vault.keys.owner import Owner, is_signed, master_of
from unlost.vault.keys.passphrase import PASSPHRASE_SLOT, Passphrase
from unlost.vault.keys.register import find_entry, listed_entries
from unlost.vault.keys.service_key import ServiceKey, read_key_file, refuse_key_in_vault

_MOST_LOOKED_AT = 8  # entries of strangers


@dataclass(frozen=True, slots=True)
class UnlockedVault:
    """A vault's id (16 bytes), its master key (32 bytes), its owner, and the entry in force.

    ``entry`` is None if the register is lost, which only the sheet survives.
    """

    vault: bytes
    master: bytes
    owner: Owner
    entry: RegisterEntry | None

    def __repr__(self) -> str:
        return f"UnlockedVault(vault={self.vault.hex()})"


class KeyProvider(Protocol):
    """A way to open a vault."""

    def unlock(self, store: Store) -> UnlockedVault:
        """The master key; raises NotAllowed if the secret is missing or wrong."""
        ...


class SlotSecret(Protocol):
    """A secret that wraps a key in a slot."""

    def wrapping_key(self, slot: str, stretch: KeyStretch | None) -> bytes:
        """The key for the slot of this name; slow if the secret is a passphrase."""
        ...


@dataclass(frozen=True, slots=True)
class ByRecoverySheet:
    """Opens with the printed sheet (its text), even if the register is gone."""

    text: str

    def unlock(self, store: Store) -> UnlockedVault:
        """The keys on the sheet.

        Raises NotAllowed (``recovery-mistyped``, ``key-outdated``).
        """
        sheet = parse_recovery_sheet(self.text)
        return _by_secret(store, sheet.vault, sheet.secret)


def _by_secret(store: Store, vault: bytes, secret: bytes) -> UnlockedVault:
    owner = Owner.of(secret)
    stored = find_entry(store, owner=owner.public)
    return UnlockedVault(vault, master_of(secret), owner, stored.entry if stored else None)


def _as_it_is(text: str) -> str:
    return text


@dataclass(frozen=True, slots=True)
class ByServiceKeyFile:
    """Opens with the service key file, as scheduled runs do.

    ``unsealed`` converts the content of the file to the text of the key, if another program seals
    the file.
    """

    path: Path
    unsealed: Callable[[str], str] = _as_it_is

    def unlock(self, store: Store) -> UnlockedVault:
        """The master key from the file's slot.

        Raises NotAllowed (``key-missing``, ``key-readable``, ``key-file-damaged``, ``key-wrong``,
        ``key-outdated``, ``slot-missing``), UsageError (``key-in-vault``), IntegrityError (``register-damaged``).
        """
        refuse_key_in_vault(self.path, store)
        return unlock_by_key(store, self.service_key())

    def service_key(self) -> ServiceKey:
        """The key in the file; raises NotAllowed as ``text`` does, and ``key-file-damaged``."""
        return ServiceKey.parse(self.unsealed(self.text()))

    def text(self) -> str:
        """The content of the file; raises NotAllowed (``key-missing``, ``key-readable``)."""
        try:
            return read_key_file(self.path)
        except OSError as error:
            raise NotAllowed(
                "key-missing",
                "The service key {path} cannot be read: {strerror}.",
                next_step="Restore the key file, or open the vault with the recovery sheet: "
                "`unlost key add NAME --service --sheet FILE` creates a new key for "
                "the service.",
                path=self.path,
                strerror=error.strerror,
            ) from error


@dataclass(frozen=True, slots=True)
class ByPassphrase:
    """Opens with a passphrase; takes a second and 256 MiB, so not for every call.

    ``owner``: the public key of the vault's owner, if it is known: its entries are tried first.
    Only the passphrase can tell which entry is genuine. So all are tried, the cheapest first: a
    stranger who adds entries can make it slow, but cannot lock anyone out.
    """

    passphrase: str
    slot: str = PASSPHRASE_SLOT
    owner: bytes = b""

    def __repr__(self) -> str:
        return f"ByPassphrase(slot={self.slot})"

    def unlock(self, store: Store) -> UnlockedVault:
        """The keys from the slot.

        Raises NotAllowed (``slot-missing``, ``key-wrong``, ``key-outdated``).
        """
        secret = Passphrase(self.passphrase)
        entries = sorted(self._entries(store), key=self._order)
        if not entries:
            raise _no_passphrase(store, self.slot)
        tried: dict[KeyStretch, bytes] = {}
        for entry in entries:
            slot = entry.slots[self.slot]
            assert slot.stretch is not None  # ``_entries`` gives no others
            if slot.stretch not in tried:
                tried[slot.stretch] = secret.wrapping_key(self.slot, slot.stretch)
            content = unwrap_key(slot, place=_place(entry, self.slot), key=tried[slot.stretch])
            if content is not None and Owner.of(content).public.hex() == entry.owner:
                return self._in_force(store, entry, content)
        raise _wrong_passphrase(store, self.slot)

    def _order(self, entry: RegisterEntry) -> tuple[bool, int]:
        """The known owner's entries first, then by what a try costs."""
        stretch = entry.slots[self.slot].stretch
        assert stretch is not None  # ``_entries`` gives no others
        return entry.owner != self.owner.hex(), stretch.memory * stretch.passes

    def _in_force(self, store: Store, entry: RegisterEntry, secret: bytes) -> UnlockedVault:
        """The keys, if the entry in force still has the slot."""
        unlocked = _by_secret(store, bytes.fromhex(entry.vault), secret)
        if unlocked.entry is None or unlocked.entry.slots.get(self.slot) != entry.slots[self.slot]:
            raise slot_missing(store, self.slot)
        return unlocked

    def _entries(self, store: Store) -> Iterator[RegisterEntry]:
        """The entries that have the slot, newest first; anyone may have written them."""
        for names in listed_entries(store).values():
            seen: list[RegisterEntry] = []
            for entry in filter(None, (_entry(store, name) for name in names)):
                if _is_for_passphrase(entry.slots.get(self.slot)) and entry not in seen:
                    seen.append(entry)
                    yield entry


def _is_for_passphrase(slot: KeySlot | None) -> bool:
    return slot is not None and slot.stretch is not None and slot.stretch.within_bounds()


def _entry(store: Store, name: str) -> RegisterEntry | None:
    """An entry that is signed by the owner whom it names, who may be a stranger."""
    try:
        signed = read_entry(store.get(name))
        number = entry_number(name) or 0
        entry = signed.content(number) if signed else None
        if signed is None or entry is None:
            return None
        by = bytes.fromhex(entry.owner)
        return entry if is_signed(signed.message(number), signed.signature, by=by) else None
    except (NotFound, IntegrityError, UsageError, ValueError):
        return None


def unlock_by_key(store: Store, key: ServiceKey) -> UnlockedVault:
    """Open the slot of a key file; raises as ``ByServiceKeyFile.unlock`` does."""
    stored = find_entry(store, owner=key.owner)
    if stored is None:
        raise _unproved(store, key)
    slot = stored.entry.slots.get(key.slot)
    if slot is None:
        raise slot_missing(store, key.slot)
    wrapping_key = key.wrapping_key(key.slot, None)
    master = unwrap_key(slot, place=_place(stored.entry, key.slot), key=wrapping_key)
    if master is None or slot.holds is not SlotHolds.MASTER:
        raise _wrong(store, key.slot)
    return UnlockedVault(key.vault, master, Owner(key.owner), stored.entry)


def _unproved(store: Store, key: ServiceKey) -> NotAllowed | IntegrityError:
    """The error for a register without an entry of the key's owner."""
    entries = (_entry(store, name) for names in listed_entries(store).values() for name in names)
    vaults = {entry.vault for entry in islice(filter(None, entries), _MOST_LOOKED_AT)}
    if vaults and key.vault.hex() not in vaults:
        return _wrong(store, key.slot)
    return damaged_register(REGISTER)


def _place(entry: RegisterEntry, slot: str) -> SlotPlace:
    return SlotPlace(entry.vault, entry.generation, slot)


def opens_slot(entry: RegisterEntry, name: str, slot: KeySlot, *, secret: SlotSecret) -> bool:
    """True if a secret opens a slot of an entry."""
    key = secret.wrapping_key(name, slot.stretch)
    return unwrap_key(slot, place=_place(entry, name), key=key) is not None


def slot_missing(store: Store, slot: str) -> NotAllowed:
    """The error for a slot that the register does not have."""
    return NotAllowed(
        "slot-missing",
        "The vault in {address} has no slot “{slot}”. It may have been removed.",
        next_step="List the slots with `unlost key list`, or open the vault with the recovery "
        "sheet, which needs no slot.",
        address=store.properties.address,
        slot=slot,
    )


def _no_passphrase(store: Store, slot: str) -> NotAllowed:
    """The error for a slot that is not there, or that another kind of key opens."""
    return NotAllowed(
        "slot-missing",
        "The vault in {address} has no slot “{slot}” that a passphrase opens.",
        next_step="List the slots with `unlost key list`, or open the vault with the recovery "
        "sheet, which needs no slot.",
        address=store.properties.address,
        slot=slot,
    )


def _wrong_passphrase(store: Store, slot: str) -> NotAllowed:
    return NotAllowed(
        "key-wrong",
        "The passphrase does not open the slot “{slot}” of the vault in {address}.",
        next_step="Type it again, or use the recovery sheet.",
        slot=slot,
        address=store.properties.address,
    )


def _wrong(store: Store, slot: str) -> NotAllowed:
    return NotAllowed(
        "key-wrong",
        "This key does not open the slot “{slot}” of the vault in {address}.",
        next_step="Check that the key belongs to this vault, or use the recovery sheet.",
        slot=slot,
        address=store.properties.address,
    )
