"""Tickets: incidents with journals and audit, problems, changes, requests with their variables."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company import operations, tickets
from unlost_simulators.company.columns import chosen, digits, joined, where
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.it import GROUPS, SERVICES
from unlost_simulators.company.tickets import ITEMS, NOTES_PER_INCIDENT, Incident
from unlost_simulators.company.world import FIRST_GENERATED, runs
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.model.platform import AUDIT, JOURNAL
from unlost_simulators.servicenow.scenarios.chocolate.people import Company_, Tables, as_facts
from unlost_simulators.servicenow.scenarios.chocolate.world import (
    INTEGRATION,
    SERVICE,
    accounts,
    by_name,
    coded,
    computers,
    same,
    stamped,
    users,
)

JAPAN_DOMAIN = ids.fixed("sys_domain", "Osaka")
_GROUP_NAMES = tuple(group.name for group in GROUPS)
_SERVICE_NAMES = tuple(service.name for service in SERVICES)
_INCIDENT = {"New": "1", "In progress": "2", "On hold": "3", "Resolved": "6", "Closed": "7",
             "Canceled": "8"}  # fmt: skip
_TASK = {"New": "1", "In progress": "2", "On hold": "2", "Resolved": "3", "Closed": "3",
         "Canceled": "3"}  # fmt: skip
_PROBLEM = dict(zip(operations.PROBLEM_STATES, ("101", "103", "104", "107"), strict=True))
_CHANGE = dict(zip(operations.CHANGE_STATES, ("-5", "-2", "-1", "3", "4"), strict=True))
VARIABLES = ("Reason", "Needed by")
"""The questions of each item of the catalogue."""


def tables(company: Company_, *, separated: bool) -> Tables:
    """Give the rows of tickets; with ``separated`` incidents of the plant belong to a domain."""
    written = as_facts(Incident, tickets.INCIDENTS)
    yield "incident", incident_rows(company, written, separated=separated)
    for numbers in runs(company.sizes.incidents):
        facts = tickets.incidents(company, numbers)
        yield "incident", incident_rows(company, facts, separated=separated)
        yield AUDIT, _audit(facts, numbers)
    for numbers in runs(company.sizes.incidents * NOTES_PER_INCIDENT):
        yield JOURNAL, _journal(tickets.notes(company, numbers), numbers)
    for numbers in runs(company.sizes.problems):
        yield "problem", _problems(company, numbers)
    for numbers in runs(company.sizes.changes):
        yield "change_request", _changes(company, numbers)
        yield "task_ci", _affected(company, numbers)
    for numbers in runs(company.sizes.requests):
        yield from _requests(company, numbers)


def _numbered(prefix: str, number: pa.Array) -> pa.Array:
    return joined(prefix, digits(number.to_numpy(zero_copy_only=False), 7))


def incident_ids(numbers: pa.Array) -> pa.Array:
    """Give the sys_ids of incidents by their numbers in the company."""
    return ids.generated("incident", numbers.to_numpy(zero_copy_only=False))


def _task(
    company: Company_, table: str, facts: Facts[Any], by: str = INTEGRATION
) -> dict[str, Any]:
    """Give the columns that all tickets have."""
    numbers = facts["number"].to_numpy(zero_copy_only=False)
    return {
        "sys_id": ids.generated(table, numbers),
        "opened_at": facts["opened"],
        "sys_class_name": same(table, numbers),
        **stamped(company.seed, table, numbers, facts["opened"], by),
    }


def incident_rows(company: Company_, facts: Facts[Incident], *, separated: bool) -> pa.Table:
    """Give the rows of incidents; with ``separated`` those of the plant belong to a domain."""
    services = by_name(SERVICE, facts["service"], _SERVICE_NAMES)
    ended = pc.is_valid(facts["resolved"])
    columns = {
        **_task(company, "incident", facts),
        "number": _numbered("INC", facts["number"]),
        "short_description": facts["subject"],
        "description": facts["text"],
        "state": coded(facts["state"], _INCIDENT),
        "active": pc.invert(pc.equal(facts["state"], "Closed")),
        "priority": facts["priority"],
        "impact": pc.min_element_wise(facts["priority"], pa.scalar(3)),
        "caller_id": users(facts["caller"]),
        "opened_by": users(facts["caller"]),
        "assigned_to": users(facts["assignee"]),
        "assignment_group": by_name("sys_user_group", facts["group"], _GROUP_NAMES),
        "business_service": services,
        "cmdb_ci": pc.coalesce(computers(facts["computer"]), services),
        "company": accounts(facts["customer_number"]),
        "category": pc.if_else(pc.is_valid(facts["computer"]), "hardware", "software"),
        "resolved_at": facts["resolved"],
        "closed_at": facts["resolved"],
        "close_notes": facts["closing"],
        "time_worked": where(
            ended.to_numpy(zero_copy_only=False), _all("1970-01-01 01:30:00", len(ended))
        ),
    }
    if separated:
        plant = pc.equal(facts["group"], _GROUP_NAMES[-1]).to_numpy(zero_copy_only=False)
        columns["sys_domain"] = where(
            plant, _all(JAPAN_DOMAIN, len(plant)), _all("global", len(plant))
        )
    return pa.table(columns)


def _all(text: str, count: int) -> pa.Array:
    return pa.array([text] * count, pa.string())


def _audit(facts: Facts[Incident], numbers: Numbers) -> pa.Table:
    """Give one row of the audit for each incident: its way out of the first state."""
    return pa.table({
        "sys_id": ids.generated(AUDIT, numbers),
        "tablename": same("incident", numbers),
        "documentkey": incident_ids(facts["number"]),
        "fieldname": same("state", numbers),
        "oldvalue": same("1", numbers),
        "newvalue": coded(facts["state"], _INCIDENT),
        "user": same(INTEGRATION, numbers),
        "record_checkpoint": same("1", numbers),
        "sys_created_on": facts["opened"],
        "sys_created_by": same(INTEGRATION, numbers),
    })  # fmt: skip


def _journal(facts: Facts[tickets.IncidentNote], numbers: Numbers) -> pa.Table:
    return pa.table({
        "sys_id": ids.generated(JOURNAL, numbers),
        "name": same("task", numbers),
        "element": pc.if_else(facts["internal"], "work_notes", "comments"),
        "element_id": incident_ids(facts["incident"]),
        "value": facts["text"],
        "sys_created_on": facts["written"],
        "sys_created_by": joined("employee.", facts["author"]),
    })  # fmt: skip


def _problems(company: Company_, numbers: Numbers) -> pa.Table:
    facts = operations.problems(company, numbers)
    return pa.table({
        **_task(company, "problem", facts),
        "number": _numbered("PRB", facts["number"]),
        "short_description": facts["subject"],
        "cause_notes": facts["text"],
        "state": coded(facts["state"], _PROBLEM),
        "assigned_to": users(facts["owner"]),
        "assignment_group": by_name("sys_user_group", facts["group"], _GROUP_NAMES),
        "cmdb_ci": by_name(SERVICE, facts["service"], _SERVICE_NAMES),
        "closed_at": facts["closed"],
    })  # fmt: skip


def _changes(company: Company_, numbers: Numbers) -> pa.Table:
    facts = operations.changes(company, numbers)
    return pa.table({
        **_task(company, "change_request", facts),
        "number": _numbered("CHG", facts["number"]),
        "short_description": facts["subject"],
        "description": facts["text"],
        "type": facts["kind"],
        "state": coded(facts["state"], _CHANGE),
        "assigned_to": users(facts["owner"]),
        "assignment_group": by_name("sys_user_group", facts["group"], _GROUP_NAMES),
        "cmdb_ci": by_name(SERVICE, facts["service"], _SERVICE_NAMES),
        "start_date": facts["begins"],
        "end_date": facts["ends"],
    })  # fmt: skip


def _affected(company: Company_, numbers: Numbers) -> pa.Table:
    facts = operations.changes(company, numbers)
    return pa.table({
        "sys_id": ids.generated("task_ci", numbers),
        "task": ids.generated("change_request", numbers + FIRST_GENERATED),
        "ci_item": by_name(SERVICE, facts["service"], _SERVICE_NAMES),
        **stamped(company.seed, "task_ci", numbers, facts["opened"], INTEGRATION),
    })  # fmt: skip


def _requests(company: Company_, numbers: Numbers) -> Tables:
    facts = tickets.requests(company, numbers)
    common = {
        "short_description": facts["text"],
        "state": coded(facts["state"], _TASK),
        "opened_by": users(facts["requested_by"]),
        "closed_at": facts["closed"],
    }
    yield "sc_request", pa.table({
        **_task(company, "sc_request", facts),
        **common,
        "number": _numbered("REQ", facts["number"]),
        "requested_for": users(facts["requested_for"]),
    })  # fmt: skip
    yield "sc_req_item", pa.table({
        **_task(company, "sc_req_item", facts),
        **common,
        "number": _numbered("RITM", facts["number"]),
        "request": ids.generated("sc_request", numbers + FIRST_GENERATED),
        "cat_item": by_name("sc_cat_item", facts["item"], ITEMS),
        "quantity": pa.array(Rows(company.seed, "quantity", numbers).below("quantity", 3) + 1),
    })  # fmt: skip
    yield "sc_task", pa.table({
        **_task(company, "sc_task", facts),
        **common,
        "number": _numbered("SCTASK", facts["number"]),
        "request_item": ids.generated("sc_req_item", numbers + FIRST_GENERATED),
    })  # fmt: skip
    for place, variable in enumerate(VARIABLES):
        yield from _answers(company, facts, numbers, place, variable)


def _answers(
    company: Company_, facts: Facts[Any], numbers: Numbers, place: int, variable: str
) -> Tables:
    keys = numbers * len(VARIABLES) + place
    names = joined(facts["item"], f"/{variable}")
    known = [f"{item}/{variable}" for item in ITEMS]
    rows = Rows(company.seed, "answers", keys)
    stamps = stamped(company.seed, "sc_item_option", keys, facts["opened"], INTEGRATION)
    yield "sc_item_option", pa.table({
        "sys_id": ids.generated("sc_item_option", keys),
        "item_option_new": by_name("item_option_new", names, known),
        "value": chosen(("asap", "bitte bald", "来週まで", "até sexta"), rows.below("value", 4)),
        **stamps,
    })  # fmt: skip
    yield "sc_item_option_mtom", pa.table({
        "sys_id": ids.generated("sc_item_option_mtom", keys),
        "request_item": ids.generated("sc_req_item", numbers + FIRST_GENERATED),
        "sc_item_option": ids.generated("sc_item_option", keys),
        **stamps,
    })  # fmt: skip
