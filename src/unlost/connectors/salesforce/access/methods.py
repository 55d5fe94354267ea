"""The methods of the sign-in, as forms show them."""

from unlost.connectors.salesforce.access.config import AuthFlow
from unlost.model.source.sign_in import SignInMethod, SignInMethods, Suggestion

# Of the session and of ``kit.oauth``, then those of ``access.signin``.
GENERAL_ERRORS = (
    "secret-missing", "private-key-unreadable", "sign-in-refused", "sign-in-not-understood",
)  # fmt: skip
OWN_ERRORS = (
    "salesforce-my-domain", "salesforce-no-run-as", "salesforce-not-approved",
    "salesforce-audience", "salesforce-clock", "salesforce-token-revoked",
    "salesforce-user-inactive", "salesforce-client-id", "salesforce-client-secret",
    "salesforce-sign-in", "salesforce-session",
)  # fmt: skip

# Apart from the method: its own texts are not gathered for translation around other calls.
ADDRESSES = (
    Suggestion("https://login.salesforce.com", "Production"),
    Suggestion("https://test.salesforce.com", "Sandbox"),
    Suggestion("", "My Domain, as below"),
)
BROWSER = SignInMethod(
    AuthFlow.REFRESH_TOKEN.value,
    "Sign in with Salesforce",
    "You sign in at Salesforce. Unlost stores only a token that you can revoke, no password.",
    secrets=("client_secret",),
    browser=True,
    suggested="login_url",
    suggestions=ADDRESSES,
)
CREDENTIALS = SignInMethod(
    AuthFlow.CLIENT_CREDENTIALS.value,
    "Client credentials",
    "The app signs in with its key and secret, as the user that its policies name.",
    secrets=("client_secret",),
)
JWT = SignInMethod(
    AuthFlow.JWT_BEARER.value,
    "JWT bearer",
    "Unlost signs in with a private key. The org knows its certificate.",
    settings=("username", "audience"),
    secrets=("private_key",),
)
RULES = SignInMethods(
    "auth",
    (BROWSER, CREDENTIALS, JWT),
    special=frozenset({"username", "audience"}),
    errors=frozenset({*GENERAL_ERRORS, *OWN_ERRORS}),
)
