"""Notes in the audit what happens when people sign in: it is no action, for nobody acts yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from unlost.app.access import DONE
from unlost.app.compose import Application
from unlost.catalog.audit import AuditEvent, note
from unlost.model.access import ActorKind, Trace

LONGEST_NAME = 150


class SignInAct(StrEnum):
    """What people do at the door."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SESSION_END = "session.end"
    PASSWORD = "password.change"  # noqa: S105
    FACTOR_ADD = "factor.add"
    FACTOR_REMOVE = "factor.remove"
    FACTOR_RENEW = "factor.renew"


class SignInRefusal(StrEnum):
    """Why somebody was not let in."""

    WRONG = "sign-in-wrong"
    LOCKED = "sign-in-locked"
    UNINVITED = "sign-in-uninvited"
    FACTOR_WRONG = "second-factor-wrong"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """Something that happened there. ``name`` is as it was typed where nobody was let in."""

    act: SignInAct
    name: str
    address: str
    subject: str = ""
    refusal: SignInRefusal | None = None


def note_at_the_door(app: Application, seen: SignInAttempt) -> None:
    """Write it into the audit."""
    detail: Mapping[str, str] = {"address": seen.address} if seen.address else {}
    name = "".join(sign for sign in seen.name if sign.isprintable())[:LONGEST_NAME]
    outcome = seen.refusal.value if seen.refusal is not None else DONE
    kind, trace = ActorKind.PERSON, Trace.WRITE
    note(
        AuditEvent(app.clock.now(), kind, name, seen.act, trace, "", seen.subject, outcome, detail)
    )
