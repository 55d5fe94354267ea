"""Orders of customers, with their items."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from unlost_simulators.company.columns import booleans, chosen, dates, digits, joined
from unlost_simulators.company.draws import Numbers, Rows
from unlost_simulators.company.facts import Facts
from unlost_simulators.company.people import customer_numbers
from unlost_simulators.company.products import PRICE_LISTS, PRICES_IN_CENTS, PRODUCTS
from unlost_simulators.company.sizes import CompanySizes
from unlost_simulators.company.times import created_at
from unlost_simulators.company.world import FIRST_GENERATED, Company

ORDER = "Order"
ITEM = "OrderItem"
DAYS = 600
"""Orders are at most so old."""
_CODES = pa.array([product.code for product in PRODUCTS])


@dataclass(frozen=True, slots=True)
class Order:
    """An order: the day on which it was placed, and the customer's reference."""

    number: int
    customer_number: str
    day: date
    confirmed: bool
    express: bool
    reference: str
    cents: int


@dataclass(frozen=True, slots=True)
class OrderItem:
    """So many units of a product in an order, at `cents` each."""

    order: int
    product_code: str
    quantity: int
    cents: int


def customer_of_order(company: Company[CompanySizes], order: Numbers) -> Numbers:
    """The customer of an order."""
    return Rows(company.seed, ORDER, order).below("account", max(company.customers, 1))


def price_list_of(company: Company[CompanySizes], order: Numbers) -> Numbers:
    """The price list of an order."""
    return Rows(company.seed, ORDER, order).below("price book", PRICE_LISTS)


def orders(company: Company[CompanySizes], order: Numbers) -> Facts[Order]:
    """Orders, by their numbers (from 0)."""
    rows = Rows(company.seed, ORDER, order)
    columns = {
        "number": pa.array(order + FIRST_GENERATED),
        "customer_number": customer_numbers(customer_of_order(company, order)),
        "day": dates(created_at(rows, days=DAYS)),
        "confirmed": booleans(rows.chance("activated", 80)),
        "express": booleans(rows.chance("express", 10)),
        "reference": joined("0", digits(rows.below("po", 10**8), 8)),
        "cents": pa.array(rows.below("total", 900_000)),
    }
    return Facts(Order, columns)


@dataclass(frozen=True, slots=True)
class ItemNumbers:
    """The references of items: order, product, its place in `PRICES_IN_CENTS`, and the quantity."""

    order: Numbers
    product: Numbers
    price: Numbers
    quantity: Numbers


def item_numbers(company: Company[CompanySizes], item: Numbers) -> ItemNumbers:
    """The references of items, in turn, so that every order has some."""
    rows = Rows(company.seed, ITEM, item)
    order = item % max(company.sizes.orders, 1)
    product = rows.below("product", len(PRODUCTS))
    price = price_list_of(company, order) * len(PRODUCTS) + product
    return ItemNumbers(order, product, price, rows.below("quantity", 60) + np.int64(1))


def items(company: Company[CompanySizes], item: Numbers) -> Facts[OrderItem]:
    """Items of orders, by their numbers (from 0)."""
    numbers = item_numbers(company, item)
    columns = {
        "order": pa.array(numbers.order + FIRST_GENERATED),
        "product_code": chosen(_CODES, numbers.product),
        "quantity": pa.array(numbers.quantity),
        "cents": pa.array(PRICES_IN_CENTS[numbers.price]),
    }
    return Facts(OrderItem, columns)
