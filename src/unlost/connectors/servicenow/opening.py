"""Opening an instance for reading, planning or writing."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from unlost.connectors.servicenow.access.config import ServiceNowConfig
from unlost.connectors.servicenow.access.sign_in import open_session
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
    with open_session(config, context, transport) as session:
        api = ServiceNowApi(
            config.host, session, context, page_rows=config.page_rows, transport=transport
        )
        with closing(api.client):
            yield api, config


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
