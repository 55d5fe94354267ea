"""The sign-in of a person by browser: OAuth 2.0 authorization code with PKCE (RFC 6749, 7636).

address ─▶ the person signs in at the service ─▶ code ─▶ ``AuthorizationCode`` ─▶ refresh token
"""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from unlost.kit.oauth import OAuthToken
from unlost.kit.sign_in_words import NEUTRAL, SignInWords
from unlost.model.errors import NotAllowed
from unlost.model.ports.system import Clock, SecretStore
from unlost.model.source.sign_in import SignInCode, SignInRequest


def authorization_address(
    endpoint: str, *, client_id: str, request: SignInRequest, scopes: Sequence[str], prompt: str
) -> str:
    """The address of the service's sign-in page for a request."""
    query = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": request.redirect,
        "scope": " ".join(scopes),
        "state": request.state,
        "code_challenge": request.challenge,
        "code_challenge_method": "S256",
        "prompt": prompt,
    }
    return f"{endpoint}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """RFC 6749, 4.1.3: exchanges a code, once, and stores the refresh token that comes with it."""

    client_id: str
    answer: SignInCode
    stored_as: str = "client_secret"
    refresh_as: str = "refresh_token"
    words: SignInWords = NEUTRAL

    def form(self, secrets: SecretStore, clock: Clock) -> dict[str, str]:
        """The code with its verifier, and the client secret if there is one."""
        del clock
        form = {
            "grant_type": "authorization_code",
            "code": self.answer.code,
            "redirect_uri": self.answer.redirect,
            "client_id": self.client_id,
            "code_verifier": self.answer.verifier,
        }
        secret = secrets.get(self.stored_as)
        return form | ({"client_secret": secret} if secret else {})

    def keep(self, token: OAuthToken, secrets: SecretStore) -> None:
        """Store the refresh token; raises NotAllowed (``sign-in-not-lasting``) if none came."""
        fresh = token.fields.get("refresh_token")
        if not fresh:
            raise NotAllowed(
                "sign-in-not-lasting",
                "The sign-in succeeded, but the app may not renew it: no refresh token came.",
                next_step=self.words.sign_in_not_lasting,
            )
        secrets.put(self.refresh_as, fresh)
