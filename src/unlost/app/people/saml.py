"""Metadata of SAML identity providers, read with the libraries of the optional part ``saml``."""

import binascii
import re
from base64 import b64decode
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any
from urllib.parse import urlsplit

from cryptography import x509

from unlost.kit.addresses import is_loopback
from unlost.kit.http.get import get_body
from unlost.model.errors import UsageError

LIBRARIES = ("onelogin", "xmlsec")
PEM_LINE = re.compile(r"-----(?:BEGIN|END) CERTIFICATE-----")


@dataclass(frozen=True, slots=True)
class IdentityProvider:
    """A SAML identity provider.

    ``entity`` is its entity id, ``sign_in`` the address to which browsers are sent; one of
    ``certificates`` (base64 of DER) proves each of its responses.
    """

    entity: str
    sign_in: str
    certificates: tuple[str, ...]

    @property
    def origin(self) -> str:
        """The origin of the sign-in page."""
        place = urlsplit(self.sign_in)
        return f"{place.scheme}://{place.netloc}"


def speaks_saml() -> bool:
    """Return True if the optional part is installed."""
    return all(find_spec(name) is not None for name in LIBRARIES)


def require_saml() -> None:
    """Raise UsageError (``saml-missing``) if the optional part is not installed."""
    if not speaks_saml():
        raise UsageError(
            "saml-missing",
            "SAML support is not installed.",
            next_step="Install it with `pip install 'unlost[saml]'`, and restart Unlost. "
            "Alternatively use OpenID Connect, which most providers support.",
        )


def read_metadata(place_or_text: str) -> IdentityProvider:
    """Read a provider's metadata, from an address or from its text.

    Raises UsageError (``saml-missing``, ``saml-metadata``, ``saml-certificate`` and those of
    ``get_body``), TransientError.
    """
    require_saml()
    given = place_or_text.strip()
    # Metadata as text begins with its XML tag; everything else is an address.
    text = given.encode() if given.startswith("<") else get_body(given)
    parsed = _parsed(text)
    several = parsed.get("x509certMulti", {}).get("signing") or [parsed.get("x509cert", "")]
    sign_in = parsed.get("singleSignOnService", {}).get("url", "")
    return described(parsed.get("entityId", ""), sign_in, tuple(several))


def described(entity: str, sign_in: str, certificates: tuple[str, ...]) -> IdentityProvider:
    """Return a provider if it is complete; raises UsageError.

    Codes: ``saml-metadata``, ``saml-certificate``.
    """
    place = urlsplit(sign_in)
    safe = place.scheme == "https" or (place.scheme == "http" and is_loopback(sign_in))
    if not entity or not place.hostname or not safe:
        raise _incomplete()
    return IdentityProvider(entity, sign_in, tuple(map(read_certificate, certificates)))


def read_certificate(text: str) -> str:
    """Convert a certificate from PEM, or base64 of DER, to base64 of DER.

    Raises UsageError (``saml-certificate``).
    """
    bare = "".join(PEM_LINE.sub("", text).split())
    try:
        x509.load_der_x509_certificate(b64decode(bare, validate=True))
    except (binascii.Error, ValueError) as error:
        raise UsageError(
            "saml-certificate",
            "This is not a valid certificate.",
            next_step="Copy the complete signing certificate of the provider, from BEGIN "
            "CERTIFICATE to END CERTIFICATE.",
        ) from error
    return bare


def _parsed(text: bytes) -> dict[str, Any]:
    from lxml.etree import LxmlError
    from onelogin.saml2.errors import OneLogin_Saml2_Error
    from onelogin.saml2.idp_metadata_parser import OneLogin_Saml2_IdPMetadataParser as Parser

    try:
        parsed: dict[str, Any] = Parser.parse(text).get("idp", {})
    except (LxmlError, SyntaxError, ValueError, OneLogin_Saml2_Error) as error:
        raise _incomplete() from error
    return parsed


def _incomplete() -> UsageError:
    return UsageError(
        "saml-metadata",
        "This metadata does not describe a SAML identity provider that supports sign-in by "
        "redirect.",
        next_step="Use the address or the file of the provider's federation metadata, or enter "
        "its entity id, its sign-in address (https) and its certificate separately.",
    )
