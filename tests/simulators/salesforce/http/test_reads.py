"""Describe, queries, single records, blobs, replication and composite reads over HTTP."""

import hashlib
from urllib.parse import quote

import pytest

from unlost_simulators.kit.blobs import BlobRecipe

BASE = "/services/data/v66.0"
BLOB = BlobRecipe("random", 7, 3_000_000)  # as in the small org


def soql(client, text: str, resource: str = "query", **rest):
    return client.get(f"{resource}?q={quote(text)}", **rest)


def ids_of(client, name: str) -> list[str]:
    return [
        each["Id"] for each in soql(client, f"SELECT Id FROM {name} ORDER BY Id").json()["records"]
    ]


# -- describe


def test_global_describe(client) -> None:
    listing = client.get("sobjects").json()
    assert (listing["encoding"], listing["maxBatchSize"]) == ("UTF-8", 200)
    assert all(len(each) == 28 for each in listing["sobjects"])
    account = next(each for each in listing["sobjects"] if each["name"] == "Account")
    assert account["urls"]["describe"] == f"{BASE}/sobjects/Account/describe"


def test_basic_form(client) -> None:
    answer = client.get("sobjects/account").json()
    assert answer["objectDescribe"]["name"] == "Account"
    assert answer["recentItems"] == []


def test_describe_and_field_level_security(client, narrow) -> None:
    full = client.get("sobjects/Account/describe").json()
    assert all(len(each) == 57 for each in full["fields"])
    names = {each["name"] for each in full["fields"]}
    seen = {each["name"] for each in narrow.get("sobjects/Account/describe").json()["fields"]}
    assert names - seen == {"Phone"}


def test_unknown_object(client) -> None:
    answer = client.get("sobjects/Nothing/describe")
    assert answer.status_code == 404
    assert answer.json()[0]["errorCode"] == "NOT_FOUND"


@pytest.mark.parametrize("path", ["sobjects", "sobjects/Account/describe"])
def test_conditional_describe(client, path) -> None:
    first = client.get(path)
    for header, value in (
        ("If-Modified-Since", first.headers["last-modified"]),
        ("If-None-Match", first.headers["etag"]),
    ):
        again = client.get(path, headers={header: value})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]


def test_changed_describe_is_sent_again_although_the_clock_stands(client) -> None:
    first = client.get("sobjects/Account/describe")
    done = client.admin(
        "schema/add-field",
        object="Account",
        field={"name": "Colour__c", "type": "string", "length": 20},
    )
    assert done.status_code == 200, done.text
    headers = {"If-Modified-Since": first.headers["last-modified"]}
    again = client.get("sobjects/Account/describe", headers=headers)
    assert again.status_code == 200
    assert "Colour__c" in {each["name"] for each in again.json()["fields"]}


# -- queries


def test_query_pages_by_locator(client) -> None:
    first = soql(
        client,
        "SELECT Id, LastName FROM Contact ORDER BY Id",
        headers={"Sforce-Query-Options": "batchSize=200"},
    ).json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (450, False, 200)
    locator = first["nextRecordsUrl"].rsplit("/", 1)[1]
    assert first["nextRecordsUrl"].startswith(f"{BASE}/query/0r8")
    assert (len(locator.split("-")[0]), locator.split("-")[1]) == (18, "200")
    second = client.get(first["nextRecordsUrl"]).json()
    third = client.get(second["nextRecordsUrl"]).json()
    assert (third["done"], "nextRecordsUrl" in third, third["totalSize"]) == (True, False, 450)
    records = first["records"] + second["records"] + third["records"]
    assert len({each["Id"] for each in records}) == 450
    assert list(records[0]) == ["attributes", "Id", "LastName"]
    assert records[0]["attributes"]["url"] == f"{BASE}/sobjects/Contact/{records[0]['Id']}"
    again = client.get(first["nextRecordsUrl"]).json()
    assert again["records"] == second["records"]


def test_a_page_shows_the_org_as_it_was_at_the_query(client) -> None:
    options = {"Sforce-Query-Options": "batchSize=200"}
    first = soql(client, "SELECT Id, LastName FROM Contact", headers=options).json()
    client.admin("records/update-where", object="Contact", where="", set={"LastName": "Changed"})
    second = client.get(first["nextRecordsUrl"]).json()
    assert all(each["LastName"] != "Changed" for each in second["records"])


def test_wide_rows_make_smaller_pages(client) -> None:
    rows = [{"Name": f"Wide {n}", "Customer_Number__c": f"W{n}"} for n in range(1500)]
    client.admin("records/insert", object="Account", rows=rows)
    page = soql(client, "SELECT Id, Notes__c FROM Account").json()
    assert (len(page["records"]), page["done"]) == (1000, False)
    assert soql(client, "SELECT Id FROM Account").json()["done"]


def test_query_all_pages_through_query_and_shows_deleted_rows(client) -> None:
    gone = ids_of(client, "Contact")[:3]
    client.admin("records/delete", object="Contact", ids=gone)
    options = {"Sforce-Query-Options": "batchSize=200"}
    text = "SELECT Id, IsDeleted FROM Contact"
    page = soql(client, text, "queryAll", headers=options).json()
    assert page["totalSize"] == 450
    assert "/query/0r8" in page["nextRecordsUrl"]
    records = page["records"]
    while not page["done"]:
        page = client.get(page["nextRecordsUrl"]).json()
        records += page["records"]
    assert {each["Id"] for each in records if each["IsDeleted"]} == set(gone)
    assert soql(client, text).json()["totalSize"] == 447


@pytest.mark.parametrize("how", ["clock", "admin", "other user", "nonsense"])
def test_locators_that_do_not_answer(client, narrow, how) -> None:
    options = {"Sforce-Query-Options": "batchSize=200"}
    address = soql(client, "SELECT Id FROM Contact", headers=options).json()["nextRecordsUrl"]
    caller = client
    if how == "clock":
        client.sim.sessions.idle_seconds = 10**9
        client.admin("clock/advance", days=2, minutes=1)
    elif how == "admin":
        assert client.admin("cursors/expire").json() == {"ended": 1}
    elif how == "other user":
        caller = narrow
    else:
        address = f"{BASE}/query/0r8000000000000AAA-2000"
    answer = caller.get(address)
    assert (answer.status_code, answer.json()) == (
        404,
        [{"message": "Invalid query locator", "errorCode": "INVALID_QUERY_LOCATOR"}],
    )


def test_count_and_children(client) -> None:
    count = soql(client, "SELECT COUNT() FROM Contact").json()
    assert count == {"totalSize": 450, "done": True, "records": []}
    text = "SELECT Name, (SELECT LastName FROM Contacts) FROM Account ORDER BY Name LIMIT 1"
    account = soql(client, text).json()["records"][0]
    assert account["Contacts"]["totalSize"] == 50
    assert account["Contacts"]["records"][0]["attributes"]["type"] == "Contact"


def test_query_errors_have_no_fields_key(client) -> None:
    answer = soql(client, "SELECT Nonsense__c FROM Account")
    error = answer.json()[0]
    assert (answer.status_code, error["errorCode"], "fields" in error) == (
        400, "INVALID_FIELD", False,
    )  # fmt: skip
    assert "No such column 'Nonsense__c' on entity 'Account'." in error["message"]
    assert client.get("query").json()[0]["errorCode"] == "MALFORMED_QUERY"


def test_an_unencoded_plus_in_an_offset(client) -> None:
    text = "query?q=SELECT+Id+FROM+Account+WHERE+CreatedDate+>=+2026-03-01T13:00:00+01:00"
    assert client.get(text).json()["totalSize"] == 9


# -- limits


def test_limits_and_record_count(client) -> None:
    limits = client.get("limits").json()
    assert all(set(each) >= {"Max", "Remaining"} for each in limits.values())
    assert {"DataStorageMB", "FileStorageMB", "DailyBulkV2QueryJobs"} <= set(limits)
    counts = client.get("limits/recordCount?sObjects=Account,Nothing").json()
    assert counts == {"sObjects": [{"count": 9, "name": "Account"}]}


def test_bulk_jobs_are_seen_in_limits(client) -> None:
    before = client.get("limits").json()["DailyBulkV2QueryJobs"]
    client.job("SELECT Id FROM Account")
    after = client.get("limits").json()["DailyBulkV2QueryJobs"]
    assert after["Remaining"] == before["Remaining"] - 1


# -- records


def test_single_record(client) -> None:
    account = ids_of(client, "Account")[0]
    whole = client.get(f"sobjects/Account/{account}").json()
    assert {"attributes", "Id", "Name", "BillingAddress", "SystemModstamp"} <= set(whole)
    some = client.get(f"sobjects/account/{account[:15]}?fields=name,Customer_Number__c").json()
    assert list(some) == ["attributes", "Name", "Customer_Number__c"]
    missing = client.get("sobjects/Account/001Dn0000000000AAA")
    assert (missing.status_code, missing.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_deleted_record(client) -> None:
    contact = ids_of(client, "Contact")[0]
    client.admin("records/delete", object="Contact", ids=[contact])
    answer = client.get(f"sobjects/Contact/{contact}")
    assert answer.status_code == 404
    assert answer.json()[0]["errorCode"] == "ENTITY_IS_DELETED"
    assert answer.json()[0]["message"] == "entity is deleted"


def test_record_by_external_id(client) -> None:
    one = client.get("sobjects/Account/Customer_Number__c/C004?fields=Name").json()
    assert one["Name"] == "Account 4"
    many = client.get("sobjects/Contact/Badge__c/B7")
    assert many.status_code == 300
    assert len(many.json()) == 2
    assert all(each.startswith(f"{BASE}/sobjects/Contact/003") for each in many.json())
    wrong = client.get("sobjects/Account/Nonsense__c/1")
    assert wrong.json()[0]["message"] == (
        "Provided external ID field does not exist or is not accessible: Nonsense__c"
    )
    assert client.get("sobjects/Account/Customer_Number__c/none").status_code == 404


@pytest.mark.parametrize("field", ["Body", "body"])
def test_blob_is_chunked_bytes(client, field) -> None:
    attachment = ids_of(client, "Attachment")[0]
    answer = client.get(f"sobjects/Attachment/{attachment}/{field}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/octetstream"
    assert "content-length" not in answer.headers
    assert hashlib.md5(answer.content).hexdigest() == BLOB.md5()


def test_blob_address_in_a_record_leads_to_the_bytes(client) -> None:
    record = soql(client, "SELECT Id, Body FROM Attachment").json()["records"][0]
    assert record["Body"] == f"{BASE}/sobjects/Attachment/{record['Id']}/Body"
    assert len(client.get(record["Body"]).content) == BLOB.size


# -- replication


def test_updated_and_deleted(client) -> None:
    client.sim.sessions.idle_seconds = 10**9
    accounts = ids_of(client, "Account")
    client.admin("clock/advance", days=1)
    client.admin("records/update", object="Account", changes={accounts[0]: {"Name": "New"}})
    client.admin("records/delete", object="Account", ids=[accounts[1]])
    client.admin("clock/advance", hours=1)
    window = "start=2026-03-02T00:00:00%2B00:00&end=2026-03-02T13:00:00%2B00:00"
    updated = client.get(f"sobjects/Account/updated/?{window}").json()
    assert updated["ids"] == [accounts[0]]
    assert updated["latestDateCovered"].endswith("+0000")
    deleted = client.get(f"sobjects/Account/deleted?{window}").json()
    assert [each["id"] for each in deleted["deletedRecords"]] == [accounts[1]]
    assert set(deleted) == {"deletedRecords", "earliestDateAvailable", "latestDateCovered"}


def test_replication_refusals(client) -> None:
    def code(path: str) -> tuple[str, str]:
        error = client.get(path).json()[0]
        return error["errorCode"], error["message"]

    same = "start=2026-03-01T11:00:00Z&end=2026-03-01T11:00:40Z"
    assert code(f"sobjects/Account/updated?{same}") == (
        "INVALID_REPLICATION_DATE",
        "startDate must be at least one minute greater than endDate",
    )
    old = "start=2025-01-01T11:00:00 00:00&end=2026-03-01T11:00:00 00:00"
    assert code(f"sobjects/Account/updated?{old}") == (
        "INVALID_REPLICATION_DATE",
        "startDate before org replication enabled date",
    )
    fine = "start=2026-03-01T10:00:00Z&end=2026-03-01T11:00:00Z"
    assert code(f"sobjects/ContentThing/deleted?{fine}") == (
        "INVALID_TYPE_FOR_OPERATION",
        "object type ContentThing is not replicateable",
    )
    assert code("sobjects/Account/deleted?start=soon&end=later")[0] == "INVALID_REPLICATION_DATE"


# -- composite


def test_batch(client) -> None:
    requests = [
        {"method": "GET", "url": "v66.0/sobjects/Account/describe"},
        {"method": "GET", "url": "v66.0/sobjects/Nothing/describe"},
        {"method": "GET", "url": "v66.0/query?q=SELECT+Id+FROM+Account"},
    ]
    answer = client.post("composite/batch", {"batchRequests": requests}).json()
    assert answer["hasErrors"] is True
    assert [each["statusCode"] for each in answer["results"]] == [200, 404, 200]
    assert answer["results"][0]["result"]["name"] == "Account"
    assert answer["results"][1]["result"][0]["errorCode"] == "NOT_FOUND"
    halted = client.post("composite/batch", {"batchRequests": requests, "haltOnError": True}).json()
    assert [each["statusCode"] for each in halted["results"]] == [200, 404, 412]
    assert halted["results"][2]["result"][0]["errorCode"] == "BATCH_PROCESSING_HALTED"


def test_batch_bounds(client) -> None:
    many = [{"method": "GET", "url": "v66.0/limits"}] * 26
    assert client.post("composite/batch", {"batchRequests": many}).status_code == 400
    assert client.post("composite/batch", {"batchRequests": many[:25]}).status_code == 200
    assert client.post("composite/batch", {}).status_code == 400
    write = [{"method": "PUT", "url": "v66.0/sobjects/Account/001"}]
    answer = client.post("composite/batch", {"batchRequests": write}).json()
    assert answer["results"][0]["statusCode"] == 405


def test_composite_with_references(client) -> None:
    wanted = {
        "allOrNone": False,
        "compositeRequest": [
            {
                "method": "GET",
                "url": f"{BASE}/query?q={quote('SELECT Id FROM Account ORDER BY Id LIMIT 1')}",
                "referenceId": "first",
            },
            {
                "method": "GET",
                "url": f"{BASE}/sobjects/Account/@{{first.records[0].Id}}?fields=Name",
                "referenceId": "second",
            },
            {"method": "GET", "url": f"{BASE}/sobjects/@{{nope.x}}", "referenceId": "third"},
        ],
    }
    parts = client.post("composite", wanted).json()["compositeResponse"]
    assert [each["httpStatusCode"] for each in parts] == [200, 200, 400]
    assert parts[1]["body"]["Name"] == "Account 0"
    assert set(parts[0]) == {"body", "httpHeaders", "httpStatusCode", "referenceId"}


def test_describes_in_composite_can_be_asked_for_conditionally(client) -> None:
    asked = {"method": "GET", "url": f"{BASE}/sobjects/Account/describe", "referenceId": "one"}
    (first,) = client.post("composite", {"compositeRequest": [asked]}).json()["compositeResponse"]
    since = first["httpHeaders"]["Last-Modified"]
    assert first["httpHeaders"]["ETag"]
    asked["httpHeaders"] = {"If-Modified-Since": since}
    (again,) = client.post("composite", {"compositeRequest": [asked]}).json()["compositeResponse"]
    assert (again["httpStatusCode"], again["body"]) == (304, None)


def test_blobs_do_not_fit_into_composite(client) -> None:
    attachment = ids_of(client, "Attachment")[0]
    request = {"method": "GET", "url": f"v66.0/sobjects/Attachment/{attachment}/Body"}
    answer = client.post("composite/batch", {"batchRequests": [request]}).json()
    assert answer["results"][0]["statusCode"] == 400


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_retrieve_by_ids_keeps_places(client, method) -> None:
    first, second = ids_of(client, "Account")[:2]
    wanted = [second, "001Dn0000000000AAA", first[:15], "nonsense", second]
    if method == "GET":
        path = f"composite/sobjects/Account?ids={','.join(wanted)}&fields=Name"
        rows = client.get(path).json()
    else:
        rows = client.post("composite/sobjects/Account", {"ids": wanted, "fields": ["Name"]}).json()
    assert [None if row is None else row["Name"] for row in rows] == [
        "Account 1", None, "Account 0", None, "Account 1",
    ]  # fmt: skip


def test_retrieve_refusals(client) -> None:
    def status(body):
        return client.post("composite/sobjects/Account", body).status_code

    assert status({"ids": ["x"], "fields": ["Nonsense"]}) == 400
    assert status({"ids": [], "fields": ["Name"]}) == 400
    assert status({"ids": ["001Dn0000000000AAA"] * 2001, "fields": ["Name"]}) == 400


def test_tooling_source_member(client) -> None:
    answer = client.get("tooling/sobjects/SourceMember/describe").json()
    assert answer["name"] == "SourceMember"
    assert client.get("tooling/sobjects/Other/describe").status_code == 404
