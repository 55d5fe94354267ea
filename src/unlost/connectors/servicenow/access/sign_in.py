"""Signing in to ServiceNow: the methods, their sessions, and the meaning of refusals.

Sources: ServiceNow docs, "OAuth Inbound and Outbound authentication" and "Client Credentials grant
for inbound OAuth". The texts of refusals are not documented, so only their codes are used.
"""

from contextlib import AbstractContextManager, nullcontext

from unlost.connectors.servicenow.access.config import ServiceNowAuth, ServiceNowConfig
from unlost.connectors.servicenow.http.errors import SERVICENOW
from unlost.kit import oauth
from unlost.kit.http import CallSigner, Transport
from unlost.kit.oauth import ClientCredentials, OAuthFlow, PasswordGrant, SignInHint
from unlost.kit.plain import SIGN_IN_ERRORS
from unlost.kit.sessions import BasicSession
from unlost.model.ports.source import Context
from unlost.model.source.sign_in import SignInMethod, SignInMethods

METHODS = (
    SignInMethod(
        ServiceNowAuth.BASIC.value,
        "User name and password",
        "Unlost sends the name and the password of the backup user with each call.",
        settings=("username",),
        secrets=("password",),
    ),
    SignInMethod(
        ServiceNowAuth.CLIENT_CREDENTIALS.value,
        "OAuth client credentials",
        "The application signs in with its ID and secret, as its OAuth Application User. An admin "
        "must enable this grant.",
        settings=("client_id",),
        secrets=("client_secret",),
    ),
    SignInMethod(
        ServiceNowAuth.PASSWORD.value,
        "OAuth with a password",
        "Unlost gets a token with the password of the backup user and the secret of the application.",
        settings=("username", "client_id"),
        secrets=("password", "client_secret"),
    ),
)
RULES = SignInMethods(
    "auth",
    METHODS,
    special=frozenset({"username", "client_id"}),
    errors=SIGN_IN_ERRORS
    | {
        "sign-in-refused", "sign-in-not-understood", "servicenow-session", "servicenow-client",
        "servicenow-client-credentials", "servicenow-user",
    },
)  # fmt: skip

CLIENT = SignInHint(
    "servicenow-client",
    "ServiceNow does not know this client ID and client secret.",
    "Copy both again from System OAuth > Application Registry.",
    error="invalid_client",
)
DENIED = {
    ServiceNowAuth.CLIENT_CREDENTIALS: SignInHint(
        "servicenow-client-credentials",
        "ServiceNow refused the sign-in with client credentials.",
        "Set the property glide.oauth.inbound.client.credential.grant_type.enabled to true, and "
        "choose an active OAuth Application User in the registry of the application.",
    ),
    ServiceNowAuth.PASSWORD: SignInHint(
        "servicenow-user",
        "ServiceNow refused the name or the password of the user.",
        "Check both, and whether the user is active or locked out.",
    ),
}


def flow_of(config: ServiceNowConfig) -> OAuthFlow:
    """The OAuth flow of the settings, which must not be those of Basic authentication."""
    if config.auth is ServiceNowAuth.PASSWORD:
        return PasswordGrant(config.client_id, config.username)
    return ClientCredentials(config.client_id)


def open_session(
    config: ServiceNowConfig, context: Context, transport: Transport | None
) -> AbstractContextManager[CallSigner]:
    """The session that signs all calls."""
    if config.auth is ServiceNowAuth.BASIC:
        secrets = context.secrets
        return nullcontext(BasicSession(config.username, secrets=secrets, source=SERVICENOW))
    hints = (CLIENT, DENIED[config.auth])
    return oauth.open_session(
        flow_of(config), config.token_url, context, transport, hints=hints, source=SERVICENOW
    )
