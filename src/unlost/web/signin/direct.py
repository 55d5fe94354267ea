"""Sign-in without a page of our own: a link from another program leads straight to the provider.

    link ─> signed in ─────────────────────────────> the page
         └> not signed in ─┬─ one provider is the only way, or the link names one
                           │    ─> provider ─> the page
                           └─ otherwise ─> sign-in page ─> the page

The page is always the address that was requested, so a link cannot lead to another site.
"""

from collections.abc import Callable

from allauth.socialaccount.adapter import get_adapter
from django.http import HttpRequest, HttpResponse
from django.utils.encoding import escape_uri_path

from unlost.catalog.people.people import has_local_sign_in
from unlost.catalog.people.sso import Provider, list_providers
from unlost.model.errors import UnlostError

DIRECT = "starts_sign_in"  # the attribute of a view whose visitors go straight to the provider
NAMED = "sso"  # the parameter of a link that names a provider


def starts_sign_in[V: Callable[..., HttpResponse]](view: V) -> V:
    """Mark a view to which other programs link."""
    # Read by ``ActorMiddleware.process_view``.
    setattr(view, DIRECT, True)
    return view


def direct_sign_in(request: HttpRequest, view: object) -> HttpResponse | None:
    """Return the redirect to the provider; None if the person must choose how to sign in."""
    if not getattr(view, DIRECT, False) or request.method != "GET":
        return None
    provider = _provider(request.GET.get(NAMED, ""))
    if provider is None:
        return None
    # Without the provider's name: a browser that refuses cookies must not go round in circles.
    query = request.GET.copy()
    query.pop(NAMED, None)
    path = escape_uri_path(request.path)
    page = f"{path}?{query.urlencode()}" if query else path
    try:
        chosen = get_adapter().get_provider(request, provider.name)
        response: HttpResponse = chosen.redirect(request, process="login", next_url=page)
    except (OSError, UnlostError):  # the sign-in page shows the problem, and offers other ways
        return None
    return response


def _provider(name: str) -> Provider | None:
    providers = list_providers()
    if name:
        return next((provider for provider in providers if provider.name == name), None)
    is_only_way = len(providers) == 1 and not has_local_sign_in()
    return providers[0] if is_only_way else None
