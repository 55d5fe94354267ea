"""sObject Tree: records with their children in one call, all of them saved or none.

Source: REST guide (resources-composite-sobject-tree, requests and responses).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.rest import bodies, outcomes
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.model.schema import ObjectDef
from unlost_simulators.salesforce.model.users import SimUser
from unlost_simulators.salesforce.org import Org
from unlost_simulators.salesforce.writing import refusals
from unlost_simulators.salesforce.writing.request import RowResult, Verb, WriteOptions

MOST_RECORDS = 200
MOST_LEVELS = 5
MOST_TYPES = 5


@dataclass(slots=True)
class Node:
    """One record of a tree; ``via`` is the field that points to its parent."""

    reference: str
    of: ObjectDef
    row: dict[str, Any]
    level: int
    parent: Node | None = None
    via: str | None = None
    children: list[Node] = field(default_factory=list)
    result: RowResult | None = None

    def walk(self) -> Iterator[Node]:
        """The node and all below it, parents first."""
        yield self
        for child in self.children:
            yield from child.walk()


class _TreeRollback(Exception):
    """Rolls a tree back."""


def create(context: Context) -> Answer:
    """Answer ``POST composite/tree/X``."""
    org, user = context.sim.org, context.user
    of = org.object(user, context.params["object"])
    records = bodies.read(context.call).document.get("records")
    if not isinstance(records, list) or not records:
        raise SalesforceError(400, "REQUIRED_FIELD_MISSING", "At least 1 record is required", [])
    roots = [_node(org, user, of, record, 1) for record in records]
    nodes = [node for root in roots for node in root.walk()]
    _check(nodes)
    options = bodies.options(context)
    try:
        with org.store.transaction():
            _save(org, user, nodes, options)
            if any(node.result is not None and not node.result.success for node in nodes):
                raise _TreeRollback
    except _TreeRollback:
        return json_answer({"hasErrors": True, "results": _failures(nodes)}, 400)
    created = [
        {"referenceId": node.reference, "id": node.result and node.result.id} for node in nodes
    ]
    return json_answer({"hasErrors": False, "results": created}, 201)


def _node(org: Org, user: SimUser, of: ObjectDef, record: object, level: int) -> Node:
    if not isinstance(record, dict):
        raise SalesforceError(400, "JSON_PARSER_ERROR", "The records must be JSON objects")
    attributes = record.get("attributes")
    named = attributes if isinstance(attributes, dict) else {}
    kind, reference = str(named.get("type", "")), str(named.get("referenceId", ""))
    if kind.lower() != of.name.lower() or not reference:
        text = f"Include a type ({of.name}) and a referenceId in the attributes of each record"
        raise SalesforceError(400, "INVALID_INPUT", text)
    node = Node(reference, of, {}, level)
    links = {
        relation.name.lower(): relation
        for relation in org.schema.children_of(of.name)
        if relation.name is not None and user.sees(relation.child)
    }
    for name, value in record.items():
        link = links.get(name.lower())
        if link is None or not isinstance(value, dict) or "records" not in value:
            if name != "attributes":
                node.row[name] = value
            continue
        child_of = org.object(user, link.child)
        for child_record in value["records"]:
            child = _node(org, user, child_of, child_record, level + 1)
            child.parent, child.via = node, link.field
            node.children.append(child)
    return node


def _check(nodes: Sequence[Node]) -> None:
    if len(nodes) > MOST_RECORDS:
        text = f"Total records across all trees cannot exceed {MOST_RECORDS}"
        raise SalesforceError(400, "INVALID_BATCH_SIZE", text)
    if max(node.level for node in nodes) > MOST_LEVELS:
        text = f"Trees cannot be more than {MOST_LEVELS} levels deep"
        raise SalesforceError(400, "INVALID_INPUT", text)
    if len({node.of.name for node in nodes}) > MOST_TYPES:
        text = f"Trees cannot contain records of more than {MOST_TYPES} different types"
        raise SalesforceError(400, "INVALID_INPUT", text)
    names = [node.reference for node in nodes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        text = f"Duplicate ReferenceId provided in the request: {', '.join(twice)}"
        raise SalesforceError(400, "INVALID_INPUT", text)


def _save(org: Org, user: SimUser, nodes: Sequence[Node], options: WriteOptions) -> None:
    """Write level after level, each object of a level in one request; a failure ends it."""
    for level in range(1, MOST_LEVELS + 1):
        here = [node for node in nodes if node.level == level]
        for name in dict.fromkeys(node.of.name for node in here):
            some = [node for node in here if node.of.name == name]
            results = org.write(user, Verb.CREATE, name, [_row(node) for node in some], options)
            for node, result in zip(some, results, strict=True):
                node.result = result
        if any(node.result is not None and not node.result.success for node in here):
            return


def _row(node: Node) -> dict[str, Any]:
    if node.parent is None or node.via is None or node.parent.result is None:
        return node.row
    return {**node.row, node.via: node.parent.result.id}


def _failures(nodes: Sequence[Node]) -> list[dict[str, Any]]:
    """Only the records that caused an error, with what was wrong."""
    failures = []
    for node in nodes:
        errors = () if node.result is None else node.result.errors
        listed = [outcomes.listed_error(error) for error in errors if error != refusals.ROLLED_BACK]
        if listed:
            failures.append({"referenceId": node.reference, "errors": listed})
    return failures
