"""The table of paths: fixed words match in any case, and trailing slashes do not matter."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Route[Handler]:
    """A path pattern (``table/{table}/{id}``) and its handlers by method."""

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
class RouteTable[Handler]:
    """All routes below a root; the first that matches wins.

    ``not_found`` makes the refusal of an unknown path, ``not_allowed`` that of a method, from the
    method and the allowed ones.
    """

    not_found: Callable[[], Exception]
    not_allowed: Callable[[str, Sequence[str]], Exception]
    _routes: list[Route[Handler]] = field(default_factory=list)

    def add(self, pattern: str, **handlers: Handler) -> None:
        """Add a path; ``GET`` answers ``HEAD`` too."""
        parts = tuple(part for part in pattern.split("/") if part)
        self._routes.append(Route(parts, handlers))

    def find(self, method: str, segments: Sequence[str]) -> tuple[Handler, dict[str, str]]:
        """Give the handler of a path and the values of its placeholders, or refuse."""
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
            raise self.not_found()
        raise self.not_allowed(method, allowed)
