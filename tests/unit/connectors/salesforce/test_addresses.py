"""Addresses of records' pages in Salesforce."""

import pytest

from unlost.connectors.salesforce import SalesforceConnector

RECORD = "0015500001QdQWaAAN"


def address(login_url: str, record: str = RECORD) -> str:
    return SalesforceConnector().record_address({"login_url": login_url}, "Account", record)


def test_a_record_has_its_page_under_the_host_of_the_org() -> None:
    host = "https://acme.my.salesforce.com"
    assert address(host) == f"{host}/{RECORD}"
    assert address(f"{host}/services/?x=1") == f"{host}/{RECORD}"
    assert address("http://127.0.0.1:8844") == f"http://127.0.0.1:8844/{RECORD}"


@pytest.mark.parametrize(
    "login_url",
    [
        "https://login.salesforce.com",
        "https://test.salesforce.com",
        "http://acme.my.salesforce.com",
        "javascript:alert(1)",
        "",
    ],
)
def test_other_settings_give_no_address(login_url: str) -> None:
    assert address(login_url) == ""


def test_what_is_no_id_gives_no_address() -> None:
    assert address("https://acme.my.salesforce.com", "../setup") == ""
    assert SalesforceConnector().record_address({}, "Account", RECORD) == ""
