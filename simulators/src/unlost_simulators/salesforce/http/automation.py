"""Queries for the automation of objects: planted triggers, flows and validation rules.

``ApexTrigger`` and ``ValidationRule`` belong to the Tooling API, ``FlowDefinitionView`` to the data
API. The conditions about objects, activity and the type of trigger select rules; a query with any
other condition is refused. Sources: Tooling API guide (ApexTrigger.Status, ValidationRule.Active),
object reference (FlowDefinitionView: IsActive, TriggerType).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from unlost_simulators.salesforce.errors import SalesforceError
from unlost_simulators.salesforce.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.users import Permission
from unlost_simulators.salesforce.writing.rules import (
    Moment,
    Phase,
    Rule,
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
        return kind == ("flowdefinitionview" if rule.flow else "apextrigger")
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
    when = "BeforeSave" if rule.phase is Phase.BEFORE else "AfterSave"
    if Moment.DELETE in rule.on:
        when = "BeforeDelete"
    return {"isactive": str(rule.active).lower(), "triggertype": f"Record{when}"}


def _row(source: str, rule: Any, name: str, entity: str) -> dict[str, Any]:
    return {
        "attributes": {"type": source},
        name: rule.name,
        "NamespacePrefix": rule.package or None,
        entity: {"attributes": {"type": "EntityDefinition"}, "QualifiedApiName": rule.object},
    }
