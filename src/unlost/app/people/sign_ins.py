"""Audit entries for sign-ins. They are not actions, as there is no actor yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from unlost.app.access import DONE
from unlost.app.compose import Application
from unlost.catalog.people.audit import AuditEvent, note
from unlost.model.access import ActorKind, Trace

LONGEST_NAME = 150


class SignInAct(StrEnum):
    """Events at sign-in."""

    SIGN_IN = "sign-in"
    SIGN_OUT = "sign-out"
    SESSION_END = "session.end"
    PASSWORD = "password.change"  # noqa: S105
    FACTOR_ADD = "factor.add"
    FACTOR_REMOVE = "factor.remove"
    FACTOR_RENEW = "factor.renew"


class SignInRefusal(StrEnum):
    """Reasons for refusing a sign-in."""

    WRONG = "sign-in-wrong"
    LOCKED = "sign-in-locked"
    UNINVITED = "sign-in-uninvited"
    FACTOR_WRONG = "second-factor-wrong"


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An event at sign-in. ``name`` is as typed if the sign-in was refused."""

    act: SignInAct
    name: str
    address: str
    subject: str = ""
    refusal: SignInRefusal | None = None


def record_sign_in(app: Application, seen: SignInAttempt) -> None:
    """Write the event into the audit."""
    detail: Mapping[str, str] = {"address": seen.address} if seen.address else {}
    # Before a sign-in anyone can type anything here, and the audit is shown on terminals.
    name = "".join(sign for sign in seen.name if sign.isprintable())[:LONGEST_NAME]
    outcome = seen.refusal.value if seen.refusal is not None else DONE
    kind, trace = ActorKind.PERSON, Trace.WRITE
    note(
        AuditEvent(app.clock.now(), kind, name, seen.act, trace, "", seen.subject, outcome, detail)
    )
