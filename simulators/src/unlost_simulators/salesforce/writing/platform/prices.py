"""Price books and the lines that take their prices from them.

Sources: object reference (PricebookEntry, OpportunityLineItem, OrderItem), answers of live orgs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from unlost_simulators.salesforce.writing.draft import Draft
from unlost_simulators.salesforce.writing.platform.effects import Effects, WriteContext

NO_STANDARD_PRICE = "Before creating a custom price, create a standard price."
ALREADY_PRICED = "This price definition already exists in this price book"
OTHER_PRICEBOOK = (
    "field integrity exception: PricebookEntryId (pricebook entry is in a different pricebook than "
    "the one assigned to the opportunity)"
)
ACTIVATED_ORDER = "unable to modify activated order"
"""In the words of a tool that met it, for the products of the order as for the order itself."""


def _by_id(
    context: WriteContext, name: str, fields: Sequence[str], wanted: Sequence[Any]
) -> dict[str, dict[str, Any]]:
    of = context.org.schema.get(name)
    if of is None:
        return {}
    known = ["Id", *(field for field in fields if of.field(field))]
    keys = [str(value) for value in wanted if value is not None]
    records = context.select(name, known, '"Id" IN {values}', keys)
    return {row["Id"]: row for row in records}


def _put(context: WriteContext, draft: Draft, values: Mapping[str, Any]) -> None:
    """Put values into fields that the object has and the row leaves open."""
    for name, value in values.items():
        if context.of.field(name) is not None and draft.cells.get(name) is None:
            draft.cells[name] = value


class Entries(Effects):
    """Prices of products: the standard price comes first, and each book has one."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse prices without a standard price, and second prices in a book."""
        wanted = [draft.cells.get("Product2Id") for draft in rows]
        products = _by_id(context, "Product2", ["Name", "ProductCode"], wanted)
        entries = context.select(
            "PricebookEntry",
            ["Product2Id", "Pricebook2Id"],
            '"Product2Id" IN {values}',
            [*products],
        )
        books = _by_id(
            context,
            "Pricebook2",
            ["IsStandard"],
            [
                *(row["Pricebook2Id"] for row in entries),
                *(draft.cells.get("Pricebook2Id") for draft in rows),
            ],
        )
        standard = {key for key, price_book in books.items() if price_book.get("IsStandard")}
        priced = {row["Product2Id"] for row in entries if row["Pricebook2Id"] in standard}
        pairs = {(row["Product2Id"], row["Pricebook2Id"]) for row in entries}
        for draft in rows:
            product, book = draft.cells.get("Product2Id"), draft.cells.get("Pricebook2Id")
            if book in books and book not in standard and product not in priced:
                draft.fail("STANDARD_PRICE_NOT_DEFINED", NO_STANDARD_PRICE)
            elif (product, book) in pairs:
                draft.fail("DUPLICATE_VALUE", ALREADY_PRICED)
            pairs.add((product, book))
            of = products.get(str(product), {})
            _put(context, draft, {"Name": of.get("Name"), "ProductCode": of.get("ProductCode")})


class _Lines(Effects):
    """Common behaviour of opportunity and order lines."""

    reads: tuple[str, ...] = ("Quantity", "UnitPrice")

    def before_update(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Compute the total from quantity and price."""
        for draft in rows:
            if draft.changes("Quantity") or draft.changes("UnitPrice"):
                draft.cells.pop("TotalPrice", None)
                _put(context, draft, {"TotalPrice": _total(draft)})

    def _entries(self, rows: Sequence[Draft], context: WriteContext) -> dict[str, dict[str, Any]]:
        """The price book entries of the lines; what follows from them is put into the rows."""
        fields = ["Pricebook2Id", "Product2Id", "UnitPrice", "ProductCode", "Name"]
        wanted = [draft.cells.get("PricebookEntryId") for draft in rows]
        entries = _by_id(context, "PricebookEntry", fields, wanted)
        for draft in rows:
            entry = entries.get(str(draft.cells.get("PricebookEntryId")))
            if entry is not None:
                product_cells = {
                    name: entry.get(name) for name in ("Product2Id", "ProductCode", "Name")
                }
                _put(context, draft, {**product_cells, "ListPrice": entry.get("UnitPrice")})
            self._prices(draft, context)
        return entries

    def _prices(self, draft: Draft, context: WriteContext) -> None:
        quantity, total = draft.cells.get("Quantity"), draft.cells.get("TotalPrice")
        if draft.cells.get("UnitPrice") is None and total is not None and quantity:
            price = (Decimal(total) / Decimal(quantity)).quantize(Decimal("0.01"))
            _put(context, draft, {"UnitPrice": price})
        _put(context, draft, {"TotalPrice": _total(draft)})


def _total(draft: Draft) -> Decimal | None:
    quantity, price = draft.value("Quantity"), draft.value("UnitPrice")
    if quantity is None or price is None:
        return None
    return (Decimal(quantity) * Decimal(price)).quantize(Decimal("0.01"))


class OpportunityLines(_Lines):
    """Lines of opportunities, with the opportunity's price book."""

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse prices from another book than the opportunity's."""
        entries = self._entries(rows, context)
        wanted = [draft.cells.get("OpportunityId") for draft in rows]
        deals = _by_id(context, "Opportunity", ["Pricebook2Id"], wanted)
        for draft in rows:
            entry = entries.get(str(draft.cells.get("PricebookEntryId")))
            deal = deals.get(str(draft.cells.get("OpportunityId")))
            if entry is None or deal is None or "Pricebook2Id" not in deal:
                continue
            if deal["Pricebook2Id"] != entry.get("Pricebook2Id"):
                draft.fail("FIELD_INTEGRITY_EXCEPTION", OTHER_PRICEBOOK, "PricebookEntryId")

    def after_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Note on the opportunities that they have lines."""
        of = context.org.schema.get("Opportunity")
        if of is not None and of.field("HasOpportunityLineItem") is not None:
            deals = {str(draft.cells["OpportunityId"]) for draft in rows}
            context.amend("Opportunity", {deal: {"HasOpportunityLineItem": True} for deal in deals})


class OrderLines(_Lines):
    """Lines of orders, which only drafts accept and give away."""

    reads = (*_Lines.reads, "OrderId")

    def before_insert(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse lines of orders that are no drafts."""
        self._entries(rows, context)
        orders = _by_id(
            context, "Order", ["StatusCode"], [draft.cells.get("OrderId") for draft in rows]
        )
        for draft in rows:
            order = orders.get(str(draft.cells.get("OrderId")), {})
            if order.get("StatusCode") not in {None, "Draft"}:
                draft.fail("FIELD_INTEGRITY_EXCEPTION", ACTIVATED_ORDER, "OrderId")

    def before_delete(self, rows: Sequence[Draft], context: WriteContext) -> None:
        """Refuse to take products out of orders that are no drafts."""
        if context.by_platform:
            return
        orders = _by_id(
            context, "Order", ["StatusCode"], [draft.value("OrderId") for draft in rows]
        )
        for draft in rows:
            order = orders.get(str(draft.value("OrderId")), {})
            if order.get("StatusCode") not in {None, "Draft"}:
                draft.fail("FIELD_INTEGRITY_EXCEPTION", ACTIVATED_ORDER)
