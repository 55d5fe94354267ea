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
        "invalid_grant",
        "not supported on this domain",
        "salesforce-my-domain",
        "This sign-in works only at the org's own address.",
        "Use the org's My Domain (Setup > My Domain), not login.salesforce.com.",
    ),
    SignInHint(
        "invalid_grant",
        "no client credentials user",
        "salesforce-no-run-as",
        "The External Client App has no user to run as.",
        "In the app's policies, enable the client credentials flow and choose the backup user.",
    ),
    SignInHint(
        "invalid_grant",
        "hasn't approved this consumer",
        "salesforce-not-approved",
        "The backup user is not approved for the External Client App, or the user name is "
        "misspelled.",
        "In the app's policies, set 'Admin approved users are pre-authorized' and add the "
        "profile or permission set of the user. Check the user name.",
    ),
    SignInHint(
        "",
        "not admin approved",
        "salesforce-not-approved",
        "The backup user is not approved for the External Client App.",
        "In the app's policies, add the profile or permission set of the user.",
    ),
    SignInHint(
        "invalid_grant",
        "audience",
        "salesforce-audience",
        "Salesforce expects another audience in the signed assertion.",
        "Set the JWT audience to https://login.salesforce.com, or https://test.salesforce.com for "
        "a sandbox.",
    ),
    SignInHint(
        "invalid_grant",
        "expired authorization code",
        "salesforce-clock",
        "Salesforce considers the signed assertion expired.",
        "Correct the clock of this machine (NTP).",
    ),
    SignInHint(
        "invalid_grant",
        "expired access/refresh token",
        "salesforce-token-revoked",
        "The stored sign-in was revoked or has expired.",
        "Sign in to the org again, or use client credentials, which do not expire.",
    ),
    SignInHint(
        "inactive_user",
        "",
        "salesforce-user-inactive",
        "The backup user is inactive.",
        "Activate the user in Setup > Users.",
    ),
    SignInHint(
        "invalid_client_id",
        "",
        "salesforce-client-id",
        "Salesforce does not know this consumer key.",
        "Copy the consumer key of the External Client App. A new app needs a few minutes to work.",
    ),
    SignInHint(
        "invalid_client",
        "",
        "salesforce-client-secret",
        "The consumer key and the consumer secret do not match.",
        "Copy the consumer secret of the External Client App again.",
    ),
    SignInHint(
        "invalid_grant",
        "",
        "salesforce-sign-in",
        "Salesforce refused the sign-in.",
        "Check the consumer key, the secret or private key, and the user. Setup > Login "
        "History shows the reason.",
    ),
)


# Refusals of a sign-in by browser; they come before those of all sign-ins.
CODE_HINTS = (
    SignInHint(
        "access_denied",
        "",
        "salesforce-denied",
        "The access was denied on Salesforce's page.",
        "Sign in again, and choose Allow. Nothing was saved.",
    ),
    SignInHint(
        "invalid_grant",
        "expired authorization code",
        "salesforce-code-expired",
        "The code of this sign-in has expired, or was used before.",
        "Sign in again.",
    ),
    SignInHint(
        "invalid_grant",
        "code verifier",
        "salesforce-code-foreign",
        "The code does not belong to this sign-in.",
        "Sign in again, in one browser window.",
    ),
    SignInHint(
        "invalid_grant",
        "redirect_uri",
        "salesforce-callback",
        "The External Client App has another callback address.",
        "Copy the callback address from the page of the sign-in into the app, exactly.",
    ),
    SignInHint(
        "redirect_uri_mismatch",
        "",
        "salesforce-callback",
        "The External Client App has another callback address.",
        "Copy the callback address from the page of the sign-in into the app, exactly.",
    ),
    SignInHint(
        "OAUTH_APP_BLOCKED",
        "",
        "salesforce-not-approved",
        "An administrator has blocked the External Client App.",
        "Unblock it in Setup > OAuth Usage.",
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
