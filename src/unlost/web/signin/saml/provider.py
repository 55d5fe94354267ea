"""A SAML identity provider among allauth's providers."""

from typing import Any

from allauth.socialaccount.providers.saml.provider import SAMLProvider
from django.http import HttpRequest, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import urlencode
from onelogin.saml2.auth import OneLogin_Saml2_Auth

from unlost.web.signin.saml.parties import here, settings

# Attributes with an e-mail address: the standard's, and plain names that many providers use.
ADDRESS = (
    *SAMLProvider.default_attribute_mapping["email"],
    "urn:oid:1.2.840.113549.1.9.1",
    "email",
    "mail",
    "emailAddress",
    "Email",
)


class Saml(SAMLProvider):  # type: ignore[misc]
    """A SAML provider stored in this home."""

    default_attribute_mapping = SAMLProvider.default_attribute_mapping | {"email": list(ADDRESS)}

    @property
    def short_name(self) -> str:
        """The provider's name in URLs."""
        return str(self.app.provider_id)

    def get_login_url(self, request: HttpRequest, **query: Any) -> str:
        """Return the URL that starts a sign-in."""
        url = reverse("saml_login", args=[self.short_name])
        return f"{url}?{urlencode(query)}" if query else url

    def redirect(
        self, request: HttpRequest, process: str, next_url: str | None = None,
        data: Any = None, **more: Any,
    ) -> HttpResponseRedirect:  # fmt: skip
        """Redirect the browser to the provider, and remember the request."""
        parties = settings(request, self.short_name, self.app.settings)
        asking = OneLogin_Saml2_Auth(here(request, self.short_name), old_settings=parties)
        there = asking.login(return_to="")
        request_id = asking.get_last_request_id()
        self.stash_redirect_state(request, process, next_url, data, state_id=request_id, **more)
        return HttpResponseRedirect(there)


provider_classes = [Saml]
