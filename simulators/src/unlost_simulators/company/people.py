"""People at customers: names, mail addresses, and where they work."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.columns import chosen, dates, digits, joined
from unlost_simulators.company.draws import Numbers, Rows, Words
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.places import Place, country_of, phone
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import OPENING_SECONDS
from unlost_simulators.company.world import Company

# The names of the tables of draws; they decide about every value.
CONTACT = "Contact"
PRIVATE = "Person"
# Generated customer numbers count up from here; below it lie the written-out customers.
FIRST_CUSTOMER_NUMBER = 50_000

_FIRST, _LAST = Words.of(words.FIRST_NAMES), Words.of(words.LAST_NAMES)
_MAIL_FIRST = pa.array([name for names in words.MAIL_FIRST for name in names])
_SALUTATIONS = Words.of(words.SALUTATIONS)
_DEPARTMENTS, TITLES = Words.of(words.DEPARTMENTS), Words.of(words.TITLES)
_DOMAINS = pa.array([f"@{domain}" for domain in words.MAIL_DOMAINS])


@dataclass(frozen=True, slots=True)
class Person:
    """A person at a customer, or a private customer."""

    customer_number: str
    salutation: str
    first: str
    last: str
    mail: str
    title: str | None
    department: str | None
    phone: str
    mobile: str | None
    birthday: date | None


def customer_numbers(customer: Numbers) -> pa.Array:
    """Seven digits with leading zeros, unique."""
    return digits(customer + FIRST_CUSTOMER_NUMBER, 7)


@dataclass(frozen=True, slots=True)
class PersonIdentity:
    """The name of a person a row, with a mail address that is made from it."""

    first: pa.Array
    last: pa.Array
    salutation: pa.Array
    mail: pa.Array


def identity(rows: Rows, country: Numbers, *, domains: pa.Array = _DOMAINS) -> PersonIdentity:
    """Name and mail address; the address is unique by the row number."""
    first = _FIRST.starts[country] + rows.below("first", _FIRST.sizes[country])
    mail = joined(chosen(_MAIL_FIRST, first), ".", digits(rows.numbers), chosen(domains, country))
    return PersonIdentity(
        first=chosen(_FIRST.flat, first),
        last=rows.pick_in("last", _LAST, country),
        salutation=rows.pick_in("salutation", _SALUTATIONS, country),
        mail=mail,
    )


def contact_identity(company: Company[CompanySizes], contact: Numbers) -> PersonIdentity:
    """Name and mail address of the people at businesses."""
    country = country_of(company.customer_of(contact))
    return identity(Rows(company.seed, CONTACT, contact), country)


def contacts(company: Company[CompanySizes], contact: Numbers) -> Facts[Person]:
    """People at businesses, by their numbers."""
    return _people(Rows(company.seed, CONTACT, contact), company.customer_of(contact))


def private_customers(company: Company[CompanySizes], private: Numbers) -> Facts[Person]:
    """Private customers as people, by their numbers (from 0)."""
    return _people(Rows(company.seed, PRIVATE, private), private + company.sizes.businesses)


def _people(rows: Rows, customer: Numbers) -> Facts[Person]:
    country = Place.of_customer(customer).country
    who = identity(rows, country)
    columns = {
        "customer_number": customer_numbers(customer),
        "salutation": who.salutation,
        "first": who.first,
        "last": who.last,
        "mail": who.mail,
        "title": rows.pick_in("title", TITLES, country),
        "department": rows.pick_in("department", _DEPARTMENTS, country),
        "phone": phone(rows, "phone", country),
        "mobile": phone(rows, "mobile", country),
        "birthday": dates(OPENING_SECONDS - (rows.below("birth", 22_000) + 6_700) * 86_400),
    }
    return Facts(Person, columns)
