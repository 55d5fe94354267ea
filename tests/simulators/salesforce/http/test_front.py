"""What holds for every call: sessions, headers, allowance, versions, paths, errors."""

import gzip
from datetime import timedelta

import pytest

BASE = "/services/data/v66.0"
INVALID = [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}]
NOT_FOUND = [
    {"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"},
]


def test_version_list_needs_no_token_and_shows_no_allowance(http) -> None:
    answer = http.get("/services/data/")
    assert answer.status_code == 200
    versions = [each["version"] for each in answer.json()]
    assert (versions[0], versions[-1]) == ("31.0", "68.0")
    assert set(answer.json()[0]) == {"label", "url", "version"}
    assert "sforce-limit-info" not in answer.headers


def test_version_root_has_identity(client) -> None:
    root = client.get(BASE).json()
    assert root["sobjects"] == f"{BASE}/sobjects"
    assert root["query"] == f"{BASE}/query"
    who = client.get(root["identity"])
    assert who.json()["username"] == "backup@small.example"


def test_userinfo(client, http) -> None:
    info = client.get("/services/oauth2/userinfo").json()
    assert info["preferred_username"] == "backup@small.example"
    assert info["organization_id"] == client.sim.org.id18
    assert info["urls"]["rest"] == "http://testserver/services/data/v{version}/"
    assert http.get("/services/oauth2/userinfo").status_code == 403


def test_identity_is_for_its_owner(client, narrow) -> None:
    address = client.get(BASE).json()["identity"]
    assert narrow.get(address).status_code == 404
    assert client.get(address, headers={"Authorization": "Bearer no"}).status_code == 401


@pytest.mark.parametrize("path", ["", "sobjects", "query?q=x", "limits", "jobs/query/750", "nope"])
def test_without_a_session_everything_is_401(http, path) -> None:
    answer = http.get(f"{BASE}/{path}")
    assert (answer.status_code, answer.json()) == (401, INVALID)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "OAuth"])
def test_authorization_schemes(client, http, scheme) -> None:
    answer = http.get(f"{BASE}/limits", headers={"Authorization": f"{scheme} {client.token}"})
    assert answer.status_code == 200


def test_session_header_of_bulk(client, http) -> None:
    headers = {"X-SFDC-Session": client.token}
    assert http.get(f"{BASE}/limits", headers=headers).status_code == 200


def test_revoked_token_is_401_everywhere(client, http) -> None:
    assert http.post("/services/oauth2/revoke", data={"token": client.token}).status_code == 200
    for path in ("limits", "sobjects/Account/describe", "jobs/query"):
        answer = client.get(path)
        assert (answer.status_code, answer.json()) == (401, INVALID)


def test_idle_session_dies_on_the_virtual_clock(client) -> None:
    assert client.get("limits").status_code == 200
    client.admin("clock/advance", hours=1, minutes=59)
    assert client.get("limits").status_code == 200
    client.admin("clock/advance", hours=2, seconds=1)
    assert client.get("limits").status_code == 401


def test_user_without_the_api_permission(client) -> None:
    client.admin(
        "access/permission", username="backup@small.example", permission="ApiEnabled", granted=False
    )
    answer = client.get("limits")
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (403, "API_DISABLED_FOR_ORG")


def test_token_endpoint_over_http(http) -> None:
    wrong = http.post("/services/oauth2/token", data={"grant_type": "client_credentials"})
    assert wrong.status_code == 400
    assert wrong.json() == {
        "error": "invalid_client_id",
        "error_description": "client identifier invalid",
    }
    assert "sforce-limit-info" not in wrong.headers
    at_login = http.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("small-backup", "not-a-secret"),
        headers={"Host": "login.salesforce.com"},
    )
    assert at_login.json()["error_description"] == "request not supported on this domain"
    basic = http.post(
        "/services/oauth2/token",
        data={"grant_type": "client_credentials"},
        auth=("small-backup", "not-a-secret"),
    )
    assert basic.json()["instance_url"] == "http://testserver"


def test_data_headers(client) -> None:
    answer = client.get("limits")
    headers = answer.headers
    assert headers["content-type"] == "application/json;charset=UTF-8"
    assert headers["cache-control"] == "no-cache,must-revalidate,max-age=0,no-store,private"
    assert headers["vary"] == "Accept-Encoding"
    assert headers["server"] == "sfdcedge"
    assert headers["x-sfdc-request-id"] == headers["x-request-id"]
    assert len(headers["x-request-id"]) == 32
    names = [value.split("=")[0] for value in headers.get_list("set-cookie")]
    assert names == ["BrowserId", "CookieConsentPolicy", "LSKey-c$CookieConsentPolicy"]
    assert headers["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_date_is_the_virtual_clock(client) -> None:
    client.admin("clock/advance", days=1)
    token_lost = client.get("limits")
    assert token_lost.headers["date"] == "Mon, 02 Mar 2026 12:00:00 GMT"


def test_every_call_counts_polls_and_errors_too(client) -> None:
    def used(answer) -> int:
        return int(answer.headers["sforce-limit-info"].split("=")[1].split("/")[0])

    first = used(client.get("limits"))
    job = client.job("SELECT Id FROM Account")
    client.get(f"jobs/query/{job}")
    assert client.get("sobjects/Nothing").status_code == 404
    answer = client.get("limits")
    assert used(answer) == first + 4
    limit = answer.json()["DailyApiRequests"]
    assert limit["Max"] - limit["Remaining"] == first + 4


def test_no_allowance_header_on_204(client) -> None:
    job = client.job("SELECT Id FROM Account")
    client.get(f"jobs/query/{job}")
    answer = client.call("DELETE", f"jobs/query/{job}")
    assert answer.status_code == 204
    assert "sforce-limit-info" not in answer.headers


def test_spent_allowance_refuses_everything_but_oauth(client, http) -> None:
    client.admin("settings", daily_api_requests=0, used={"DailyApiRequests": 0})
    for path in ("limits", "query?q=SELECT+Id+FROM+Account", "sobjects"):
        answer = client.get(path)
        assert answer.status_code == 403
        assert answer.json() == [
            {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
        ]
    assert client.get("/services/oauth2/userinfo").status_code == 200
    client.admin("settings", daily_api_requests=100)
    client.sim.org.clock.advance(timedelta(minutes=1))
    assert client.get("limits").status_code == 200


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/services/data/v30.0/limits", 410),
        ("/services/data/v69.0/limits", 404),
        ("/services/data/v66.5/limits", 404),
        ("/services/data/66/limits", 404),
        ("/services/data/v31.0/limits", 200),
        ("/services/data/v68.0/limits", 200),
        ("/services/nothing", 404),
        ("/", 404),
    ],
)
def test_versions_served(client, path, status) -> None:
    assert client.get(path).status_code == status


@pytest.mark.parametrize(
    "path",
    [
        "limits/",
        "Limits",
        "SOBJECTS/Account/",
        "sobjects/Account/Describe/",
        "query/?q=SELECT+Id+FROM+Account",
        "QueryAll?q=SELECT+Id+FROM+Account",
        "limits/recordCount/",
        "jobs/query/",
    ],
)
def test_trailing_slashes_and_case_do_not_matter(client, path) -> None:
    assert client.get(path).status_code == 200


def test_unknown_paths_and_methods(client) -> None:
    assert client.get("nothing/here").json() == NOT_FOUND
    answer = client.call("DELETE", "limits")
    assert answer.status_code == 405
    assert answer.json()[0] == {
        "message": "HTTP Method 'DELETE' not allowed. Allowed are HEAD,GET",
        "errorCode": "METHOD_NOT_ALLOWED",
    }


def test_head_has_headers_only(client) -> None:
    answer = client.call("HEAD", "limits")
    assert (answer.status_code, answer.content) == (200, b"")
    assert int(answer.headers["content-length"]) > 100


def test_pretty_print_and_gzip(client) -> None:
    plain = client.get("sobjects").content
    pretty = client.get("sobjects", headers={"X-PrettyPrint": "1"}).text
    assert "\n  " in pretty
    answer, raw = client.packed("sobjects")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["etag"].endswith('--gzip"')
    assert gzip.decompress(raw) == plain


def test_overlong_addresses(client) -> None:
    assert client.get("query?q=" + "x" * 17_000).status_code == 414
    assert client.get("limits", headers={"X-Long": "x" * 17_000}).status_code == 431


def test_malformed_json_bodies(client) -> None:
    for body in (b"{", b"[]", b""):
        answer = client.call("POST", "jobs/query", content=body)
        assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "JSON_PARSER_ERROR")
