"""Settings, single sign-on: the providers by which people of the company get in."""

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from unlost.app.actions.sso import LONGEST_CLIENT, LONGEST_TITLE, NewProvider
from unlost.app.actions.sso import add as add_provider
from unlost.app.actions.sso import providers as list_providers
from unlost.app.actions.sso import remove as remove_provider
from unlost.catalog.sso import Provider
from unlost.web.forms.problems import done
from unlost.web.requests import Asked, sent


class ProviderForm(forms.Form):
    """A provider to be added."""

    name = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=40,
        help_text=gettext_lazy("Stands in addresses, such as entra or okta."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "dir": "ltr"}),
    )
    title = forms.CharField(
        label=gettext_lazy("Name on the button"), max_length=LONGEST_TITLE, required=False
    )
    issuer = forms.URLField(
        label=gettext_lazy("Issuer"),
        help_text=gettext_lazy(
            "As the provider writes it, such as https://login.microsoftonline.com/TENANT/v2.0."
        ),
        assume_scheme="https",
        widget=forms.URLInput(attrs={"dir": "ltr"}),
    )
    client_id = forms.CharField(
        label=gettext_lazy("Client id"),
        max_length=LONGEST_CLIENT,
        widget=forms.TextInput(attrs={"autocomplete": "off", "dir": "ltr"}),
    )
    secret = forms.CharField(
        label=gettext_lazy("Client secret"),
        help_text=gettext_lazy("It is kept sealed, and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    vouches = forms.BooleanField(
        label=gettext_lazy("Take every address that it tells as verified"),
        required=False,
        help_text=gettext_lazy(
            "For Microsoft Entra ID, which does not say so. Only where nobody but your company "
            "can set an address."
        ),
    )


@sensitive_post_parameters("secret")
@require_http_methods(["GET", "POST"])
def providers(request: Asked) -> HttpResponse:
    """Those that there are, and a form that adds one."""
    held = list_providers(request.unlost).providers
    form = ProviderForm(sent(request))
    added = done(form, lambda: _added(request, form))
    if added:
        told = _("People sign in by %(title)s now: those whose e-mail address you added.")
        messages.success(request, told % {"title": added.title})
        return redirect("sso")
    context = {
        "part": "settings",
        "tab": "sso",
        "providers": [(one, _callback(request, one.name)) for one in held],
        "form": form,
        "callback": _callback(request, "NAME"),
    }
    return render(request, "settings/sso.html", context, status=400 if form.errors else 200)


@require_POST
def remove(request: Asked, name: str) -> HttpResponse:
    """Let nobody in by one any more."""
    removed = remove_provider(request.unlost, name)
    messages.success(
        request, _("Nobody signs in by %(title)s any more.") % {"title": removed.title}
    )
    return redirect("sso")


def _added(request: Asked, form: ProviderForm) -> Provider:
    given: dict[str, Any] = form.cleaned_data
    return add_provider(request.unlost, NewProvider(**given))


def _callback(request: Asked, name: str) -> str:
    place = reverse("openid_connect_callback", kwargs={"provider_id": name})
    return request.build_absolute_uri(place)
