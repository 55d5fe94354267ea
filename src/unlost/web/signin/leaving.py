"""Pages whose forms redirect to identity providers."""

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
