"""The table of paths, with the refusals of the REST API."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from unlost_simulators.kit.http import routes
from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found

type Handler = Callable[[Context], Answer]
type RouteTable = routes.RouteTable[Handler]


def method_not_allowed(method: str, allowed: Sequence[str]) -> SalesforceError:
    """Give the 405 of the REST API."""
    names = ["HEAD", *allowed] if "GET" in allowed else list(allowed)
    text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(dict.fromkeys(names))}"
    return SalesforceError(405, "METHOD_NOT_ALLOWED", text)


def route_table() -> RouteTable:
    """Give an empty table of the paths below ``/services/data/vNN.0``."""
    return routes.RouteTable(not_found, method_not_allowed)
