"""The sources of this house keep the promises of a Source."""

from collections.abc import Iterator

import pytest

from fakes.salesforce import FakeSalesforce, describe, field, id_of, row, system_fields
from fakes.wire import json_answer
from unlost.model.ports.source import Source
from unlost.testing.connectors import SourceContract


def a_fake_org(**settings: object) -> FakeSalesforce:
    org = FakeSalesforce(**settings)
    org.describes = {
        "Account": describe("Account", *system_fields(), field("Name", nameField=True)),
        "AccountHistory": describe(
            "AccountHistory", *system_fields(), field("AccountId", "reference", referenceTo=["Account"]),
            field("Field"), field("OldValue"), field("NewValue"), field("CreatedById", "reference"),
        ),
        "Odd": describe("Odd", field("Id", "id"), replicateable=False),
        "Empty": describe("Empty", *system_fields()),
        "AccountFeed": describe("AccountFeed", *system_fields()),
    }  # fmt: skip
    org.rows = {
        "Account": [row(id_of("001", n), deleted=n % 7 == 0, Name=f"N {n}") for n in range(60)],
        "AccountHistory": [row(id_of("017", n), Field="Name", AccountId=id_of("001", n)) for n in range(9)],
        "Odd": [{"Id": id_of("a00", n)} for n in range(3)],
        "Empty": [],
    }  # fmt: skip
    org.page_rows = 25
    limits = {"DataStorageMB": {"Max": 5, "Remaining": 1}}
    org.wire.on("GET", "/limits$", json_answer(limits))
    return org


class TestSalesforceByRest(SourceContract):
    """The Salesforce connector reading by REST."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        with a_fake_org().source() as source:
            yield source


class TestSalesforceByBulk(SourceContract):
    """The Salesforce connector reading by Bulk API 2.0, page after page."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        with a_fake_org(bulk_above=0, page_rows=25).source() as source:
            yield source


class TestSalesforceInParallel(SourceContract):
    """The Salesforce connector reading pages of a Bulk job in any order."""

    @pytest.fixture
    def source(self) -> Iterator[Source]:
        org = a_fake_org(bulk_above=0, parallel_pages_above=10)
        org.bulk_pages = 20
        with org.source() as source:
            yield source
