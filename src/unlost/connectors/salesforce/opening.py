"""Opening an org for reading, planning or writing."""

from collections.abc import Iterator
from contextlib import closing, contextmanager

from unlost.connectors.salesforce.access.config import SalesforceConfig
from unlost.connectors.salesforce.access.signin import open_session
from unlost.connectors.salesforce.http.api import SalesforceApi
from unlost.connectors.salesforce.source import SalesforceSource
from unlost.connectors.salesforce.writing.calls import WriteClient
from unlost.connectors.salesforce.writing.planning import SalesforcePlanning
from unlost.connectors.salesforce.writing.writer import SalesforceWriter
from unlost.kit.http import Transport
from unlost.kit.oauth import OAuthSession
from unlost.model.errors import UsageError
from unlost.model.ports.source import Context


@contextmanager
def _open_api(
    config: object, context: Context, transport: Transport | None
) -> Iterator[tuple[SalesforceApi, OAuthSession, SalesforceConfig]]:
    """Calls that the session signs; ``transport`` replaces the network in tests."""
    if not isinstance(config, SalesforceConfig):
        raise UsageError("salesforce-settings", "These are not the settings of a Salesforce org.")
    with open_session(config, context, transport) as session:
        api = SalesforceApi(
            session,
            context,
            version=config.version,
            login_url=config.login_url,
            transport=transport,
            compress=config.compress,
        )
        with closing(api.client):
            yield api, session, config


@contextmanager
def open_source(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforceSource]:
    """A source while the context is open; ``transport`` replaces the network in tests."""
    with _open_api(config, context, transport) as (api, _, settings):
        source = SalesforceSource(api, settings, cache=context.cache)
        yield source
        source.finish()


@contextmanager
def open_writer(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforceWriter]:
    """A writer while the context is open, signed in as the write user."""
    with _open_api(config, context, transport) as (api, session, _):
        client = WriteClient(api, session)
        yield SalesforceWriter(client, clock=context.clock, entropy=context.entropy)


@contextmanager
def open_planning(
    config: object, context: Context, *, transport: Transport | None
) -> Iterator[SalesforcePlanning]:
    """Rules and lookups for plans while the context is open, signed in as the backup user."""
    with _open_api(config, context, transport) as (api, _, _):
        yield SalesforcePlanning(api)
