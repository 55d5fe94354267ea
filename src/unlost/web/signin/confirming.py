"""Confirm who sits there before a change of who may sign in, or of what they may do.

    POST ─> signed in or confirmed within five minutes? ─┬─ yes ─> the change
                                                         └─ no ──> password or factor, then the change
                                                                   single sign-on, then the page again

allauth keeps the request in the session until the password or the factor was right, and then carries
it out. Without a password and a factor only the provider can confirm a person. That is a new
sign-in, which keeps nothing of the session before.
"""

from collections.abc import Callable
from functools import wraps
from urllib.parse import urlencode

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.utils import get_next_redirect_url
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET

from unlost.web.needs import open_to_all
from unlost.web.requests import UserRequest

type View = Callable[..., HttpResponseBase]


def confirmed(page: str, *, secret: bool = False) -> Callable[[View], View]:
    """Ask for a confirmation before a view is called with a form.

    ``page`` is the name of the page with the form, at the address of the view or with the same
    parts. ``secret``: the form has a secret, so it is not kept, and the page itself asks.
    """

    def marked(view: View) -> View:
        @wraps(view)
        def checked(request: UserRequest, **named: str) -> HttpResponseBase:
            if recently_confirmed(request) or (request.method == "GET" and not secret):
                return view(request, **named)
            methods = get_adapter().get_reauthentication_methods(request.user)
            if methods and not secret:
                raise ReauthenticationRequired  # allauth's middleware keeps the form
            there = methods[0]["url"] if methods else reverse("account_confirm")
            return redirect(f"{there}?{urlencode({'next': reverse(page, kwargs=named)})}")

        return checked

    return marked


def recently_confirmed(request: HttpRequest) -> bool:
    """True if the person signed in or confirmed it within the last minutes, in any way."""
    records = get_authentication_records(request, request.user)
    # allauth stamps them by the clock of the machine.
    now = timezone.now().timestamp()
    return bool(records) and now - records[-1]["at"] < app_settings.REAUTHENTICATION_TIMEOUT


# Open, so that it does not lead an admin who must have a second factor back to the factors, whose
# pages lead here. It asks for a sign-in itself.
@open_to_all
@login_required
@require_GET
def confirm(request: HttpRequest) -> HttpResponse:
    """Show the providers, for a person without a password and a factor; then go on."""
    there = get_next_redirect_url(request) or reverse("home")
    if recently_confirmed(request):
        return redirect(there)
    return render(request, "account/confirm.html", {"there": there})
