"""Admin actions on rights, rules and switches: the traps of an instance, each by its name."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.servicenow.access.acls import Acl, Operation
from unlost_simulators.servicenow.access.rules import DataPolicy, QueryRule, WriteRule
from unlost_simulators.servicenow.limits import RateRule, Scope
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.platform import RATE_RULES
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.simulator import Simulator
from unlost_simulators.servicenow.store.store import Where

SETS = ("roles", "domains", "contexts")


@dataclass(frozen=True, slots=True)
class Switches:
    """Actions on one simulator."""

    sim: Simulator

    def routes(self) -> Routes:
        """Give the calls."""
        return {
            "GET ": self.overview,
            "GET settings": self.settings,
            "POST settings": self.change_settings,
            "GET users": self.users,
            "POST users": self.change_user,
            "GET acls": self.acls,
            "POST acls": self.add_acl,
            "POST acls/clear": self.clear_acls,
            "POST rules/query": self.add_query_rule,
            "POST rules/write": self.add_write_rule,
            "POST rules/policy": self.add_policy,
            "POST rules/clear": self.clear_rules,
            "POST rates": self.add_rate,
            "POST rates/clear": self.clear_rates,
            "POST views": self.put_view,
            "GET scripts": self.scripts,
            "POST sessions/expire": self.expire_sessions,
        }

    def overview(self, _wanted: Wanted) -> Any:
        """Give users, clients, clock and tables, for a tester to begin with."""
        tables = [table.name for table in self.sim.instance.schema.tables()]
        return {**self.sim.facts(), "base_url": self.sim.base_url, "tables": tables}

    def settings(self, _wanted: Wanted) -> Any:
        """Give the switches."""
        return self.sim.instance.settings.to_json()

    def change_settings(self, wanted: Wanted) -> Any:
        """Change switches by name, as in ``InstanceSettings``."""
        self.sim.instance.settings.change(wanted)
        self.sim.instance.mirror_settings()
        return self.settings({})

    def users(self, _wanted: Wanted) -> Any:
        """Give the API users."""
        return [_user_json(user) for user in self.sim.instance.users.all()]

    def change_user(self, wanted: Wanted) -> Any:
        """Add or change the API user ``name``; members as in ``ApiUser``."""
        values: dict[str, Any] = {
            name: frozenset(value) if name in SETS else value for name, value in wanted.items()
        }
        users = self.sim.instance.users
        present = users.get(wanted["name"])
        fallback: dict[str, Any] = {"sys_id": ids.fixed("sys_user", wanted["name"])}
        user = ApiUser(**{**fallback, **values}) if present is None else replace(present, **values)
        return _user_json(users.put(user))

    def acls(self, _wanted: Wanted) -> Any:
        """Give the ACLs by name."""
        return [
            {"name": rule.name, "operation": rule.operation, "roles": sorted(rule.roles)}
            for rule in self.sim.instance.acls.all()
        ]

    def add_acl(self, wanted: Wanted) -> Any:
        """Add an ACL; members as in ``Acl``."""
        values = dict(wanted)
        values["operation"] = Operation(values["operation"])
        values["roles"] = frozenset(values.get("roles", ()))
        return {"sys_id": self.sim.instance.add_acl(Acl(**values))}

    def clear_acls(self, _wanted: Wanted) -> Any:
        """Remove all ACLs."""
        self.sim.instance.clear_acls()
        return {}

    def add_query_rule(self, wanted: Wanted) -> Any:
        """Add a before-query rule: ``table``, ``condition``, and the ``roles`` it spares."""
        roles = frozenset(wanted.get("roles", ()))
        rule = QueryRule(wanted["table"], wanted["condition"], roles)
        self.sim.instance.rules.queries.append(rule)
        return {}

    def add_write_rule(self, wanted: Wanted) -> Any:
        """Add a business rule that refuses: ``name``, ``table``, ``operations``, ``condition``."""
        rule = WriteRule(
            wanted["name"],
            wanted["table"],
            frozenset(wanted.get("operations", ("insert", "update", "delete"))),
            wanted.get("condition", ""),
            ids.fixed("sys_script", wanted["name"]),
        )
        self.sim.instance.rules.writes.append(rule)
        return {"sys_id": rule.sys_id}

    def add_policy(self, wanted: Wanted) -> Any:
        """Add a data policy: ``columns`` of ``table`` that may not be empty."""
        policy = DataPolicy(wanted["table"], tuple(wanted["columns"]))
        self.sim.instance.rules.policies.append(policy)
        return {}

    def clear_rules(self, _wanted: Wanted) -> Any:
        """Remove all before-query rules, business rules and data policies."""
        self.sim.instance.rules.clear()
        return {}

    def add_rate(self, wanted: Wanted) -> Any:
        """Add a rate rule: ``name``, ``limit``, ``scope`` and ``subject``."""
        name = wanted["name"]
        scope = Scope(wanted.get("scope", Scope.ALL))
        rule = RateRule(
            ids.fixed(RATE_RULES, name), name, int(wanted["limit"]), scope,
            wanted.get("subject", ""),
        )  # fmt: skip
        self.sim.rates.rules.append(rule)
        self.sim.instance.put_row(
            RATE_RULES, rule.sys_id, name=name, limit=str(rule.limit), type=scope.value,
            subject=rule.subject, active="true",
        )  # fmt: skip
        return {"sys_id": rule.sys_id}

    def clear_rates(self, _wanted: Wanted) -> Any:
        """Remove all rate rules."""
        self.sim.rates.rules.clear()
        self.sim.instance.store.delete(RATE_RULES, Where())
        return {}

    def put_view(self, wanted: Wanted) -> Any:
        """Define the view ``name`` of ``table`` by its ``columns``."""
        key = (wanted["table"], wanted["name"])
        self.sim.instance.views[key] = tuple(wanted["columns"])
        return {}

    def scripts(self, _wanted: Wanted) -> Any:
        """Give the texts that queries made the server execute."""
        return {"scripts": self.sim.instance.scripts}

    def expire_sessions(self, wanted: Wanted) -> Any:
        """End all access tokens; with ``refresh`` refresh tokens too."""
        return {"ended": self.sim.sessions.end_all(refresh=bool(wanted.get("refresh")))}


def _user_json(user: ApiUser) -> dict[str, Any]:
    values = asdict(user)
    return {name: sorted(value) if name in SETS else value for name, value in values.items()}
