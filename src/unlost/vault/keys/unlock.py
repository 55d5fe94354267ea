"""The ways to open a vault: recovery sheet, service key file, passphrase.

Each provider gives the master key of a vault from a secret. Any one of them opens the vault. A key
file is never written into the vault's folder, nor read from there.
"""

import os
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from argon2.low_level import Type, hash_secret_raw

from unlost.model.errors import (
    Conflict,
    IntegrityError,
    NotAllowed,
    NotFound,
    StoreError,
    UsageError,
)
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.format.recovery import parse_recovery_sheet
from unlost.vault.format.slots import (
    KeySlot,
    KeyStretch,
    damaged_slot,
    read_slot,
    slot_folder,
    unwrap_master,
)
from unlost.vault.keys.hierarchy import COPIES, KEY_BYTES, Keyring, derive
from unlost.vault.stores.disk import RealDisk

SERVICE_SLOT = "service"
PASSPHRASE_SLOT = "passphrase"  # noqa: S105 (a name, no secret)
WORDS = 7
_CONSONANTS = "bdfghjklmnprstvz"
_VOWELS = "aiou"
_OWNER_ONLY = 0o600


@dataclass(frozen=True, slots=True)
class UnlockedVault:
    """A vault's id (16 bytes), its master key (32 bytes), and the copy of the slot that gave it."""

    vault: bytes
    master: bytes
    slot: KeySlot | None = None

    def __repr__(self) -> str:
        return f"Unlocked(vault={self.vault.hex()})"


class KeyProvider(Protocol):
    """A way to open a vault."""

    def unlock(self, store: Store) -> UnlockedVault:
        """The master key; raises NotAllowed if the secret is missing or wrong."""
        ...


class SlotSecret(Protocol):
    """A secret that wraps the master key in a slot."""

    def wrapping_key(self, slot: KeySlot) -> bytes:
        """The key for this slot; slow if the secret is a passphrase."""
        ...


# --- secrets ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A random key that opens a slot, for machines: the content of the service key file."""

    vault: bytes
    slot: str
    key: bytes

    def __repr__(self) -> str:
        return f"ServiceKey(vault={self.vault.hex()}, slot={self.slot})"

    @classmethod
    def new(cls, keys: Keyring, *, entropy: Entropy, slot: str = SERVICE_SLOT) -> "ServiceKey":
        """A fresh key for this vault."""
        return cls(vault=keys.vault, slot=slot, key=entropy.bytes(KEY_BYTES))

    def text(self) -> str:
        """The content of the key file."""
        lines = ("unlost-service-key 0", self.vault.hex(), self.slot, self.key.hex())
        return "\n".join((*lines, _line_check(lines), ""))

    @classmethod
    def parse(cls, text: str) -> "ServiceKey":
        """The key from its file; raises NotAllowed (``key-file-damaged``)."""
        lines = tuple(text.split())
        try:
            name, number, vault, slot, key, check = lines
            if (name, number) != ("unlost-service-key", "0"):
                raise ValueError(name)
            if _line_check((f"{name} {number}", vault, slot, key)) != check:
                raise ValueError(check)
            return cls(vault=bytes.fromhex(vault), slot=slot, key=bytes.fromhex(key))
        except ValueError:
            raise NotAllowed(
                "key-file-damaged",
                "This is not a complete service key.",
                next_step="Restore the key file from your copy of it, or use the recovery sheet.",
            ) from None

    def wrapping_key(self, slot: KeySlot) -> bytes:
        """The key that opens the slot."""
        return derive(self.key, slot_folder(slot.name))


def new_passphrase(entropy: Entropy) -> str:
    """Seven words of five letters, easy to pronounce; each has 16 random bits (112 together).

    A word is consonant-vowel-consonant-vowel-consonant; the scheme is known as proquints.
    """
    return " ".join(_word(int.from_bytes(entropy.bytes(2))) for _ in range(WORDS))


# --- providers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class ByRecoverySheet:
    """Opens with the printed sheet (its text), even if ``keys/`` is gone."""

    text: str

    def unlock(self, store: Store) -> UnlockedVault:  # noqa: ARG002 (the sheet needs no store)
        """The master key on the sheet; raises NotAllowed (``recovery-mistyped``)."""
        sheet = parse_recovery_sheet(self.text)
        return UnlockedVault(vault=sheet.vault, master=sheet.master)


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

        Raises NotAllowed (``key-missing``, ``key-file-damaged``, ``key-wrong``, ``slot-missing``),
        UsageError (``key-in-vault``), IntegrityError (``slot-damaged``).
        """
        refuse_key_in_vault(self.path, store)
        key = self.service_key()
        return open_slot(store, key.slot, key)

    def service_key(self) -> ServiceKey:
        """The key in the file; raises NotAllowed (``key-missing``, ``key-file-damaged``)."""
        return ServiceKey.parse(self.unsealed(self.text()))

    def text(self) -> str:
        """The content of the file; raises NotAllowed (``key-missing``)."""
        try:
            return self.path.read_text(encoding="utf-8", errors="replace")
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
    """Opens with a passphrase; takes a second and 256 MiB, so not for every call."""

    passphrase: str
    slot: str = PASSPHRASE_SLOT

    def __repr__(self) -> str:
        return f"ByPassphrase(slot={self.slot})"

    def unlock(self, store: Store) -> UnlockedVault:
        """The master key from the slot; raises as ``ByServiceKeyFile`` does."""
        return open_slot(store, self.slot, self)

    def wrapping_key(self, slot: KeySlot) -> bytes:
        """The key that opens the slot; words may be typed in any case, with any spaces."""
        # A forged slot without parameters must not get a key from the bare passphrase.
        if slot.stretch is None:
            raise damaged_slot(slot.name)
        words = " ".join(unicodedata.normalize("NFKC", self.passphrase).casefold().split())
        stretched = hash_secret_raw(
            words.encode(),
            slot.stretch.salt,
            time_cost=slot.stretch.passes,
            memory_cost=slot.stretch.memory,
            parallelism=slot.stretch.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )
        return derive(stretched, slot_folder(slot.name))


# --- slots --------------------------------------------------------------------------------------


def slot_copies(slot: str) -> tuple[str, ...]:
    """The names of a slot's copies."""
    return tuple(f"{slot_folder(slot)}/{copy}" for copy in COPIES)


def refuse_key_in_vault(path: Path, store: Store) -> None:
    """Raise UsageError (``key-in-vault``) if a path lies in the folder of the vault."""
    folder = store.properties.folder
    if folder is not None and _lies_in(path, folder):
        raise UsageError(
            "key-in-vault",
            "The key {path} would be inside the vault {folder}. Anyone who copies the vault "
            "would also have the key.",
            next_step="Store the key in another folder, on another disk if possible.",
            path=path,
            folder=folder,
        )


def write_service_key(
    key: ServiceKey, path: Path, *, store: Store, sealed: Callable[[ServiceKey], str] | None = None
) -> None:
    """Write the key file, readable only by its owner; never overwrites a file.

    ``sealed`` gives the text to write instead of the key's own text. Raises UsageError
    (``key-in-vault``), Conflict (``key-exists``), StoreError (``key-unwritten``).
    """
    refuse_key_in_vault(path, store)
    if path.exists():
        raise key_exists(path)
    text = key.text() if sealed is None else sealed(key)
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write_durably(path, text.encode())
    except OSError as error:
        raise StoreError(
            "key-unwritten",
            "The service key {path} cannot be written: {strerror}.",
            next_step="Choose a location for the key that this user can write to.",
            path=path,
            strerror=error.strerror,
        ) from error


def move_service_key(fresh: Path, path: Path) -> None:
    """Replace a key file by another that is already written, atomically.

    Raises StoreError (``key-unwritten``).
    """
    try:
        fresh.replace(path)
        RealDisk().sync_folder(path.parent)
    except OSError as error:
        raise StoreError(
            "key-unwritten",
            "The service key {path} cannot be replaced: {strerror}.",
            next_step="Nothing was lost: the new key is in {fresh}. Try again.",
            path=path,
            strerror=error.strerror,
            fresh=fresh,
        ) from error


def _write_durably(path: Path, data: bytes) -> None:
    """Write a new file for the owner alone, complete or not at all."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
    except BaseException:
        path.unlink()
        raise
    RealDisk().sync_folder(path.parent)


def key_exists(path: Path) -> Conflict:
    """The error for a file at the place where a key should be written."""
    return Conflict(
        "key-exists",
        "The file {path} already exists. Unlost never overwrites a key.",
        next_step="If no vault needs that key, move the file away. Otherwise choose another location.",
        path=path,
    )


def open_slot(store: Store, slot: str, secret: SlotSecret) -> UnlockedVault:
    """Open a slot with the first of its copies that this secret opens.

    Raises NotAllowed (``slot-missing``, ``key-wrong``), or the error of the copies.
    """
    tried: dict[KeyStretch | None, bytes] = {}
    for copy in _whole_copies(store, slot):
        # Stretching takes a second and 256 MiB, and intact copies have equal parameters.
        if copy.stretch not in tried:
            tried[copy.stretch] = secret.wrapping_key(copy)
        master = unwrap_master(copy, key=tried[copy.stretch])
        if master is not None:
            return UnlockedVault(bytes.fromhex(copy.vault), master, copy)
    raise NotAllowed(
        "key-wrong",
        "This key does not open the slot “{slot}” of the vault in {address}.",
        next_step="Check that the key belongs to this vault, or use the recovery sheet.",
        slot=slot,
        address=store.properties.address,
    )


def _whole_copies(store: Store, slot: str) -> Iterator[KeySlot]:
    """The copies that can be parsed.

    Raises NotAllowed (``slot-missing``) or the error of a damaged copy if there are none.
    """
    is_found, wrong = False, None
    for name in slot_copies(slot):
        try:
            copy = read_slot(store.get(name), name=slot)
        except NotFound:
            continue
        except (IntegrityError, UsageError) as error:
            wrong = error
        else:
            is_found = True
            yield copy
    if is_found:
        return
    if wrong is not None:
        raise wrong
    raise NotAllowed(
        "slot-missing",
        "The vault in {address} has no slot “{slot}”.",
        next_step="List the slots with `unlost key list`, or open the vault with the recovery "
        "sheet, which needs no slot.",
        address=store.properties.address,
        slot=slot,
    )


def _lies_in(path: Path, folder: Path) -> bool:
    """True if ``folder``, under any name or link, is above ``path``."""
    return any(_same(above, folder) for above in path.resolve().parents)


def _same(path: Path, other: Path) -> bool:
    try:
        return path.samefile(other)
    except OSError:
        return path == other.resolve()


def _line_check(lines: tuple[str, ...]) -> str:
    return sha256("\n".join(lines).encode()).hexdigest()[:8]


def _word(bits: int) -> str:
    """Five letters of 4, 2, 4, 2 and 4 bits."""
    return "".join(
        (
            _CONSONANTS[bits >> 12 & 15],
            _VOWELS[bits >> 10 & 3],
            _CONSONANTS[bits >> 6 & 15],
            _VOWELS[bits >> 4 & 3],
            _CONSONANTS[bits & 15],
        )
    )
