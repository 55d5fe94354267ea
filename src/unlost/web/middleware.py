"""Middleware: the actor of a request, response headers, and error pages.

    session ─> ``ActorMiddleware`` ─> request.unlost = the application acting for the user
                 ├─ process_view       no actor: redirect to the sign-in, or to the provider, unless
                 │                     the page is open;
                 │                     an admin without a required factor: redirect to the factors
                 └─ process_exception  an UnlostError becomes a page

This decides only who acts. Each action checks the rights of that actor itself, so a page without a
check of its own is safe too.

See docs/adr/0015, and docs/adr/0016 for rendering and sign-in.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django_htmx.http import HttpResponseClientRedirect

from unlost.catalog.alerts import alerts_read_once
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
from unlost.web.signin.direct import direct_sign_in
from unlost.web.signin.limits import lacks_factor

type Answer = Callable[[HttpRequest], HttpResponse]

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


def _redirected(request: HttpRequest, page: str, there: str) -> HttpResponse:
    """Redirect the whole page, also if only a part of it was requested."""
    path = f"{reverse(page)}?{urlencode({'next': there})}" if there else reverse(page)
    return HttpResponseClientRedirect(path) if "HX-Request" in request.headers else redirect(path)


def _actor(request: HttpRequest) -> Actor | None:
    user = request.user
    return actor_of(user) if isinstance(user, User) else None


class ActorMiddleware:
    """Sets the actor of each request, and requires a sign-in except for a few pages."""

    def __init__(self, get_response: Answer) -> None:
        self._answer = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Handle the request with one database connection and the user's language."""
        # A page calls many actions that each look up the same orgs and open alerts.
        with keep_connection(), orgs_read_once(), alerts_read_once():
            actor = _actor(request)
            request.unlost = application().acting(actor) if actor else None  # type: ignore[attr-defined]
            with _in_their_language(request):
                response = self._answer(request)
                response.headers.setdefault("Content-Language", translation.get_language())
            return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., HttpResponse], args: object, kwargs: object
    ) -> HttpResponse | None:
        """Redirect to the sign-in page, or to the second factors, if one is needed."""
        is_open = view.__module__.startswith("allauth.") or request.path.startswith(API)
        if is_open or getattr(view, OPEN, False):
            return None
        app = request.unlost  # type: ignore[attr-defined]
        if app is None:
            direct = direct_sign_in(request, view)
            return direct or _redirected(request, "account_login", request.get_full_path())
        if lacks_factor(request, app.actor):
            messages.warning(request, _("Admins need a second factor here. Set one up to go on."))
            return _redirected(request, "mfa_index", "")
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Render an Unlost error as a page; leave other errors to Django."""
        return failed(request, error) if isinstance(error, UnlostError) else None
