"""The catalogue: products, price books, prices, campaigns. Written out; generated rows refer to it."""

from __future__ import annotations

import numpy as np

from unlost_simulators.company import vocabulary as words
from unlost_simulators.salesforce.scenarios.chocolate.fixed import FixedRows, Ref

PRICE_BOOKS = ("Standard Price Book", "Wholesale Europe", "卸売価格表 / Atacado")
PRODUCT_CODES = tuple(f"{number:05d}" for number in range(17, 17 + len(words.PRODUCTS)))
_FAMILIES = ("Pralines", "Tafels", "Seasonal", "Ingredients")

_BASE_CENTS = np.array([1_250 + 175 * (n % 11) for n in range(len(words.PRODUCTS))], dtype=np.int64)
# In the order of the PricebookEntry rows: all products of the first price book, then of the next.
PRICES_IN_CENTS = np.concatenate((_BASE_CENTS, _BASE_CENTS * 8 // 10, _BASE_CENTS * 9 // 10))


def write(fixed: FixedRows) -> None:
    """Products, price books with entries, campaigns with their member states."""
    for place, name in enumerate(words.PRODUCTS):
        fixed.add(
            "Product2", f"product-{place}", days_ago=2_000 - place, Name=name,
            ProductCode=PRODUCT_CODES[place], IsActive=place != 17, Family=_FAMILIES[place % 4],
            Description=f"{name}\nBewaren bij 16–18 °C / 直射日光を避けてください",
            QuantityUnitOfMeasure="kg" if "kg" in name else "Box", StockKeepingUnit=f"00{place:04d}",
            GTIN__c=f"0541{place:010d}", Cocoa_Percent__c=33.5 + 2.25 * place,
            Net_Weight_g__c=0.000125 if place == 0 else 12_500_000.5 if place == 22 else 250.0,
        )  # fmt: skip
    for place, name in enumerate(PRICE_BOOKS):
        fixed.add("Pricebook2", f"book-{place}", Name=name, IsActive=True, IsStandard=place == 0)
    for place, cents in enumerate(PRICES_IN_CENTS):
        shelf, product = divmod(place, len(words.PRODUCTS))
        fixed.add(
            "PricebookEntry", f"entry-{place}", Name=words.PRODUCTS[product],
            Pricebook2Id=Ref("Pricebook2", f"book-{shelf}"),
            Product2Id=Ref("Product2", f"product-{product}"), UnitPrice=int(cents) / 100,
            IsActive=True, ProductCode=PRODUCT_CODES[product],
        )  # fmt: skip
    _campaigns(fixed)


def _campaigns(fixed: FixedRows) -> None:
    for place, name in enumerate(words.CAMPAIGNS):
        campaign = fixed.add(
            "Campaign", f"campaign-{place}", days_ago=420 - 40 * place, Name=name, Type="Season",
            Status="Completed" if place < 5 else "In Progress", IsActive=place >= 5,
            ParentId=Ref("Campaign", "campaign-0") if place == 1 else None,
            BudgetedCost=10_000_000.0 * (place + 1), NumberSent=1_000.0 * place,
        )  # fmt: skip
        for order, label in enumerate(("Sent", "Responded", "Ordered"), start=1):
            fixed.add(
                "CampaignMemberStatus", CampaignId=campaign, Label=label, SortOrder=order,
                IsDefault=order == 1, HasResponded=order > 1,
            )  # fmt: skip
