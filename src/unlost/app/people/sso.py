"""OpenID Connect providers: their discovery document, and their encrypted client secret."""

from base64 import b64decode, b64encode
from urllib.parse import urlsplit

from unlost.app.compose import Application
from unlost.app.home.home import read_home_key
from unlost.catalog.orgs.secrets import NONCE_BYTES, seal, sealing_key, unseal
from unlost.kit.http.get import get_document
from unlost.model.errors import UsageError

DESCRIPTION = "/.well-known/openid-configuration"  # OpenID Connect Discovery 1.0, section 4


def sign_in_origin(issuer: str) -> str:
    """Return the origin of a provider's sign-in page, from its own discovery document.

    Raises UsageError (``sso-issuer`` and those of ``get_document``), TransientError.
    """
    described = get_document(issuer.rstrip("/") + DESCRIPTION).fields
    place = urlsplit(described.get("authorization_endpoint", ""))
    if described.get("issuer", "").rstrip("/") != issuer.rstrip("/") or not place.hostname:
        raise UsageError(
            "sso-issuer",
            "{issuer} gives its issuer as {actual!r}.",
            next_step="Enter the issuer exactly as the provider shows it. For Microsoft Entra "
            "ID, it is https://login.microsoftonline.com/TENANT/v2.0 with the id of your tenant.",
            issuer=issuer,
            actual=described.get("issuer", ""),
        )
    return f"{place.scheme}://{place.netloc}"


def seal_secret(app: Application, name: str, secret: str) -> str:
    """Encrypt the secret of a provider with the home's key."""
    key, nonce = sealing_key(read_home_key(app.home)), app.entropy.bytes(NONCE_BYTES)
    return b64encode(seal(secret, key=key, place=_place(name), nonce=nonce)).decode()


def open_secret(app: Application, name: str, sealed: str) -> str:
    """Decrypt the secret of a provider; raises NotAllowed (``home-key-wrong``)."""
    key = sealing_key(read_home_key(app.home))
    return unseal(b64decode(sealed), key=key, place=_place(name))


def _place(name: str) -> bytes:
    return f"web/sso/{name}".encode()
