"""Opening an instance for reading, planning or writing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.sign_in import session_of, token_client
from unlost.connectors.servicenow.http.api import ServiceNowApi
from unlost.kit.http import Transport
from unlost.model.errors import UsageError
from unlost.model.ports.source import Context


@contextmanager
def open_api(
    config: object, context: Context, *, transport: Transport | None = None
) -> Iterator[tuple[ServiceNowApi, ServiceNowConfig]]:
    """Signed calls while the context is open; ``transport`` replaces the network in tests."""
    if not isinstance(config, ServiceNowConfig):
        raise UsageError(
            "servicenow-settings", "These are not the settings of a ServiceNow instance."
        )
    tokens = token_client(config, context, transport)
    api = ServiceNowApi(
        config.host,
        session_of(config, context, tokens),
        context,
        page_rows=config.page_rows,
        transport=transport,
    )
    try:
        yield api, config
    finally:
        api.client.close()
        tokens.close()


@contextmanager
def open_instance[T](
    build: Callable[[ServiceNowApi, ServiceNowConfig], T],
    config: object,
    context: Context,
    *,
    transport: Transport | None,
) -> Iterator[T]:
    """A source, planning access or writer over signed calls, as ``build`` makes it."""
    with open_api(config, context, transport=transport) as (api, settings):
        yield build(api, settings)
