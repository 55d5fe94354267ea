"""The rules of sign-ins, which the person who starts the service sets."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True)
class SignInRules:
    """The limits of sessions, and the people who need a second factor.

    ``session``: from the sign-in to the end, whatever its person does. ``idle``: without a page.
    ``admins_need_factor``: people who manage an org or the home need a second factor or a passkey.
    """

    session: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(hours=1)
    admins_need_factor: bool = False


DEFAULT_RULES = SignInRules()
