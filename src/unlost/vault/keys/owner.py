"""The owner of a vault: whoever holds the recovery sheet or a passphrase.

    secret on the sheet, 32 random bytes
      ├─HKDF──> MASTER KEY     opens everything; a key file has only this
      └─HKDF──> owner's key    Ed25519 (RFC 8032); signs each entry of the register

A thief of a service key has the master key, but not the secret. So the thief cannot remove key
slots, shred orgs, or renew the master key. See docs/adr/0037.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from unlost.model.errors import NotAllowed
from unlost.vault.keys.derivation import KEY_BYTES, derive

PUBLIC_BYTES = 32


@dataclass(frozen=True, slots=True)
class Owner:
    """The owner by the public key, 32 bytes; ``secret`` (32 bytes) only if it is at hand."""

    public: bytes
    secret: bytes | None = None

    def __repr__(self) -> str:
        return f"Owner(public={self.public.hex()})"

    @classmethod
    def of(cls, secret: bytes) -> "Owner":
        """The owner with this secret."""
        public = _signing_key(secret).public_key()
        return cls(public.public_bytes_raw(), secret)

    def known_secret(self) -> bytes:
        """The secret; raises NotAllowed (``sheet-needed``)."""
        if self.secret is None:
            raise sheet_needed()
        return self.secret

    def sign(self, data: bytes) -> bytes:
        """The signature of data, 64 bytes; raises NotAllowed (``sheet-needed``)."""
        return _signing_key(self.known_secret()).sign(data)


def master_of(secret: bytes) -> bytes:
    """The master key that belongs to the owner's secret."""
    return derive(secret, "master")


def is_signed(data: bytes, signature: bytes, *, by: bytes) -> bool:
    """True if the holder of the secret behind this public key signed the data."""
    try:
        Ed25519PublicKey.from_public_bytes(by).verify(signature, data)
    except (InvalidSignature, ValueError):
        return False
    return True


def sheet_needed() -> NotAllowed:
    """The error for a change without the owner's secret."""
    return NotAllowed(
        "sheet-needed",
        "This needs the recovery sheet or a passphrase. A key file opens the vault, but it cannot "
        "change who may open it, and it cannot destroy an org.",
        next_step="Repeat the command with `--sheet FILE`, or with `--by-passphrase SLOT`. If the "
        "sheet and all passphrases are lost, make a new sheet with `unlost key renew --lost-sheet`.",
    )


def _signing_key(secret: bytes) -> Ed25519PrivateKey:
    seed = derive(secret, "owner")
    assert len(seed) == KEY_BYTES
    return Ed25519PrivateKey.from_private_bytes(seed)
