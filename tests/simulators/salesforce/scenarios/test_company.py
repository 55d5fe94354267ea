"""The Salesforce org holds the company: what its facts say stands in its rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pytest

from unlost_simulators.company import cases, customers, mails, orders, people, products, written
from unlost_simulators.company.employees import EMPLOYEES
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.world import Company

Tables = Mapping[str, pa.Table]


def every(maker, count: int, scale: int = 1, seed: int = 1) -> list:
    company = Company(seed, CompanySizes().times(scale))
    return list(maker(company, np.arange(count, dtype=np.int64)).records())


def pairs(rows: pa.Table, *names: str) -> set[tuple]:
    return set(zip(*(rows[name].to_pylist() for name in names), strict=True))


@pytest.mark.parametrize(("scale", "seed"), [(1, 1), (2, 9)])
def test_customers_have_their_numbers_and_names(rows_of, scale: int, seed: int) -> None:
    rows = pairs(rows_of(scale=scale, seed=seed)["Account"], "Customer_Number__c", "Name", "Phone")
    facts = [
        *written.CUSTOMERS,
        *every(customers.businesses, 260 * scale, scale, seed),
        *every(customers.private_customers, 60 * scale, scale, seed),
    ]
    assert {(fact.number, fact.name, fact.phone) for fact in facts} <= rows


def test_people_have_their_names_and_addresses(chocolate: Tables) -> None:
    rows = pairs(chocolate["Contact"], "FirstName", "LastName", "Email")
    facts = [
        *written.PEOPLE.values(),
        written.PRIVATE_PERSON,
        *every(people.contacts, 1_050),
        *every(people.private_customers, 60),
    ]
    assert {(fact.first, fact.last, fact.mail) for fact in facts} <= rows


def test_employees_are_users_with_their_numbers(chocolate: Tables) -> None:
    rows = pairs(chocolate["User"], "EmployeeNumber", "Email", "LastName", "IsActive")
    assert {(one.number, one.mail, one.last, one.active) for one in EMPLOYEES} <= rows


def test_products_orders_cases_and_mails(chocolate: Tables) -> None:
    named = {(product.code, product.name) for product in products.PRODUCTS}
    assert named <= pairs(chocolate["Product2"], "ProductCode", "Name")
    placed = {(order.reference, order.day) for order in every(orders.orders, 90)}
    assert placed <= pairs(chocolate["Order"], "PoNumber", "EffectiveDate")
    asked = [*written.CASES.values(), *every(cases.cases, 260)]
    rows = pairs(chocolate["Case"], "Subject", "Status", "ClosedDate", "Description")
    assert {(case.subject, case.state, case.closed, case.text) for case in asked} <= rows
    sent = [*written.MAILS, *every(mails.mails, 300)]
    rows = pairs(
        chocolate["EmailMessage"], "MessageIdentifier", "Subject", "FromAddress", "TextBody"
    )
    assert {(mail.identifier, mail.subject, mail.sender, mail.text) for mail in sent} <= rows
