"""The table of paths: fixed words match in any case, and trailing slashes do not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from unlost_simulators.kit.http.calls import Answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found

type Handler = Callable[[Context], Answer]


@dataclass(frozen=True, slots=True)
class Route:
    """A path pattern (``sobjects/{object}/describe``) and its handlers by method."""

    pattern: tuple[str, ...]
    handlers: Mapping[str, Handler]

    def match(self, segments: Sequence[str]) -> dict[str, str] | None:
        """Give the values of the placeholders, or ``None`` when the path is another."""
        if len(segments) != len(self.pattern):
            return None
        values: dict[str, str] = {}
        for want, have in zip(self.pattern, segments, strict=True):
            if want.startswith("{"):
                values[want[1:-1]] = have
            elif want != have.lower():
                return None
        return values


@dataclass(slots=True)
class RouteTable:
    """All routes below ``/services/data/vNN.0``; the first that matches wins."""

    _routes: list[Route] = field(default_factory=list)

    def add(self, pattern: str, **handlers: Handler) -> None:
        """Add a path; ``GET`` answers ``HEAD`` too."""
        parts = tuple(part for part in pattern.split("/") if part)
        self._routes.append(Route(parts, handlers))

    def find(self, method: str, segments: Sequence[str]) -> tuple[Handler, dict[str, str]]:
        """Give the handler of a path, or refuse with 404 or 405."""
        wanted = "GET" if method == "HEAD" else method
        allowed: list[str] = []
        for route in self._routes:
            values = route.match(segments)
            if values is None:
                continue
            handler = route.handlers.get(wanted)
            if handler is not None:
                return handler, values
            allowed += route.handlers
        if not allowed:
            raise not_found()
        raise method_not_allowed(method, allowed)


def method_not_allowed(method: str, allowed: Sequence[str]) -> SalesforceError:
    """Give the 405 of the REST API."""
    names = ["HEAD", *allowed] if "GET" in allowed else list(allowed)
    text = f"HTTP Method '{method}' not allowed. Allowed are {','.join(dict.fromkeys(names))}"
    return SalesforceError(405, "METHOD_NOT_ALLOWED", text)
