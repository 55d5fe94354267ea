"""Tokens go to the org alone: not where a sign-in, a link or a redirect leads."""

from typing import Any

import httpx
import pytest

from fakes.salesforce import BASE, HOST, ORG_ID, FakeSalesforce, describe, id_of, row, system_fields
from fakes.wire import json_answer
from unlost.connectors.salesforce.http.hosts import instance_of, path_of
from unlost.model.errors import IntegrityError, NotAllowed, UnlostError

EVIL = "https://127.evil.example"


@pytest.fixture
def org() -> FakeSalesforce:
    fresh = FakeSalesforce()
    fresh.describes["Account"] = describe("Account", *system_fields())
    fresh.rows["Account"] = [row(id_of("001", number)) for number in range(3)]
    return fresh


def hosts_with_a_token(org: FakeSalesforce) -> set[str]:
    return {call.url.host for call in org.wire.calls if "authorization" in call.headers}


def signed_in_at(instance: str) -> httpx.Response:
    user = f"https://login.salesforce.com/id/{ORG_ID}/{id_of('005', 1)}"
    return json_answer({"access_token": "00D!1", "instance_url": instance, "id": user})


@pytest.mark.parametrize(
    ("instance", "code"),
    [
        (EVIL, "salesforce-instance-foreign"),
        (f"{HOST}.evil.example", "salesforce-instance-foreign"),
        ("http://127.0.0.1:8080", "salesforce-instance-foreign"),
        ("https://127.0.0.1", "salesforce-instance-foreign"),
        ("https://acme.force.com", "salesforce-instance-foreign"),
        ("http://127.evil.example", "salesforce-instance"),
        (f"{HOST}@evil.example", "salesforce-instance"),
        ("http://acme.my.salesforce.com", "salesforce-instance"),
        ("", "salesforce-instance"),
    ],
)
def test_a_token_is_not_sent_where_a_sign_in_leads(
    org: FakeSalesforce, instance: str, code: str
) -> None:
    org.wire.on("POST", "/oauth2/token$", signed_in_at(instance))
    with org.source() as source, pytest.raises(NotAllowed) as caught:
        source.discover()
    assert caught.value.code == code
    assert hosts_with_a_token(org) == set()


@pytest.mark.parametrize("instance", ["https://eu7.salesforce.com", "https://a.my.salesforce.mil/"])
def test_a_sign_in_may_lead_to_another_host_of_the_service(
    org: FakeSalesforce, instance: str
) -> None:
    org.wire.on("POST", "/oauth2/token$", signed_in_at(instance))
    with org.source() as source:
        assert source.identity().tenant == ORG_ID
    assert hosts_with_a_token(org) == {httpx.URL(instance).host}


@pytest.mark.parametrize(
    "link", [f"{EVIL}{BASE}/query/0r8-1", "//evil.example/x", f"{BASE}/../../secrets", "/secrets"]
)
def test_a_next_link_that_leads_elsewhere_is_not_followed(org: FakeSalesforce, link: str) -> None:
    records = [{"attributes": {}, "Id": ORG_ID, "Name": "Acme"}]
    page = {"totalSize": 2, "done": False, "nextRecordsUrl": link, "records": records}
    org.wire.on("GET", r"FROM\+Organization", json_answer(page))
    with org.source() as source, pytest.raises(IntegrityError) as caught:
        source.identity()
    assert caught.value.code == "salesforce-link-foreign"
    assert hosts_with_a_token(org) == {"acme.my.salesforce.com"}
    assert not [call for call in org.wire.calls if "secrets" in str(call.url)]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("call", [("GET", "/sobjects$"), ("POST", "/oauth2/token$")])
def test_a_redirect_is_refused_and_names_its_host(
    org: FakeSalesforce, status: int, call: tuple[str, str]
) -> None:
    moved = httpx.Response(status, headers={"Location": f"{EVIL}/x?token=1"})
    org.wire.on(*call, moved)
    with org.source() as source, pytest.raises(NotAllowed, match=r"127\.evil\.example") as caught:
        source.discover()
    assert caught.value.code == "source-redirects"
    assert "token=1" not in caught.value.sentence
    assert all(call.url.host == "acme.my.salesforce.com" for call in org.wire.calls)


@pytest.mark.parametrize(
    "link",
    [
        f"{HOST}{BASE}/query/1", f"{HOST.upper().replace('HTTPS', 'https')}{BASE}/query/1",
        f"{HOST}:443{BASE}/query/1", f"{BASE}/query/1",
    ],
)  # fmt: skip
def test_a_link_within_the_org_is_its_path(link: str) -> None:
    assert path_of(link, host=HOST) == f"{BASE}/query/1"


@pytest.mark.parametrize(
    "link",
    [
        HOST, f"{HOST}/", f"{BASE}/%2e%2E/x", f"{BASE}/./x", f"{BASE}/a b", f"{BASE}/x\r\nHost: y",
        f"{BASE}\\..\\x", f"{BASE}/é", f"http://acme.my.salesforce.com{BASE}/x", "", "query/1",
        f"https://x@acme.my.salesforce.com{BASE}/x", f"{HOST}:8443{BASE}/x",
    ],
)  # fmt: skip
def test_a_link_that_is_no_path_of_the_api_is_refused(link: str) -> None:
    with pytest.raises(IntegrityError):
        path_of(link, host=HOST)


def test_an_instance_on_this_machine_belongs_to_a_sign_in_on_this_machine() -> None:
    local = "http://127.0.0.1:9"
    assert instance_of(f"{local}/", login="http://127.0.0.1:8") == local
    with pytest.raises(NotAllowed):
        instance_of(local, login=HOST)


@pytest.mark.parametrize(
    ("method", "pattern", "answer", "call"),
    [
        ("POST", "/composite/batch$", json_answer([{"errorCode": "NOT_FOUND"}], 404), "POST /composite/batch → NOT_FOUND"),
        ("GET", "/sobjects$", json_answer([{"errorCode": "GONE_AWAY"}], 403), "GET /sobjects → GONE_AWAY"),
        ("GET", "/sobjects$", json_answer([], 503), "GET /sobjects → HTTP 503"),
        ("GET", "/sobjects$", json_answer([], 401), "GET /sobjects"),
        ("GET", "/sobjects$", json_answer({"sobjects": 5}), "GET /sobjects → "),
        ("GET", "/sobjects$", httpx.ReadError("reset"), "GET /sobjects → reset"),
        ("POST", "/oauth2/token$", json_answer({"error": "x"}, 400), "POST /services/oauth2/token → HTTP 400: x"),
    ],
)  # fmt: skip
def test_an_error_names_the_call_that_failed(
    org: FakeSalesforce, method: str, pattern: str, answer: Any, call: str
) -> None:
    org.wire.on(method, pattern, answer)
    with org.source() as source, pytest.raises(UnlostError) as caught:
        source.discover()
    assert call in caught.value.sentence
