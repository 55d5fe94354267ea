"""Admin actions on rights, rules and switches: the traps of an instance, each by its name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from typing import Any

from unlost_simulators.kit.admin.server import Routes, Wanted
from unlost_simulators.kit.sqlite import Where
from unlost_simulators.servicenow.access.acls import ANY, Acl, Operation
from unlost_simulators.servicenow.access.rules import (
    CURRENT,
    DataPolicy,
    Effect,
    QueryRule,
    WriteRule,
)
from unlost_simulators.servicenow.limits import RateRule, Scope
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.platform import RATE_RULES, SCRIPTS
from unlost_simulators.servicenow.model.users import ApiUser
from unlost_simulators.servicenow.query.conditions import valid_reading
from unlost_simulators.servicenow.simulator import Simulator
from unlost_simulators.servicenow.store.store import equals

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
            "POST rules/write": self.add_refusing_rule,
            "POST rules/set": self.add_setting_rule,
            "POST rules/create": self.add_creating_rule,
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
        acl = Acl(**values)
        if acl.table != ANY:
            self._check(acl.table, acl.condition)
        return {"sys_id": self.sim.instance.add_acl(acl)}

    def clear_acls(self, _wanted: Wanted) -> Any:
        """Remove all ACLs."""
        self.sim.instance.clear_acls()
        return {}

    def add_query_rule(self, wanted: Wanted) -> Any:
        """Add a before-query rule: ``name``, ``table``, ``condition``, ``roles`` that it spares."""
        self._check(wanted["table"], wanted["condition"])
        roles = frozenset(wanted.get("roles", ()))
        rule = QueryRule(wanted["table"], wanted["condition"], roles)
        self.sim.instance.rules.queries.append(rule)
        self._list_rule(
            ids.fresh(), rule.table, rule.condition, name=wanted.get("name", "Query rule"),
            action_query="true",
        )  # fmt: skip
        return {}

    def add_refusing_rule(self, wanted: Wanted) -> Any:
        """Add a business rule that refuses: ``name``, ``table``, ``operations``, ``condition``."""
        return self._add_rule(wanted, Effect.REFUSE, ("insert", "update", "delete"))

    def add_setting_rule(self, wanted: Wanted) -> Any:
        """Add a business rule that sets ``values`` of the written row."""
        self._check_columns(wanted["table"], wanted["values"])
        return self._add_rule(wanted, Effect.SET, ("insert", "update"))

    def add_creating_rule(self, wanted: Wanted) -> Any:
        """Add a business rule that adds a row with ``values`` to ``target``."""
        self._check_columns(wanted["target"], wanted["values"])
        named = [value for value in wanted["values"].values() if value.startswith(CURRENT)]
        self._check_columns(wanted["table"], [each.removeprefix(CURRENT) for each in named])
        return self._add_rule(wanted, Effect.CREATE, ("insert",))

    def _add_rule(self, wanted: Wanted, effect: Effect, operations: tuple[str, ...]) -> Any:
        self._check(wanted["table"], wanted.get("condition", ""))
        rule = WriteRule(
            wanted["name"],
            wanted["table"],
            effect,
            frozenset(wanted.get("operations", operations)),
            wanted.get("condition", ""),
            wanted.get("values", {}),
            wanted.get("target", ""),
            ids.fixed(SCRIPTS, wanted["name"]),
        )
        self.sim.instance.rules.writes.append(rule)
        self._list_rule(
            rule.sys_id, rule.table, rule.condition, name=rule.name, action_query="false"
        )
        return {"sys_id": rule.sys_id}

    def _list_rule(self, sys_id: str, table: str, condition: str, **cells: str) -> None:
        """Write the row in which clients look for business rules."""
        self.sim.instance.store.delete(SCRIPTS, equals("sys_id", sys_id))
        self.sim.instance.put_row(
            SCRIPTS, sys_id, collection=table, when="before", active="true",
            filter_condition=condition, **cells,
        )  # fmt: skip

    def _check(self, table: str, condition: str) -> None:
        self.sim.instance.table(table)
        valid_reading(self.sim.instance.schema, table, condition, user_id="")

    def _check_columns(self, table: str, names: Iterable[str]) -> None:
        self.sim.instance.table(table)
        self.sim.instance.schema.require_columns(table, names)

    def add_policy(self, wanted: Wanted) -> Any:
        """Add a data policy: ``columns`` of ``table`` that may not be empty."""
        self._check_columns(wanted["table"], wanted["columns"])
        policy = DataPolicy(wanted["table"], tuple(wanted["columns"]))
        self.sim.instance.rules.policies.append(policy)
        return {}

    def clear_rules(self, _wanted: Wanted) -> Any:
        """Remove all before-query rules, business rules and data policies."""
        self.sim.instance.rules.clear()
        self.sim.instance.store.delete(SCRIPTS, Where())
        return {}

    def add_rate(self, wanted: Wanted) -> Any:
        """Add a rate rule: ``name``, ``limit``, ``scope`` and ``subject``."""
        name = wanted["name"]
        scope = Scope(wanted.get("scope", Scope.ALL))
        rule = RateRule(
            ids.fixed(RATE_RULES, name), name, int(wanted["limit"]), scope,
            wanted.get("subject", ""),
        )  # fmt: skip
        self.sim.rates.put(rule)
        self.sim.instance.store.delete(RATE_RULES, equals("sys_id", rule.sys_id))
        self.sim.instance.put_row(
            RATE_RULES, rule.sys_id, name=name, limit=str(rule.limit), type=scope.value,
            subject=rule.subject, active="true",
        )  # fmt: skip
        return {"sys_id": rule.sys_id}

    def clear_rates(self, _wanted: Wanted) -> Any:
        """Remove all rate rules."""
        self.sim.rates.clear()
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
