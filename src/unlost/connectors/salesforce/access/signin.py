"""Signing in to Salesforce: the choice of flow, and the meaning of its refusals.

Texts of refusals: Salesforce help, "OAuth 2.0 errors"; public clients and their issue threads.
"""

from contextlib import AbstractContextManager

from unlost.connectors.salesforce.access.config import AuthFlow, SalesforceConfig
from unlost.connectors.salesforce.http.errors import SALESFORCE, WORDS
from unlost.kit import oauth
from unlost.kit.http import Transport
from unlost.kit.oauth import (
    ClientCredentials,
    JwtBearer,
    OAuthFlow,
    OAuthSession,
    RefreshToken,
    SignInHint,
)
from unlost.model.ports.source import Context

HINTS = (
    SignInHint(
        "salesforce-my-domain",
        "This sign-in works only at the org's own address.",
        "Use the org's My Domain (Setup > My Domain), not login.salesforce.com.",
        error="invalid_grant",
        contains="not supported on this domain",
    ),
    SignInHint(
        "salesforce-no-run-as",
        "The External Client App has no user to run as.",
        "In the app's policies, enable the client credentials flow and choose the backup user.",
        error="invalid_grant",
        contains="no client credentials user",
    ),
    SignInHint(
        "salesforce-not-approved",
        "The backup user is not approved for the External Client App, or the user name is "
        "misspelled.",
        "In the app's policies, set 'Admin approved users are pre-authorized' and add the "
        "profile or permission set of the user. Check the user name.",
        error="invalid_grant",
        contains="hasn't approved this consumer",
    ),
    SignInHint(
        "salesforce-not-approved",
        "The backup user is not approved for the External Client App.",
        "In the app's policies, add the profile or permission set of the user.",
        contains="not admin approved",
    ),
    SignInHint(
        "salesforce-audience",
        "Salesforce expects another audience in the signed assertion.",
        "Set the JWT audience to https://login.salesforce.com, or https://test.salesforce.com for "
        "a sandbox.",
        error="invalid_grant",
        contains="audience",
    ),
    SignInHint(
        "salesforce-clock",
        "Salesforce considers the signed assertion expired.",
        "Correct the clock of this machine (NTP).",
        error="invalid_grant",
        contains="expired authorization code",
    ),
    SignInHint(
        "salesforce-token-revoked",
        "The stored sign-in was revoked or has expired.",
        "Sign in to the org again, or use client credentials, which do not expire.",
        error="invalid_grant",
        contains="expired access/refresh token",
    ),
    SignInHint(
        "salesforce-user-inactive",
        "The backup user is inactive.",
        "Activate the user in Setup > Users.",
        error="inactive_user",
    ),
    SignInHint(
        "salesforce-client-id",
        "Salesforce does not know this consumer key.",
        "Copy the consumer key of the External Client App. A new app needs a few minutes to work.",
        error="invalid_client_id",
    ),
    SignInHint(
        "salesforce-client-secret",
        "The consumer key and the consumer secret do not match.",
        "Copy the consumer secret of the External Client App again.",
        error="invalid_client",
    ),
    SignInHint(
        "salesforce-sign-in",
        "Salesforce refused the sign-in.",
        "Check the consumer key, the secret or private key, and the user. Setup > Login "
        "History shows the reason.",
        error="invalid_grant",
    ),
)


# Refusals of a sign-in by browser; they come before those of all sign-ins.
CODE_HINTS = (
    SignInHint(
        "salesforce-denied",
        "The access was denied on Salesforce's page.",
        "Sign in again, and choose Allow. Nothing was saved.",
        error="access_denied",
    ),
    SignInHint(
        "salesforce-code-expired",
        "The code of this sign-in has expired, or was used before.",
        "Sign in again.",
        error="invalid_grant",
        contains="expired authorization code",
    ),
    SignInHint(
        "salesforce-code-foreign",
        "The code does not belong to this sign-in.",
        "Sign in again, in one browser window.",
        error="invalid_grant",
        contains="code verifier",
    ),
    SignInHint(
        "salesforce-callback",
        "The External Client App has another callback address.",
        "Copy the callback address from the page of the sign-in into the app, exactly.",
        error="invalid_grant",
        contains="redirect_uri",
    ),
    SignInHint(
        "salesforce-callback",
        "The External Client App has another callback address.",
        "Copy the callback address from the page of the sign-in into the app, exactly.",
        error="redirect_uri_mismatch",
    ),
    SignInHint(
        "salesforce-not-approved",
        "An administrator has blocked the External Client App.",
        "Unblock it in Setup > OAuth Usage.",
        error="OAUTH_APP_BLOCKED",
    ),
)


def flow_of(config: SalesforceConfig) -> OAuthFlow:
    """The OAuth flow of the settings."""
    if config.auth is AuthFlow.JWT_BEARER:
        return JwtBearer(config.client_id, config.username, config.jwt_audience, words=WORDS)
    if config.auth is AuthFlow.REFRESH_TOKEN:
        return RefreshToken(config.client_id)
    return ClientCredentials(config.client_id)


def open_session(
    config: SalesforceConfig,
    context: Context,
    transport: Transport | None,
    *,
    flow: OAuthFlow | None = None,
    hints: tuple[SignInHint, ...] = HINTS,
) -> AbstractContextManager[OAuthSession]:
    """The session that signs all data calls; ``flow`` replaces that of the settings."""
    return oauth.open_session(
        flow or flow_of(config),
        config.token_url,
        context,
        transport,
        hints=hints,
        source=SALESFORCE,
        words=WORDS,
    )
