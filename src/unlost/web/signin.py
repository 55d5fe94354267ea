"""How people get in: nobody signs up by themselves, and secrets of sign-ins are kept sealed."""

from base64 import b64decode, b64encode
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.http import HttpRequest

from unlost.app.home import read_home_key
from unlost.catalog.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.web.serving import application

PLACE = b"web/mfa"


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
