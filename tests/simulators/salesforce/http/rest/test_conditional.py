"""Conditional requests for single records: entity tags, times of change, 304 and 412."""

from email.utils import parsedate_to_datetime

import pytest

from simulators.salesforce.http.conftest import START

CHANGED = {
    "message": "record has been modified since you retrieved it",
    "errorCode": "ENTITY_FAILED_IFLASTMODIFIED_ON_UPDATE_CHECK",
}


@pytest.fixture
def path(client) -> str:
    return f"sobjects/Account/{client.post('sobjects/Account', {'Name': 'a'}).json()['id']}"


def change(client, path: str, name: str, **headers: str):
    return client.call("PATCH", path, json={"Name": name}, headers=headers)


def test_a_record_carries_its_tag_and_the_time_of_its_last_change(client, path: str) -> None:
    first = client.get(path)
    assert first.headers["etag"].startswith('"')
    assert parsedate_to_datetime(first.headers["last-modified"]) == START
    client.admin("clock/advance", hours=1)
    assert client.get(path).headers["etag"] == first.headers["etag"]
    change(client, path, "b")
    after = client.get(path)
    assert after.headers["etag"] != first.headers["etag"]
    later = parsedate_to_datetime(after.headers["last-modified"]) - START
    assert later.total_seconds() == 3600
    by_key = client.get(path.replace("Account/", "Account/Id/"))
    assert by_key.headers["etag"] == after.headers["etag"]


def test_a_record_that_the_client_has_is_not_sent_again(client, path: str) -> None:
    first = client.get(path)
    for name, value in (
        ("If-None-Match", first.headers["etag"]),
        ("If-None-Match", f'"x", {first.headers["etag"][:-1]}--gzip"'),
        ("If-Modified-Since", first.headers["last-modified"]),
    ):
        again = client.get(path, headers={name: value})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]
    client.admin("clock/advance", seconds=1)
    change(client, path, "b")
    for name in ("If-None-Match", "If-Modified-Since"):
        value = first.headers["etag" if name == "If-None-Match" else "last-modified"]
        again = client.get(path, headers={name: value})
        assert (again.status_code, again.json()["Name"]) == (200, "b")


def test_a_tag_covers_more_than_the_fields_that_are_asked_for(client, path: str) -> None:
    first = client.get(f"{path}?fields=Name")
    assert first.headers["etag"] == client.get(path).headers["etag"]
    client.call("PATCH", path, json={"Phone": "1"})
    assert client.get(f"{path}?fields=Name").headers["etag"] != first.headers["etag"]


def test_a_change_of_a_record_that_changed_meanwhile_is_refused(client, path: str) -> None:
    first = client.get(path)
    tag, since = first.headers["etag"], first.headers["last-modified"]
    assert change(client, path, "b", **{"If-Match": tag}).status_code == 204
    client.admin("clock/advance", seconds=1)
    assert change(client, path, "c", **{"If-Unmodified-Since": since}).status_code == 204
    for headers in (
        {"If-Match": tag},
        {"If-Unmodified-Since": since},
        {"If-None-Match": client.get(path).headers["etag"]},
        {"If-None-Match": "*"},
    ):
        answer = change(client, path, "lost", **headers)
        assert (answer.status_code, answer.json()) == (412, [CHANGED])
        by_key = change(client, path.replace("Account/", "Account/Id/"), "lost", **headers)
        assert by_key.status_code == 412
    assert client.get(path).json()["Name"] == "c"
    assert change(client, path, "d", **{"If-None-Match": tag}).status_code == 204
    assert change(client, path, "e", **{"If-Match": "*"}).status_code == 204


def test_a_date_that_is_none_is_refused_where_something_would_change(client, path: str) -> None:
    answer = change(client, path, "b", **{"If-Unmodified-Since": "yesterday"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_HEADER")
    assert client.get(path, headers={"If-Modified-Since": "yesterday"}).status_code == 200


def test_a_record_without_a_time_of_change_has_a_tag_alone(client) -> None:
    key = client.get("query?q=SELECT+Id+FROM+CaseStatus").json()["records"][0]["Id"]
    client.sim.org.drop_field("CaseStatus", "LastModifiedDate")
    answer = client.get(f"sobjects/CaseStatus/{key}")
    assert "etag" in answer.headers
    assert "last-modified" not in answer.headers
    headers = {"If-Modified-Since": "Sun, 01 Mar 2099 12:00:00 GMT"}
    assert client.get(f"sobjects/CaseStatus/{key}", headers=headers).status_code == 200
