"""Who acts in a request, what every answer tells browsers, and errors as pages."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from urllib.parse import urlencode

from allauth.usersessions.models import UserSession
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation

from unlost.catalog.connection import held_connection
from unlost.catalog.models import User
from unlost.catalog.orgs import orgs_read_once
from unlost.catalog.people import actor_of
from unlost.model.access import Actor
from unlost.model.errors import UnlostError
from unlost.web.api.problem import API
from unlost.web.failing import failed
from unlost.web.needs import OPEN
from unlost.web.served_home import application

type Answer = Callable[[HttpRequest], HttpResponse]

SEEN = "seen"  # in a session: when it was noted last
SEEN_EVERY = timedelta(minutes=5)
POLICY = "accelerometer=(), camera=(), geolocation=(), microphone=(), payment=(), usb=()"


class QuietHeaders:
    """Pages hold data of customers: no browser or proxy keeps them."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Add what every answer tells."""
        response = self._answer(request)
        response.headers.setdefault("Cache-Control", "no-store")
        response.headers.setdefault("Permissions-Policy", POLICY)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def _in_their_language(request: HttpRequest) -> AbstractContextManager[None]:
    """The language that somebody chose, before the one that the browser asks for."""
    chosen = getattr(request.user, "language", "")
    return translation.override(chosen) if chosen else nullcontext()


def _actor(request: HttpRequest) -> Actor | None:
    user = request.user
    return actor_of(user) if isinstance(user, User) else None


class ActorMiddleware:
    """Lets each request act in the home for who signed in; all pages but a few need that."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Keep one connection to the database for all that the request does."""
        with held_connection(), orgs_read_once():
            actor = _actor(request)
            request.unlost = application().acting(actor) if actor else None  # type: ignore[attr-defined]
            with _in_their_language(request):
                response = self._answer(request)
                response.headers.setdefault("Content-Language", translation.get_language())
            return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Ask for a sign-in where one is needed."""
        is_open = view.__module__.startswith("allauth.") or request.path.startswith(API)
        if request.unlost is not None or is_open or getattr(view, OPEN, False):  # type: ignore[attr-defined]
            return None
        return redirect(
            f"{reverse('account_login')}?{urlencode({'next': request.get_full_path()})}"
        )

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """An error of ours as a page in plain words; all others are Django's to tell."""
        return failed(request, error) if isinstance(error, UnlostError) else None


class SessionMiddleware:
    """Notes in which browsers somebody is signed in, and when each was seen last.

    It takes the place of allauth's own, which writes to the database with each request.
    """

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Note it, unless that was done a moment ago."""
        now = application().clock.now().timestamp()
        seen = request.session.get(SEEN, 0.0) if request.user.is_authenticated else now
        if abs(now - seen) >= SEEN_EVERY.total_seconds():
            UserSession.objects.create_from_request(request)
            request.session[SEEN] = now
        return self._answer(request)
