"""Check of JWT bearer assertions: RS256 over the registered keys, times by the wall clock.

The wall clock is used here although everything else in the simulator runs on the virtual one:
clients stamp ``exp`` from their own machine.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from unlost_simulators.salesforce.oauth.errors import OAuthError, invalid_grant

STANDARD_AUDIENCES = frozenset({"https://login.salesforce.com", "https://test.salesforce.com"})
EXPIRED = "expired authorization code"


@dataclass(frozen=True, slots=True)
class Assertion:
    """A decoded assertion whose signature is not checked yet."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signed: bytes
    signature: bytes

    @property
    def issuer(self) -> str:
        """Give the consumer key that the assertion names."""
        return str(self.claims.get("iss", ""))

    @property
    def subject(self) -> str:
        """Give the username to act as; old clients put it into ``prn``."""
        return str(self.claims.get("sub") or self.claims.get("prn") or "")


def decode(assertion: str) -> Assertion:
    """Take a compact JWT apart."""
    parts = assertion.split(".")
    if len(parts) != 3:
        raise invalid_grant("invalid assertion")
    try:
        header = json.loads(_unpad(parts[0]))
        claims = json.loads(_unpad(parts[1]))
        signature = _unpad(parts[2])
    except (ValueError, binascii.Error):
        raise invalid_grant("invalid assertion") from None
    if not isinstance(header, dict) or not isinstance(claims, dict):
        raise invalid_grant("invalid assertion")
    return Assertion(header, claims, f"{parts[0]}.{parts[1]}".encode(), signature)


def check_signature(assertion: Assertion, keys: Collection[RSAPublicKey]) -> None:
    """Refuse an assertion that none of the app's keys signed with RS256."""
    if assertion.header.get("alg") != "RS256":
        raise invalid_grant("algorithm not supported")
    for key in keys:
        try:
            key.verify(assertion.signature, assertion.signed, PKCS1v15(), SHA256())
        except InvalidSignature:
            continue
        return
    raise OAuthError("invalid_grant", "invalid assertion")


def check_audience(assertion: Assertion, own_hosts: Collection[str]) -> None:
    """Refuse an audience that is neither a login host nor the org's own domain."""
    audience = assertion.claims.get("aud")
    wanted = audience if isinstance(audience, list) else [audience]
    allowed = STANDARD_AUDIENCES | {host.rstrip("/") for host in own_hosts}
    if not any(isinstance(value, str) and value.rstrip("/") in allowed for value in wanted):
        raise invalid_grant("audience is invalid")


def check_expiry(assertion: Assertion, wall_clock: Callable[[], datetime]) -> None:
    """Refuse an ``exp`` (number or numeric string, seconds) in the past.

    There is no upper limit, although the documentation names three minutes: released clients send
    milliseconds, which lie 50,000 years ahead, and log in to real orgs with them.
    """
    try:
        expires = float(assertion.claims["exp"])
    except (KeyError, TypeError, ValueError):
        raise invalid_grant(EXPIRED) from None
    if not math.isfinite(expires) or expires <= wall_clock().timestamp():
        raise invalid_grant(EXPIRED)


def _unpad(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
