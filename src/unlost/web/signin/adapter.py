"""Adapters for allauth: no sign-up, single sign-on for known people only, encrypted secrets.

    provider's response ─> ``pre_social_login`` ─┬─ linked before            ─> signed in
                                                 ├─ one active person with a
                                                 │  verified e-mail address ─> linked, signed in
                                                 └─ otherwise               ─> refused and audited

Only e-mail addresses that the provider marks as verified count. Nothing here creates a user.

See docs/adr/0016 for allauth and docs/adr/0018 for SAML.
"""

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
from django.utils.http import url_has_allowed_host_and_scheme

from unlost.app.home.home import read_home_key
from unlost.app.people.sign_ins import SignInAct, SignInAttempt, SignInRefusal, record_sign_in
from unlost.app.people.sso import open_secret
from unlost.catalog.orgs.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.catalog.people.people import people_with_email
from unlost.catalog.people.sso import SsoProtocol, sealed_secret
from unlost.web.served_home import application
from unlost.web.signin.guesses import counted_guess

PLACE = b"web/mfa"
LOGIN = "login"


class ClosedAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    """Disables sign-up: only admins add people."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Return False."""
        return False

    def authenticate(self, request: HttpRequest, **credentials: Any) -> Any:
        """Return the user of a name and a password, or None; one guess at a time is checked.

        Raises LimitReached (``too-many-tries``).
        """
        name = str(credentials.get("username", ""))
        with counted_guess(application(), name, address_of(request)):
            return super().authenticate(request, **credentials)

    def is_safe_url(self, url: str | None) -> bool:
        """Return True for a place on this console alone.

        The other names of the console, such as ``localhost``, lead to another program elsewhere.
        """
        return url_has_allowed_host_and_scheme(url, allowed_hosts=None)


class InvitedAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """Signs in people that an admin has added, by their verified e-mail address."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        """Return False; unknown addresses get a page that explains it."""
        return False

    def get_app(self, request: HttpRequest, provider: str, client_id: str | None = None) -> Any:
        """Return a provider with its secret decrypted."""
        app = super().get_app(request, provider, client_id=client_id)
        if app.provider != SsoProtocol.OIDC.value:
            return app  # SAML has no secret
        app.secret = open_secret(application(), app.provider_id, sealed_secret(app.provider_id))
        return app

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        """Find the only person with a verified address from the provider.

        allauth's own matching by e-mail is not used: it would remove the person's password, which
        they may need while the provider is unavailable.
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
        # Two people with one address cannot be told apart, so neither is signed in.
        if len(candidates) != 1:
            _turn_away(request, sociallogin)
        user = get_user_model().objects.get(pk=candidates[0].user)
        sociallogin.connect(request, user)


def _turn_away(request: HttpRequest, sociallogin: Any) -> None:
    """Audit the refusal and show whom to ask; raises ImmediateHttpResponse."""
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
    record_sign_in(application(), seen)
    context = {"email": addresses[0] if addresses else "", "verified": verified}
    page = render(request, "socialaccount/uninvited.html", context, status=HTTPStatus.FORBIDDEN)
    raise ImmediateHttpResponse(page)


def address_of(request: HttpRequest | None) -> str:
    """Return the address of the client; behind a proxy, the one that the proxy forwards."""
    return str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""


class SealedSecrets(DefaultMFAAdapter):  # type: ignore[misc]
    """Encrypts secrets of second factors with the home's key."""

    def encrypt(self, text: str) -> str:
        """Encrypt a secret."""
        app = application()
        key, nonce = sealing_key(read_home_key(app.home)), app.entropy.bytes(NONCE_BYTES)
        return b64encode(seal(text, key=key, place=PLACE, nonce=nonce)).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Decrypt a secret; raises NotAllowed (``home-key-wrong``)."""
        key = sealing_key(read_home_key(application().home))
        return unseal(b64decode(encrypted_text), key=key, place=PLACE)
