"""What the REST API offers: each action with its method and path. The command line uses it remotely.

Parameters that the path names come from there; those that are left come from the query of a GET, and
from the JSON body of all others: the body is the parameter itself where there is one, and it is a record
or a mapping. A file travels as bytes. What cannot travel (an observer, a question) is left out.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, get_origin, get_type_hints

STAY = frozenset({"app", "observer", "ask", "senders", "stack"})
ROOM = "unlost.app.actions"
BYTES, LINES, ZIP = "application/octet-stream", "application/jsonl", "application/zip"
RESULT = "Unlost-Result"  # a header: what is told of bytes, as JSON that is percent-encoded


class Method(StrEnum):
    """How an operation is asked for."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class Operation:
    """An action as it is reached over HTTP; ``function`` is MODULE.NAME below the actions.

    ``takes`` names the parameter that is a file: its bytes are the body. ``gives`` is the media type of
    an answer of bytes; all others are JSON.
    """

    action: str
    method: Method
    path: str
    function: str
    takes: str = ""
    gives: str = ""

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
            if name not in STAY and name != self.takes
        }

    def in_path(self, name: str) -> bool:
        """True for a parameter that the path names."""
        return f"{{{name}}}" in self.path

    @property
    def left(self) -> tuple[str, ...]:
        """The parameters that the path does not name."""
        return tuple(name for name in self.parameters if not self.in_path(name))

    @property
    def alone(self) -> bool:
        """True if the body is the value of its one parameter, and not an object of several."""
        if self.method is Method.GET or len(self.left) != 1:
            return False
        return is_dataclass(self.kind) or self.mapping

    @property
    def mapping(self) -> bool:
        """True if that one parameter has whatever names its sender gives."""
        return (
            self.method is not Method.GET
            and len(self.left) == 1
            and get_origin(self.kind) is Mapping
        )

    @property
    def kind(self) -> Any:
        """The type of the first parameter that the path does not name."""
        return hints(self.call)[self.left[0]]


@cache
def hints(call: Callable[..., Any]) -> Mapping[str, Any]:
    """The types of a function's parameters and of its result."""
    return get_type_hints(inspect.unwrap(call))


def as_path(value: object) -> str:
    """A value as a part of a path; to be percent-encoded still."""
    return str(value).replace("~", "~7E").replace("/", "~2F")


_GET, _POST, _PUT, _DELETE = Method.GET, Method.POST, Method.PUT, Method.DELETE
_ORG = "/orgs/{org}"
_RECORD = f"{_ORG}/records/{{table}}/{{record}}"
_PLAN = f"{_ORG}/plans/{{plan}}"
_PLANNED = f"{_PLAN}/records/{{table}}"

OPERATIONS = (
    Operation("home.overview", _GET, "/overview", "overview.overview"),
    Operation("connector.list", _GET, "/connectors", "connecting.connectors"),
    Operation("org.list", _GET, "/orgs", "orgs.list_all"),
    Operation("org.add", _POST, "/orgs", "orgs.add_org"),
    Operation("org.show", _GET, _ORG, "org_page.org_page"),
    Operation("org.settings", _GET, f"{_ORG}/settings", "org_page.org_settings"),
    Operation("org.follow", _POST, "/orgs/{name}/follow", "follow.follow"),
    Operation("org.writer", _PUT, "/writer", "writer.set_writer"),
    Operation("org.writer-settings", _GET, f"{_ORG}/writer", "writer.writer_settings"),
    Operation("org.writer-check", _POST, f"{_ORG}/writer/check", "writer.check_writer"),
    Operation("column.list", _GET, f"{_ORG}/hidden-columns", "columns.hidden"),
    Operation("column.choices", _GET, f"{_ORG}/hideable-columns", "columns.hideable"),
    Operation("column.hide", _PUT, f"{_ORG}/hidden-columns/{{column}}", "columns.hide"),
    Operation("column.show", _DELETE, f"{_ORG}/hidden-columns/{{column}}", "columns.show"),
    Operation("backup.ask", _POST, f"{_ORG}/backups", "ask_backup.ask_backup"),
    Operation("snapshot.list", _GET, f"{_ORG}/snapshots", "snapshots.snapshots"),
    Operation("certificate.show", _GET, f"{_ORG}/certificate", "snapshots.certificate"),
    Operation("table.list", _GET, f"{_ORG}/tables", "tables.tables"),
    Operation("record.find", _GET, "/find", "find.find"),
    Operation("record.lost", _GET, f"{_ORG}/lost", "lost.lost"),
    Operation("record.history", _GET, f"{_RECORD}/history", "history.history"),
    Operation("record.show", _GET, _RECORD, "show.show"),
    Operation("record.compare", _GET, f"{_ORG}/compare", "compare.compare"),
    Operation("file.open", _GET, f"{_ORG}/files/{{record}}", "file.open_stored", gives=BYTES),
    Operation("erase.plan", _POST, f"{_ORG}/erasures/plan", "erase.plan"),
    Operation("erase.run", _POST, f"{_ORG}/erasures", "erase.erase"),
    Operation("erase.list", _GET, f"{_ORG}/erasures", "erase.erasures"),
    Operation("rectify.plan", _POST, f"{_ORG}/rectifications/plan", "rectify.plan"),
    Operation("rectify.run", _POST, f"{_ORG}/rectifications", "rectify.rectify"),
    Operation("privacy.download", _POST, f"{_ORG}/privacy/data", "privacy.open_person", gives=ZIP),
    Operation("storage.show", _GET, f"{_ORG}/storage", "storage.storage"),
    Operation("storage.trend", _GET, f"{_ORG}/storage/trend", "storage.trend"),
    Operation("storage.use", _GET, f"{_ORG}/storage/use", "storage.use"),
    Operation("storage.loops", _GET, f"{_ORG}/storage/loops", "storage.storage_loops"),
    Operation("schedule.show", _GET, "/schedules", "schedule.show"),
    Operation("schedule.set", _PUT, f"{_ORG}/schedule", "schedule.change"),
    Operation("keep.show", _GET, "/keeping", "keeping.show"),
    Operation("keep.set", _PUT, f"{_ORG}/keeping", "keeping.change"),
    Operation("forget.plan", _POST, f"{_ORG}/forgetting/plan", "forget.plan"),
    Operation("forget.run", _POST, f"{_ORG}/forgetting", "forget.forget"),
    Operation("hold.list", _GET, f"{_ORG}/holds", "holds.holds"),
    Operation("hold.set", _POST, f"{_ORG}/holds", "holds.hold"),
    Operation("hold.lift", _POST, f"{_ORG}/holds/lift", "holds.lift"),
    Operation("restore.waiting", _GET, "/plans", "kept_plan.waiting"),
    Operation("restore.choose", _POST, f"{_ORG}/plans", "kept_plan.choose"),
    Operation("restore.look", _GET, _PLAN, "kept_plan.kept_plan"),
    Operation("restore.drop", _DELETE, _PLAN, "kept_plan.drop_kept"),
    Operation("restore.make", _POST, f"{_PLAN}/make", "kept_plan.make_kept"),
    Operation("restore.again", _POST, f"{_PLAN}/again", "kept_plan.choose_again"),
    Operation("restore.leave-out", _POST, f"{_PLAN}/leave-out", "kept_plan.leave_out"),
    Operation("restore.start", _POST, f"{_PLAN}/start", "kept_plan.run_kept"),
    Operation("restore.file", _GET, f"{_PLAN}/file", "kept_plan.plan_file", gives=BYTES),
    Operation("restore.people", _GET, f"{_PLAN}/people", "edit_plan.plan_people"),
    Operation("restore.give", _PUT, f"{_PLAN}/people", "edit_plan.give_kept"),
    Operation("restore.records", _GET, _PLANNED, "plan_records.plan_records"),
    Operation("restore.fields", _GET, f"{_PLANNED}/{{record}}", "edit_plan.planned_fields"),
    Operation("restore.edit", _PUT, f"{_PLANNED}/{{record}}", "edit_plan.edit_kept"),
    Operation("restore.show", _POST, "/plan-files/show", "restore_plan.show_plan", takes="file"),
    Operation(
        "restore.hand-over", _POST, "/plan-files/run", "queued_restore.hand_over", takes="file"
    ),
    Operation("run.list", _GET, "/runs", "restore_run.runs"),
    Operation("run.page", _GET, "/jobs", "jobs.jobs"),
    Operation("run.show", _GET, "/runs/{run}", "restore_run.run_detail"),
    Operation("run.progress", _GET, "/runs/{run}/progress", "job.job"),
    Operation("run.outcome", _GET, "/runs/{run}/outcome", "outcome.outcome"),
    Operation("restore.result", _GET, "/runs/{run}/result", "outcome.restore_result"),
    Operation("run.pause", _POST, "/runs/{run}/pause", "control.pause"),
    Operation("run.cancel", _POST, "/runs/{run}/cancel", "control.cancel"),
    Operation("run.go-on", _POST, "/runs/{run}/go-on", "control.go_on"),
    Operation("alert.list", _GET, "/alerts", "alerts.show"),
    Operation("alert.acknowledge", _POST, "/alerts/{key}/acknowledge", "alerts.acknowledged"),
    Operation("channel.list", _GET, "/channels", "alerts.channels"),
    Operation("channel.add", _POST, "/channels", "alerts.add_channel"),
    Operation("channel.drop", _DELETE, "/channels/{name}", "alerts.drop_channel"),
    Operation("channel.test", _POST, "/channels/{name}/test", "alerts.try_channels"),
    Operation("vault.show", _GET, "/vault", "vault_state.vault_state"),
    Operation("vault.compact", _POST, "/vault/compact", "compact.compact"),
    Operation("vault.verify", _POST, "/vault/verify", "verify.verify"),
    Operation("vault.verify-later", _POST, "/vault/verify-later", "vault_state.verify_later"),
    Operation("mirror.show", _GET, "/vault/mirror", "mirror.mirror_state"),
    Operation("mirror.ask", _POST, "/vault/mirror", "mirror.ask_mirror"),
    Operation("person.list", _GET, "/people", "people.people"),
    Operation("person.add", _POST, "/people", "people.add"),
    Operation("person.show", _GET, "/people/{name}", "people.person"),
    Operation("person.role", _PUT, "/people/{name}/role", "people.change_role"),
    Operation("person.remove", _DELETE, "/people/{name}", "people.remove"),
    Operation("person.return", _POST, "/people/{name}/return", "people.let_back"),
    Operation("person.link", _POST, "/people/{name}/link", "people.link"),
    Operation("lockout.list", _GET, "/lockouts", "lockouts.lockouts"),
    Operation("lockout.end", _DELETE, "/lockouts/{name}", "lockouts.unlock"),
    Operation("sso.list", _GET, "/sso", "sso.providers"),
    Operation("sso.remove", _DELETE, "/sso/{name}", "sso.remove"),
    Operation("token.list", _GET, "/tokens", "tokens.tokens"),
    Operation("token.drop", _DELETE, "/tokens/{token}", "tokens.drop"),
    Operation("audit.list", _GET, "/audit", "audit.deeds"),
    Operation("audit.verify", _POST, "/audit/verify", "audit.verify"),
    Operation("audit.export", _POST, "/audit/export", "audit.export", gives=LINES),
)
BY_ACTION = {one.action: one for one in OPERATIONS}
