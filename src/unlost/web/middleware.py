"""Middleware: the actor of a request, response headers, sessions, and error pages.

    session ─> ``ActorMiddleware`` ─> request.unlost = the application acting for the user
                 ├─ process_view       no actor: redirect to the sign-in, unless the page is open
                 └─ process_exception  an UnlostError becomes a page

This decides only who acts. Each action checks the rights of that actor itself, so a page without a
check of its own is safe too.

See docs/adr/0015, and docs/adr/0016 for rendering and sign-in.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from unlost.catalog.connection import keep_connection
from unlost.catalog.models import User
from unlost.catalog.orgs.orgs import orgs_read_once
from unlost.catalog.people.people import actor_of
from unlost.model.access import Actor
from unlost.model.errors import UnlostError
from unlost.web.api.problem import API
from unlost.web.failing import failed
from unlost.web.needs import OPEN
from unlost.web.served_home import application

type Answer = Callable[[HttpRequest], HttpResponse]

SEEN = "seen"  # session key: the time when the session was last recorded
SEEN_EVERY = timedelta(minutes=5)
POLICY = "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class QuietHeaders:
    """Security headers; pages contain customers' data, so browsers and proxies must not cache."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add the headers to the response."""
        response = self._answer(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def _in_their_language(request: HttpRequest) -> AbstractContextManager[None]:
    """Activate the language of the user's profile, which overrides that of the browser."""
    chosen = getattr(request.user, "language", "")
    return translation.override(chosen) if chosen else nullcontext()


def _actor(request: HttpRequest) -> Actor | None:
    user = request.user
    return actor_of(user) if isinstance(user, User) else None


class ActorMiddleware:
    """Sets the actor of each request, and requires a sign-in except for a few pages."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request with one database connection and the user's language."""
        # A page calls many actions that each look up the same orgs.
        with keep_connection(), orgs_read_once():
            actor = _actor(request)
            request.unlost = application().acting(actor) if actor else None  # type: ignore[attr-defined]
            with _in_their_language(request):
                response = self._answer(request)
                response.headers.setdefault("Content-Language", translation.get_language())
            return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Redirect to the sign-in page if one is needed."""
        is_open = view.__module__.startswith("allauth.") or request.path.startswith(API)
        if request.unlost is not None or is_open or getattr(view, OPEN, False):  # type: ignore[attr-defined]
            return None
        return redirect(
            f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}"
        )

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render an Unlost error as a page; leave other errors to Django."""
        return failed(request, error) if isinstance(error, UnlostError) else None


class SessionMiddleware:
    """Records the sessions of a user, with the time of last use.

    It replaces allauth's own middleware, which writes to the database in each request.
    """

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Record the session, unless that was done within ``SEEN_EVERY``."""
        now = application().clock.now().timestamp()
        seen = request.session.get(SEEN, 0.0) if request.user.is_authenticated else now
        # Absolute, in case the clock was set back.
        if abs(now - seen) >= SEEN_EVERY.total_seconds():
            UserSession.objects.create_from_request(request)
            request.session[SEEN] = now
        return self._answer(request)
