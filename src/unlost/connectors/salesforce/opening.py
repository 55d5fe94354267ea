"""Opening an org for reading, planning or writing."""

from collections.abc import Iterator
from contextlib import contextmanager

from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.access.signin import session_of, token_client
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.planning import SalesforcePlanning
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.kit.http import Transport
from unlost.model.errors import UsageError
from unlost.model.ports.source import Context


@contextmanager
def open_source(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforceSource]:
    """A source while the context is open; ``transport`` replaces the network in tests."""
    if not isinstance(config, SalesforceConfig):
        raise UsageError("salesforce-settings", "These are not the settings of a Salesforce org.")
    tokens = token_client(context, transport)
    api = SalesforceApi(
        session_of(config, context, tokens),
        context,
        version=config.version,
        login_url=config.login_url,
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


@contextmanager
def open_writer(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforceWriter]:
    """A writer while the context is open, signed in as the write user."""
    if not isinstance(config, SalesforceConfig):
        raise UsageError("salesforce-settings", "These are not the settings of a Salesforce org.")
    tokens = token_client(context, transport)
    session = session_of(config, context, tokens)
    api = SalesforceApi(
        session,
        context,
        version=config.version,
        login_url=config.login_url,
        transport=transport,
        compress=config.compress,
    )
    client = WriteClient(api, session)
    try:
        yield SalesforceWriter(client, clock=context.clock, entropy=context.entropy)
    finally:
        api.client.close()
        tokens.close()


@contextmanager
def open_planning(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforcePlanning]:
    """Rules and lookups for plans while the context is open, signed in as the backup user."""
    if not isinstance(config, SalesforceConfig):
        raise UsageError("salesforce-settings", "These are not the settings of a Salesforce org.")
    tokens = token_client(context, transport)
    api = SalesforceApi(
        session_of(config, context, tokens),
        context,
        version=config.version,
        login_url=config.login_url,
        transport=transport,
        compress=config.compress,
    )
    try:
        yield SalesforcePlanning(api)
    finally:
        api.client.close()
        tokens.close()
