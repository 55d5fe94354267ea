"""JSON Web Tokens that are signed with an RSA key (RFC 7515, 7519)."""

import base64
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from unlost.kit.sign_in_words import NEUTRAL, SignInWords
from unlost.model.errors import UsageError


def private_key(pem: str, words: SignInWords = NEUTRAL) -> rsa.RSAPrivateKey:
    """The RSA key of a PEM text; raises UsageError (``private-key-unreadable``)."""
    try:
        key = serialization.load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as error:
        raise _no_key(words) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise _no_key(words)
    return key


def _no_key(words: SignInWords) -> UsageError:
    return UsageError(
        "private-key-unreadable",
        "The stored private key is not an RSA key in PEM format without a passphrase.",
        next_step=words.private_key_unreadable,
    )


def signed_jwt(claims: Mapping[str, str | int], key: rsa.RSAPrivateKey) -> str:
    """A token with these claims, RS256."""
    head = _segment({"alg": "RS256", "typ": "JWT"})
    signing = f"{head}.{_segment(claims)}"
    signature = key.sign(signing.encode(), padding.PKCS1v15(), hashes.SHA256())
    return f"{signing}.{_base64url(signature)}"


def _segment(value: Mapping[str, str | int]) -> str:
    return _base64url(json.dumps(value, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
