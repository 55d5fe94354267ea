"""The admin API of a Salesforce org: the calls that every system has, and those of this one.

A refusal of the org is answered with its own status and the array form.
"""

from __future__ import annotations

from unlost_simulators.kit.admin.actions import ClockActions, FaultActions, LogActions
from unlost_simulators.kit.admin.orgs import OrgActions
from unlost_simulators.kit.admin.server import Action, AdminServer, Routes
from unlost_simulators.kit.orgs import OrgRegistry
from unlost_simulators.salesforce.admin.edits import Edits
from unlost_simulators.salesforce.admin.rules import Rules
from unlost_simulators.salesforce.admin.server import ServerActions
from unlost_simulators.salesforce.faults import SalesforceRule
from unlost_simulators.salesforce.http import finish
from unlost_simulators.salesforce.http.json_texts import error_answer
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.scenarios.scenario import Act
from unlost_simulators.salesforce.server import SimulatorOptions
from unlost_simulators.salesforce.simulator import Simulator

type Registry = OrgRegistry[SimulatorOptions, Simulator]


def admin(sim: Simulator, registry: Registry | None = None) -> AdminServer[SalesforceError]:
    """Give the admin API of a simulator; ``registry`` holds the orgs beside it."""
    return AdminServer(
        routes(sim, registry),
        SalesforceError,
        error_answer,
        finish=lambda answer, call: finish.encode(finish.write_body(answer, call), call),
    )


def routes(sim: Simulator, registry: Registry | None) -> Routes:
    """Give all calls of the admin API."""
    server = ServerActions(sim)
    return {
        "GET ": server.overview,
        **ClockActions(sim.org.clock, moved=server.tick).routes(),
        **_edits(Edits(sim)),
        **_server(server),
        **LogActions(sim.log, further=server.use).routes(),
        **FaultActions(sim.faults, SalesforceRule).routes(),
        **({} if registry is None else OrgActions(registry).routes()),
        **_rules(Rules(sim)),
        **_story(sim),
    }


def _edits(edits: Edits) -> Routes:
    return {
        "POST records/insert": edits.insert,
        "POST records/update": edits.update,
        "POST records/update-where": edits.update_where,
        "POST records/delete": edits.delete,
        "POST records/hard-delete": edits.hard_delete,
        "POST records/merge": edits.merge,
        "POST records/undelete": edits.undelete,
        "POST records/empty-bin": edits.empty_bin,
        "POST records/purge": edits.purge,
        "POST images/paste": edits.paste_image,
        "POST images/lose": edits.lose_image,
        "POST schema/add-field": edits.add_field,
        "POST schema/drop-field": edits.drop_field,
        "POST schema/rename-field": edits.rename_field,
        "POST schema/retype-field": edits.retype_field,
        "POST schema/drop-object": edits.drop_object,
        "POST access/hide-field": edits.hide_field,
        "POST access/show-field": edits.show_field,
        "POST access/hide-object": edits.hide_object,
        "POST access/show-object": edits.show_object,
        "POST access/permission": edits.set_permission,
        "GET holds": edits.holds,
        "GET export": edits.export,
    }


def _server(server: ServerActions) -> Routes:
    return {
        "GET users": server.users,
        "POST users": server.add_user,
        "GET apps": server.apps,
        "POST apps": server.change_app,
        "POST apps/key": server.add_key,
        "POST sessions/expire": server.expire_sessions,
        "POST sessions/settings": server.session_settings,
        "POST sessions/refresh-token": server.grant_refresh,
        "POST sessions/revoke": server.revoke_grants,
        "POST cursors/expire": server.expire_cursors,
        "GET bulk": server.bulk,
        "POST bulk": server.change_bulk,
        "POST settings": server.configure,
    }


def _rules(rules: Rules) -> Routes:
    return {
        "GET rules": rules.listing,
        "POST rules/validation": rules.validation,
        "POST rules/trigger": rules.trigger,
        "POST rules/duplicate": rules.duplicate,
        "POST rules/approval": rules.approval,
        "POST rules/decide": rules.decide,
        "POST rules/clear": rules.clear,
        "POST access/deny": rules.deny,
        "POST access/allow": rules.allow,
        "POST access/lock-field": rules.lock_field,
    }


def _story(sim: Simulator) -> Routes:
    """``POST story/NAME`` plays an act of the scenario."""

    def played(act: Act) -> Action:
        return lambda _wanted: dict(act(sim.org))

    return {f"POST story/{name}": played(act) for name, act in sim.acts.items()}
