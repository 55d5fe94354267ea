"""The columns by which people search, and the tables that they look at first."""

import pytest

from fakes.salesforce import describe, field, system_fields
from unlost.connectors.salesforce.schema.tables import table_of
from unlost.model.source.schema import SearchedAs, TableRank

SEARCHED = [
    ("Account", "AccountNumber", "string", 40),
    ("Account", "BillingCity", "string", 40),
    ("Account", "BillingStreet", "textarea", 255),
    ("Contact", "MailingPostalCode", "string", 20),
    ("Account", "Site", "string", 80),
    ("Account", "Website", "url", 255),
    ("Lead", "Company", "string", 255),
    ("EmailMessage", "Subject", "string", 3000),
    ("EmailMessage", "ToAddress", "string", 4000),
    ("Task", "Subject", "string", 255),
    ("ContentVersion", "Title", "string", 255),
    ("ContentVersion", "PathOnClient", "string", 500),
    ("Order", "PoNumber", "string", 80),
    ("Thing__c", "Note__c", "string", 255),
    ("Thing__c", "pack__Note__c", "textarea", 255),
]
OTHERS = [
    ("Account", "PhotoUrl", "url", 255),
    ("Account", "Description", "textarea", 32_000),
    ("Account", "Jigsaw", "string", 20),
    ("Account", "NumberOfEmployees", "int", 0),
    ("Contact", "Title", "string", 128),
    ("Thing__c", "Long__c", "textarea", 32_000),
    ("Thing__c", "Color__c", "picklist", 255),
    ("Thing__c", "Secret__c", "encryptedstring", 175),
    ("Thing__History", "Note__c", "string", 255),
    ("RecordType", "Subject", "string", 80),
]


def search(table: str, name: str, native: str, length: int, **facts: object) -> SearchedAs | None:
    shape = describe(table, *system_fields(), field(name, native) | {"length": length} | facts)
    column = table_of(shape, {}).column(name)
    assert column is not None
    return column.search


@pytest.mark.parametrize("column", SEARCHED, ids=lambda column: f"{column[0]}.{column[1]}")
def test_people_search_for(column: tuple[str, str, str, int]) -> None:
    wanted = SearchedAs.HOST if column[1] == "Website" else SearchedAs.WORDS
    assert search(*column) is wanted


@pytest.mark.parametrize("column", OTHERS, ids=lambda column: f"{column[0]}.{column[1]}")
def test_nobody_searches_for(column: tuple[str, str, str, int]) -> None:
    assert search(*column) is None


def test_a_column_by_which_salesforce_finds_records() -> None:
    assert search("Account", "Odd", "string", 80, idLookup=True) is SearchedAs.WORDS
    assert search("Account", "OddId", "reference", 18, idLookup=True) is None


def test_values_that_salesforce_calculates_are_not_searched() -> None:
    assert search("Account", "F__c", "string", 80, calculated=True) is None


@pytest.mark.parametrize(
    ("table", "rank"),
    [
        ("Account", TableRank.MAIN),
        ("Case", TableRank.MAIN),
        ("Thing__c", TableRank.OTHER),
        ("OpportunityLineItem", TableRank.DETAIL),
        ("AccountHistory", TableRank.DETAIL),
        ("Thing__Share", TableRank.DETAIL),
        ("RecordType", TableRank.DETAIL),
    ],
)
def test_the_order_of_tables(table: str, rank: TableRank) -> None:
    assert table_of(describe(table, *system_fields()), {}).rank is rank
