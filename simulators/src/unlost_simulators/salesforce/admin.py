"""The admin API under ``/__sim__``: the test's hand inside the org. It needs no token.

Paths are listed in ``Admin.routes``; bodies and answers are JSON, times ISO 8601 in UTC. A mistake
of the caller is answered with 400 and ``{"error": …}``, a refusal of the org with its own status
and the array form.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from typing import Any

from unlost_simulators.salesforce.admin_edits import Edits
from unlost_simulators.salesforce.admin_orgs import OrgActions
from unlost_simulators.salesforce.admin_rules import Rules
from unlost_simulators.salesforce.admin_server import ServerActions
from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.http import finish
from unlost_simulators.salesforce.http.calls import Answer, Call, error_answer, json_answer
from unlost_simulators.salesforce.http.delivery import Parcel
from unlost_simulators.salesforce.orgs import OrgRegistry
from unlost_simulators.salesforce.scenarios.scenario import Act
from unlost_simulators.salesforce.simulator import Simulator

ADMIN_ROOT = "__sim__"

type Action = Callable[[Mapping[str, Any]], Any]


class Admin:
    """Routes admin calls; the actions take the JSON body merged over the query parameters."""

    def __init__(self, sim: Simulator, registry: OrgRegistry | None = None) -> None:
        self.sim = sim
        self.registry = registry
        self.edits = Edits(sim)
        self.server = ServerActions(sim)
        self.routes = self._routes()

    def serve(self, call: Call) -> Parcel:
        """Answer an admin call."""
        answer = self._answer(call)
        answer = finish.encode(finish.write_body(answer, call), call)
        if answer.content_type is not None:
            answer.headers["Content-Type"] = answer.content_type
        return Parcel(answer)

    def _answer(self, call: Call) -> Answer:
        key = f"{call.method} {'/'.join(call.segments[1:])}"
        action = self.routes.get(key)
        if action is None:
            return json_answer(
                {"error": f"no such admin call: {key}", "calls": [*self.routes]}, 404
            )
        try:
            wanted = {**call.query, **(call.json_object() if call.body else {})}
            result = action(wanted)
        except SalesforceError as error:
            return error_answer(error)
        except (KeyError, TypeError, ValueError) as error:
            text = f"{type(error).__name__}: {error}"
            return json_answer({"error": text, "trace": traceback.format_exc()}, 400)
        return result if isinstance(result, Answer) else json_answer(result)

    def _routes(self) -> dict[str, Action]:
        edits, server = self.edits, self.server
        return {
            "GET ": server.overview,
            "GET clock": server.clock,
            "POST clock/advance": server.advance,
            "POST clock/set": server.set_clock,
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
            "GET holds": edits.holds,
            "GET export": edits.export,
            "GET requests": server.requests,
            "GET counters": server.counters,
            "POST counters/reset": server.reset_counters,
            "GET faults": server.faults,
            "POST faults": server.plant_fault,
            "POST faults/clear": server.clear_faults,
            **self._orgs(),
            **self._rules(),
            **self._story(),
        }

    def _orgs(self) -> dict[str, Action]:
        """Give the calls about the orgs beside this one, where the process can have any."""
        if self.registry is None:
            return {}
        actions = OrgActions(self.registry)
        return {
            "GET orgs": actions.all,
            "POST orgs": actions.open,
            "POST orgs/close": actions.close,
        }

    def _rules(self) -> dict[str, Action]:
        rules = Rules(self.sim)
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

    def _story(self) -> dict[str, Action]:
        """``POST story/NAME`` plays an act of the scenario."""
        return {f"POST story/{name}": self._played(act) for name, act in self.sim.acts.items()}

    def _played(self, act: Act) -> Action:
        return lambda _wanted: dict(act(self.sim.org))
