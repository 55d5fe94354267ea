"""The service key: a random key that opens a slot, and the file that it lies in.

The file also names the public key of the vault's owner. So a holder of the file knows which entries
of the register are genuine, whatever the store contains. A key file is never written into the
vault's folder, nor read from there.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

from unlost.model.errors import Conflict, NotAllowed, StoreError, UsageError
from unlost.model.ports.system import Entropy
from unlost.model.vault.store import Store
from unlost.vault.keys.derivation import KEY_BYTES, derive
from unlost.vault.keys.hierarchy import Keyring
from unlost.vault.stores.disk import RealDisk

if TYPE_CHECKING:
    from collections.abc import Callable

    from unlost.vault.format.slots import KeyStretch

SERVICE_SLOT = "service"
READABLE = "key-readable"
_OWNER_ONLY = 0o600
# Root may leave a key to a group, the service's, for reading: so does systemd with credentials, whose
# list of allowed users shows as rights of the group (systemd.exec, "Credentials").
_OF_ROOT = 0o640
_ANYONE = 0o066  # reading and writing by others than the owner
_TITLE = "unlost-service-key 0"


@dataclass(frozen=True, slots=True)
class ServiceKey:
    """A random key that opens a slot, for machines: the content of the service key file.

    ``vault`` is the vault's id (16 bytes), ``owner`` the public key of its owner (32 bytes).
    """

    vault: bytes
    slot: str
    key: bytes
    owner: bytes

    def __repr__(self) -> str:
        return f"ServiceKey(vault={self.vault.hex()}, slot={self.slot})"

    @classmethod
    def new(cls, keys: Keyring, *, entropy: Entropy, slot: str = SERVICE_SLOT) -> "ServiceKey":
        """A fresh key for this vault."""
        return cls(keys.vault, slot, entropy.bytes(KEY_BYTES), keys.owner.public)

    def text(self) -> str:
        """The content of the key file."""
        lines = (_TITLE, self.vault.hex(), self.slot, self.key.hex(), self.owner.hex())
        return "\n".join((*lines, _line_check(lines), ""))

    @classmethod
    def parse(cls, text: str) -> "ServiceKey":
        """The key from its file; raises NotAllowed (``key-file-damaged``)."""
        lines = tuple(text.split())
        try:
            name, number, vault, slot, key, owner, check = lines
            title = f"{name} {number}"
            if title != _TITLE or _line_check((title, vault, slot, key, owner)) != check:
                raise ValueError(name)
            return cls(bytes.fromhex(vault), slot, bytes.fromhex(key), bytes.fromhex(owner))
        except ValueError:
            raise NotAllowed(
                "key-file-damaged",
                "This is not a complete service key.",
                next_step="Restore the key file from your copy of it, or use the recovery sheet.",
            ) from None

    def wrapping_key(self, slot: str, stretch: "KeyStretch | None") -> bytes:  # noqa: ARG002
        """The key that wraps and opens a slot; a random key needs no stretching."""
        return derive(self.key, f"slot/{slot}")


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


def is_open_to_others(status: os.stat_result) -> bool:
    """Return True if other users of this machine can read or change a key file."""
    allowed = _OF_ROOT if status.st_uid == 0 else _OWNER_ONLY
    return bool(status.st_mode & _ANYONE & ~allowed)


def read_key_file(path: Path) -> str:
    """The content of a key file that other users of this machine cannot read.

    Raises OSError, NotAllowed (``key-readable``).
    """
    with path.open(encoding="utf-8", errors="replace") as file:
        # Of the file that is read, not of its name, which may lead to another one a moment later.
        if is_open_to_others(os.fstat(file.fileno())):
            raise NotAllowed(
                "key-readable",
                "Other users of this machine can read the service key {path}.",
                next_step="Close it with `chmod 600 {quoted}`. If other people have accounts on "
                "this machine, also replace the key: `unlost key replace SLOT --sheet FILE`.",
                path=path,
                quoted=quote(str(path)),
            )
        return file.read()


def write_service_key(
    key: ServiceKey,
    path: Path,
    *,
    store: Store,
    sealed: "Callable[[ServiceKey], str] | None" = None,
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


def key_exists(path: Path) -> Conflict:
    """The error for a file at the place where a key should be written."""
    return Conflict(
        "key-exists",
        "The file {path} already exists. Unlost never overwrites a key.",
        next_step="If no vault needs that key, move the file away. Otherwise choose another location.",
        path=path,
    )


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
