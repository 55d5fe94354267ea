"""The products of the chocolate maker, with their prices on each price list."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unlost_simulators.company.vocabulary import PRODUCTS as NAMES

FIRST_CODE = 17
FAMILIES = ("Pralines", "Tafels", "Seasonal", "Ingredients")
DISCONTINUED = 17
"""The place of a product that is no longer made."""


@dataclass(frozen=True, slots=True)
class Product:
    """A product; `cents` is the list price of a unit in euro cents."""

    code: str
    name: str
    family: str
    unit: str
    cocoa_percent: float
    cents: int
    sold: bool = True


def _product(place: int, name: str) -> Product:
    return Product(
        code=f"{FIRST_CODE + place:05d}",
        name=name,
        family=FAMILIES[place % len(FAMILIES)],
        unit="kg" if "kg" in name else "Box",
        cocoa_percent=33.5 + 2.25 * place,
        cents=1_250 + 175 * (place % 11),
        sold=place != DISCONTINUED,
    )


PRODUCTS = tuple(_product(place, name) for place, name in enumerate(NAMES))

# List prices, wholesale in Europe, overseas; in tenths.
_TENTHS = (10, 8, 9)
PRICE_LISTS = len(_TENTHS)
_LIST_CENTS = np.array([product.cents for product in PRODUCTS], dtype=np.int64)
PRICES_IN_CENTS = np.concatenate([_LIST_CENTS * tenths // 10 for tenths in _TENTHS])
"""All products on the first price list, then on the next."""
