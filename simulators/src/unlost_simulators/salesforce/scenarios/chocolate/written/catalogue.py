"""Rows of the catalogue: products, price books, prices, campaigns. Generated rows refer to them."""

from __future__ import annotations

from unlost_simulators.company.products import PRICES_IN_CENTS, PRODUCTS
from unlost_simulators.company.vocabulary import CAMPAIGNS
from unlost_simulators.salesforce.scenarios.chocolate.written.fixed import FixedRows, Ref

PRICE_BOOKS = ("Standard Price Book", "Wholesale Europe", "卸売価格表 / Atacado")
PRODUCT_CODES = tuple(product.code for product in PRODUCTS)


def write(fixed: FixedRows) -> None:
    """Products, price books with entries, campaigns with their member states."""
    for place, product in enumerate(PRODUCTS):
        fixed.add(
            "Product2", f"product-{place}", days_ago=2_000 - place, Name=product.name,
            ProductCode=product.code, IsActive=product.sold, Family=product.family,
            Description=f"{product.name}\nBewaren bij 16–18 °C / 直射日光を避けてください",
            QuantityUnitOfMeasure=product.unit, StockKeepingUnit=f"00{place:04d}",
            GTIN__c=f"0541{place:010d}", Cocoa_Percent__c=product.cocoa_percent,
            Net_Weight_g__c=0.000125 if place == 0 else 12_500_000.5 if place == 22 else 250.0,
        )  # fmt: skip
    for place, name in enumerate(PRICE_BOOKS):
        fixed.add("Pricebook2", f"book-{place}", Name=name, IsActive=True, IsStandard=place == 0)
    for place, cents in enumerate(PRICES_IN_CENTS):
        shelf, at = divmod(place, len(PRODUCTS))
        fixed.add(
            "PricebookEntry", f"entry-{place}", Name=PRODUCTS[at].name,
            Pricebook2Id=Ref("Pricebook2", f"book-{shelf}"),
            Product2Id=Ref("Product2", f"product-{at}"), UnitPrice=int(cents) / 100,
            IsActive=True, ProductCode=PRODUCT_CODES[at],
        )  # fmt: skip
    _campaigns(fixed)


def _campaigns(fixed: FixedRows) -> None:
    for place, name in enumerate(CAMPAIGNS):
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
