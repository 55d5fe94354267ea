"""Queries for the automation of objects, and for pending approvals: both are planted rules.

``ApexTrigger`` and ``ValidationRule`` belong to the Tooling API, ``FlowDefinitionView`` and
``ProcessInstance`` to the data API; ``process/rules`` lists workflow rules. The conditions about
objects, activity and kind select rules; a query with any other condition is refused. Sources:
Tooling API guide (ApexTrigger.Status, ValidationRule.Active), object reference (FlowDefinitionView:
IsActive, ProcessType, TriggerType; ProcessInstance), REST guide (Process Rules).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.users import Permission
from unlost_simulators.salesforce.writing.rules import (
    ApprovalRule,
    Moment,
    Phase,
    Rule,
    Tool,
    TriggerRule,
    ValidationRule,
)

_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_WHERE = re.compile(r"\bWHERE\s+(.+)", re.IGNORECASE | re.DOTALL)
_AND = re.compile(r"\s+AND\s+", re.IGNORECASE)
_CONDITION = re.compile(r"([\w.]+)\s*(?:=\s*(\S+)|IN\s*\(([^)]*)\))", re.IGNORECASE)
TOOLING: Mapping[str, tuple[str, str]] = {
    "apextrigger": ("Name", "EntityDefinition"),
    "validationrule": ("ValidationName", "EntityDefinition"),
}
LISTED = {
    Tool.APEX: "apextrigger",
    Tool.FLOW: "flowdefinitionview",
    Tool.PROCESS: "flowdefinitionview",
}
APPROVALS = re.compile(r"\bFROM\s+ProcessInstance\b", re.IGNORECASE)
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
    conditions = list(_conditions(soql))
    rules = [rule for rule, _ in context.sim.org.planted.report() if _is_of(rule, kind)]
    selected = [rule for rule in rules if _fulfils(rule, kind, columns[1], conditions)]
    rows = [_row(source.group(1), rule, *columns) for rule in selected]
    return json_answer({"size": len(rows), "totalSize": len(rows), "done": True, "records": rows})


def _is_of(rule: Rule, kind: str) -> bool:
    if isinstance(rule, TriggerRule):
        return kind == LISTED.get(rule.tool)
    return isinstance(rule, ValidationRule) and kind == "validationrule"


def _conditions(soql: str) -> Iterator[tuple[str, frozenset[str]]]:
    """The conditions of a query: a column in lower case, and its values."""
    where = _WHERE.search(soql)
    for text in _AND.split(where.group(1)) if where else ():
        condition = _CONDITION.fullmatch(text.strip())
        if condition is None:
            raise SalesforceError(400, "MALFORMED_QUERY", f"unexpected condition: {text}")
        values = condition.group(2) or condition.group(3)
        yield (
            condition.group(1).lower(),
            frozenset(value.strip().strip("'").lower() for value in values.split(",")),
        )


def _fulfils(
    rule: Any, kind: str, entity: str, conditions: list[tuple[str, frozenset[str]]]
) -> bool:
    """True if the columns of a rule have one of the values of each condition."""
    cells = {f"{entity}.QualifiedApiName".lower(): rule.object} | _activity(rule, kind)
    for column, values in conditions:
        if column not in cells:
            raise SalesforceError(400, "INVALID_FIELD", f"No such column '{column}'.")
        if cells[column].lower() not in values:
            return False
    return True


def _activity(rule: Any, kind: str) -> dict[str, str]:
    """The columns that say whether and when a rule acts."""
    if kind == "apextrigger":
        return {"status": "Active" if rule.active else "Inactive"}
    if kind == "validationrule":
        return {"active": str(rule.active).lower()}
    active = str(rule.active).lower()
    if rule.tool is Tool.PROCESS:
        return {"isactive": active, "processtype": "Workflow", "triggertype": ""}
    when = "BeforeSave" if rule.phase is Phase.BEFORE else "AfterSave"
    if Moment.DELETE in rule.on:
        when = "BeforeDelete"
    return {
        "isactive": active,
        "processtype": "AutoLaunchedFlow",
        "triggertype": f"Record{when}",
    }


def _row(source: str, rule: Any, name: str, entity: str) -> dict[str, Any]:
    return {
        "attributes": {"type": source},
        name: rule.name,
        "NamespacePrefix": rule.package or None,
        entity: {"attributes": {"type": "EntityDefinition"}, "QualifiedApiName": rule.object},
    }


def workflow_rules(context: Context) -> Answer:
    """Answer ``GET process/rules``: the active workflow rules by object."""
    if not context.user.may(Permission.VIEW_SETUP):
        raise SalesforceError(403, "INSUFFICIENT_ACCESS", "insufficient access rights")
    rules: dict[str, list[dict[str, Any]]] = {}
    for rule, _ in context.sim.org.planted.report():
        if isinstance(rule, TriggerRule) and rule.tool is Tool.WORKFLOW and rule.active:
            rules.setdefault(rule.object, []).append(
                {
                    "actions": [],
                    "description": None,
                    "name": rule.name,
                    "namespacePrefix": rule.package or None,
                    "object": rule.object,
                }
            )
    return json_answer({"rules": rules})


def approvals(context: Context) -> Answer | None:
    """The answer to a query for pending approvals; None for other queries.

    An org whose scenario has the object answers from its rows.
    """
    soql = context.call.query.get("q", "")
    declared = context.sim.org.store.schema.get("ProcessInstance")
    if not APPROVALS.search(soql) or declared is not None:
        return None
    conditions = list(_conditions(soql))
    rows = [
        _approval(context, rule, record)
        for rule, _ in context.sim.org.planted.report()
        if isinstance(rule, ApprovalRule)
        for record in rule.ids
        if _is_pending(record, conditions)
    ]
    return json_answer({"totalSize": len(rows), "done": True, "records": rows})


def _is_pending(record: str, conditions: list[tuple[str, frozenset[str]]]) -> bool:
    cells = {"status": "pending", "targetobjectid": record.lower()}
    for column, values in conditions:
        if column not in cells:
            raise SalesforceError(400, "INVALID_FIELD", f"No such column '{column}'.")
        if cells[column] not in values:
            return False
    return True


def _approval(context: Context, rule: ApprovalRule, record: str) -> dict[str, Any]:
    rows = context.sim.org.export(rule.object).to_pylist()
    names = [row.get("Name") or row.get("Subject") for row in rows if row["Id"] == record]
    return {
        "attributes": {"type": "ProcessInstance"},
        "TargetObjectId": record,
        "TargetObject": {"attributes": {"type": "Name"}, "Name": names[0] if names else None},
        "ProcessDefinition": {"attributes": {"type": "ProcessDefinition"}, "Name": rule.name},
    }
