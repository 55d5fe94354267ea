"""Derived keys, and the names of the objects that hold wrapped keys."""

import re

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.vault.format.sealed import ObjectKind

KEY_BYTES = 32
ID_BYTES = 16
COPIES = (1, 2, 3)
_INFO = "unlost/1/"
WRAPPED = re.compile(r"(orgs/[0-9a-f]{32}/keys/(\d{8}|identity))(?:\.(\d{8}))?/[123]")


def derive(secret: bytes, label: str) -> bytes:
    """A 32-byte key for one purpose.

    HKDF-SHA256 (RFC 5869), no salt, info ``unlost/1/`` + label.
    """
    info = (_INFO + label).encode()
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=info).derive(secret)


def object_key(org_key: bytes, kind: ObjectKind, name: str) -> bytes:
    """The key of one object; segments use it as their Parquet footer key."""
    return derive(org_key, f"{kind}/{name}")


def epoch_folder(org: str, epoch: int, generation: int = 1) -> str:
    """The folder of an org key's copies, as the master key of a generation wrapped them."""
    return wrapped_folder(f"orgs/{org}/keys/{epoch:08d}", generation)


def identity_folder(org: str, generation: int = 1) -> str:
    """The folder of the copies of an org's identity key."""
    return wrapped_folder(f"orgs/{org}/keys/identity", generation)


def wrapped_folder(base: str, generation: int) -> str:
    """The folder of a wrapped key's copies, by the folder of the first generation."""
    return base if generation == 1 else f"{base}.{generation:08d}"


def base_folder(name: str) -> str:
    """The folder of the first generation for any wrapped copy; other names unchanged."""
    match = WRAPPED.fullmatch(name)
    return match[1] if match else name


def epoch_of(base: str) -> int:
    """The epoch of a folder of wrapped keys; 0 for other names."""
    name = base.rsplit("/", 1)[1]
    return int(name) if name.isdecimal() else 0


def generation_of(name: str) -> int | None:
    """The number of the master key that wrapped a copy; None for other objects."""
    match = WRAPPED.fullmatch(name)
    return int(match[3] or 1) if match else None
