"""Settings, single sign-on: the company's identity providers."""

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

from unlost.app.actions.people.sso import (
    LONGEST_CLIENT,
    LONGEST_TITLE,
    NewProvider,
    NewSaml,
    add_saml,
)
from unlost.app.actions.people.sso import add as add_provider
from unlost.app.actions.people.sso import providers as list_providers
from unlost.app.actions.people.sso import remove as remove_provider
from unlost.app.people.saml import speaks_saml
from unlost.catalog.people.sso import Provider, SsoProtocol
from unlost.model.access import Right
from unlost.web.forms.problems import done
from unlost.web.needs import needs
from unlost.web.requests import UserRequest, sent
from unlost.web.signin.confirming import confirmed

VOUCHES = gettext_lazy("Trust every address of the provider as verified")


class NameForm(forms.Form):
    """The fields common to all providers."""

    name = forms.SlugField(
        label=gettext_lazy("Short name"),
        max_length=40,
        help_text=gettext_lazy("Used in addresses, such as entra or okta."),
        widget=forms.TextInput(attrs={"autocapitalize": "none", "dir": "ltr"}),
    )
    title = forms.CharField(
        label=gettext_lazy("Name on the button"), max_length=LONGEST_TITLE, required=False
    )


class ProviderForm(NameForm):
    """A new OpenID Connect provider."""

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
        help_text=gettext_lazy("It is stored encrypted and never shown again."),
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    vouches = forms.BooleanField(
        label=VOUCHES,
        required=False,
        help_text=gettext_lazy(
            "For Microsoft Entra ID, which does not mark addresses as verified. Use this only if "
            "your company alone can set addresses."
        ),
    )


class SamlForm(NameForm):
    """A new SAML identity provider, given by its metadata or by its three parts."""

    metadata = forms.CharField(
        label=gettext_lazy("Metadata"),
        required=False,
        help_text=gettext_lazy("Address (https://…), or the text of the file."),
        widget=forms.Textarea(attrs={"rows": 4, "dir": "ltr", "spellcheck": "false"}),
    )
    entity = forms.CharField(
        label=gettext_lazy("Without metadata: entity id"),
        max_length=1024,  # SAML Core 2.0, section 8.3.6
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    sign_in = forms.CharField(
        label=gettext_lazy("Sign-in address (HTTP-Redirect)"),
        max_length=2000,
        required=False,
        widget=forms.TextInput(attrs={"dir": "ltr"}),
    )
    certificate = forms.CharField(
        label=gettext_lazy("Signing certificate"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 4, "dir": "ltr", "spellcheck": "false"}),
    )
    vouches = forms.BooleanField(
        label=VOUCHES,
        required=False,
        help_text=gettext_lazy(
            "SAML seldom marks addresses as verified. Use this only if your company alone can set "
            "addresses."
        ),
    )


@sensitive_post_parameters("secret")
@needs(Right.MANAGE)
@require_http_methods(["GET", "POST"])
@confirmed("sso", secret=True)
def providers(request: UserRequest) -> HttpResponse:
    """List the providers, with a form that adds one."""
    provider_list = list_providers(request.unlost).providers
    form = ProviderForm(sent(request))
    added = done(form, lambda: _added(request, form))
    if added:
        message = _("People whose e-mail address you added can now sign in with %(title)s.")
        messages.success(request, message % {"title": added.title})
        return redirect("sso")
    context = {
        "part": "settings",
        "tab": "sso",
        "providers": [
            (provider, _place(request, provider.name, provider.kind)) for provider in provider_list
        ],
        "form": form,
        "callback": _place(request, "NAME", SsoProtocol.OIDC),
    }
    return render(request, "settings/sso.html", context, status=400 if form.errors else 200)


@needs(Right.MANAGE)
@require_http_methods(["GET", "POST"])
@confirmed("sso-saml")
def saml(request: UserRequest) -> HttpResponse:
    """Show the form for a SAML identity provider, with this console's metadata for the provider."""
    form = SamlForm(sent(request))
    added = done(form, lambda: add_saml(request.unlost, NewSaml(**form.cleaned_data)))
    if added:
        message = _("People whose e-mail address you added can now sign in with %(title)s.")
        messages.success(request, message % {"title": added.title})
        return redirect("sso")
    context = {
        "part": "settings",
        "tab": "sso",
        "form": form,
        "installed": speaks_saml(),
        "metadata": _place(request, "NAME", SsoProtocol.SAML),
        "answers": _place(request, "NAME", SsoProtocol.SAML).replace("metadata/", "acs/"),
    }
    return render(request, "settings/saml.html", context, status=400 if form.errors else 200)


@require_POST
def remove(request: UserRequest, name: str) -> HttpResponse:
    """Remove a provider."""
    removed = remove_provider(request.unlost, name)
    messages.success(
        request,
        _("%(title)s was removed. People can no longer sign in with it.")
        % {"title": removed.title},
    )
    return redirect("sso")


def _added(request: UserRequest, form: ProviderForm) -> Provider:
    given: dict[str, Any] = form.cleaned_data
    return add_provider(request.unlost, NewProvider(**given))


def _place(request: UserRequest, name: str, kind: SsoProtocol) -> str:
    """Return the address to register at the provider: the callback, or this console's metadata."""
    if kind is SsoProtocol.SAML:
        return request.build_absolute_uri(f"/account/saml/{name}/metadata/")
    place = reverse("openid_connect_callback", kwargs={"provider_id": name})
    return request.build_absolute_uri(place)
