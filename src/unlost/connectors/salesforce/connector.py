"""The Salesforce connector: opens sources from settings."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.connectors.salesforce.api import Api
from unlost.connectors.salesforce.config import SalesforceConfig
from unlost.connectors.salesforce.identity import NAME
from unlost.connectors.salesforce.signin import session_of, token_client
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.kit.http import Transport
from unlost.model.errors import UsageError
from unlost.model.ports import Context


class SalesforceConnector:
    """Speaks Salesforce. ``transport`` replaces the network in tests."""

    name = NAME
    config: type = SalesforceConfig

    def __init__(self, transport: Transport | None = None) -> None:
        self._transport = transport

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
