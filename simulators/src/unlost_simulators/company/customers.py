"""Customers: businesses, and people who buy for themselves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from unlost_simulators.company import vocabulary as words
from unlost_simulators.company.columns import chosen, digits, joined, where
from unlost_simulators.company.draws import Numbers, Rows, Words
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import PRIVATE, customer_numbers, identity
from unlost_simulators.company.places import Place, address, phone
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.world import Company

BUSINESS = "BusinessAccount"
"""The table of draws of businesses."""
KINDS = ("Shop", "Reseller", "Hotel", "Prospect")
PRIVATE_KIND = "Private"
OFFICES = ("Gent", "Leipzig", "Osaka", "Ilhéus")
"""The offices by country, as customers know them."""

_SENTENCES = Words.of(words.SENTENCES)
_SHOP_HEADS, _SHOP_TAILS = Words.of(words.SHOP_HEADS), Words.of(words.SHOP_TAILS)


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer; the number is the same in every system."""

    number: str
    name: str
    kind: str
    office: str
    street: str | None
    city: str
    state: str | None
    postal_code: str | None
    country: str
    phone: str | None
    mail: str | None = None
    fax: str | None = None
    website: str | None = None
    vat: str | None = None
    revenue: int | None = None
    employees: int | None = None
    founded: str | None = None
    remarks: str | None = None


def business_names(rows: Rows, country: Numbers) -> pa.Array:
    """Company names; a number keeps most of them apart, as branches do."""
    branch = where(
        rows.chance("branch", 30), joined(" ", digits(rows.below("branch number", 90) + 1)), ""
    )
    return joined(
        rows.pick_in("head", _SHOP_HEADS, country),
        " ",
        rows.pick_in("tail", _SHOP_TAILS, country),
        branch,
    )


def businesses(company: Company[CompanySizes], customer: Numbers) -> Facts[Customer]:
    """Businesses, by their numbers (from 0)."""
    rows = Rows(company.seed, BUSINESS, customer)
    country = Place.of_customer(customer).country
    nothing = pa.nulls(len(customer), pa.string())
    columns = {
        **_common(rows, customer),
        "name": business_names(rows, country),
        "kind": rows.pick("type", KINDS),
        "mail": nothing,
        "fax": where(rows.chance("has fax", 20), phone(rows, "fax", country)),
        "website": joined("https://shop-", digits(customer), ".example.com"),
        "vat": joined(
            chosen(("BE0", "DE", "T", "BR"), country), digits(rows.below("vat", 10**9), 9)
        ),
        "revenue": pa.array((rows.below("revenue", 9_000) + 1) * 10_000),
        "employees": pa.array((rows.below("employees", 300) + 1).astype(np.int32)),
        "founded": digits(rows.below("year", 120) + 1900),
        "remarks": where(rows.chance("described", 40), rows.pick_in("text", _SENTENCES, country)),
    }
    return Facts(Customer, columns)


def private_customers(company: Company[CompanySizes], private: Numbers) -> Facts[Customer]:
    """Private customers, by their numbers (from 0); as people they are in `people`."""
    rows = Rows(company.seed, PRIVATE, private)
    customer = private + company.sizes.businesses
    who = identity(rows, Place.of_customer(customer).country)
    texts = pa.nulls(len(private), pa.string())
    columns = {
        **_common(rows, customer),
        "name": joined(who.first, " ", who.last),
        "kind": rows.pick("type", (PRIVATE_KIND,)),
        "mail": who.mail,
        **dict.fromkeys(("fax", "website", "vat", "founded", "remarks"), texts),
        **dict.fromkeys(("revenue", "employees"), pa.nulls(len(private), pa.int64())),
    }
    return Facts(Customer, columns)


def _common(rows: Rows, customer: Numbers) -> dict[str, pa.Array]:
    place = Place.of_customer(customer)
    billing = address(rows, "Billing", place)
    return {
        "number": customer_numbers(customer),
        "office": chosen(OFFICES, place.country),
        "street": billing.street,
        "city": billing.city,
        "state": billing.state,
        "postal_code": billing.postal_code,
        "country": billing.country,
        "phone": phone(rows, "phone", place.country),
    }
