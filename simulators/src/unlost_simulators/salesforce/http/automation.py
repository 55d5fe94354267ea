"""Queries for the automation of objects: planted triggers, flows and validation rules.

``ApexTrigger`` and ``ValidationRule`` belong to the Tooling API, ``FlowDefinitionView`` to the data
API. Only the conditions that name objects are looked at: every planted rule is active. Sources:
Tooling API guide, object reference (FlowDefinitionView).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.users import Permission
from unlost_simulators.salesforce.writing.rules import Rule, TriggerRule, ValidationRule

_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_OBJECTS = re.compile(r"QualifiedApiName\s+IN\s*\(([^)]*)\)", re.IGNORECASE)
_NAMES = re.compile(r"'([^']*)'")
TOOLING: Mapping[str, tuple[str, str]] = {
    "apextrigger": ("Name", "EntityDefinition"),
    "validationrule": ("ValidationName", "EntityDefinition"),
}
DATA: Mapping[str, tuple[str, str]] = {"flowdefinitionview": ("ApiName", "TriggerObjectOrEvent")}


def listing(context: Context, known: Mapping[str, tuple[str, str]]) -> Answer | None:
    """The answer to a query for one of the ``known`` objects; None for any other query."""
    soql = context.call.query.get("q", "")
    source = _FROM.search(soql)
    if source is None or source.group(1).lower() not in known:
        return None
    if not context.user.may(Permission.VIEW_SETUP):
        text = f"sObject type '{source.group(1)}' is not supported."
        raise SalesforceError(400, "INVALID_TYPE", text)
    kind = source.group(1).lower()
    columns = known[kind]
    objects = {name for some in _OBJECTS.findall(soql) for name in _NAMES.findall(some)}
    rules = [rule for rule, _ in context.sim.org.planted.report() if _is_of(rule, kind)]
    rows = [_row(source.group(1), rule, *columns) for rule in rules if rule.object in objects]
    return json_answer({"size": len(rows), "totalSize": len(rows), "done": True, "records": rows})


def _is_of(rule: Rule, kind: str) -> bool:
    if isinstance(rule, TriggerRule):
        return kind == ("flowdefinitionview" if rule.flow else "apextrigger")
    return isinstance(rule, ValidationRule) and kind == "validationrule"


def _row(source: str, rule: Any, name: str, entity: str) -> dict[str, Any]:
    return {
        "attributes": {"type": source},
        name: rule.name,
        "NamespacePrefix": rule.package or None,
        entity: {"attributes": {"type": "EntityDefinition"}, "QualifiedApiName": rule.object},
    }
