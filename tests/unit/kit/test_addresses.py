"""Addresses: which are this machine, and which may be given a token."""

import pytest

from unlost.kit.addresses import host_of, is_loopback, is_safe, may_get_token, origin

HOME = "https://acme.my.salesforce.com"
DOMAINS = frozenset({"salesforce.com"})
LOCAL = "http://127.0.0.1:8080"


@pytest.mark.parametrize(
    "url",
    [
        "http://127.evil.example/", "http://127.0.0.1.evil.example/", "http://127.0.0.1@evil.example/",
        "http://127.1/", "http://2130706433/", "http://0x7f.0.0.1/", "http://localhost.evil.example/",
        "http://[::1", "http://[fe80::1%25lo]/", "http:///x", "", "http://0.0.0.0/",
    ],
)  # fmt: skip
def test_a_name_that_looks_like_loopback_is_no_loopback(url: str) -> None:
    assert not is_loopback(url)
    assert not is_safe(url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1/", "http://127.9.8.7:1/", "http://[::1]:8/", "http://LOCALHOST/x"]
)
def test_this_machine_may_be_reached_without_tls(url: str) -> None:
    assert is_loopback(url)
    assert is_safe(url)


def test_only_http_is_plain() -> None:
    assert not is_safe("ftp://127.0.0.1/")
    assert is_safe("https://example.com")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://Acme.example:443/path?q#f", "https://acme.example"),
        ("http://127.0.0.1:8080/", "http://127.0.0.1:8080"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("https://user@acme.example", None),
        ("https://evil.example\\@acme.example", None),
        ("https://acme.example\r\nX: 1", None),
        ("https://acme.example:99999", None),
        ("https://acme_.example-", None),
        ("ftp://acme.example", None),
        ("/services/data", None),
        ("https://[", None),
    ],
)
def test_an_origin_is_built_from_plain_parts_alone(url: str, expected: str | None) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    ("url", "login", "may"),
    [
        (HOME, HOME, True),
        ("https://na1.salesforce.com", HOME, True),
        ("https://acme.my.salesforce.com", "https://login.salesforce.com", True),
        ("https://api.gate.example", "https://gate.example", True),
        ("https://gate.example", "https://api.gate.example", False),
        ("https://acme.my.salesforce.com", "https://gate.example", False),
        ("https://salesforce.com.evil.example", HOME, False),
        ("https://evilsalesforce.com", HOME, False),
        ("https://evil.example", HOME, False),
        ("https://acme.my.salesforce.com@evil.example", HOME, False),
        ("http://acme.my.salesforce.com", HOME, False),
        ("http://127.0.0.1", HOME, False),
        ("https://127.0.0.1", HOME, False),
        ("http://127.0.0.1:9", LOCAL, True),
        ("http://[::1]:9", LOCAL, True),
        ("http://localhost:9", "http://localhost:8", True),
        ("http://localhost:9", LOCAL, False),
        ("http://127.evil.example", LOCAL, False),
        ("https://evil.example", LOCAL, False),
        ("nonsense", HOME, False),
    ],
)
def test_a_token_goes_only_to_the_service_that_gave_it(url: str, login: str, may: bool) -> None:
    assert may_get_token(url, login=login, domains=DOMAINS) is may


def test_an_address_without_a_host_has_none() -> None:
    assert host_of("http://[") == host_of("x") == ""
