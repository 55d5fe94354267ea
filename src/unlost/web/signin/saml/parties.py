"""python3-saml's settings for the two parties of a sign-in: this console and the provider."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from onelogin.saml2.constants import OneLogin_Saml2_Constants as Saml
from onelogin.saml2.settings import OneLogin_Saml2_Settings as Settings

DEMANDS = {
    "wantAssertionsSigned": True,
    "wantNameId": True,
    "wantAttributeStatement": False,  # the name id may be the e-mail address
    "requestedAuthnContext": False,  # the company decides how people authenticate
    "rejectDeprecatedAlgorithm": True,  # no SHA-1
    "signatureAlgorithm": Saml.RSA_SHA256,
    "digestAlgorithm": Saml.SHA256,
    "allowRepeatAttributeName": True,
    "allowSingleLabelDomains": True,  # such as https://id/ in a company's own network
}


def settings(request: HttpRequest, name: str, idp_settings: dict[str, Any]) -> Settings:
    """Return the settings for a sign-in with a provider stored as ``idp_settings``."""
    provider = {
        "entityId": idp_settings["server_url"],
        "singleSignOnService": {
            "url": idp_settings["sign_in"],
            "binding": Saml.BINDING_HTTP_REDIRECT,
        },
        "x509certMulti": {"signing": idp_settings["certificates"]},
    }
    config = {"strict": True, "security": DEMANDS, "sp": _console(request, name), "idp": provider}
    return Settings(config)


def console_metadata(request: HttpRequest, name: str) -> bytes:
    """Return this console's metadata for a provider."""
    config = {"strict": True, "security": DEMANDS, "sp": _console(request, name)}
    written = Settings(config, sp_validation_only=True).get_sp_metadata()
    return written if isinstance(written, bytes) else written.encode()


def here(request: HttpRequest, name: str) -> dict[str, Any]:
    """Return the address that receives responses, in the library's format."""
    return {
        "https": "on" if request.is_secure() else "off",
        "http_host": request.get_host(),
        "script_name": reverse("saml_acs", args=[name]),
        "get_data": {},
        "post_data": {},
    }


def _console(request: HttpRequest, name: str) -> dict[str, Any]:
    def at(view: str) -> str:
        return request.build_absolute_uri(reverse(view, args=[name]))

    return {
        "entityId": at("saml_metadata"),
        "assertionConsumerService": {"url": at("saml_acs"), "binding": Saml.BINDING_HTTP_POST},
        "NameIDFormat": Saml.NAMEID_UNSPECIFIED,
    }
