"""Limits of a sign-in: the end of a session, and the second factor that admins may have to have.

    begun ──────────── at most ``session`` ────────────┤
    page ──┤ page ───────────┤ page ── at most ``idle`` ──┤

The times are in the session, by the clock of the home. Django's own end of a session only follows
its last change, so it is no end for who stays active.
"""

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from unlost.app.people.sign_ins import SignInAct, SignInAttempt, record_sign_in
from unlost.model.access import Actor, Right
from unlost.web.served_home import application
from unlost.web.signin.adapter import address_of
from unlost.web.signin.rules import SignInRules

type Answer = Callable[[HttpRequest], HttpResponse]

BEGUN = "begun"  # session key: the time of the first page, in seconds since 1970
SEEN = "seen"  # session key: the time when the session was last recorded
SEEN_EVERY = timedelta(minutes=5)
PARTS_OF_IDLE = 12  # a short limit needs times that are as exact


class SessionEnd(StrEnum):
    """The reason for the end of a session."""

    OLD = "too old"
    IDLE = "idle"


def rules() -> SignInRules:
    """Return the rules of this service."""
    chosen: SignInRules = settings.SIGN_IN_RULES
    return chosen


class SessionMiddleware:
    """Records the sessions of a user with the time of last use, and ends them when it is time.

    It replaces allauth's own middleware, which writes to the database in each request.
    """

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """End the session if it is over; otherwise record it, unless that was done just before."""
        if request.user.is_authenticated:
            now = application().clock.now().timestamp()
            reason = _reason_to_end(request, now)
            if reason is not None:
                _end(request, reason)
            elif BEGUN not in request.session or not _is_poll(request):
                _record(request, now)
        return self._answer(request)


def _reason_to_end(request: HttpRequest, now: float) -> SessionEnd | None:
    begun, seen = request.session.get(BEGUN, now), request.session.get(SEEN, now)
    if now - begun >= rules().session.total_seconds():
        return SessionEnd.OLD
    return SessionEnd.IDLE if now - seen >= rules().idle.total_seconds() else None


def _end(request: HttpRequest, reason: SessionEnd) -> None:
    """End and audit the session; the rest of the request has no user."""
    name = request.user.get_username()
    attempt = SignInAttempt(SignInAct.SESSION_END, name, address_of(request), subject=reason.value)
    record_sign_in(application(), attempt)
    UserSession.objects.filter(session_key=request.session.session_key).delete()
    request.session.flush()
    request.user = AnonymousUser()


def _is_poll(request: HttpRequest) -> bool:
    """Return True for a page that asks again for its own progress, without a person."""
    return request.method == "GET" and "HX-Request" in request.headers


def _record(request: HttpRequest, now: float) -> None:
    every = min(SEEN_EVERY, rules().idle / PARTS_OF_IDLE).total_seconds()
    # Absolute, in case the clock was set back.
    if abs(now - request.session.get(SEEN, 0.0)) >= every:
        if BEGUN not in request.session:
            # Sessions of browsers that were closed: they may have drafts with secrets.
            request.session.clear_expired()
        UserSession.objects.create_from_request(request)
        request.session.setdefault(BEGUN, now)
        request.session[SEEN] = now


def lacks_factor(request: HttpRequest, actor: Actor) -> bool:
    """Return True if this person manages something, and has no second factor although admins must."""
    if not rules().admins_need_factor or not actor.may_somewhere(Right.MANAGE):
        return False
    kinds = [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN]
    return not is_mfa_enabled(request.user, kinds)
