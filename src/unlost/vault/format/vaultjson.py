"""``vault.json``: identifies the vault, in clear, with a code that only the master key can make.

The bytes are one JSON object, its members in the order of ``VaultFile``, without spaces, then
``,"mac":"…"}`` and a line feed. The code is over all bytes before ``,"mac"``.
"""

import hmac
import json
import re
from collections.abc import Callable
from dataclasses import dataclass

from unlost.model.errors import IntegrityError
from unlost.vault.format import number as numbers
from unlost.vault.format.unproved import unproved

VAULT_FILE = "vault.json"
MAC_LABEL = "vault.json"

_SHAPE = re.compile(rb'(\{.*),"mac":"([0-9a-f]{64})"\}\n', re.DOTALL)
_ALGORITHMS = {
    "sealed": "AES-256-GCM",
    "segments": "Parquet modular encryption AES_GCM_V1",
    "keys": "HKDF-SHA256",
    "register": "Ed25519",
    "digests": "BLAKE3",
    "passphrases": "Argon2id",
}


@dataclass(frozen=True, slots=True)
class VaultFile:
    """The vault's id (32 hex digits), when it was founded (RFC 3339, UTC), and its format."""

    vault: str
    created: str
    format: int = numbers.FORMAT


def encode_vault_file(file: VaultFile, *, mac: Callable[[bytes], bytes]) -> bytes:
    """The bytes of ``vault.json``; ``mac`` makes the code."""
    members = {
        "format": file.format,
        "vault": file.vault,
        "created": file.created,
        "algorithms": _ALGORITHMS,
    }
    body = json.dumps(members, separators=(",", ":")).encode()[:-1]
    return body + b',"mac":"' + mac(body).hex().encode() + b'"}\n'


def read_vault_file(data: bytes) -> VaultFile:
    """The content of the file, unproved.

    Raises UsageError (``format-newer``, ``format-unknown``), IntegrityError
    (``vault-file-damaged``).
    """
    members = unproved(data)
    try:
        number, vault, created = members["format"], members["vault"], members.get("created", "")
    except (ValueError, TypeError, KeyError):
        raise damaged_vault_file() from None
    numbers.check_number(number, name=VAULT_FILE)
    if not isinstance(vault, str) or re.fullmatch(r"[0-9a-f]{32}", vault) is None:
        raise damaged_vault_file()
    if not isinstance(number, int):
        raise damaged_vault_file()
    return VaultFile(vault=vault, created=str(created), format=number)


def prove_vault_file(data: bytes, *, mac: Callable[[bytes], bytes]) -> None:
    """Check every byte of the file; raises IntegrityError (``vault-file-damaged``)."""
    match = _SHAPE.fullmatch(data)
    if match is None or not hmac.compare_digest(mac(match[1]).hex().encode(), match[2]):
        raise damaged_vault_file()


def damaged_vault_file() -> IntegrityError:
    """The error for a ``vault.json`` that is not what Unlost wrote."""
    return IntegrityError(
        "vault-file-damaged",
        "“{vault_file}” was changed or damaged after the vault was created.",
        next_step="Restore {vault_file} from a mirror of the vault. Nothing else is affected.",
        vault_file=VAULT_FILE,
    )
