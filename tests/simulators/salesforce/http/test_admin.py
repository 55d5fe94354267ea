"""The admin API, and faults as a client meets them, in process."""

import csv
import gzip
import io

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def names(client) -> list[str]:
    return [each["Name"] for each in accounts(client)]


def accounts(client) -> list[dict]:
    text = "SELECT+Id,Name,Phone,LastModifiedById,SystemModstamp+FROM+Account+ORDER+BY+Id"
    return client.get(f"query?q={text}").json()["records"]


def finished(client, soql: str = "SELECT Id, LastName FROM Contact") -> str:
    job = client.job(soql)
    assert client.get(f"jobs/query/{job}").json()["state"] == "JobComplete"
    return f"jobs/query/{job}/results"


# -- the org's own affairs


def test_overview(client) -> None:
    seen = client.http.get("/__sim__/").json()
    assert seen["organization_id"] == client.sim.org.id18
    assert "Account" in seen["objects"]
    assert {"small-backup", "small-narrow"} <= {each["consumer_key"] for each in seen["apps"]}
    assert "secret" not in str(seen)


def test_unknown_calls_and_bad_bodies_explain_themselves(client) -> None:
    missing = client.admin("nothing")
    assert missing.status_code == 404
    assert "POST clock/advance" in missing.json()["calls"]
    assert client.admin("clock/advance").status_code == 400
    wrong = client.admin("records/delete", **{"as": "nobody", "object": "Account", "ids": []})
    assert "nobody is called nobody" in wrong.json()["error"]


def test_admin_calls_cost_nothing(client) -> None:
    before = client.sim.org.api_usage()
    client.admin("clock/advance", seconds=1)
    assert client.sim.org.api_usage() == before


def test_clock(client) -> None:
    assert client.http.get("/__sim__/clock").json() == {"now": "2026-03-01T12:00:00+00:00"}
    assert client.admin("clock/advance", hours=2).json()["now"] == "2026-03-01T14:00:00+00:00"
    assert client.admin("clock/set", now="2026-05-01T00:00:00").json()["now"] == (
        "2026-05-01T00:00:00+00:00"
    )


def test_edits_as_a_named_user(client) -> None:
    made = client.admin(
        "records/insert",
        **{"as": "narrow@small.example", "object": "Account", "rows": [{"Name": "Fresh"}]},
    ).json()["ids"]
    client.admin("records/update", object="Account", changes={made[0]: {"Phone": "1"}})
    row = next(each for each in accounts(client) if each["Id"] == made[0])
    assert (row["Name"], row["Phone"]) == ("Fresh", "1")
    assert row["LastModifiedById"].startswith("005Dn000000Back")
    assert client.admin(
        "records/update-where",
        object="Account",
        where="Name LIKE 'Account%'",
        set={"Phone": "2"},
    ).json() == {"updated": 9}
    assert [each["Phone"] for each in accounts(client)].count("2") == 9


def test_delete_undelete_hard_delete_and_holds(client) -> None:
    first, second = (each["Id"] for each in accounts(client)[:2])

    def held() -> dict[str, int]:
        return client.http.get("/__sim__/holds?object=Account").json()["Account"]

    client.admin("records/delete", object="Account", ids=[first])
    assert held() == {"live": 8, "deleted": 1}
    client.admin("records/undelete", object="Account", ids=[first])
    assert held() == {"live": 9, "deleted": 0}
    client.admin("records/hard-delete", object="Account", ids=[second])
    assert held() == {"live": 8, "deleted": 0}
    client.admin("records/delete", object="Account", ids=[first])
    client.admin("clock/advance", days=16)
    client.admin("records/purge")
    assert held() == {"live": 7, "deleted": 0}
    assert set(client.http.get("/__sim__/holds").json()) >= {"Account", "Contact"}


def test_what_tests_of_deletions_can_set(client, sim) -> None:
    sent = {"most_cascaded": 2, "bin_capacity": 10, "emptied_shown": 3600, "storage_delay": 60}
    answer = client.admin("settings", **sent).json()
    assert {name: answer[name] for name in sent} == sent
    rule = client.admin(
        "rules/trigger", object="Account", deed="delete", on=["delete"], deletes="Contact",
        deletes_where="AccountId = '{Id}'", phase="before", tool="flow", name="Cleaner",
    ).json()  # fmt: skip
    assert (rule["deed"], rule["on"], rule["deletes"]) == ("delete", ["delete"], "Contact")
    refused = client.admin("rules/trigger", object="Account", deed="delete")
    assert (refused.status_code, "runs on delete" in refused.text) == (400, True)
    entity = "TriggerObjectOrEvent.QualifiedApiName"
    soql = f"SELECT ApiName FROM FlowDefinitionView WHERE {entity} = 'Account' AND TriggerType = "
    (flow,) = client.get(f"query?q={soql}'RecordBeforeDelete'").json()["records"]
    assert flow["ApiName"] == "Cleaner"
    assert client.get(f"query?q={soql}'RecordBeforeSave'").json()["records"] == []


def test_late_commit(client) -> None:
    client.admin(
        "records/insert", object="Account", rows=[{"Name": "Late"}], visible_after_seconds=60
    )
    stamp = client.sim.org.clock.now()
    assert "Late" not in names(client)
    client.admin("clock/advance", seconds=61)
    late = next(each for each in accounts(client) if each["Name"] == "Late")
    assert late["SystemModstamp"] == f"{stamp:%Y-%m-%dT%H:%M:%S}.000+0000"


def test_late_commit_as_a_fault(client) -> None:
    client.admin("faults", kind="late_commit", object="Account", seconds=30)
    client.admin("records/insert", object="Account", rows=[{"Name": "Late"}])
    client.admin("records/insert", object="Account", rows=[{"Name": "Prompt"}])
    assert [name for name in names(client) if not name.startswith("Account")] == ["Prompt"]
    assert client.http.get("/__sim__/faults").json()["unhit"] == []


def test_schema_changes(client) -> None:
    def fields() -> dict[str, str]:
        described = client.get("sobjects/Account/describe").json()["fields"]
        return {each["name"]: each["type"] for each in described}

    client.admin(
        "schema/add-field", object="Account", field={"name": "A__c", "type": "string", "length": 9}
    )
    assert fields()["A__c"] == "string"
    client.admin("schema/rename-field", object="Account", field="A__c", to="B__c")
    assert "A__c" not in fields()
    client.admin(
        "schema/retype-field",
        object="Account",
        field={"name": "B__c", "type": "textarea", "length": 255},
    )
    assert fields()["B__c"] == "textarea"
    client.admin("schema/drop-field", object="Account", field="B__c")
    assert "B__c" not in fields()
    client.admin("schema/drop-object", object="ContentThing")
    assert client.get("sobjects/ContentThing/describe").status_code == 404


def test_access_changes(client) -> None:
    me = {"username": "backup@small.example"}
    query = "query?q=SELECT+Phone+FROM+Account"
    assert client.get(query).status_code == 200
    client.admin("access/hide-field", object="Account", field="Phone", **me)
    assert client.get(query).json()[0]["errorCode"] == "INVALID_FIELD"
    client.admin("access/show-field", object="Account", field="Phone", **me)
    assert client.get(query).status_code == 200
    client.admin("access/hide-object", object="Account", **me)
    assert client.get(query).json()[0]["errorCode"] == "INVALID_TYPE"
    client.admin("access/show-object", object="Account", **me)
    assert client.get(query).status_code == 200


def test_users_and_apps(client, http) -> None:
    client.admin(
        "users",
        id="005Dn000000ThirdIAA",
        username="third@small.example",
        name="Third",
        permissions=["ApiEnabled"],
        hidden_fields=[["Account", "Phone"]],
    )
    app = client.admin(
        "apps", consumer_key="new", consumer_secret="s", run_as="third@small.example"
    ).json()
    assert app["run_as"] == "third@small.example"
    token = http.post(
        "/services/oauth2/token", data={"grant_type": "client_credentials"}, auth=("new", "s")
    ).json()["access_token"]
    info = http.get("/services/oauth2/userinfo", headers={"Authorization": f"Bearer {token}"})
    assert info.json()["preferred_username"] == "third@small.example"
    assert client.admin("sessions/expire", username="third@small.example").json() == {"ended": 1}


def test_keys_for_jwt(client) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048).public_key()
    pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    assert client.admin("apps/key", consumer_key="small-backup", pem=pem).json()["public_keys"] == 1
    assert client.admin("apps/key", consumer_key="small-backup", pem="nonsense").status_code == 400


def test_refresh_tokens(client, http) -> None:
    token = client.admin(
        "sessions/refresh-token", username="backup@small.example", consumer_key="small-refresh"
    ).json()["refresh_token"]
    answer = http.post(
        "/services/oauth2/token",
        data={
            "grant_type": "refresh_token",
            "refresh_token": token,
            "client_id": "small-refresh",
            "client_secret": "not-a-secret",
        },
    )
    assert answer.json()["token_type"] == "Bearer"


def test_export_as_json_and_arrow(client) -> None:
    rows = client.http.get("/__sim__/export?object=Account").json()["rows"]
    assert {row["Name"] for row in rows} == set(names(client))
    raw = client.http.get("/__sim__/export?object=Account&format=arrow").content
    table = pa.ipc.open_stream(raw).read_all()
    assert table.num_rows == 9


def test_export_to_a_users_eyes(client) -> None:
    answer = client.http.get("/__sim__/export?object=Account&username=narrow@small.example")
    assert all("Phone" not in row for row in answer.json()["rows"])


def test_request_log_and_counters(client) -> None:
    client.admin("counters/reset")
    client.get("sobjects/Account/describe")
    client.get("sobjects/Nope/describe")
    entries = client.http.get("/__sim__/requests").json()
    assert [(each["status"], each["object"]) for each in entries] == [
        (200, "Account"), (404, "Nope"),
    ]  # fmt: skip
    assert entries[0]["user"] == "backup@small.example"
    assert client.http.get(f"/__sim__/requests?after={entries[0]['number']}").json() == entries[1:]
    counters = client.http.get("/__sim__/counters").json()
    assert (counters["requests"], counters["status 404"]) == (2, 1)
    assert counters["bytes"] > 1000


# -- faults


@pytest.mark.parametrize(
    ("kind", "status", "content_type"),
    [
        ("unavailable_html", 503, "text/html; charset=UTF-8"),
        ("empty_500", 500, None),
        ("edge_420", 420, None),
        ("edge_406", 406, None),
        ("throttled_429", 429, "text/plain"),
        ("request_limit", 403, "application/json;charset=UTF-8"),
    ],
)
def test_faults_instead_of_an_answer(client, kind, status, content_type) -> None:
    client.admin("faults", kind=kind, path="/limits", skip=1)
    codes = [client.get("limits").status_code for _ in range(3)]
    assert codes == [200, status, 200]
    client.admin("faults", kind=kind, path="/limits")
    assert client.get("limits").headers.get("content-type") == content_type


def test_expired_session_fault_ends_the_session(client) -> None:
    client.admin("faults", kind="expired_session", path="/results", skip=1)
    path = finished(client)
    first = client.get(f"{path}?maxRecords=100")
    second = f"{path}?maxRecords=100&locator={first.headers['sforce-locator']}"
    assert client.get(second).status_code == 401
    assert client.get(second).status_code == 401


def test_object_that_refuses(client) -> None:
    client.admin(
        "faults", kind="refuse", object="Contact", times=0, code="MALFORMED_QUERY", message="no"
    )
    answer = client.get("query?q=SELECT+Id+FROM+Contact")
    assert (answer.status_code, answer.json()) == (
        400, [{"message": "no", "errorCode": "MALFORMED_QUERY"}],
    )  # fmt: skip
    refused = client.post("jobs/query", {"operation": "query", "query": "SELECT Id FROM Contact"})
    assert refused.status_code == 400
    assert client.get("query?q=SELECT+Id+FROM+Account").status_code == 200


def test_query_timeout_unless_the_window_is_narrow(client) -> None:
    client.admin("faults", kind="query_timeout", object="Contact", times=0, window_days=7)
    base = "query?q=SELECT+Id+FROM+Contact+WHERE+SystemModstamp"
    wide = client.get(f"{base}+>=+2026-01-01T00:00:00Z")
    assert wide.json()[0] == {
        "message": "Your query request was running for too long.",
        "errorCode": "QUERY_TIMEOUT",
    }
    narrow = f"{base}+>=+2026-02-25T00:00:00Z+AND+SystemModstamp+<+2026-03-02T00:00:00Z"
    assert client.get(narrow).json()["totalSize"] == 450
    assert client.get("sobjects/Contact/describe").status_code == 200


def test_expired_locator_fault(client) -> None:
    client.admin("faults", kind="expired_locator", path="/query/0r8")
    options = {"Sforce-Query-Options": "batchSize=200"}
    page = client.get("query?q=SELECT+Id+FROM+Contact", headers=options).json()
    assert client.get(page["nextRecordsUrl"]).status_code == 404
    assert client.get(page["nextRecordsUrl"]).status_code == 200


def parsed(text: str) -> int:
    return len(list(csv.reader(io.StringIO(text, newline="")))) - 1


def test_short_page_keeps_its_header(client) -> None:
    client.admin("faults", kind="short_page", rows=2)
    path = finished(client)
    answer = client.get(path)
    assert (answer.headers["sforce-numberofrecords"], parsed(answer.text)) == ("450", 448)
    assert parsed(client.get(path).text) == 450


def test_short_page_compressed(client) -> None:
    client.admin("faults", kind="short_page")
    _, raw = client.packed(finished(client))
    assert parsed(gzip.decompress(raw).decode()) == 449


@pytest.mark.parametrize(("kind", "status"), [("empty_page", 200), ("no_content_page", 204)])
def test_empty_pages_while_rows_exist(client, kind, status) -> None:
    client.admin("faults", kind=kind)
    answer = client.get(finished(client))
    assert (answer.status_code, answer.content) == (status, b"")
    assert answer.headers["sforce-numberofrecords"] == "450"


def test_missing_locator(client) -> None:
    client.admin("faults", kind="missing_locator")
    path = finished(client)
    answer = client.get(f"{path}?maxRecords=100")
    assert "sforce-locator" not in answer.headers
    assert parsed(answer.text) == 100
    assert "sforce-locator" in client.get(f"{path}?maxRecords=100").headers


def test_date_skew(client) -> None:
    client.admin("faults", kind="date_skew", seconds=-600)
    assert client.get("limits").headers["date"] == "Sun, 01 Mar 2026 11:50:00 GMT"
    assert client.get("limits").headers["date"] == "Sun, 01 Mar 2026 12:00:00 GMT"


def test_clean_cut_looks_whole_on_the_wire(client) -> None:
    client.admin("faults", kind="cut", path="/results", place="last_cell", framing="clean")
    path = finished(client)
    whole_later = client.get(path)
    assert whole_later.text.count('"') % 2 == 1
    assert int(whole_later.headers["content-length"]) == len(whole_later.content)
    assert client.get(path).text.count('"') % 2 == 0


def test_unhit_faults_are_shown_and_cleared(client) -> None:
    planted = client.admin("faults", kind="empty_500", path="/never").json()["id"]
    assert client.http.get("/__sim__/faults").json()["unhit"] == [planted]
    assert client.admin("faults/clear").json()["unhit"] == [planted]
    assert client.http.get("/__sim__/faults").json() == {"rules": [], "unhit": []}
    assert client.admin("faults", kind="nonsense").status_code == 400
