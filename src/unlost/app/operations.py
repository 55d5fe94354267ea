"""What the REST API offers: each action with its method and path. The command line uses it remotely.

Parameters that the path names come from there; those that are left come from the query of a GET, and
from the JSON body of all others. What cannot travel (an observer, a question) is left out.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, get_type_hints

STAY = frozenset({"app", "observer", "ask", "senders"})
ROOM = "unlost.app.actions"


class Method(StrEnum):
    """How an operation is asked for."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Operation:
    """An action as it is reached over HTTP; ``function`` is MODULE.NAME below the actions."""

    action: str
    method: Method
    path: str
    function: str

    @property
    def call(self) -> Callable[..., Any]:
        """The action itself; its module is imported now."""
        module, _, name = self.function.rpartition(".")
        found: Callable[..., Any] = getattr(import_module(f"{ROOM}.{module}"), name)
        return found

    @property
    def returns(self) -> Any:
        """The type of its result."""
        return hints(self.call)["return"]

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The parameters that travel."""
        return {
            name: one
            for name, one in inspect.signature(self.call).parameters.items()
            if name not in STAY
        }

    def in_path(self, name: str) -> bool:
        """True for a parameter that the path names."""
        return f"{{{name}}}" in self.path


@cache
def hints(call: Callable[..., Any]) -> Mapping[str, Any]:
    """The types of a function's parameters and of its result."""
    return get_type_hints(inspect.unwrap(call))


def as_path(value: object) -> str:
    """A value as a part of a path; to be percent-encoded still."""
    return str(value).replace("~", "~7E").replace("/", "~2F")


_GET, _POST, _PUT, _DELETE = Method.GET, Method.POST, Method.PUT, Method.DELETE
_RECORD = "/orgs/{org}/records/{table}/{record}"

OPERATIONS = (
    Operation("home.overview", _GET, "/overview", "overview.overview"),
    Operation("org.list", _GET, "/orgs", "orgs.list_all"),
    Operation("org.add", _POST, "/orgs", "orgs.add_org"),
    Operation("org.follow", _POST, "/orgs/{name}/follow", "follow.follow"),
    Operation("org.writer", _PUT, "/writer", "writer.set_writer"),
    Operation("column.list", _GET, "/orgs/{org}/hidden-columns", "columns.hidden"),
    Operation("column.hide", _PUT, "/orgs/{org}/hidden-columns/{column}", "columns.hide"),
    Operation("column.show", _DELETE, "/orgs/{org}/hidden-columns/{column}", "columns.show"),
    Operation("snapshot.list", _GET, "/orgs/{org}/snapshots", "snapshots.snapshots"),
    Operation("certificate.show", _GET, "/orgs/{org}/certificate", "snapshots.certificate"),
    Operation("record.find", _GET, "/find", "find.find"),
    Operation("record.history", _GET, f"{_RECORD}/history", "history.history"),
    Operation("record.show", _GET, _RECORD, "show.show"),
    Operation("record.compare", _GET, "/orgs/{org}/compare", "compare.compare"),
    Operation("storage.show", _GET, "/orgs/{org}/storage", "storage.storage"),
    Operation("schedule.show", _GET, "/schedules", "schedule.show"),
    Operation("schedule.set", _PUT, "/orgs/{org}/schedule", "schedule.change"),
    Operation("run.list", _GET, "/runs", "restore_run.runs"),
    Operation("run.show", _GET, "/runs/{run}", "restore_run.run_detail"),
    Operation("run.pause", _POST, "/runs/{run}/pause", "control.pause"),
    Operation("run.cancel", _POST, "/runs/{run}/cancel", "control.cancel"),
    Operation("run.go-on", _POST, "/runs/{run}/go-on", "control.go_on"),
    Operation("alert.list", _GET, "/alerts", "alerts.show"),
    Operation("alert.acknowledge", _POST, "/alerts/{key}/acknowledge", "alerts.acknowledged"),
    Operation("channel.drop", _DELETE, "/channels/{name}", "alerts.drop_channel"),
    Operation("channel.test", _POST, "/channels/{name}/test", "alerts.try_channels"),
    Operation("vault.verify", _POST, "/vault/verify", "verify.verify"),
    Operation("person.list", _GET, "/people", "people.people"),
    Operation("person.add", _POST, "/people", "people.add"),
    Operation("person.role", _PUT, "/people/{name}/role", "people.change_role"),
    Operation("person.remove", _DELETE, "/people/{name}", "people.remove"),
    Operation("person.return", _POST, "/people/{name}/return", "people.let_back"),
    Operation("person.link", _POST, "/people/{name}/link", "people.link"),
    Operation("token.list", _GET, "/tokens", "tokens.tokens"),
    Operation("token.drop", _DELETE, "/tokens/{token}", "tokens.drop"),
    Operation("audit.list", _GET, "/audit", "audit.deeds"),
    Operation("audit.verify", _POST, "/audit/verify", "audit.verify"),
)
BY_ACTION = {one.action: one for one in OPERATIONS}
