"""Slots: the vault's master key, wrapped by a secret that a person or a service holds.

 offset  size  content
 0       7     ``UNLOSTK``
 7       1     format number
 8       2     length of the parameters, unsigned, little-endian
 10      n     parameters: a JSON object
 10+n    12    nonce
 22+n    48    the master key, sealed by AES-256-GCM; all before it and the slot's folder bound in
 70+n    32    HMAC-SHA256 of all before it, under a key derived from the master key

The three copies of a slot are equal. With the code at the end, a program that opened the vault by
another slot can prove this slot without its secret.
"""

import json
import re
import struct
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import IntegrityError, UsageError
from unlost.vault.format import number as numbers
from unlost.vault.format.sealed import NONCE_BYTES, TAG_BYTES
from unlost.vault.format.unproved import unproved

MAC_BYTES = 32
SALT_BYTES = 16

_MAGIC = b"UNLOSTK"
_HEAD = struct.Struct("<7sBH")
_WRAPPED = NONCE_BYTES + 32 + TAG_BYTES
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


@dataclass(frozen=True, slots=True)
class KeyStretch:
    """The parameters that turn a passphrase into a key: Argon2id (RFC 9106). ``memory`` in KiB.

    The bounds keep a forged slot from asking for a weak key, or for all the memory there is.
    """

    salt: bytes
    memory: int = 256 * 1024
    passes: int = 3
    lanes: int = 4

    MEMORY = (64 * 1024, 1024 * 1024)
    PASSES = (2, 16)
    LANES = (1, 16)

    def within_bounds(self) -> bool:
        """True if no parameter is weaker or more expensive than this release accepts."""
        return (
            len(self.salt) == SALT_BYTES
            and self.MEMORY[0] <= self.memory <= self.MEMORY[1]
            and self.PASSES[0] <= self.passes <= self.PASSES[1]
            and self.LANES[0] <= self.lanes <= self.LANES[1]
        )


@dataclass(frozen=True, slots=True)
class KeySlot:
    """A slot's parameters, its wrapped key and its code.

    ``stretch`` is None if the secret is a random key rather than a passphrase. ``head`` is bound
    into the wrapped key: everything before the nonce.
    """

    vault: str
    name: str
    stretch: KeyStretch | None
    head: bytes
    wrapped: bytes
    mac: bytes

    @property
    def proved(self) -> bytes:
        """The bytes that the code proves."""
        return self.head + self.wrapped

    @property
    def copy(self) -> bytes:
        """The whole object, as stored."""
        return self.proved + self.mac


def slot_folder(name: str) -> str:
    """The folder of a slot's copies; raises UsageError (``slot-name``)."""
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            "slot-name",
            "“{name}” is not a valid slot name.",
            next_step="Use lowercase letters, digits and hyphens.",
            name=name,
        )
    return f"keys/{name}"


def slot_head(*, vault: str, name: str, stretch: KeyStretch | None) -> bytes:
    """The bytes before the nonce."""
    members: dict[str, object] = {"vault": vault, "slot": name}
    if stretch is None:
        members["kdf"] = {"name": "HKDF-SHA256"}
    else:
        members["kdf"] = {
            "name": "Argon2id",
            "salt": stretch.salt.hex(),
            "memory_kib": stretch.memory,
            "passes": stretch.passes,
            "lanes": stretch.lanes,
        }
    parameters = json.dumps(members, separators=(",", ":")).encode()
    return _HEAD.pack(_MAGIC, numbers.FORMAT, len(parameters)) + parameters


def wrap_master(master: bytes, *, key: bytes, nonce: bytes, head: bytes, name: str) -> bytes:
    """The nonce and the sealed master key."""
    return nonce + AESGCM(key).encrypt(nonce, master, head + slot_folder(name).encode())


def unwrap_master(slot: KeySlot, *, key: bytes) -> bytes | None:
    """The master key; None if this is not the slot's key, or the slot is damaged."""
    bound = slot.head + slot_folder(slot.name).encode()
    try:
        return AESGCM(key).decrypt(slot.wrapped[:NONCE_BYTES], slot.wrapped[NONCE_BYTES:], bound)
    except InvalidTag:
        return None


def read_slot(data: bytes, *, name: str) -> KeySlot:
    """The parts of a slot's object, unproved.

    Raises UsageError (``format-newer``, ``format-unknown``), IntegrityError (``slot-damaged``).
    """
    if len(data) < _HEAD.size:
        raise damaged_slot(name)
    magic, number, length = _HEAD.unpack_from(data)
    if magic != _MAGIC:
        raise damaged_slot(name)
    numbers.check_number(number, name=slot_folder(name))
    cut = _HEAD.size + length
    if len(data) != cut + _WRAPPED + MAC_BYTES:
        raise damaged_slot(name)
    vault, stretch = _parameters(data[_HEAD.size : cut], name=name)
    wrapped, mac = data[cut : cut + _WRAPPED], data[cut + _WRAPPED :]
    return KeySlot(
        vault=vault, name=name, stretch=stretch, head=data[:cut], wrapped=wrapped, mac=mac
    )


def damaged_slot(name: str) -> IntegrityError:
    """The error for a slot that is not what Unlost wrote."""
    return IntegrityError(
        "slot-damaged",
        "The slot “{name}” of the vault is damaged.",
        next_step="Open the vault with another key or with the recovery sheet, then repair the slot.",
        name=name,
    )


def _parameters(data: bytes, *, name: str) -> tuple[str, KeyStretch | None]:
    members = unproved(data)
    try:
        vault, slot, kdf = str(members["vault"]), members["slot"], members["kdf"]
        stretch = None if kdf["name"] == "HKDF-SHA256" else _stretch(kdf)
    except (ValueError, TypeError, KeyError):
        raise damaged_slot(name) from None
    if slot != name or (stretch is not None and not stretch.within_bounds()):
        raise damaged_slot(name)
    return vault, stretch


def _stretch(kdf: dict[str, object]) -> KeyStretch:
    if kdf["name"] != "Argon2id":
        raise ValueError(kdf["name"])
    memory, passes, lanes = kdf["memory_kib"], kdf["passes"], kdf["lanes"]
    if not (isinstance(memory, int) and isinstance(passes, int) and isinstance(lanes, int)):
        raise TypeError(kdf)
    return KeyStretch(
        salt=bytes.fromhex(str(kdf["salt"])), memory=memory, passes=passes, lanes=lanes
    )
