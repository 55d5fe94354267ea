"""Find connectors: folders of ``unlost.connectors``, and entry points of that name.

Listing names imports nothing; a connector is imported when it is loaded.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from unlost.model.errors import NotFound, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.metadata import EntryPoint

    from unlost.model.ports.source import Connector

GROUP = "unlost.connectors"
ATTRIBUTE = "CONNECTOR"


def connector_names() -> Sequence[str]:
    """Return the names of all installed connectors, sorted, spelled with hyphens."""
    return sorted({*_folders(), *_entry_points()})


def load_connector(name: str) -> Connector:
    """Load a connector; raises NotFound, or UsageError if its package is broken."""
    if name in _folders():
        module = import_module(f"{GROUP}.{name.replace('-', '_')}")
        return cast("Connector", getattr(module, ATTRIBUTE))
    point = _entry_points().get(name)
    if point is None:
        raise NotFound(
            "connector-unknown",
            "There is no connector named {name!r}.",
            next_step="Use one of: {connector_names}.",
            name=name,
            connector_names=", ".join(connector_names()),
        )
    try:
        return cast("Connector", point.load())
    except Exception as error:
        raise UsageError(
            "connector-broken",
            "The connector {name!r} cannot be loaded: {error}.",
            next_step="Update or remove the package that provides it.",
            name=name,
            error=error,
        ) from error


def connector_label(name: str) -> str:
    """Return the name of a connector's SaaS for people; ``name`` if it cannot be loaded."""
    try:
        return load_connector(name).label
    except (NotFound, UsageError):
        return name


def _folders() -> set[str]:
    spec = find_spec(GROUP)
    places = spec.submodule_search_locations if spec else None
    return {
        module.name.replace("_", "-")
        for module in pkgutil.iter_modules(places or [])
        if module.ispkg
    }


def _entry_points() -> dict[str, EntryPoint]:
    # Connectors of other packages are few, and reading what is installed takes long to import.
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}
