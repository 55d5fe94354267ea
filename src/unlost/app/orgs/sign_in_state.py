"""The state of a sign-in by browser: made at its start, checked once when the browser returns. Pure.

The state binds the return to the person's session, and the verifier binds the code to Unlost.
"""

import hmac
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from unlost.model.errors import NotAllowed

SIGN_IN_LIFETIME = timedelta(minutes=10)
SECRET_BYTES = 32  # 256 bits; 43 characters, the least that a verifier may have (RFC 7636, 4.1)


@dataclass(frozen=True, slots=True)
class StartedSignIn:
    """A sign-in that waits for the browser. It must be stored encrypted, in the person's session.

    ``address``: the page of the org. ``redirect``: the address to which the browser returns.
    """

    address: str
    redirect: str
    state: str = field(repr=False)
    verifier: str = field(repr=False)
    started_at: datetime


@dataclass(frozen=True, slots=True)
class SignInReply:
    """The parameters with which the browser returned."""

    state: str = field(default="", repr=False)
    code: str = field(default="", repr=False)
    error: str = ""
    description: str = ""


def secret_text(random: bytes) -> str:
    """Write random bytes as a text for an address."""
    return urlsafe_b64encode(random).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """Return the challenge S256 of a verifier (RFC 7636, 4.2)."""
    return secret_text(sha256(verifier.encode()).digest())


def is_reply_to(started: StartedSignIn, reply: SignInReply) -> bool:
    """Return True if the browser returned from this sign-in."""
    return hmac.compare_digest(started.state.encode(), reply.state.encode())


def check_reply(started: StartedSignIn, reply: SignInReply, *, now: datetime) -> None:
    """Raise NotAllowed (``sign-in-foreign``, ``sign-in-late``) unless the reply is to this sign-in."""
    if not is_reply_to(started, reply):
        raise foreign_reply()
    if not timedelta(0) <= now - started.started_at <= SIGN_IN_LIFETIME:
        raise NotAllowed(
            "sign-in-late",
            "This sign-in took longer than {minutes} minutes.",
            next_step="Start it again. Nothing was saved.",
            minutes=SIGN_IN_LIFETIME // timedelta(minutes=1),
        )


def foreign_reply() -> NotAllowed:
    """Return the error for a browser that returns from no sign-in of this session."""
    return NotAllowed(
        "sign-in-foreign",
        "This page belongs to no sign-in that you started here, or it was already used.",
        next_step="Start the sign-in again, and finish it in the same browser window.",
    )
