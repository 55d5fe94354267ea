"""SAML responses, and all that they must prove before a person is signed in.

python3-saml checks the signature, the times, the issuer and the destination. It accepts some
responses that the browser profile forbids, so three more checks apply to the signed part (Profiles
for SAML 2.0, section 4.1.4.2): its audience, its expiry, and the request that it answers. The last
one makes a response valid once: only the browser that made a request knows it, until it is
answered.
"""

from typing import Any

from django.http import HttpRequest
from lxml.etree import LxmlError
from onelogin.saml2.errors import OneLogin_Saml2_Error, OneLogin_Saml2_ValidationError
from onelogin.saml2.response import OneLogin_Saml2_Response
from xmlsec import Error as XmlsecError

from unlost.model.errors import NotAllowed
from unlost.web.signin.saml.parties import here, settings

UNREADABLE = (LxmlError, SyntaxError, ValueError, TypeError, OneLogin_Saml2_Error, XmlsecError)
DATA = "/saml:Subject/saml:SubjectConfirmation/saml:SubjectConfirmationData"
REASONS = {
    OneLogin_Saml2_ValidationError.NO_SIGNED_ASSERTION: "it is not signed",
    OneLogin_Saml2_ValidationError.NO_SIGNATURE_FOUND: "it is not signed",
    OneLogin_Saml2_ValidationError.INVALID_SIGNATURE: "its signature is not the provider's",
    OneLogin_Saml2_ValidationError.ASSERTION_EXPIRED: "it is too old, or a clock is wrong",
    OneLogin_Saml2_ValidationError.ASSERTION_TOO_EARLY: "it is not valid yet: a clock is wrong",
    OneLogin_Saml2_ValidationError.SESSION_EXPIRED: "it is too old, or a clock is wrong",
    OneLogin_Saml2_ValidationError.WRONG_AUDIENCE: "it is meant for another console",
    OneLogin_Saml2_ValidationError.WRONG_DESTINATION: "it is meant for another address",
    OneLogin_Saml2_ValidationError.WRONG_SUBJECTCONFIRMATION: "it is meant for another sign-in",
    OneLogin_Saml2_ValidationError.WRONG_ISSUER: "it comes from another provider",
    OneLogin_Saml2_ValidationError.STATUS_CODE_IS_NOT_SUCCESS: "the provider refused the sign-in",
    OneLogin_Saml2_ValidationError.DEPRECATED_SIGNATURE_METHOD: "it is signed by SHA-1",
    OneLogin_Saml2_ValidationError.DEPRECATED_DIGEST_METHOD: "it is signed by SHA-1",
}


class SamlResponse(OneLogin_Saml2_Response):  # type: ignore[misc]
    """A response as received; untrusted until ``prove`` succeeds."""

    def prove(self, request: HttpRequest, name: str) -> None:
        """Raise NotAllowed (``saml-refused``) unless the response passes all checks."""
        try:
            self.is_valid(here(request, name), self.get_in_response_to(), raise_exceptions=True)
            self._prove_more()
        except OneLogin_Saml2_ValidationError as error:
            raise refused(REASONS.get(error.code) or _as_named(error.code)) from error
        except UNREADABLE as error:
            raise refused("it cannot be read") from error

    def _prove_more(self) -> None:
        confirmations = self._query_assertion(DATA)
        if not self.get_audiences():
            raise refused("it names no audience")
        if not self.get_nameid():
            raise refused("it names no person")
        if not confirmations or not all(
            confirmation.get("NotOnOrAfter") for confirmation in confirmations
        ):
            raise refused("it never expires")
        if any(
            confirmation.get("InResponseTo") != self.get_in_response_to()
            for confirmation in confirmations
        ):
            raise refused("it does not refer to a sign-in")


def _as_named(code: int) -> str:
    """Return a rare reason by the library's name; its message may come from an attacker."""
    names = (name for name, value in vars(OneLogin_Saml2_ValidationError).items() if value == code)
    return f"it is invalid ({next(names, 'unknown')})"


def read(request: HttpRequest, name: str, idp_settings: dict[str, Any], text: str) -> SamlResponse:
    """Parse a response in base64; raises NotAllowed (``saml-refused``)."""
    try:
        return SamlResponse(settings(request, name, idp_settings), text)
    except UNREADABLE as error:
        raise refused("it cannot be read") from error


def refused(why: str) -> NotAllowed:
    """Return the error for a response that is not accepted."""
    return NotAllowed(
        "saml-refused",
        "The response of your company's sign-in was not accepted: {why}.",
        next_step="Sign in again on this console. If it fails again, inform an Unlost admin: Settings, "
        "Single sign-on.",
        why=why,
    )
