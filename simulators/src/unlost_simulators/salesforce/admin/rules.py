"""Admin actions on rules that admins of the org make, such as validation rules and triggers.

Rules hold until they are cleared; each counts how often it acted, so that a test can check that
none was planted in vain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import Enum
from types import MappingProxyType
from typing import Any

from unlost_simulators.salesforce.model.users import ObjectOperation, SimUser
from unlost_simulators.salesforce.simulator import Simulator
from unlost_simulators.salesforce.writing.rules import (
    ApprovalRule,
    DuplicateRule,
    Moment,
    Phase,
    Rule,
    Tool,
    TriggerEffect,
    TriggerRule,
    ValidationRule,
)

type Wanted = Mapping[str, Any]


class Rules:
    """Plants rules in the org and takes rights away from its users."""

    def __init__(self, sim: Simulator) -> None:
        self._org = sim.org

    def validation(self, wanted: Wanted) -> Any:
        """Refuse rows of ``object`` for which the SOQL condition ``where`` holds."""
        return self._plant(ValidationRule(**_members(wanted)))

    def trigger(self, wanted: Wanted) -> Any:
        """Run a trigger on ``object``; members as in ``TriggerRule``."""
        members = _members(wanted)
        members["deed"] = TriggerEffect(members["deed"])
        if "tool" in members:
            members["tool"] = Tool(members["tool"])
        if "phase" in members:
            members["phase"] = Phase(members["phase"])
        if "values" in members:
            members["values"] = MappingProxyType(dict(members["values"]))
        return self._plant(TriggerRule(**members))

    def duplicate(self, wanted: Wanted) -> Any:
        """Look for records of ``object`` that agree in the fields ``match``."""
        members = _members(wanted)
        members["match"] = tuple(members["match"])
        return self._plant(DuplicateRule(**members))

    def approval(self, wanted: Wanted) -> Any:
        """Submit the records ``ids`` of ``object`` to the approval process ``name``."""
        members = _members(wanted)
        members["ids"] = tuple(members["ids"])
        return self._plant(ApprovalRule(**members))

    def decide(self, _wanted: Wanted) -> Any:
        """Decide all pending approvals: their records are no longer locked."""
        planted = self._org.planted
        pending = [rule for rule, _ in planted.report() if isinstance(rule, ApprovalRule)]
        for rule in pending:
            planted.remove(rule)
        return {"decided": len(pending)}

    def listing(self, _wanted: Wanted) -> Any:
        """Return all rules with their hits, and the names of rules that never acted."""
        planted = self._org.planted
        return {
            "rules": [{**_plain(rule), "hits": hits} for rule, hits in planted.report()],
            "unhit": planted.unhit(),
        }

    def clear(self, _wanted: Wanted) -> Any:
        """Remove all rules; gives their last report."""
        report = self.listing({})
        self._org.planted.clear()
        return report

    def deny(self, wanted: Wanted) -> Any:
        """Take ``deed`` (create, edit, delete) on ``object`` (``*`` for all) from ``username``."""
        user = self._user(wanted)
        self._org.users.deny(user.id, wanted["object"], ObjectOperation(wanted["deed"]))
        return {}

    def allow(self, wanted: Wanted) -> Any:
        """Undo ``deny``."""
        user = self._user(wanted)
        self._org.users.allow(user.id, wanted["object"], ObjectOperation(wanted["deed"]))
        return {}

    def lock_field(self, wanted: Wanted) -> Any:
        """Make ``field`` of ``object`` read-only for ``username``."""
        user = self._user(wanted)
        self._org.users.lock_field(user.id, wanted["object"], wanted["field"])
        return {}

    def _plant(self, rule: Rule) -> dict[str, Any]:
        self._org.object(self._org.users.first(), rule.object)
        self._org.planted.plant(rule)
        return _plain(rule)

    def _user(self, wanted: Wanted) -> SimUser:
        user = self._org.users.by_username(wanted["username"])
        if user is None:
            raise ValueError(f"nobody is called {wanted['username']}")
        return user


def _members(wanted: Wanted) -> dict[str, Any]:
    members = dict(wanted)
    if "on" in members:
        members["on"] = frozenset(Moment(member) for member in members["on"])
    return members


def _plain(rule: Rule) -> dict[str, Any]:
    shown = {field.name: getattr(rule, field.name) for field in fields(rule)}
    kind = type(rule).__name__.removesuffix("Rule").lower()
    return {"kind": kind, **{name: _value(value) for name, value in shown.items()}}


def _value(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(_value(member) for member in value)
    if isinstance(value, Mapping):
        return dict(value)
    return value.value if isinstance(value, Enum) else value
