"""The operations of the REST API: each action with its method and path.

The API serves this table, and the command line uses it to call a server. An action that is not
listed is not in the API.

Where each parameter of an action travels:

    in the path     parameters that are named there: ``/orgs/{org}/schedule``
    in the query    all others of a GET, and of an operation whose body is a file
    in the body     all others, as a JSON object; a single parameter that is a record or mapping
                    is the body itself (``alone``)
    as bytes        the file named by ``takes``
    not at all      ``STAY``: an observer or a callback, for example

Parameters and results have the types of the actions. See docs/adr/0015.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, is_dataclass
from enum import StrEnum
from functools import cache
from importlib import import_module
from typing import Any, get_origin, get_type_hints

STAY = frozenset({"app", "observer", "ask", "senders", "stack"})
ACTIONS_PACKAGE = "unlost.app.actions"
BYTES, LINES, ZIP = "application/octet-stream", "application/jsonl", "application/zip"
CSV = "text/csv"
RESULT = "Unlost-Result"  # a header: the result that describes the bytes, as percent-encoded JSON


class Method(StrEnum):
    """An HTTP method."""

    GET = "GET"
    POST = "POST"
    PUT = "PUT"
    DELETE = "DELETE"


@dataclass(frozen=True, slots=True)
class ApiOperation:
    """An action as an HTTP operation; ``function`` is MODULE.NAME below the actions.

    ``takes`` names the parameter that is a file: its bytes are the body. ``gives`` is the media
    type of a response of bytes; other responses are JSON.
    """

    action: str
    method: Method
    path: str
    function: str
    takes: str = ""
    gives: str = ""

    @property
    def call(self) -> Callable[..., Any]:
        """The action function; accessing it imports its module."""
        module, _, name = self.function.rpartition(".")
        function: Callable[..., Any] = getattr(import_module(f"{ACTIONS_PACKAGE}.{module}"), name)
        return function

    @property
    def returns(self) -> Any:
        """The type of its result."""
        return hints(self.call)["return"]

    @property
    def parameters(self) -> Mapping[str, inspect.Parameter]:
        """The parameters that are sent over HTTP, without a file."""
        return {
            name: parameter
            for name, parameter in inspect.signature(self.call).parameters.items()
            if name not in STAY and name != self.takes
        }

    def in_path(self, name: str) -> bool:
        """Return True if the path contains this parameter."""
        return f"{{{name}}}" in self.path

    @property
    def free_parameters(self) -> tuple[str, ...]:
        """The parameters that are not in the path."""
        return tuple(name for name in self.parameters if not self.in_path(name))

    @property
    def has_query(self) -> bool:
        """True if the free parameters are in the query: there is no body, or it is a file."""
        return self.method is Method.GET or bool(self.takes)

    @property
    def alone(self) -> bool:
        """True if the body is the value of its only parameter, and not an object of several."""
        if self.has_query or len(self.free_parameters) != 1:
            return False
        return is_dataclass(self.kind) or self.mapping

    @property
    def mapping(self) -> bool:
        """True if that only parameter is a mapping with keys chosen by the client."""
        return (
            not self.has_query
            and len(self.free_parameters) == 1
            and get_origin(self.kind) is Mapping
        )

    @property
    def kind(self) -> Any:
        """The type of the first parameter that is not in the path."""
        return hints(self.call)[self.free_parameters[0]]


@cache
def hints(call: Callable[..., Any]) -> Mapping[str, Any]:
    """Return the types of a function's parameters and of its result."""
    return get_type_hints(inspect.unwrap(call))


# Servers decode %2F before routing, so a slash within a name needs an escape that they leave alone.
def as_path(value: object) -> str:
    """Return a value as part of a path; the caller still has to percent-encode it."""
    return str(value).replace("~", "~7E").replace("/", "~2F")


_GET, _POST, _PUT, _DELETE = Method.GET, Method.POST, Method.PUT, Method.DELETE
_ORG = "/orgs/{org}"
_RECORD = f"{_ORG}/records/{{table}}/{{record}}"
_SAVED = f"{_ORG}/archive/saved"
_PLAN = f"{_ORG}/plans/{{plan}}"
_PLANNED = f"{_PLAN}/records/{{table}}"
_EXPIRED = f"{_ORG}/archive/expired"

OPERATIONS = (
    ApiOperation("home.overview", _GET, "/overview", "alerts.overview.overview"),
    ApiOperation("connector.list", _GET, "/connectors", "orgs.connecting.connectors"),
    ApiOperation("org.list", _GET, "/orgs", "orgs.orgs.list_all"),
    ApiOperation("org.add", _POST, "/orgs", "orgs.orgs.add_org"),
    ApiOperation("org.show", _GET, _ORG, "orgs.org_page.org_page"),
    ApiOperation("org.settings", _GET, f"{_ORG}/settings", "orgs.org_page.org_settings"),
    ApiOperation("org.checklist", _POST, f"{_ORG}/checklist", "orgs.checklist.org_checklist"),
    ApiOperation("org.follow", _POST, "/orgs/{name}/follow", "orgs.follow.follow"),
    ApiOperation("org.writer", _PUT, "/writer", "orgs.write_access.set_writer"),
    ApiOperation(
        "org.writer-settings", _GET, f"{_ORG}/writer", "orgs.write_access.writer_settings"
    ),
    ApiOperation(
        "org.writer-check", _POST, f"{_ORG}/writer/check", "orgs.write_access.check_writer"
    ),
    ApiOperation("approval.show", _GET, f"{_ORG}/approval", "orgs.approval_policy.show"),
    ApiOperation("approval.set", _PUT, f"{_ORG}/approval", "orgs.approval_policy.change"),
    ApiOperation("bypass.show", _GET, f"{_ORG}/bypass", "orgs.bypass.show"),
    ApiOperation("bypass.set", _PUT, f"{_ORG}/bypass", "orgs.bypass.change"),
    ApiOperation("column.list", _GET, f"{_ORG}/hidden-columns", "orgs.hidden_columns.hidden"),
    ApiOperation(
        "column.choices", _GET, f"{_ORG}/hideable-columns", "orgs.hidden_columns.hideable"
    ),
    ApiOperation(
        "column.hide", _PUT, f"{_ORG}/hidden-columns/{{column}}", "orgs.hidden_columns.hide"
    ),
    ApiOperation(
        "column.show", _DELETE, f"{_ORG}/hidden-columns/{{column}}", "orgs.hidden_columns.show"
    ),
    ApiOperation(
        "searched-column.list", _GET, f"{_ORG}/searched-columns", "orgs.searched_columns.chosen"
    ),
    ApiOperation(
        "searched-column.choices",
        _GET,
        f"{_ORG}/searchable-columns",
        "orgs.searched_columns.choices",
    ),
    ApiOperation(
        "searched-column.add",
        _PUT,
        f"{_ORG}/searched-columns/{{column}}",
        "orgs.searched_columns.choose",
    ),
    ApiOperation(
        "searched-column.remove",
        _DELETE,
        f"{_ORG}/searched-columns/{{column}}",
        "orgs.searched_columns.drop",
    ),
    ApiOperation("backup.ask", _POST, f"{_ORG}/backups", "runs.ask_backup.ask_backup"),
    ApiOperation("backup.calendar", _GET, f"{_ORG}/calendar", "backups.calendar.calendar"),
    ApiOperation("snapshot.list", _GET, f"{_ORG}/snapshots", "backups.snapshots.snapshots"),
    ApiOperation(
        "certificate.show", _GET, f"{_ORG}/certificate", "backups.certificate.certificate"
    ),
    ApiOperation("table.list", _GET, f"{_ORG}/tables", "orgs.tables.tables"),
    ApiOperation("record.find", _GET, "/find", "records.find.find"),
    ApiOperation("search.list", _GET, "/searches", "records.saved_searches.searches"),
    ApiOperation("search.save", _PUT, "/searches/{name}", "records.saved_searches.save_search"),
    ApiOperation("search.open", _GET, "/searches/{name}", "records.saved_searches.open_search"),
    ApiOperation("search.drop", _DELETE, "/searches/{name}", "records.saved_searches.drop_search"),
    ApiOperation("record.list", _POST, f"{_ORG}/record-lists", "records.record_list.record_list"),
    ApiOperation(
        "record.list-csv",
        _POST,
        f"{_ORG}/record-lists/csv",
        "records.record_list.list_csv",
        gives=CSV,
    ),
    ApiOperation(
        "record.list-json",
        _POST,
        f"{_ORG}/record-lists/json",
        "records.list_download.list_json",
        gives=LINES,
    ),
    ApiOperation(
        "record.list-zip",
        _POST,
        f"{_ORG}/record-lists/zip",
        "records.list_download.open_list_zip",
        gives=ZIP,
    ),
    ApiOperation(
        "record.list-columns",
        _PUT,
        f"{_ORG}/list-columns/{{table}}",
        "records.record_list.choose_columns",
    ),
    ApiOperation("record.lost", _GET, f"{_ORG}/lost", "records.lost.lost"),
    ApiOperation("gap.list", _GET, f"{_ORG}/gaps", "backups.gaps.gaps"),
    ApiOperation("gap.accept", _POST, f"{_ORG}/gaps/{{gap}}/accept", "backups.gaps.accept"),
    ApiOperation("gap.accept-many", _POST, f"{_ORG}/gaps/accept", "backups.gaps.accept_many"),
    ApiOperation(
        "gap.reopen", _POST, f"{_ORG}/accepted-gaps/{{acceptance}}/reopen", "backups.gaps.reopen"
    ),
    ApiOperation("loss.list", _GET, "/losses", "records.losses.losses"),
    ApiOperation("loss.first", _GET, "/losses/first", "records.losses.first_losses"),
    ApiOperation("loss.show", _GET, f"{_ORG}/losses/{{loss}}", "records.losses.loss_detail"),
    ApiOperation(
        "loss.dismiss", _POST, f"{_ORG}/losses/{{loss}}/dismiss", "records.losses.dismiss"
    ),
    ApiOperation("loss.reopen", _POST, f"{_ORG}/losses/{{loss}}/reopen", "records.losses.reopen"),
    ApiOperation("record.history", _GET, f"{_RECORD}/history", "records.history.history"),
    ApiOperation("record.show", _GET, _RECORD, "records.show.show"),
    ApiOperation("record.files", _GET, f"{_RECORD}/files", "records.record_files.record_files"),
    ApiOperation("record.compare", _GET, f"{_ORG}/compare", "records.compare.compare"),
    ApiOperation(
        "file.open", _GET, f"{_ORG}/files/{{record}}", "records.file.open_stored", gives=BYTES
    ),
    ApiOperation("erase.plan", _POST, f"{_ORG}/erasures/plan", "retention.erase.plan"),
    ApiOperation("erase.run", _POST, f"{_ORG}/erasures", "retention.erase.erase"),
    ApiOperation("erase.list", _GET, f"{_ORG}/erasures", "retention.erase.erasures"),
    ApiOperation("rectify.plan", _POST, f"{_ORG}/rectifications/plan", "retention.rectify.plan"),
    ApiOperation("rectify.run", _POST, f"{_ORG}/rectifications", "retention.rectify.rectify"),
    ApiOperation(
        "privacy.download",
        _POST,
        f"{_ORG}/privacy/data",
        "retention.privacy.open_person",
        gives=ZIP,
    ),
    ApiOperation("watch.list", _GET, "/watched", "records.watch.watches"),
    ApiOperation("watch.add", _POST, f"{_ORG}/watched", "records.watch.add_watch"),
    ApiOperation("watch.extend", _PUT, f"{_ORG}/watched", "records.watch.extend_watch"),
    ApiOperation("watch.show", _GET, f"{_ORG}/watched/{{name}}", "records.watch.watched_changes"),
    ApiOperation("watch.drop", _DELETE, f"{_ORG}/watched/{{name}}", "records.watch.remove_watch"),
    ApiOperation("restore.take-back", _POST, f"{_ORG}/take-back", "restores.take_back.take_back"),
    ApiOperation(
        "restore.take-back-user",
        _POST,
        f"{_ORG}/watched/{{name}}/take-back",
        "restores.take_back.take_back_user",
    ),
    ApiOperation("storage.show", _GET, f"{_ORG}/storage", "storage.storage.storage"),
    ApiOperation("storage.trend", _GET, f"{_ORG}/storage/trend", "storage.storage.trend"),
    ApiOperation("storage.use", _GET, f"{_ORG}/storage/use", "storage.storage.use"),
    ApiOperation("storage.loops", _GET, f"{_ORG}/storage/loops", "storage.storage.storage_loops"),
    ApiOperation(
        "archive.policies", _GET, f"{_ORG}/archive/policies", "archive.policies.archive_policies"
    ),
    ApiOperation(
        "archive.preview", _POST, f"{_ORG}/archive/preview", "archive.policies.preview_archive"
    ),
    ApiOperation(
        "archive.choices", _POST, f"{_ORG}/archive/choices", "archive.policy_choices.policy_choices"
    ),
    ApiOperation(
        "archive.values",
        _GET,
        f"{_ORG}/archive/values/{{table}}/{{column}}",
        "archive.policy_choices.policy_values",
    ),
    ApiOperation("archive.space", _GET, f"{_ORG}/archive/space", "archive.free_space.free_space"),
    ApiOperation(
        "archive.estimate", _POST, f"{_ORG}/archive/space", "archive.free_space.estimate_space"
    ),
    ApiOperation("archive.saved", _GET, _SAVED, "archive.saved_policies.list_saved"),
    ApiOperation("archive.save", _PUT, _SAVED, "archive.saved_policies.save_policy"),
    ApiOperation(
        "archive.show-saved", _GET, f"{_SAVED}/{{name}}", "archive.saved_policies.show_saved"
    ),
    ApiOperation(
        "archive.remove", _DELETE, f"{_SAVED}/{{name}}", "archive.saved_policies.remove_policy"
    ),
    ApiOperation(
        "archive.contents", _GET, f"{_ORG}/archive/contents", "archive.contents.archive_contents"
    ),
    ApiOperation("archive.list", _GET, f"{_ORG}/archive/runs", "archive.archives.list_archives"),
    ApiOperation("archive.expired", _GET, _EXPIRED, "archive.expired.list_expired"),
    ApiOperation(
        "archive.request-erasure", _POST, f"{_EXPIRED}/request", "archive.expired.request_removal"
    ),
    ApiOperation(
        "archive.approve-erasure", _POST, f"{_EXPIRED}/approve", "archive.expired.approve_removal"
    ),
    ApiOperation(
        "archive.withdraw-erasure",
        _POST,
        f"{_EXPIRED}/withdraw",
        "archive.expired.withdraw_removal",
    ),
    ApiOperation(
        "archive.erase-expired", _POST, f"{_EXPIRED}/erase", "archive.expired.erase_expired"
    ),
    ApiOperation("schedule.show", _GET, "/schedules", "backups.schedule.show"),
    ApiOperation("schedule.set", _PUT, f"{_ORG}/schedule", "backups.schedule.change"),
    ApiOperation("keep.show", _GET, "/keeping", "retention.keeping.show"),
    ApiOperation("keep.set", _PUT, f"{_ORG}/keeping", "retention.keeping.change"),
    ApiOperation("forget.plan", _POST, f"{_ORG}/forgetting/plan", "retention.forget.plan"),
    ApiOperation("forget.run", _POST, f"{_ORG}/forgetting", "retention.forget.forget"),
    ApiOperation("hold.list", _GET, f"{_ORG}/holds", "retention.holds.holds"),
    ApiOperation("hold.set", _POST, f"{_ORG}/holds", "retention.holds.hold"),
    ApiOperation("hold.lift", _POST, f"{_ORG}/holds/lift", "retention.holds.lift"),
    ApiOperation("restore.waiting", _GET, "/plans", "restores.kept_plan.waiting"),
    ApiOperation("restore.approvals", _GET, "/approvals", "restores.approval.approvals"),
    ApiOperation("restore.choose", _POST, f"{_ORG}/plans", "restores.kept_plan.choose"),
    ApiOperation("purge.read-ids", _POST, f"{_ORG}/purge/ids", "restores.purge_list.read_ids"),
    ApiOperation(
        "restore.columns-back",
        _POST,
        f"{_ORG}/columns-back",
        "restores.columns_back.columns_back",
    ),
    ApiOperation("restore.put-back", _POST, f"{_RECORD}/put-back", "restores.put_back.put_back"),
    ApiOperation(
        "restore.correctable", _GET, f"{_RECORD}/correction", "restores.correct.correctable"
    ),
    ApiOperation("restore.correct", _POST, f"{_RECORD}/correction", "restores.correct.correct"),
    ApiOperation("restore.look", _GET, _PLAN, "restores.kept_plan.show_stored_plan"),
    ApiOperation("restore.drop", _DELETE, _PLAN, "restores.kept_plan.discard_plan"),
    ApiOperation("restore.make", _POST, f"{_PLAN}/make", "restores.kept_plan.make_plan_now"),
    ApiOperation("restore.again", _POST, f"{_PLAN}/again", "restores.kept_plan.choose_again"),
    ApiOperation("restore.leave-out", _POST, f"{_PLAN}/leave-out", "restores.kept_plan.leave_out"),
    ApiOperation("restore.start", _POST, f"{_PLAN}/start", "restores.kept_plan.run_stored_plan"),
    ApiOperation(
        "restore.file", _GET, f"{_PLAN}/file", "restores.kept_plan.plan_file", gives=BYTES
    ),
    ApiOperation("restore.approve", _PUT, f"{_PLAN}/approval", "restores.approval.approve"),
    ApiOperation("restore.withdraw", _DELETE, f"{_PLAN}/approval", "restores.approval.withdraw"),
    ApiOperation(
        "restore.diff-stored", _GET, f"{_PLAN}/diff/{{other}}", "restores.plan_diff.diff_stored"
    ),
    ApiOperation("restore.people", _GET, f"{_PLAN}/people", "restores.edit_plan.plan_people"),
    ApiOperation("restore.give", _PUT, f"{_PLAN}/people", "restores.edit_plan.reassign_in_plan"),
    ApiOperation("restore.groups", _GET, f"{_PLAN}/groups", "restores.plan_groups.show_groups"),
    ApiOperation(
        "restore.group", _GET, f"{_PLAN}/groups/{{table}}", "restores.plan_groups.show_group"
    ),
    ApiOperation("restore.records", _GET, _PLANNED, "restores.plan_records.plan_records"),
    ApiOperation(
        "restore.fields", _GET, f"{_PLANNED}/{{record}}", "restores.edit_plan.planned_fields"
    ),
    ApiOperation(
        "restore.edit", _PUT, f"{_PLANNED}/{{record}}", "restores.edit_plan.edit_stored_plan"
    ),
    ApiOperation(
        "restore.show", _POST, "/plan-files/show", "restores.restore_plan.show_plan", takes="file"
    ),
    ApiOperation(
        "restore.approve-file",
        _POST,
        "/plan-files/approve",
        "restores.approval.approve_file",
        takes="file",
    ),
    ApiOperation(
        "restore.withdraw-file",
        _POST,
        "/plan-files/withdraw",
        "restores.approval.withdraw_file",
        takes="file",
    ),
    ApiOperation(
        "restore.hand-over",
        _POST,
        "/plan-files/run",
        "restores.queued_restore.hand_over",
        takes="file",
    ),
    ApiOperation("run.list", _GET, "/runs", "restores.restore_run.runs"),
    ApiOperation("run.page", _GET, "/runs/page", "runs.runs.list_page"),
    ApiOperation("run.show", _GET, "/runs/{run}", "restores.restore_run.run_detail"),
    ApiOperation("run.progress", _GET, "/runs/{run}/progress", "runs.run.run_status"),
    ApiOperation("run.outcome", _GET, "/runs/{run}/outcome", "restores.outcome.outcome"),
    ApiOperation(
        "run.restored", _GET, "/runs/{run}/restored/{table}", "restores.outcome.restored_records"
    ),
    ApiOperation("restore.result", _GET, "/runs/{run}/result", "restores.outcome.restore_result"),
    ApiOperation("run.pause", _POST, "/runs/{run}/pause", "runs.control.pause"),
    ApiOperation("run.cancel", _POST, "/runs/{run}/cancel", "runs.control.cancel"),
    ApiOperation("run.go-on", _POST, "/runs/{run}/go-on", "runs.control.resume"),
    ApiOperation("alert.list", _GET, "/alerts", "alerts.alerts.show"),
    ApiOperation("alert.show", _GET, "/alerts/{alert}", "alerts.alerts.show_alert"),
    ApiOperation(
        "alert.acknowledge", _POST, "/alerts/{key}/acknowledge", "alerts.alerts.acknowledged"
    ),
    ApiOperation(
        "mass.show", _GET, f"{_ORG}/mass-changes/{{backup}}", "alerts.mass_changes.mass_changes"
    ),
    ApiOperation(
        "mass.columns",
        _GET,
        f"{_ORG}/column-changes/{{table}}",
        "alerts.mass_changes.column_repairs",
    ),
    ApiOperation(
        "mass.expected", _POST, f"{_ORG}/expected-changes", "alerts.mass_changes.expected"
    ),
    ApiOperation("mass.expect", _POST, f"{_ORG}/silences/expect", "alerts.mass_changes.expect"),
    ApiOperation("mass.mute", _POST, f"{_ORG}/silences/mute", "alerts.mass_changes.mute"),
    ApiOperation("mass.silences", _GET, f"{_ORG}/silences", "alerts.mass_changes.silences"),
    ApiOperation(
        "mass.unsilence", _DELETE, f"{_ORG}/silences/{{silence}}", "alerts.mass_changes.unsilence"
    ),
    ApiOperation("mass.limits", _GET, f"{_ORG}/alert-limits", "alerts.mass_changes.limits"),
    ApiOperation("mass.limit", _PUT, f"{_ORG}/alert-limits", "alerts.mass_changes.limit"),
    ApiOperation("address.show", _GET, "/address", "alerts.public_address.show_address"),
    ApiOperation("address.set", _PUT, "/address", "alerts.public_address.set_address"),
    ApiOperation("channel.list", _GET, "/channels", "alerts.alerts.channels"),
    ApiOperation("channel.add", _POST, "/channels", "alerts.alerts.add_channel"),
    ApiOperation("channel.drop", _DELETE, "/channels/{name}", "alerts.alerts.drop_channel"),
    ApiOperation("channel.test", _POST, "/channels/{name}/test", "alerts.alerts.try_channels"),
    ApiOperation("vault.show", _GET, "/vault", "vault.vault_state.vault_state"),
    ApiOperation("vault.compact", _POST, "/vault/compact", "vault.compact.compact"),
    ApiOperation("vault.verify", _POST, "/vault/verify", "vault.verify.verify"),
    ApiOperation(
        "vault.verify-later", _POST, "/vault/verify-later", "vault.vault_state.verify_later"
    ),
    ApiOperation("vault.pending", _GET, "/vault/pending", "vault.pending.pending"),
    ApiOperation("vault.confirm", _POST, "/vault/pending/confirm", "vault.pending.confirm"),
    ApiOperation("vault.reject", _POST, "/vault/pending/reject", "vault.pending.reject"),
    ApiOperation("mirror.show", _GET, "/vault/mirror", "vault.mirror.mirror_state"),
    ApiOperation("mirror.ask", _POST, "/vault/mirror", "vault.mirror.ask_mirror"),
    ApiOperation("person.list", _GET, "/people", "people.people.people"),
    ApiOperation("person.add", _POST, "/people", "people.people.add"),
    ApiOperation("person.show", _GET, "/people/{name}", "people.people.person"),
    ApiOperation("person.role", _PUT, "/people/{name}/role", "people.people.change_role"),
    ApiOperation("person.remove", _DELETE, "/people/{name}", "people.people.remove"),
    ApiOperation("person.return", _POST, "/people/{name}/return", "people.people.let_back"),
    ApiOperation("person.link", _POST, "/people/{name}/link", "people.people.link"),
    ApiOperation("lockout.list", _GET, "/lockouts", "people.lockouts.lockouts"),
    ApiOperation("lockout.end", _DELETE, "/lockouts/{name}", "people.lockouts.unlock"),
    ApiOperation("sso.list", _GET, "/sso", "people.sso.providers"),
    ApiOperation("sso.remove", _DELETE, "/sso/{name}", "people.sso.remove"),
    ApiOperation("token.list", _GET, "/tokens", "people.tokens.tokens"),
    ApiOperation("token.drop", _DELETE, "/tokens/{token}", "people.tokens.drop"),
    ApiOperation("audit.list", _GET, "/audit", "people.audit.list_events"),
    ApiOperation("audit.verify", _POST, "/audit/verify", "people.audit.verify"),
    ApiOperation("audit.export", _POST, "/audit/export", "people.audit.export", gives=LINES),
)
BY_ACTION = {operation.action: operation for operation in OPERATIONS}
