"""How people get in: nobody signs up by themselves, and secrets of sign-ins are kept sealed."""

from base64 import b64decode, b64encode
from http import HTTPStatus
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.contrib.auth import get_user_model
from django.http import HttpRequest
from django.shortcuts import render

from unlost.app.home.home import read_home_key
from unlost.app.people.sign_ins import SignInAct, SignInAttempt, SignInRefusal, note_at_the_door
from unlost.app.people.sso import open_secret
from unlost.catalog.people import people_with_email
from unlost.catalog.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.catalog.sso import SsoProtocol, sealed_secret
from unlost.web.served_home import application

PLACE = b"web/mfa"
LOGIN = "login"


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """An admin adds people; nobody adds themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False


class InvitedAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """The company's SSO lets in those whom an admin added, by their address."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Never: an address that nobody added is told so."""
        return False

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """A provider as it is kept, with its secret opened."""
        app = super().get_app(request, provider, client_id=client_id)
        if app.provider != SsoProtocol.OIDC.value:
            return app  # SAML has no secret
        app.secret = open_secret(application(), app.provider_id, sealed_secret(app.provider_id))
        return app

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find who it is: the one person whose verified address it tells, or nobody.

        Done here and not by allauth's own way by e-mail, which would take away a password that the
        person may need on the day when the SSO is away.
        """
        if sociallogin.state.get("process") != LOGIN:
            _turn_away(request, sociallogin)
        if sociallogin.is_existing:
            return
        verified = [
            email_address.email
            for email_address in sociallogin.email_addresses
            if email_address.verified
        ]
        candidates = [person for person in people_with_email(verified) if person.active]
        if len(candidates) != 1:
            _turn_away(request, sociallogin)
        user = get_user_model().objects.get(pk=candidates[0].user)
        sociallogin.connect(request, user)


def _turn_away(request: HttpRequest, sociallogin: Any) -> None:
    """Tell whom to ask; raises ImmediateHttpResponse."""
    addresses = [email_address.email for email_address in sociallogin.email_addresses]
    verified = any(email_address.verified for email_address in sociallogin.email_addresses)
    name = addresses[0] if addresses else sociallogin.account.uid
    seen = SignInAttempt(
        SignInAct.SIGN_IN,
        name,
        address_of(request),
        sociallogin.account.provider,
        SignInRefusal.UNINVITED,
    )
    note_at_the_door(application(), seen)
    context = {"email": addresses[0] if addresses else "", "verified": verified}
    page = render(request, "socialaccount/uninvited.html", context, status=HTTPStatus.FORBIDDEN)
    raise ImmediateHttpResponse(page)


def address_of(request: HttpRequest | None) -> str:
    """From where somebody asks: behind a proxy of yours the server puts in what that one says."""
    return str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """Secrets of second factors, sealed under the home's key."""

    def encrypt(self, text: str) -> str:
        """Seal a secret."""
        app = application()
        key, nonce = sealing_key(read_home_key(app.home)), app.entropy.bytes(NONCE_BYTES)
        return b64encode(seal(text, key=key, place=PLACE, nonce=nonce)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Open a sealed secret; raises NotAllowed (``home-key-wrong``)."""
        key = sealing_key(read_home_key(application().home))
        return unseal(b64decode(encrypted_text), key=key, place=PLACE)
