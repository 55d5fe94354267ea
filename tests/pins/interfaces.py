"""Requests and results of the API and of ``--json``, by the names of actions, and the details in the audit."""

import inspect
import pkgutil
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import SimpleNamespace
from typing import Any

import unlost.app.actions as room
from pins.examples import Examples
from pins.shapes import default_text, shape, value_shape
from unlost.app.access import ACTIONS
from unlost.app.actions.vault.init import InitResult
from unlost.app.actions.vault.rebuild import RebuildResult
from unlost.app.operations import OPERATIONS, ApiOperation, hints
from unlost.web.api.problem import Problem

for module in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
    import_module(module.name)  # registers its actions

# Results that only pages of the console use, and results that are bytes.
NOT_WRITTEN = frozenset({
    "connector.asks", "connector.missing", "data.sql", "file.open", "home.first-admin",
    "home.first-link", "org.ask-look", "org.do-look", "org.drop-look", "org.keep", "org.look",
    "org.look-state", "privacy.download", "profile.set", "record.clear-ticks", "record.tick",
    "record.ticks", "record.untick", "restore.file",
})  # fmt: skip
# Results of commands that are no actions, and the answer to a request that fails.
OTHER_RESULTS: Mapping[str, Any] = {
    "init": InitResult,
    "vault rebuild": RebuildResult,
    "error": Problem,
}
READ = SimpleNamespace(
    org="acme",
    source=SimpleNamespace(
        table="Account", snapshot=SimpleNamespace(info=SimpleNamespace(number=7))
    ),
)
# Results for which no example can be made: they hold objects of the vault.
STAND_INS = {"data.sql": SimpleNamespace(reads=[READ])}


def results() -> Iterator[str]:
    """List the shapes of all results."""
    for name, action in sorted(ACTIONS.items()):
        if name not in NOT_WRITTEN:
            yield from _shape(name, hints(action.call)["return"])
    for name, kind in OTHER_RESULTS.items():
        yield from _shape(name, kind)


def requests() -> Iterator[str]:
    """List the address of each operation, and the shapes of its parameters."""
    for operation in sorted(OPERATIONS, key=lambda operation: operation.action):
        yield f"{operation.action}: {operation.method} {operation.path}{_bytes(operation)}"
        for name, parameter in operation.parameters.items():
            required = parameter.default is inspect.Parameter.empty
            yield from _shape(
                operation.action,
                hints(operation.call)[name],
                _place(operation, name),
                "" if required else default_text(parameter.default),
            )


def actions() -> Iterator[str]:
    """List the names of actions in the audit."""
    return (f"{name}: {action.trace}" for name, action in sorted(ACTIONS.items()))


def details() -> Iterator[str]:
    """List the shapes of the details that actions leave in the audit."""
    for name, action in sorted(ACTIONS.items()):
        if action.audit_detail is not None:
            result = STAND_INS.get(name) or Examples().whole(hints(action.call)["return"])
            yield from (
                f"{name}: {line}" for line in value_shape(dict(action.audit_detail(result)))
            )


def _shape(name: str, kind: Any, place: str = "", default: str = "") -> Iterator[str]:
    return (f"{name}: {line}" for line in shape(kind, place, default))


def _place(operation: ApiOperation, name: str) -> str:
    if operation.in_path(name):
        return f"/{name}"
    if operation.has_query:
        return f"?{name}"
    return "body" if operation.alone else f"body.{name}"


def _bytes(operation: ApiOperation) -> str:
    taken = f" takes {operation.takes}" if operation.takes else ""
    return taken + (f" gives {operation.gives}" if operation.gives else "")
