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
    Operation("home.overview", _GET, "/overview", "alerts.overview.overview"),
    Operation("connector.list", _GET, "/connectors", "orgs.connecting.connectors"),
    Operation("org.list", _GET, "/orgs", "orgs.orgs.list_all"),
    Operation("org.add", _POST, "/orgs", "orgs.orgs.add_org"),
    Operation("org.show", _GET, _ORG, "orgs.org_page.org_page"),
    Operation("org.settings", _GET, f"{_ORG}/settings", "orgs.org_page.org_settings"),
    Operation("org.follow", _POST, "/orgs/{name}/follow", "orgs.follow.follow"),
    Operation("org.writer", _PUT, "/writer", "orgs.write_access.set_writer"),
    Operation("org.writer-settings", _GET, f"{_ORG}/writer", "orgs.write_access.writer_settings"),
    Operation("org.writer-check", _POST, f"{_ORG}/writer/check", "orgs.write_access.check_writer"),
    Operation("column.list", _GET, f"{_ORG}/hidden-columns", "orgs.hidden_columns.hidden"),
    Operation("column.choices", _GET, f"{_ORG}/hideable-columns", "orgs.hidden_columns.hideable"),
    Operation("column.hide", _PUT, f"{_ORG}/hidden-columns/{{column}}", "orgs.hidden_columns.hide"),
    Operation(
        "column.show", _DELETE, f"{_ORG}/hidden-columns/{{column}}", "orgs.hidden_columns.show"
    ),
    Operation("backup.ask", _POST, f"{_ORG}/backups", "runs.ask_backup.ask_backup"),
    Operation("snapshot.list", _GET, f"{_ORG}/snapshots", "backups.snapshots.snapshots"),
    Operation("certificate.show", _GET, f"{_ORG}/certificate", "backups.snapshots.certificate"),
    Operation("table.list", _GET, f"{_ORG}/tables", "orgs.tables.tables"),
    Operation("record.find", _GET, "/find", "records.find.find"),
    Operation("record.lost", _GET, f"{_ORG}/lost", "records.lost.lost"),
    Operation("record.history", _GET, f"{_RECORD}/history", "records.history.history"),
    Operation("record.show", _GET, _RECORD, "records.show.show"),
    Operation("record.compare", _GET, f"{_ORG}/compare", "records.compare.compare"),
    Operation(
        "file.open", _GET, f"{_ORG}/files/{{record}}", "records.file.open_stored", gives=BYTES
    ),
    Operation("erase.plan", _POST, f"{_ORG}/erasures/plan", "retention.erase.plan"),
    Operation("erase.run", _POST, f"{_ORG}/erasures", "retention.erase.erase"),
    Operation("erase.list", _GET, f"{_ORG}/erasures", "retention.erase.erasures"),
    Operation("rectify.plan", _POST, f"{_ORG}/rectifications/plan", "retention.rectify.plan"),
    Operation("rectify.run", _POST, f"{_ORG}/rectifications", "retention.rectify.rectify"),
    Operation(
        "privacy.download",
        _POST,
        f"{_ORG}/privacy/data",
        "retention.privacy.open_person",
        gives=ZIP,
    ),
    Operation("storage.show", _GET, f"{_ORG}/storage", "storage.storage.storage"),
    Operation("storage.trend", _GET, f"{_ORG}/storage/trend", "storage.storage.trend"),
    Operation("storage.use", _GET, f"{_ORG}/storage/use", "storage.storage.use"),
    Operation("storage.loops", _GET, f"{_ORG}/storage/loops", "storage.storage.storage_loops"),
    Operation("schedule.show", _GET, "/schedules", "backups.schedule.show"),
    Operation("schedule.set", _PUT, f"{_ORG}/schedule", "backups.schedule.change"),
    Operation("keep.show", _GET, "/keeping", "retention.keeping.show"),
    Operation("keep.set", _PUT, f"{_ORG}/keeping", "retention.keeping.change"),
    Operation("forget.plan", _POST, f"{_ORG}/forgetting/plan", "retention.forget.plan"),
    Operation("forget.run", _POST, f"{_ORG}/forgetting", "retention.forget.forget"),
    Operation("hold.list", _GET, f"{_ORG}/holds", "retention.holds.holds"),
    Operation("hold.set", _POST, f"{_ORG}/holds", "retention.holds.hold"),
    Operation("hold.lift", _POST, f"{_ORG}/holds/lift", "retention.holds.lift"),
    Operation("restore.waiting", _GET, "/plans", "restores.kept_plan.waiting"),
    Operation("restore.choose", _POST, f"{_ORG}/plans", "restores.kept_plan.choose"),
    Operation("restore.look", _GET, _PLAN, "restores.kept_plan.kept_plan"),
    Operation("restore.drop", _DELETE, _PLAN, "restores.kept_plan.drop_kept"),
    Operation("restore.make", _POST, f"{_PLAN}/make", "restores.kept_plan.make_kept"),
    Operation("restore.again", _POST, f"{_PLAN}/again", "restores.kept_plan.choose_again"),
    Operation("restore.leave-out", _POST, f"{_PLAN}/leave-out", "restores.kept_plan.leave_out"),
    Operation("restore.start", _POST, f"{_PLAN}/start", "restores.kept_plan.run_kept"),
    Operation("restore.file", _GET, f"{_PLAN}/file", "restores.kept_plan.plan_file", gives=BYTES),
    Operation("restore.people", _GET, f"{_PLAN}/people", "restores.edit_plan.plan_people"),
    Operation("restore.give", _PUT, f"{_PLAN}/people", "restores.edit_plan.give_kept"),
    Operation("restore.records", _GET, _PLANNED, "restores.plan_records.plan_records"),
    Operation(
        "restore.fields", _GET, f"{_PLANNED}/{{record}}", "restores.edit_plan.planned_fields"
    ),
    Operation("restore.edit", _PUT, f"{_PLANNED}/{{record}}", "restores.edit_plan.edit_kept"),
    Operation(
        "restore.show", _POST, "/plan-files/show", "restores.restore_plan.show_plan", takes="file"
    ),
    Operation(
        "restore.hand-over",
        _POST,
        "/plan-files/run",
        "restores.queued_restore.hand_over",
        takes="file",
    ),
    Operation("run.list", _GET, "/runs", "restores.restore_run.runs"),
    Operation("run.page", _GET, "/jobs", "runs.runs.jobs"),
    Operation("run.show", _GET, "/runs/{run}", "restores.restore_run.run_detail"),
    Operation("run.progress", _GET, "/runs/{run}/progress", "runs.run.job"),
    Operation("run.outcome", _GET, "/runs/{run}/outcome", "restores.outcome.outcome"),
    Operation("restore.result", _GET, "/runs/{run}/result", "restores.outcome.restore_result"),
    Operation("run.pause", _POST, "/runs/{run}/pause", "runs.control.pause"),
    Operation("run.cancel", _POST, "/runs/{run}/cancel", "runs.control.cancel"),
    Operation("run.go-on", _POST, "/runs/{run}/go-on", "runs.control.go_on"),
    Operation("alert.list", _GET, "/alerts", "alerts.alerts.show"),
    Operation(
        "alert.acknowledge", _POST, "/alerts/{key}/acknowledge", "alerts.alerts.acknowledged"
    ),
    Operation("channel.list", _GET, "/channels", "alerts.alerts.channels"),
    Operation("channel.add", _POST, "/channels", "alerts.alerts.add_channel"),
    Operation("channel.drop", _DELETE, "/channels/{name}", "alerts.alerts.drop_channel"),
    Operation("channel.test", _POST, "/channels/{name}/test", "alerts.alerts.try_channels"),
    Operation("vault.show", _GET, "/vault", "vault.vault_state.vault_state"),
    Operation("vault.compact", _POST, "/vault/compact", "vault.compact.compact"),
    Operation("vault.verify", _POST, "/vault/verify", "vault.verify.verify"),
    Operation("vault.verify-later", _POST, "/vault/verify-later", "vault.vault_state.verify_later"),
    Operation("mirror.show", _GET, "/vault/mirror", "vault.mirror.mirror_state"),
    Operation("mirror.ask", _POST, "/vault/mirror", "vault.mirror.ask_mirror"),
    Operation("person.list", _GET, "/people", "people.people.people"),
    Operation("person.add", _POST, "/people", "people.people.add"),
    Operation("person.show", _GET, "/people/{name}", "people.people.person"),
    Operation("person.role", _PUT, "/people/{name}/role", "people.people.change_role"),
    Operation("person.remove", _DELETE, "/people/{name}", "people.people.remove"),
    Operation("person.return", _POST, "/people/{name}/return", "people.people.let_back"),
    Operation("person.link", _POST, "/people/{name}/link", "people.people.link"),
    Operation("lockout.list", _GET, "/lockouts", "people.lockouts.lockouts"),
    Operation("lockout.end", _DELETE, "/lockouts/{name}", "people.lockouts.unlock"),
    Operation("sso.list", _GET, "/sso", "people.sso.providers"),
    Operation("sso.remove", _DELETE, "/sso/{name}", "people.sso.remove"),
    Operation("token.list", _GET, "/tokens", "people.tokens.tokens"),
    Operation("token.drop", _DELETE, "/tokens/{token}", "people.tokens.drop"),
    Operation("audit.list", _GET, "/audit", "people.audit.deeds"),
    Operation("audit.verify", _POST, "/audit/verify", "people.audit.verify"),
    Operation("audit.export", _POST, "/audit/export", "people.audit.export", gives=LINES),
)
BY_ACTION = {one.action: one for one in OPERATIONS}
