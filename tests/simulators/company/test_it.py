"""Employees and the IT side: groups, services, servers, computers, incidents, requests."""

from collections import Counter

import numpy as np
import pytest

from unlost_simulators.company import customers, it, staff, tickets, written
from unlost_simulators.company.employees import BY_HANDLE, EMPLOYEES, OFFICES
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import OPENING
from unlost_simulators.company.world import FIRST_GENERATED, Company


def every(maker, company, count: int) -> list:
    return list(maker(company, np.arange(count, dtype=np.int64)).records())


@pytest.fixture
def employees(company) -> dict:
    return {person.number: person for person in staff.everyone(company)}


def test_employees_have_a_number_a_mail_a_department_and_an_office(company, employees) -> None:
    assert len(employees) == len(EMPLOYEES) + company.sizes.staff
    assert len({person.mail for person in employees.values()}) == len(employees)
    assert all(person.mail.endswith("@chocolate.example") for person in employees.values())
    assert all(person.mail.isascii() for person in employees.values())
    assert {person.office for person in employees.values()} == set(OFFICES)
    departments = Counter(person.department for person in employees.values())
    assert set(staff.DEPARTMENTS) | {staff.IT} <= set(departments)
    assert BY_HANDLE["lotte"].mail == "lotte.devos@chocolate.example"


def test_each_employee_has_a_manager_but_the_head(employees) -> None:
    heads = [person for person in employees.values() if person.manager is None]
    assert heads == [BY_HANDLE["inge"]]
    assert {person.manager for person in employees.values()} - {None} <= set(employees)


def test_groups_have_members_of_it(company, employees) -> None:
    members = list(it.memberships(company))
    assert {member.group for member in members} == {group.name for group in it.GROUPS}
    assert len(set(members)) == len(members)
    assert {employees[member.employee].department for member in members} == {staff.IT}
    counts = Counter(member.group for member in members)
    assert min(counts.values()) >= 2


def test_services_need_services_and_servers_run_them(employees) -> None:
    names = {service.name for service in it.SERVICES}
    for service in it.SERVICES:
        assert set(service.needs) <= names - {service.name}
        assert service.group in {group.name for group in it.GROUPS}
        assert service.owner in employees
    assert {server.service for server in it.SERVERS} <= names
    for attribute in ("name", "serial", "address"):
        values = [getattr(server, attribute) for server in it.SERVERS]
        assert len(set(values)) == len(values)


def test_each_generated_employee_has_a_computer(company, employees) -> None:
    computers = every(staff.computers, company, company.sizes.staff)
    assert {computer.user for computer in computers} == {
        person.number for person in employees.values() if person.handle is None
    }
    assert len({computer.serial for computer in computers}) == len(computers)
    assert all(computer.bought < computer.warranty_until for computer in computers)


def test_incidents_have_callers_groups_and_what_they_are_about(company, employees) -> None:
    incidents = every(tickets.incidents, company, company.sizes.incidents)
    members = {(member.group, member.employee) for member in it.memberships(company)}
    computers = {one.serial: one for one in every(staff.computers, company, company.sizes.staff)}
    services = {service.name for service in it.SERVICES}
    for incident in (*tickets.INCIDENTS, *incidents):
        assert incident.caller in employees
        if incident.assignee is not None:
            assert (incident.group, incident.assignee) in members
        assert incident.service is None or incident.service in services
        ended = incident.state in tickets.STATES[3:]
        assert (incident.resolved is not None, incident.closing is not None) == (ended, ended)
        assert incident.opened <= (incident.resolved or OPENING) <= OPENING
        if incident.computer is not None:
            assert computers[incident.computer].user == incident.caller
    assert {incident.state for incident in incidents} == set(tickets.STATES)
    assert {incident.priority for incident in incidents} == {1, 2, 3, 4}
    assert {incident.group for incident in incidents} == {group.name for group in it.GROUPS}


def test_incidents_name_customers_by_number_and_name(company) -> None:
    known = {
        customer.number: customer.name
        for customer in every(customers.businesses, company, company.sizes.businesses)
    }
    incidents = every(tickets.incidents, company, company.sizes.incidents)
    affecting = [incident for incident in incidents if incident.customer_number]
    assert len(affecting) > 80
    for incident in affecting:
        assert incident.text.endswith(
            f"\n{incident.customer_number} {known[incident.customer_number]}"
        )
    story = [each for each in tickets.INCIDENTS if each.customer_number]
    assert {each.customer_number for each in story} == {written.SONNENSCHEIN.number}
    assert all(written.SONNENSCHEIN.name in each.text for each in story)
    assert all(each.number < FIRST_GENERATED for each in tickets.INCIDENTS)


def test_notes_are_of_the_caller_and_then_of_it(company) -> None:
    incidents = {
        each.number: each for each in every(tickets.incidents, company, company.sizes.incidents)
    }
    members = {(member.group, member.employee) for member in it.memberships(company)}
    notes = every(tickets.notes, company, tickets.NOTES_PER_INCIDENT * len(incidents))
    for first, second in zip(notes[::2], notes[1::2], strict=True):
        incident = incidents[first.incident]
        assert second.incident == first.incident
        assert (first.author, first.internal, first.written) == (
            incident.caller,
            False,
            incident.opened,
        )
        assert (incident.group, second.author) in members
        assert first.written <= second.written <= OPENING
    assert any(note.internal for note in notes)


def test_requests_are_by_and_for_employees(company, employees) -> None:
    requests = every(tickets.requests, company, company.sizes.requests)
    for request in requests:
        assert {request.requested_by, request.requested_for} <= set(employees)
        assert request.item in tickets.ITEMS
        assert (request.closed is None) == (request.state in tickets.STATES[:3])
    assert 20 < sum(each.requested_by != each.requested_for for each in requests) < 100


def test_without_staff_tickets_are_of_a_written_out_employee() -> None:
    empty = Company(1, CompanySizes.only({"incidents": 50, "requests": 50}))
    incidents = every(tickets.incidents, empty, 50)
    assert {incident.caller for incident in incidents} == {EMPLOYEES[0].number}
    assert {incident.computer for incident in incidents} == {None}
    assert {incident.customer_number for incident in incidents} == {None}
    requests = every(tickets.requests, empty, 50)
    assert {request.requested_for for request in requests} == {EMPLOYEES[0].number}


def test_with_few_staff_the_head_of_it_does_the_work() -> None:
    small = Company(1, CompanySizes(staff=1))
    incidents = every(tickets.incidents, small, 100)
    assert {incident.assignee for incident in incidents} == {None, it.HEAD_OF_IT, "001000"}
    assert {each.group for each in incidents if each.assignee == "001000"} == {it.GROUPS[0].name}
