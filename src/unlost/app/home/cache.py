"""A folder of disposable cache entries (port ``Cache``), encrypted and authenticated.

An entry is a file: version byte 1, 12 bytes of nonce, AES-256-GCM over zstd. The additional data
contains the org and the entry's name, so a file that was moved, cut or changed does not open and
counts as missing.
"""

from contextlib import suppress
from pathlib import Path

import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.model.ports.system import Entropy

VERSION = b"\x01"
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96 bits
KEY_BYTES = 32
INFO = b"unlost/home/cache/1"
NAME_LENGTH = 32
LARGEST = 256 << 20  # bytes of an entry; a larger one is not stored


def cache_key(home_key: bytes) -> bytes:
    """Derive the key of entries from the 32 bytes of the home's key file (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO).derive(home_key)


class FolderCache:
    """The cache entries of one org, in its own folder."""

    def __init__(self, folder: Path, *, org: str, key: bytes, entropy: Entropy) -> None:
        """Use a folder that all orgs share; it is created with the first entry."""
        self._folder = folder / org
        self._org = org
        self._cipher = AESGCM(key)
        self._entropy = entropy

    def get(self, name: str) -> bytes | None:
        """Return an entry; None if it is missing or does not open."""
        try:
            sealed = self._file(name).read_bytes()
            nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
            if sealed[:1] != VERSION:
                return None
            packed = self._cipher.decrypt(nonce, body, self._place(name))
        except (OSError, InvalidTag, ValueError):
            return None
        return zstandard.ZstdDecompressor().decompress(packed, max_output_size=LARGEST)

    def put(self, name: str, value: bytes) -> None:
        """Store an entry; ignored if the folder cannot be written."""
        if len(value) > LARGEST:
            return
        nonce = self._entropy.bytes(NONCE_BYTES)
        packed = zstandard.ZstdCompressor().compress(value)
        sealed = VERSION + nonce + self._cipher.encrypt(nonce, packed, self._place(name))
        file = self._file(name)
        draft = file.with_suffix(f".{nonce.hex()}")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_bytes(sealed)
            draft.replace(file)
        except OSError:
            _remove(draft)

    def drop(self, name: str) -> None:
        """Delete an entry."""
        _remove(self._file(name))

    def clear(self) -> None:
        """Delete all entries of the org."""
        for file in self._folder.glob("*"):
            _remove(file)

    def _file(self, name: str) -> Path:
        return self._folder / blake3(name.encode()).hexdigest()[:NAME_LENGTH]

    def _place(self, name: str) -> bytes:
        return f"{self._org}/{name}".encode()


def _remove(file: Path) -> None:
    with suppress(OSError):
        file.unlink(missing_ok=True)
