"""Opens the read side of an org."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.connectors.salesforce.api import Api
from unlost.connectors.salesforce.config import SalesforceConfig
from unlost.connectors.salesforce.signin import session_of, token_client
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.kit.http import Transport
from unlost.model.errors import UsageError
from unlost.model.ports import Context


@contextmanager
def open_source(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforceSource]:
    """A source while the context is open; ``transport`` replaces the network in tests."""
    if not isinstance(config, SalesforceConfig):
        raise UsageError("salesforce-settings", "These are no settings of a Salesforce org.")
    tokens = token_client(context, transport)
    api = Api(
        session_of(config, context, tokens),
        context,
        version=config.version,
        transport=transport,
        compress=config.compress,
    )
    try:
        source = SalesforceSource(api, config, cache=context.cache)
        yield source
        source.finish()
    finally:
        api.client.close()
        tokens.close()
