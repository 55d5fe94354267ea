"""The sign-in by browser: Salesforce's web server flow with PKCE.

Salesforce help, "OAuth 2.0 Web Server Flow" and "OAuth 2.0 errors".
"""

from urllib.parse import urlsplit

from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.access.signin import CODE_HINTS, HINTS, open_session
from unlost.connectors.salesforce.http.errors import WORDS
from unlost.connectors.salesforce.http.hosts import instance_of
from unlost.kit.authorization_code import AuthorizationCode, authorization_address
from unlost.kit.http import Transport
from unlost.kit.http.messages import CallFailure
from unlost.kit.http.table import AnswerHandling
from unlost.kit.oauth import oauth_error_factory
from unlost.model.errors import UnlostError
from unlost.model.ports.source import Context
from unlost.model.source.sign_in import SignInCode, SignInRequest

SCOPES = ("api", "refresh_token")
# The browser may be signed in as another user, such as the administrator who connects the org.
PROMPT = "login consent"
REFUSED = 400  # the status of refusals of the token endpoint


class SalesforceBrowserSignIn:
    """Leads a person through Salesforce's sign-in page. ``transport`` replaces the network."""

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport

    def address(self, config: object, request: SignInRequest) -> str:
        """The authorization page of the login host."""
        assert isinstance(config, SalesforceConfig)
        return authorization_address(
            config.authorize_url,
            client_id=config.client_id,
            request=request,
            scopes=SCOPES,
            prompt=PROMPT,
        )

    def redeem(self, config: object, context: Context, answer: SignInCode) -> None:
        """Exchange the code at the login host; the tokens stay with it and Salesforce's domains."""
        assert isinstance(config, SalesforceConfig)
        flow = AuthorizationCode(config.client_id, answer, words=WORDS)
        hints = (*CODE_HINTS, *HINTS)
        with open_session(config, context, self._transport, flow=flow, hints=hints) as session:
            token = session.current()
        instance_of(token.fields.get("instance_url", ""), login=config.login_url)

    def refusal(self, config: object, *, error: str, description: str) -> UnlostError:
        """The error for a browser that Salesforce sent back without a code."""
        assert isinstance(config, SalesforceConfig)
        failure = CallFailure(
            REFUSED,
            error,
            description,
            host=urlsplit(config.login_url).hostname or "",
            call="GET /services/oauth2/authorize",
        )
        return oauth_error_factory((*CODE_HINTS, *HINTS), WORDS)(failure, AnswerHandling.FAIL)
