"""A sign-in by browser between its start and its return, stored encrypted in the session.

One sign-in waits at a time; a new one replaces it. See ``app/orgs/sign_in_state``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

import msgspec
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from unlost.app.actions.orgs.browser_sign_in import OrgUser, start_sign_in
from unlost.app.actions.orgs.orgs import NewOrg
from unlost.app.orgs.sign_in_state import StartedSignIn
from unlost.model.decoders import decoder_for
from unlost.web.parts.drafts import draft, drop_draft, keep_draft
from unlost.web.requests import UserRequest

WAITING = "browser-sign-in"


class Purpose(StrEnum):
    """The use of a sign-in by browser."""

    CONNECT = "connect"
    SETTINGS = "settings"
    WRITER = "writer"

    @property
    def user(self) -> OrgUser:
        """The user of the org as which Unlost then signs in."""
        return OrgUser.WRITE if self is Purpose.WRITER else OrgUser.BACKUP


@dataclass(frozen=True, slots=True)
class WaitingSignIn:
    """A sign-in that waits for the browser: its purpose, and the settings that it is for.

    ``before`` are the stored settings at its start, empty for a new org. ``plan`` is the restore
    that waits for the write user, if any.
    """

    purpose: Purpose
    new: NewOrg
    started: StartedSignIn
    before: Mapping[str, Any] = field(default_factory=dict)
    plan: str = ""

    @property
    def origin(self) -> str:
        """The address of the page from which it was started."""
        if self.purpose is Purpose.CONNECT:
            return reverse("connect-sign-in")
        name = "org-settings" if self.purpose is Purpose.SETTINGS else "org-writer"
        address = reverse(name, kwargs={"org": self.new.name})
        return f"{address}?plan={self.plan}" if self.plan else address


@dataclass(frozen=True, slots=True)
class CallbackAddress:
    """The address to which the browser returns, as the org's app must know it."""

    address: str

    @property
    def plain(self) -> bool:
        """True for plain http elsewhere than at ``localhost``, which orgs refuse (RFC 8252, 8.3)."""
        parts = urlsplit(self.address)
        return parts.scheme == "http" and parts.hostname != "localhost"


def callback_address(request: UserRequest) -> CallbackAddress:
    """Return the address to which the browser returns to this console."""
    return CallbackAddress(request.build_absolute_uri(reverse("connect-callback")))


def begin_sign_in(
    request: UserRequest,
    purpose: Purpose,
    new: NewOrg,
    *,
    before: Mapping[str, Any] | None = None,
    plan: str = "",
) -> HttpResponse:
    """Start a sign-in by browser, and lead to the page with the link to the org.

    ``before`` are the stored settings of an org that is known already; ``plan`` is the restore that
    waits for its write user.

    A redirect to the org would be blocked: the CSP's ``form-action`` counts after a form, too.
    """
    started = start_sign_in(request.unlost, new, redirect=callback_address(request).address)
    waiting = WaitingSignIn(purpose, new, started, before or {}, plan)
    keep_draft(request, WAITING, msgspec.to_builtins(waiting))
    return redirect("connect-start")


def waiting_sign_in(request: UserRequest) -> WaitingSignIn | None:
    """Return the sign-in of this session that waits for the browser, if any."""
    stored = draft(request, WAITING)
    return decoder_for(WaitingSignIn).convert(stored) if stored else None


def end_sign_in(request: UserRequest) -> None:
    """Forget the sign-in, durably: its state is used up before the code is sent."""
    drop_draft(request, WAITING)
    # The session is otherwise saved with the response, after the exchange, which takes seconds.
    request.session.save()
