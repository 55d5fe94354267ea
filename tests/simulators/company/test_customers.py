"""Customers, their people, and what they order, ask and write."""

from collections import Counter

import numpy as np

from unlost_simulators.company import cases, customers, mails, orders, people, written
from unlost_simulators.company.products import PRICE_LISTS, PRICES_IN_CENTS, PRODUCTS
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import OPENING
from unlost_simulators.company.world import FIRST_GENERATED, Company


def every(maker, company, count: int) -> list:
    return list(maker(company, np.arange(count, dtype=np.int64)).records())


def all_customers(company) -> list[customers.Customer]:
    return [
        *written.CUSTOMERS,
        *every(customers.businesses, company, company.sizes.businesses),
        *every(customers.private_customers, company, company.sizes.private_customers),
    ]


def test_customer_numbers_are_unique_and_have_seven_digits(company) -> None:
    numbers = [customer.number for customer in all_customers(company)]
    assert len(set(numbers)) == len(numbers) == 325
    assert {len(number) for number in numbers} == {7}
    assert numbers[5] == f"{people.FIRST_CUSTOMER_NUMBER:07d}"


def test_a_customer_keeps_its_number_and_name_at_another_scale(company) -> None:
    larger = Company(1, CompanySizes().times(2))
    small = every(customers.businesses, company, 260)
    assert every(customers.businesses, larger, 260) == small


def test_all_offices_have_customers(company) -> None:
    offices = Counter(customer.office for customer in all_customers(company))
    assert set(offices) == set(customers.OFFICES)
    assert min(offices.values()) > 20


def test_people_belong_to_customers_and_have_one_address_each(company) -> None:
    numbers = {customer.number for customer in all_customers(company)}
    contacts = every(people.contacts, company, company.sizes.contacts)
    assert {person.customer_number for person in contacts} <= numbers
    assert len({person.mail for person in contacts}) == len(contacts)
    private = every(people.private_customers, company, company.sizes.private_customers)
    both = every(customers.private_customers, company, company.sizes.private_customers)
    for person, customer in zip(private, both, strict=True):
        assert (person.customer_number, person.mail) == (customer.number, customer.mail)
        assert customer.name == f"{person.first} {person.last}"


def test_orders_have_customers_items_and_prices(company) -> None:
    numbers = {customer.number for customer in all_customers(company)}
    placed = every(orders.orders, company, company.sizes.orders)
    assert {order.customer_number for order in placed} <= numbers
    assert all(order.day <= OPENING.date() for order in placed)
    items = every(orders.items, company, company.sizes.order_items)
    assert {item.order for item in items} == {order.number for order in placed}
    assert {item.product_code for item in items} <= {product.code for product in PRODUCTS}
    assert {item.cents for item in items} <= set(PRICES_IN_CENTS.tolist())
    assert len(PRICES_IN_CENTS) == PRICE_LISTS * len(PRODUCTS)


def test_cases_are_of_customers_and_mails_of_cases(company) -> None:
    numbers = {customer.number for customer in all_customers(company)}
    asked = every(cases.cases, company, company.sizes.cases)
    assert {case.customer_number for case in asked} <= numbers
    assert all((case.closed is not None) == (case.state == "Closed") for case in asked)
    assert all(case.opened <= (case.closed or OPENING) <= OPENING for case in asked)
    sent = every(mails.mails, company, company.sizes.mails)
    assert {mail.case for mail in sent} <= {case.number for case in asked}
    assert len({mail.identifier for mail in sent}) == len(sent)
    for mail in sent:
        ours = mail.sender if not mail.incoming else mail.recipient
        assert ours == mails.QUEUE_ADDRESS
        assert mail.subject.startswith("RE: ") or ".1@" in mail.identifier


def test_the_writer_of_a_case_is_who_answers_by_mail(company) -> None:
    asked = {case.number: case for case in every(cases.cases, company, company.sizes.cases)}
    for mail in every(mails.mails, company, company.sizes.mails):
        writer = mail.sender if mail.incoming else mail.recipient
        assert asked[mail.case].mail == writer


def test_the_customer_of_the_story() -> None:
    customer = written.SONNENSCHEIN
    assert (customer.number, customer.name) == ("0040017", "Confiserie Sonnenschein GmbH")
    assert {person.customer_number for person in written.PEOPLE.values()} == {customer.number}
    assert set(written.SUPERIORS) | set(written.SUPERIORS.values()) == set(written.PEOPLE)
    assert all(case.number < FIRST_GENERATED for case in written.CASES.values())
    addresses = {person.mail for person in written.PEOPLE.values()}
    assert {case.mail for case in written.CASES.values()} <= addresses
    assert [mail.incoming for mail in written.MAILS] == [True, False, True, False, True]
    assert {mail.case for mail in written.MAILS} == {written.CASES["melted"].number}
    assert written.PRIVATE_PERSON.customer_number == written.SASAKI.number
