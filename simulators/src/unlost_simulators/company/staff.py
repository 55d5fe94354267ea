"""All people who work at the company, with their departments and computers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from itertools import chain

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import booleans, chosen, dates, digits, joined, where
from unlost_simulators.company.draws import Flags, Numbers, Rows
from unlost_simulators.company.employees import BY_HANDLE, DOMAIN, EMPLOYEES, OFFICES, Employee
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import identity
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import DAY, OPENING_SECONDS
from unlost_simulators.company.world import FIRST_GENERATED, Company

STAFF = "Staff"
COMPUTER = "Computer"
IT = "IT"
IT_EVERY = 10
"""Each tenth generated employee works in IT, the first one too."""
DEPARTMENTS = ("Production", "Logistics", "Sales", "Service", "Quality", "Purchasing", "Finance")
_TITLES = ("Operator", "Planner", "Account manager", "Agent", "Inspector", "Buyer", "Clerk")
_IT_TITLE = "Administrator"
_DOMAINS = pa.array([f"@{DOMAIN}"] * len(OFFICES))
_MODELS = ("ThinkPad T14", "Latitude 5450", "MacBook Air 13", "OptiPlex 7020")
_KINDS = ("Laptop", "Laptop", "Laptop", "Desktop")
_MANAGEMENT = BY_HANDLE["inge"].number
_WARRANTY = 3 * 365 * DAY


def staff_numbers(staff: Numbers) -> pa.Array:
    """The employee numbers of generated employees."""
    return digits(staff + FIRST_GENERATED, 6)


def it_staff(company: Company[CompanySizes]) -> int:
    """The number of generated employees in IT."""
    return -(-company.sizes.staff // IT_EVERY)


def office_of(company: Company[CompanySizes], staff: Numbers) -> Numbers:
    """The office of generated employees, a key of `OFFICES`; most work in Gent."""
    return Rows(company.seed, STAFF, staff).weighted("office", (10, 4, 3, 3))


def generated(company: Company[CompanySizes], staff: Numbers) -> Facts[Employee]:
    """Generated employees, by their numbers (from 0)."""
    rows = Rows(company.seed, STAFF, staff)
    office = office_of(company, staff)
    who = identity(rows, office, domains=_DOMAINS)
    department = rows.below("department", len(DEPARTMENTS))
    at_it: Flags = staff % IT_EVERY == 0
    columns = {
        "number": staff_numbers(staff),
        "handle": pa.nulls(len(staff), pa.string()),
        "first": who.first,
        "last": who.last,
        "mail": who.mail,
        "office": pa.array(office),
        "department": where(at_it, _all(IT, staff), chosen(DEPARTMENTS, department)),
        "title": where(at_it, _all(_IT_TITLE, staff), chosen(_TITLES, department)),
        "active": booleans(~rows.chance("former", 4)),
        "manager": where(at_it, _all(BY_HANDLE["lotte"].number, staff), _all(_MANAGEMENT, staff)),
    }
    return Facts(Employee, columns)


def _all(text: str, staff: Numbers) -> pa.Array:
    return pa.array([text] * len(staff), pa.string())


def everyone(company: Company[CompanySizes]) -> Iterator[Employee]:
    """All employees: the written-out ones first."""
    numbers = np.arange(company.sizes.staff, dtype=np.int64)
    return chain(EMPLOYEES, generated(company, numbers).records())


@dataclass(frozen=True, slots=True)
class Computer:
    """The computer of an employee, whose number is `user`."""

    serial: str
    name: str
    model: str
    kind: str
    user: str
    bought: date
    warranty_until: date


def serial_numbers(staff: Numbers) -> pa.Array:
    """The serial numbers of the computers of generated employees."""
    return joined("KW", digits(staff + FIRST_GENERATED, 8))


def computers(company: Company[CompanySizes], staff: Numbers) -> Facts[Computer]:
    """The computers of generated employees, one each."""
    rows = Rows(company.seed, COMPUTER, staff)
    model = rows.below("model", len(_MODELS))
    bought = OPENING_SECONDS - rows.below("bought", 1_400) * DAY
    columns = {
        "serial": serial_numbers(staff),
        "name": joined("pc-", digits(staff + FIRST_GENERATED, 5)),
        "model": chosen(_MODELS, model),
        "kind": chosen(_KINDS, model),
        "user": staff_numbers(staff),
        "bought": dates(bought),
        "warranty_until": dates(bought + _WARRANTY),
    }
    return Facts(Computer, columns)
