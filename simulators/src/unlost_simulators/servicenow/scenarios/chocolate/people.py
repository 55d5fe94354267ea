"""People and companies: offices, employees, groups, customers with their customer numbers, contacts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from unlost_simulators.company import customers, it, people, staff, written
from unlost_simulators.company.columns import INSTANT, joined
from unlost_simulators.company.customers import Customer
from unlost_simulators.company.draws import Numbers
from unlost_simulators.company.employees import EMPLOYEES, OFFICES, Employee
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import Person
from unlost_simulators.company.times import ago
from unlost_simulators.company.world import Company, runs
from unlost_simulators.servicenow.model import ids
from unlost_simulators.servicenow.scenarios.chocolate.sizes import InstanceSizes
from unlost_simulators.servicenow.scenarios.chocolate.world import (
    CONTACT,
    INTEGRATION,
    USER,
    accounts,
    by_name,
    same,
    stamped,
    users,
)

FIXED_CONTACTS = 1_000_000
"""Keys of contacts that are written out; generated ones count from 0."""
_DEPARTMENTS = tuple(dict.fromkeys(
    (*staff.DEPARTMENTS, staff.IT, *(each.department for each in EMPLOYEES))
))  # fmt: skip
_PLACES = {office: place.city for office, place in OFFICES.items()}

type Company_ = Company[InstanceSizes]
type Tables = Iterator[tuple[str, pa.Table]]


def tables(company: Company_) -> Tables:
    """Give the rows of people and companies."""
    yield "cmn_location", _places()
    yield "cmn_department", _departments()
    yield USER, _employees(company, as_facts(Employee, EMPLOYEES))
    for numbers in runs(company.sizes.staff):
        yield USER, _employees(company, staff.generated(company, numbers))
    yield "sys_user_group", _groups(company)
    yield "sys_user_grmember", _memberships(company)
    yield "customer_account", _accounts(company, as_facts(Customer, written.CUSTOMERS))
    for numbers in runs(company.sizes.businesses):
        yield "customer_account", _accounts(company, customers.businesses(company, numbers))
    for numbers in runs(company.sizes.private_customers):
        yield "customer_account", _accounts(company, customers.private_customers(company, numbers))
    persons = (*written.PEOPLE.values(), written.PRIVATE_PERSON)
    keys = np.arange(len(persons), dtype=np.int64) + FIXED_CONTACTS
    yield CONTACT, _contacts(company, as_facts(Person, persons), keys)
    for numbers in runs(company.sizes.contacts):
        yield CONTACT, _contacts(company, people.contacts(company, numbers), numbers)
    for numbers in runs(company.sizes.private_customers):
        facts = people.private_customers(company, numbers)
        yield CONTACT, _contacts(company, facts, numbers + company.sizes.contacts)


def as_facts[Record](kind: type[Record], records: Sequence[Record]) -> Facts[Record]:
    """Give values that are written out as columns."""
    shape: Any = kind
    rows = [asdict(record) for record in records if isinstance(record, shape)]
    columns = {field.name: pa.array([row[field.name] for row in rows]) for field in fields(shape)}
    return Facts(kind, {name: _as_generated(column) for name, column in columns.items()})


def _as_generated(column: pa.Array) -> pa.Array:
    """Give a column the type that generated facts have."""
    if pa.types.is_null(column.type):
        return column.cast(pa.string())
    return column.cast(INSTANT) if pa.types.is_timestamp(column.type) else column


def instant_column(count: int, days: float) -> pa.Array:
    """Give the same instant in every row."""
    return pa.array([ago(days)] * count, INSTANT)


def _stamps(company: Company_, table: str, numbers: Numbers, days: float) -> dict[str, pa.Array]:
    created = instant_column(len(numbers), days)
    return dict(stamped(company.seed, table, numbers, created, INTEGRATION))


def _places() -> pa.Table:
    count = len(OFFICES)
    return pa.table({
        "sys_id": [ids.fixed("cmn_location", city) for city in _PLACES.values()],
        "name": list(_PLACES.values()),
        "city": list(_PLACES.values()),
        "country": [office.country for office in OFFICES.values()],
        "time_zone": [office.time_zone for office in OFFICES.values()],
        "sys_created_on": instant_column(count, 2_000),
        "sys_updated_on": instant_column(count, 2_000),
    })  # fmt: skip


def _departments() -> pa.Table:
    count = len(_DEPARTMENTS)
    return pa.table({
        "sys_id": [ids.fixed("cmn_department", name) for name in _DEPARTMENTS],
        "name": list(_DEPARTMENTS),
        "sys_created_on": instant_column(count, 2_000),
        "sys_updated_on": instant_column(count, 2_000),
    })  # fmt: skip


def _employees(company: Company_, facts: Facts[Employee]) -> pa.Table:
    numbers = pc.cast(facts["number"], pa.int64()).to_numpy(zero_copy_only=False)
    offices = pa.array([_PLACES[office] for office in facts["office"].to_pylist()], pa.string())
    zones = [OFFICES[office].time_zone for office in facts["office"].to_pylist()]
    return pa.table({
        "sys_id": users(facts["number"]),
        "user_name": facts["mail"],
        "first_name": facts["first"],
        "last_name": facts["last"],
        "name": joined(facts["first"], " ", facts["last"]),
        "email": facts["mail"],
        "employee_number": facts["number"],
        "title": facts["title"],
        "active": facts["active"],
        "manager": users(facts["manager"]),
        "department": by_name("cmn_department", facts["department"], _DEPARTMENTS),
        "location": by_name("cmn_location", offices, tuple(_PLACES.values())),
        "time_zone": zones,
        "sys_class_name": same(USER, numbers),
        **_stamps(company, USER, numbers, 1_500),
    })  # fmt: skip


def _groups(company: Company_) -> pa.Table:
    numbers = np.arange(len(it.GROUPS), dtype=np.int64)
    return pa.table({
        "sys_id": [ids.fixed("sys_user_group", group.name) for group in it.GROUPS],
        "name": [group.name for group in it.GROUPS],
        "email": [group.mail for group in it.GROUPS],
        "manager": users(pa.array([group.manager for group in it.GROUPS])),
        "active": ["true"] * len(numbers),
        **_stamps(company, "sys_user_group", numbers, 1_400),
    })  # fmt: skip


def _memberships(company: Company_) -> pa.Table:
    members = list(it.memberships(company))
    numbers = np.arange(len(members), dtype=np.int64)
    return pa.table({
        "sys_id": [
            ids.fixed("sys_user_grmember", f"{each.group}/{each.employee}") for each in members
        ],
        "user": users(pa.array([each.employee for each in members], pa.string())),
        "group": [ids.fixed("sys_user_group", each.group) for each in members],
        **_stamps(company, "sys_user_grmember", numbers, 1_300),
    })  # fmt: skip


def _accounts(company: Company_, facts: Facts[Customer]) -> pa.Table:
    numbers = pc.cast(facts["number"], pa.int64()).to_numpy(zero_copy_only=False)
    parents = [
        written.HOLDING.number if number == written.SONNENSCHEIN.number else None
        for number in facts["number"].to_pylist()
    ]
    return pa.table({
        "sys_id": accounts(facts["number"]),
        "number": facts["number"],
        "name": facts["name"],
        "account_type": facts["kind"],
        "street": facts["street"],
        "city": facts["city"],
        "state": facts["state"],
        "zip": facts["postal_code"],
        "country": facts["country"],
        "phone": facts["phone"],
        "fax_phone": facts["fax"],
        "website": facts["website"],
        "notes": facts["remarks"],
        "u_vat": facts["vat"],
        "revenue_per_year": facts["revenue"],
        "customer": same("true", numbers),
        "account_parent": accounts(pa.array(parents, pa.string())),
        "sys_class_name": same("customer_account", numbers),
        **_stamps(company, "customer_account", numbers, 1_200),
    })  # fmt: skip


def _contacts(company: Company_, facts: Facts[Person], numbers: Numbers) -> pa.Table:
    return pa.table({
        "sys_id": ids.generated(CONTACT, numbers),
        "user_name": facts["mail"],
        "first_name": facts["first"],
        "last_name": facts["last"],
        "name": joined(facts["first"], " ", facts["last"]),
        "salutation": facts["salutation"],
        "email": facts["mail"],
        "title": facts["title"],
        "phone": facts["phone"],
        "mobile_phone": facts["mobile"],
        "active": same("true", numbers),
        "account": accounts(facts["customer_number"]),
        "company": accounts(facts["customer_number"]),
        "sys_class_name": same(CONTACT, numbers),
        **_stamps(company, CONTACT, numbers, 1_100),
    })  # fmt: skip
