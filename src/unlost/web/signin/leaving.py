"""Leaving the console: for an identity provider, or signed out."""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.csp import CSP

from unlost.catalog.people.sso import list_providers

type View = Callable[..., HttpResponse]


def sends_away(view: View) -> View:
    """Allow the forms of a page to lead to the providers, which the CSP forbids otherwise.

    Browsers apply ``form-action`` to redirects after a form too.
    """

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        origins = sorted({provider.origin for provider in list_providers()})
        policy = settings.SECURE_CSP | {"form-action": [CSP.SELF, *origins]}
        response._csp_config = policy  # type: ignore[attr-defined]  # as Django's csp_override does
        return response

    return checked


# What a browser may keep of the console. Not "cookies": that would also delete the cookies of all
# other sites of the company, up to its registered domain (W3C, Clear Site Data, section 3.1).
CLEARED = '"cache", "storage"'


def clears_browser(view: View) -> View:
    """Have the browser forget the console after a sign-out."""

    @wraps(view)
    def checked(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not request.user.is_authenticated:
            response["Clear-Site-Data"] = CLEARED
        return response

    return checked
