"""The object of a call, so that faults can be aimed at it."""

from __future__ import annotations

import json
import re
from datetime import datetime, timedelta

from unlost_simulators.kit.http.calls import Call
from unlost_simulators.salesforce.faults import (
    SalesforceRule,
)
from unlost_simulators.salesforce.model.errors import SalesforceError
from unlost_simulators.salesforce.simulator import Simulator

_FROM = re.compile(r"\bFROM\s+(\w+)", re.IGNORECASE)
_BOUND = re.compile(
    r"([<>]=?)\s*(\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))?)"
)


def object_of(call: Call, sim: Simulator) -> str | None:
    """Give the object that a call is about, by its path, query or job; ``None`` if none."""
    parts = [part.lower() for part in call.segments[3:]]
    names = call.segments[3:]
    if parts[:1] == ["sobjects"] and len(parts) > 1:
        return names[1]
    if parts[:2] == ["composite", "sobjects"] and len(parts) > 2:
        return names[2]
    if parts[:2] == ["jobs", "query"] and len(parts) > 2:
        return _of_job(names[2], sim)
    if parts[:2] == ["jobs", "ingest"]:
        return _of_load(names[2], sim) if len(parts) > 2 else _of_order(call)
    if parts[:1] in (["query"], ["queryall"]) and len(parts) > 1:
        return _of_cursor(names[1], sim)
    return from_object(soql_of(call))


def soql_of(call: Call) -> str:
    """Give the query text of a query call or of a job's creation, else an empty text."""
    if "q" in call.query:
        return call.query["q"]
    parts = [part.lower() for part in call.segments[3:]]
    if call.method == "POST" and parts == ["jobs", "query"]:
        try:
            order = json.loads(call.body)
        except ValueError:
            return ""
        return str(order.get("query", "")) if isinstance(order, dict) else ""
    return ""


def from_object(soql: str) -> str | None:
    """Give the outermost object of a query: the last FROM that no parenthesis encloses."""
    depth = 0
    flat = []
    for char in soql:
        depth += (char == "(") - (char == ")")
        flat.append(char if depth == 0 else " ")
    match = _FROM.search("".join(flat))
    return match.group(1) if match else None


def window_fits(call: Call, rule: SalesforceRule, sim: Simulator) -> bool:
    """Return true for a call that is no query, or has a time window that is short enough."""
    soql = soql_of(call)
    if not soql:
        return True
    lower: datetime | None = None
    upper = sim.org.clock.now()
    for operator, text in _BOUND.findall(soql):
        when = _instant(text)
        if operator.startswith(">"):
            lower = when if lower is None else max(lower, when)
        else:
            upper = min(upper, when)
    return lower is not None and upper - lower <= timedelta(days=rule.window_days)


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text if "T" in text else f"{text}T00:00:00+00:00")


def _of_job(job_id: str, sim: Simulator) -> str | None:
    try:
        return sim.jobs.get(job_id).order.object
    except SalesforceError:
        return None


def _of_load(job_id: str, sim: Simulator) -> str | None:
    try:
        return sim.loads.get(job_id).order.object
    except SalesforceError:
        return None


def _of_order(call: Call) -> str | None:
    try:
        order = json.loads(call.body or b"null")
    except ValueError:
        return None
    return str(order["object"]) if isinstance(order, dict) and "object" in order else None


def _of_cursor(locator: str, sim: Simulator) -> str | None:
    return sim.cursors.object_of(locator)
