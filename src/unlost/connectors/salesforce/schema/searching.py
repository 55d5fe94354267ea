"""Columns by which people search, and the order in which they look at tables. Pure.

Names, numbers, keys, e-mail addresses and telephone numbers are recognized by describe. Here are
the columns that describe does not set apart from others. See docs/adr/0040.
"""

from collections.abc import Mapping
from typing import Any

from unlost.connectors.salesforce.schema.special import is_event
from unlost.model.source.schema import SearchedAs, TableRank

# Object reference: standard fields that have numbers, names of companies and people, subjects and
# file names of a business.
_NAMES = frozenset({
    "AccountNumber", "AssistantName", "BccAddress", "CcAddress", "Company", "CompanyName",
    "ContractNumber", "FileName", "FromAddress", "FromName", "InvoiceNumber", "OrderNumber",
    "OrderReferenceNumber", "PathOnClient", "PoNumber", "ProductCode", "QuoteNumber",
    "SerialNumber", "Site", "StockKeepingUnit", "Subject", "SuppliedCompany", "SuppliedName",
    "TickerSymbol", "ToAddress",
})  # fmt: skip
_ADDRESS_PARTS = ("Street", "City", "PostalCode", "Country")
_TEXTS = frozenset({"string", "textarea", "email", "phone", "url", "picklist"})
_CUSTOM_TEXTS = frozenset({"string", "textarea"})
_LONGEST_CUSTOM = 255  # longer texts are descriptions
_PICTURES = "PhotoUrl"
# A person's title is a profession, and many share it; the title of a file is its name.
_FILES = frozenset({"ContentDocument", "ContentVersion", "ContentNote", "Document", "Note"})

_MAIN = frozenset({"Account", "Case", "Contact", "Lead", "Opportunity", "Order"})
_DETAILS = frozenset({"FeedComment", "FeedItem", "OrderItem", "PricebookEntry", "TopicAssignment"})
_DETAIL_ENDINGS = (
    "Feed", "History", "Item", "Link", "Member", "Relation", "Role", "Share", "Tag", "Vote",
)  # fmt: skip


def search_of(table: str, field: Mapping[str, Any]) -> SearchedAs | None:
    """Decide how people search for the values of a describe field; None if they do not."""
    if not _is_searched(table, field):
        return None
    return SearchedAs.HOST if field["type"] == "url" else SearchedAs.WORDS


def rank_of(table: str) -> TableRank:
    """The order in which people look for records of a table."""
    if table in _MAIN:
        return TableRank.MAIN
    detail = table in _DETAILS or table.endswith(_DETAIL_ENDINGS)
    return TableRank.DETAIL if detail else TableRank.OTHER


def _is_searched(table: str, field: Mapping[str, Any]) -> bool:
    name, native = field["name"], field["type"]
    if native not in _TEXTS or field.get("calculated") or _is_log(table):
        return False
    if name.endswith("__c"):
        return native in _CUSTOM_TEXTS and int(field.get("length") or 0) <= _LONGEST_CUSTOM
    if name == "Title":
        return table in _FILES
    return (
        name in _NAMES
        or bool(field.get("idLookup"))
        or name.endswith(_ADDRESS_PARTS)
        or (native == "url" and not name.endswith(_PICTURES))
    )


def _is_log(table: str) -> bool:
    return table.endswith(("Feed", "History", "Share", "Tag", "__mdt")) or is_event(table)
