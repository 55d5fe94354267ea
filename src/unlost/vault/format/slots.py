"""Key slots: a key of the vault, wrapped by a secret that a person or a service holds.

A slot is a member of a register entry, so it has no object and no signature of its own. Its key is
32 bytes, sealed by AES-256-GCM as nonce (12), ciphertext and tag (16). The vault, the master
generation, the name and the parameters of the slot are bound in as authenticated data.

For example, ``{"holds":"master","wrapped":"…","stretch":null}`` is the slot of a key file, and
``{"holds":"owner","wrapped":"…","stretch":{"salt":"…","memory":262144,"passes":3,"lanes":4}}`` that
of a passphrase.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from unlost.model.errors import UsageError
from unlost.vault.format.sealed import NONCE_BYTES

SALT_BYTES = 16

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")


class SlotHolds(StrEnum):
    """The key in a slot: the master key, or the owner's secret, from which the master key follows."""

    MASTER = "master"
    OWNER = "owner"


@dataclass(frozen=True, slots=True)
class KeyStretch:
    """The parameters that turn a passphrase into a key: Argon2id (RFC 9106).

    ``salt`` is 16 bytes in hex, ``memory`` in KiB. The bounds keep a forged slot from asking for a
    weak key, or for all the memory there is.
    """

    salt: str
    memory: int = 256 * 1024
    passes: int = 3
    lanes: int = 4

    def within_bounds(self) -> bool:
        """True if no parameter is weaker or more expensive than this release accepts."""
        return (
            re.fullmatch(r"[0-9a-f]{32}", self.salt) is not None
            and _MEMORY[0] <= self.memory <= _MEMORY[1]
            and _PASSES[0] <= self.passes <= _PASSES[1]
            and _LANES[0] <= self.lanes <= _LANES[1]
        )


_MEMORY = (64 * 1024, 1024 * 1024)
_PASSES = (2, 16)
_LANES = (1, 16)


@dataclass(frozen=True, slots=True)
class KeySlot:
    """A slot: the key that it holds, wrapped (nonce, ciphertext and tag in hex).

    ``stretch`` is None if the secret is a random key rather than a passphrase.
    """

    holds: SlotHolds
    wrapped: str
    stretch: KeyStretch | None = None


@dataclass(frozen=True, slots=True)
class SlotPlace:
    """The place of a slot, which is bound into its wrapped key."""

    vault: str
    generation: int
    slot: str

    def bound(self, holds: SlotHolds, stretch: KeyStretch | None) -> bytes:
        """The authenticated data: one JSON list without spaces."""
        parameters = (self.vault, self.generation, self.slot, holds, stretch)
        return msgspec.json.encode(parameters)


def check_slot_name(name: str) -> None:
    """Raise UsageError (``slot-name``) for a name that no slot can have."""
    if _NAME.fullmatch(name) is None:
        raise UsageError(
            "slot-name",
            "“{name}” is not a valid slot name.",
            next_step="Use lowercase letters, digits and hyphens.",
            name=name,
        )


def wrap_key(
    content: bytes,
    *,
    holds: SlotHolds,
    stretch: KeyStretch | None,
    place: SlotPlace,
    key: bytes,
    nonce: bytes,
) -> KeySlot:
    """The slot that holds a key, sealed under the key of the slot's secret."""
    sealed = AESGCM(key).encrypt(nonce, content, place.bound(holds, stretch))
    return KeySlot(holds, (nonce + sealed).hex(), stretch)


def unwrap_key(slot: KeySlot, *, place: SlotPlace, key: bytes) -> bytes | None:
    """The key in a slot; None if this is not the slot's secret, or the slot is damaged."""
    bound = place.bound(slot.holds, slot.stretch)
    try:
        wrapped = bytes.fromhex(slot.wrapped)
        return AESGCM(key).decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], bound)
    except (InvalidTag, ValueError):
        return None
