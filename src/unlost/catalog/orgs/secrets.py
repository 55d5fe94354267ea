"""Secrets of orgs, sealed with AES-256-GCM under a key derived from the home's key file.

Sealed form: version byte 1, 12 bytes of nonce, ciphertext with tag. The additional data name the
org and the secret, so that a sealed value moved to another row does not open.
"""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from unlost.catalog.connection import returned_connection
from unlost.catalog.models import Org, Secret
from unlost.model.errors import NotAllowed
from unlost.model.ports.system import Entropy

VERSION = b"\x01"
NONCE_BYTES = 12  # NIST SP 800-38D, section 8.2: 96 bits
KEY_BYTES = 32
INFO = b"unlost/home/secrets/1"


def sealing_key(home_key: bytes) -> bytes:
    """The key for secrets, derived from the 32 bytes of the home's key file (HKDF, RFC 5869)."""
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=INFO).derive(home_key)


def seal(value: str, *, key: bytes, place: bytes, nonce: bytes) -> bytes:
    """Seal a secret for its place in the database."""
    return VERSION + nonce + AESGCM(key).encrypt(nonce, value.encode(), place)


def unseal(sealed: bytes, *, key: bytes, place: bytes) -> str:
    """Open a sealed secret; raises NotAllowed if key, place or bytes are wrong."""
    nonce, body = sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
    try:
        if sealed[:1] != VERSION:
            # An unknown version is reported like a wrong key, which is the likelier cause.
            raise InvalidTag
        return AESGCM(key).decrypt(nonce, body, place).decode()
    except (InvalidTag, ValueError):
        raise NotAllowed(
            "home-key-wrong",
            "The key file of this home does not decrypt its secrets.",
            next_step="Restore the keys/home.key that belongs to this home, or enter the "
            "credentials again with `unlost org add`.",
        ) from None


def place_of(org: str, name: str) -> bytes:
    """The place of an org's secret, by the org's oid."""
    return f"{org}/{name}".encode()


def closed_secrets(key: bytes) -> int:
    """The number of secrets of orgs that this key does not open."""
    with returned_connection():
        rows = list(Secret.objects.select_related("org"))
    closed = 0
    for row in rows:
        try:
            unseal(bytes(row.sealed), key=key, place=place_of(row.org.oid, row.name))
        except NotAllowed:
            closed += 1
    return closed


class SqlSecretStore:
    """The secrets of one org (port ``SecretStore``)."""

    def __init__(self, org: str, *, key: bytes, entropy: Entropy) -> None:
        """``org`` is the oid; ``key`` comes from ``sealing_key``."""
        self._org = org
        self._key = key
        self._entropy = entropy

    def get(self, name: str) -> str | None:
        """The secret of this name, or None; raises NotAllowed if it does not open."""
        with returned_connection():
            row = Secret.objects.filter(org__oid=self._org, name=name).first()
        if row is None:
            return None
        return unseal(bytes(row.sealed), key=self._key, place=self._place(name))

    def put(self, name: str, value: str) -> None:
        """Seal and store a secret, on disk on return."""
        nonce = self._entropy.bytes(NONCE_BYTES)
        sealed = seal(value, key=self._key, place=self._place(name), nonce=nonce)
        with returned_connection():
            org = Org.objects.get(oid=self._org)
            Secret.objects.update_or_create(org=org, name=name, defaults={"sealed": sealed})

    def _place(self, name: str) -> bytes:
        return place_of(self._org, name)
