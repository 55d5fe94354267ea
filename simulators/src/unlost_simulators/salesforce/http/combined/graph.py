"""Composite graph: up to 500 subrequests, each graph done as a whole or not at all.

Nodes that create records of one object and wait for nothing else are carried out as one request.
Source: REST guide (resources-composite-graph, resources-composite-graph-limits).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unlost_simulators.kit.http.calls import Answer, json_answer
from unlost_simulators.salesforce.http.combined import references, subrequests
from unlost_simulators.salesforce.http.combined.composite import (
    Composite,
    RolledBack,
    limit,
    listed,
)
from unlost_simulators.salesforce.http.combined.subrequests import Subrequest
from unlost_simulators.salesforce.http.context import Context
from unlost_simulators.salesforce.http.json_texts import record_json
from unlost_simulators.salesforce.http.rest import records
from unlost_simulators.salesforce.model.errors import SalesforceError, not_found

MOST_GRAPHS = 75
MOST_NODES = 500
MOST_DEPTH = 15
MOST_KINDS = 15
MOST_FAILURES = 14
OLDEST_VERSION = 50
_GRAPH_ID = re.compile(r"[A-Za-z0-9][\w.\-]{0,39}")


@dataclass(frozen=True, slots=True)
class Graph:
    """One graph as it was sent."""

    id: str
    nodes: tuple[Subrequest, ...]


class Graphs:
    """The handler of composite graphs."""

    def __init__(self, composite: Composite) -> None:
        self._composite = composite

    def run(self, context: Context) -> Answer:
        """Answer ``POST composite/graph``."""
        if context.version < OLDEST_VERSION:
            raise not_found()
        graphs = [
            _read(document)
            for document in listed(record_json(context.call.body), "graphs", most=MOST_GRAPHS)
        ]
        _check(graphs)
        failures = 0
        graph_entries = []
        for graph in graphs:
            if failures > MOST_FAILURES:
                halted = [subrequests.halted(node) for node in graph.nodes]
                graph_entries.append(_entry(graph, halted, good=False))
                continue
            entries, good = self._one(context, graph)
            failures += not good
            graph_entries.append(_entry(graph, entries, good=good))
        return json_answer({"graphs": graph_entries})

    def _one(self, context: Context, graph: Graph) -> tuple[list[dict[str, Any]], bool]:
        """Answer one graph; gives the elements of its nodes and whether all went well.

        After a failure the failed nodes keep their answers, all others were rolled back.
        """
        answers: dict[int, Answer] = {}
        try:
            with context.sim.org.store.transaction():
                self._run(context, graph, answers)
        except RolledBack:
            entries = [
                subrequests.entry(node, answers[at])
                if at in answers and subrequests.failed(answers[at])
                else subrequests.halted(node)
                for at, node in enumerate(graph.nodes)
            ]
            return entries, False
        return [subrequests.entry(node, answers[at]) for at, node in enumerate(graph.nodes)], True

    def _run(self, context: Context, graph: Graph, answers: dict[int, Answer]) -> None:
        """Answer the nodes step by step into ``answers``; raises ``RolledBack`` at a failure."""
        results: dict[str, Any] = {}
        for step in steps(graph.nodes, context.base):
            nodes = [graph.nodes[at] for at in step]
            for at, node, answer in zip(
                step, nodes, self._answers(context, nodes, results), strict=True
            ):
                answers[at] = answer
                results[node.reference] = answer.document
            if any(subrequests.failed(answers[at]) for at in step):
                raise RolledBack

    def _answers(
        self, context: Context, nodes: Sequence[Subrequest], results: dict[str, Any]
    ) -> list[Answer]:
        if len(nodes) == 1:
            return [self._composite.answer_one(context, nodes[0], results)]
        try:
            ready = [subrequests.resolved(node, results, context.version) for node in nodes]
        except references.Absent:
            # Rare enough to find the node that is to blame by itself.
            return [self._composite.answer_one(context, node, results) for node in nodes]
        name = nodes[0].target.rstrip("/").rsplit("/", 1)[1]
        return records.create_many(context, name, [subrequest.body for subrequest in ready])


def steps(nodes: Sequence[Subrequest], base: str) -> list[list[int]]:
    """Return the places of the nodes in processing order, grouped by request."""
    depths = _depths(nodes)
    requests: dict[tuple[Any, ...], list[int]] = {}
    for at, node in enumerate(nodes):
        alone = not _creates(node, base)
        # Nodes of one depth do not depend on each other, so equal creations can share a request.
        key = (depths[at], at if alone else node.target.lower().rstrip("/"), alone)
        requests.setdefault(key, []).append(at)
    return sorted(requests.values(), key=lambda step: (depths[step[0]], step[0]))


def _creates(node: Subrequest, base: str) -> bool:
    """Return true if a node creates a record by nothing but its body."""
    path = node.target.rstrip("/").rpartition("/")[0]
    plain = isinstance(node.body, dict) and not node.headers
    return node.method == "POST" and plain and path.lower() == f"{base}/sobjects"


def _depths(nodes: Sequence[Subrequest]) -> list[int]:
    """Return the length of the longest chain of references that ends in each node, inclusive."""
    places = {node.reference: at for at, node in enumerate(nodes)}
    known: dict[int, int] = {}
    for start in range(len(nodes)):
        _measure(start, nodes, places, known, ())
    return [known[at] for at in range(len(nodes))]


def _measure(
    at: int,
    nodes: Sequence[Subrequest],
    places: Mapping[str, int],
    known: dict[int, int],
    above: tuple[int, ...],
) -> int:
    if at in known:
        return known[at]
    # A circle of references: it ends here, and the unresolved reference fails later.
    if at in above or len(above) > MOST_DEPTH:
        return 1
    node = nodes[at]
    named = {*references.named(node.target), *references.named(node.body)}
    behind = [places[reference] for reference in named if reference in places]
    deepest = max(
        (_measure(place, nodes, places, known, (*above, at)) for place in behind), default=0
    )
    known[at] = deepest + 1
    return known[at]


def _read(document: object) -> Graph:
    given = document if isinstance(document, dict) else {}
    name = str(given.get("graphId", ""))
    if _GRAPH_ID.fullmatch(name) is None:
        raise SalesforceError(400, "INVALID_INPUT", f"Invalid graphId: {name}")
    nodes = listed(given, "compositeRequest", most=MOST_NODES)
    return Graph(name, tuple(subrequests.read(node) for node in nodes))


def _check(graphs: Sequence[Graph]) -> None:
    names = [graph.id for graph in graphs]
    if len(set(names)) != len(names):
        raise SalesforceError(400, "INVALID_INPUT", "graphIds must be unique")
    nodes = [node for graph in graphs for node in graph.nodes]
    if len(nodes) > MOST_NODES:
        raise limit(f"cannot process more than {MOST_NODES} nodes in one call")
    if len({_kind(node) for node in nodes}) > MOST_KINDS:
        raise limit(f"cannot process more than {MOST_KINDS} different nodes in one call")
    if any(max(_depths(graph.nodes)) > MOST_DEPTH for graph in graphs):
        raise limit(f"the depth of a graph cannot be more than {MOST_DEPTH}")
    for graph in graphs:
        references_of = [node.reference for node in graph.nodes]
        if len(set(references_of)) != len(references_of):
            text = f"referenceIds must be unique in graph {graph.id}"
            raise SalesforceError(400, "INVALID_INPUT", text)
    for node in nodes:
        _check_node(node)


def _kind(node: Subrequest) -> tuple[str, ...]:
    """Version, method and object: what makes nodes different."""
    parts = [part.lower() for part in node.target.split("?")[0].split("/") if part]
    return (node.method, *parts[2:5])


def _check_node(node: Subrequest) -> None:
    """Only records can be nodes."""
    parts = [part.lower() for part in node.target.split("?")[0].split("/") if part]
    allowed = parts[:2] == ["services", "data"] and parts[3:4] == ["sobjects"]
    if not allowed or len(parts) not in {5, 6, 7}:
        raise SalesforceError(400, "INVALID_INPUT", f"Unsupported url in a graph: {node.target}")


def _entry(graph: Graph, entries: list[dict[str, Any]], *, good: bool) -> dict[str, Any]:
    return {
        "graphId": graph.id,
        "graphResponse": {"compositeResponse": entries},
        "isSuccessful": good,
    }
