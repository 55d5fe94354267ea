"""The Salesforce connector: opens sources from settings."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from unlost.connectors.salesforce.api import Api
from unlost.connectors.salesforce.config import AuthFlow, SalesforceConfig
from unlost.connectors.salesforce.identity import NAME
from unlost.connectors.salesforce.signin import session_of, token_client
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.kit.http import Transport
from unlost.model.errors import UsageError
from unlost.model.ports import Context, SecretField

CLIENT_SECRET = SecretField(
    "client_secret", "Consumer secret", "Of the External Client App that was made for Unlost."
)
PRIVATE_KEY = SecretField(
    "private_key",
    "Private key",
    "The PEM file whose certificate was uploaded to the External Client App.",
    lines=True,
)
REFRESH_TOKEN = SecretField("refresh_token", "Refresh token", "From a sign-in in the browser.")
SECRETS = {
    AuthFlow.CLIENT_CREDENTIALS: (CLIENT_SECRET,),
    AuthFlow.JWT_BEARER: (PRIVATE_KEY,),
    AuthFlow.REFRESH_TOKEN: (REFRESH_TOKEN, replace(CLIENT_SECRET, required=False)),
}


class SalesforceConnector:
    """Speaks Salesforce. ``transport`` replaces the network in tests."""

    name = NAME
    config: type = SalesforceConfig

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport

    def secrets(self, config: object | None) -> Sequence[SecretField]:
        """What the chosen sign-in needs; all of them without a config."""
        if isinstance(config, SalesforceConfig):
            return SECRETS[config.auth]
        return tuple({field.name: field for flow in SECRETS.values() for field in flow}.values())

    @contextmanager
    def open_source(self, config: object, context: Context) -> Iterator[SalesforceSource]:
        """A source; signs in at the first call. Jobs that were read are deleted on a good end."""
        if not isinstance(config, SalesforceConfig):
            raise UsageError("salesforce-settings", "These are no settings of a Salesforce org.")
        tokens = token_client(context, self._transport)
        api = Api(
            session_of(config, context, tokens),
            context,
            version=config.version,
            transport=self._transport,
            compress=config.compress,
        )
        try:
            source = SalesforceSource(api, config)
            yield source
            source.finish()
        finally:
            api.client.close()
            tokens.close()


CONNECTOR = SalesforceConnector()
