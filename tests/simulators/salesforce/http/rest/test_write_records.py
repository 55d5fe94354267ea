"""Single records by REST: create, update, upsert, delete, with exact bodies and statuses."""

import json
from urllib.parse import quote

import pytest

BASE = "/services/data/v66.0"
UNKNOWN = "001Dn0000000009IAA"


def made(client, name: str = "Account", **row) -> str:
    answer = client.post(f"sobjects/{name}", row or {"Name": "New"})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def patch(client, path: str, body: dict, **rest):
    return client.call("PATCH", path, json=body, **rest)


def delete(client, path: str):
    return client.call("DELETE", path)


def test_create(client) -> None:
    answer = client.post("sobjects/account", {"Name": "Praline", "Size__c": 1.25})
    key = answer.json()["id"]
    assert answer.status_code == 201
    assert answer.json() == {"id": key, "success": True, "errors": []}
    assert answer.headers["location"] == f"{BASE}/sobjects/Account/{key}"
    assert answer.headers["sforce-limit-info"].startswith("api-usage=")
    record = client.get(f"sobjects/Account/{key}?fields=Name,Size__c").json()
    assert (record["Name"], record["Size__c"]) == ("Praline", 1.25)


def test_numbers_keep_all_digits(client) -> None:
    body = '{"Name": "a", "Size__c": 1234567890123456.78}'
    headers = {"Content-Type": "application/json; charset=UTF-8"}
    answer = client.call("POST", "sobjects/Account", content=body, headers=headers)
    key = answer.json()["id"]
    text = client.get(f"sobjects/Account/{key}?fields=Size__c").text
    assert "1234567890123456.78" in text


@pytest.mark.parametrize(
    ("row", "error"),
    [
        ({}, {"message": "Required fields are missing: [Name]",
              "errorCode": "REQUIRED_FIELD_MISSING", "fields": ["Name"]}),
        ({"Name": "a", "AccountNumer": "1"},
         {"message": "No such column 'AccountNumer' on sobject of type Account",
          "errorCode": "INVALID_FIELD"}),
        ({"Name": "a", "Size__c": "x"},
         {"message": "Cannot deserialize instance of double from VALUE_STRING value x or request "
                     "may be missing a required field at [line:1, column:1]",
          "errorCode": "JSON_PARSER_ERROR"}),
        ({"Name": "a", "Customer_Number__c": "C000"},
         {"message": "duplicate value found: Customer_Number__c duplicates value on record with "
                     "id: 001Dn00000b0000", "errorCode": "DUPLICATE_VALUE", "fields": []}),
        ({"Name": "a", "Id": UNKNOWN},
         {"message": "cannot specify Id in an insert call",
          "errorCode": "INVALID_FIELD_FOR_INSERT_UPDATE", "fields": ["Id"]}),
    ],
)  # fmt: skip
def test_refused_creates(client, row: dict, error: dict) -> None:
    answer = client.post("sobjects/Account", row)
    assert (answer.status_code, answer.json()) == (400, [error])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "The HTTP entity body is required, but this request has no entity body."),
        ("[1]", "The HTTP entity body is required"),
        ('{"Name": NaN}', "Non-standard token 'NaN'"),
        ('{"Name": ', "Expecting value: line 1 column 10 (char 9)"),
    ],
)
def test_bodies_that_are_no_object(client, content: str, message: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = client.call("POST", "sobjects/Account", content=content, headers=headers)
    assert answer.status_code == 400
    assert answer.json() == [{"message": message, "errorCode": "JSON_PARSER_ERROR"}]


def test_other_content_types(client) -> None:
    answer = client.call("POST", "sobjects/Account", data={"Name": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (415, "UNSUPPORTED_MEDIA_TYPE")
    answer = client.call("POST", "sobjects/Account", content=b'{"Name": "no type"}')
    assert answer.status_code == 201


def test_a_body_beyond_the_limit(client, monkeypatch) -> None:
    monkeypatch.setattr("unlost_simulators.salesforce.http.rest.bodies.MAX_JSON", 10)
    assert client.post("sobjects/Account", {"Name": "long"}).status_code == 413


def test_unknown_objects(client) -> None:
    answer = client.post("sobjects/Nothing", {"Name": "x"})
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (404, "NOT_FOUND")


# -- update and delete


def test_update(client) -> None:
    key = made(client, Name="a", Phone="1")
    answer = patch(client, f"sobjects/Account/{key}", {"Name": "b", "Phone": None})
    assert (answer.status_code, answer.content) == (204, b"")
    assert "sforce-limit-info" not in answer.headers
    record = client.get(f"sobjects/Account/{key}").json()
    assert (record["Name"], record["Phone"]) == ("b", None)


def test_delete(client) -> None:
    key = made(client)
    answer = delete(client, f"sobjects/Account/{key}")
    assert (answer.status_code, answer.content) == (204, b"")
    gone = [{"message": "entity is deleted", "errorCode": "ENTITY_IS_DELETED", "fields": []}]
    for again in (
        delete(client, f"sobjects/Account/{key}"),
        patch(client, f"sobjects/Account/{key}", {"Name": "x"}),
        client.get(f"sobjects/Account/{key}"),
    ):
        assert (again.status_code, again.json()) == (404, gone)


def test_what_is_not_there(client) -> None:
    nobody = [
        {
            "message": "invalid cross reference id",
            "errorCode": "INVALID_CROSS_REFERENCE_KEY",
            "fields": [],
        }
    ]
    for answer in (
        patch(client, f"sobjects/Account/{UNKNOWN}", {"Name": "x"}),
        delete(client, f"sobjects/Account/{UNKNOWN}"),
    ):
        assert (answer.status_code, answer.json()) == (400, nobody)
    answer = delete(client, "sobjects/Account/junk")
    text = {"message": "malformed id junk", "errorCode": "MALFORMED_ID", "fields": []}
    assert (answer.status_code, answer.json()) == (400, [text])


@pytest.mark.parametrize("name", ["Id", "id"])
def test_the_id_is_not_in_the_body_too(client, name: str) -> None:
    key = made(client)
    answer = patch(client, f"sobjects/Account/{key}", {name: key, "Name": "x"})
    text = f"The {name} field should not be specified in the sobject data."
    assert (answer.status_code, answer.json()) == (
        400,
        [{"message": text, "errorCode": "INVALID_FIELD"}],
    )


def test_methods_by_parameter(client) -> None:
    key = made(client)
    answer = client.post(f"sobjects/Account/{key}?_HttpMethod=PATCH", {"Name": "b"})
    assert answer.status_code == 204
    assert client.get(f"sobjects/Account/{key}").json()["Name"] == "b"
    keyed = "sobjects/Account/Customer_Number__c/Z1"
    assert client.post(f"{keyed}?_HttpMethod=PATCH", {"Name": "c"}).status_code == 201
    assert client.post(keyed, {"Name": "d"}).json()["created"] is False
    assert client.post(f"{keyed}?_HttpMethod=DELETE", {}).status_code == 204
    assert client.post(f"sobjects/Account/{key}?_HttpMethod=DELETE", {}).status_code == 204
    answer = client.post(f"sobjects/Account/{key}", {})
    assert answer.status_code == 405
    assert "Allowed are HEAD,GET,PATCH,DELETE" in answer.json()[0]["message"]
    assert client.call("PUT", f"sobjects/Account/{key}", json={}).status_code == 405


# -- upsert by external id


def test_upsert(client) -> None:
    path = "sobjects/Account/Customer_Number__c/N%2F1%20ü"
    answer = patch(client, path, {"Name": "a"})
    key = answer.json()["id"]
    assert answer.status_code == 201
    assert answer.json() == {"id": key, "success": True, "errors": [], "created": True}
    assert answer.headers["location"] == f"{BASE}/sobjects/Account/{key}"
    record = client.get(f"sobjects/Account/{key}").json()
    assert record["Customer_Number__c"] == "N/1 ü"
    answer = patch(client, path, {"Name": "b"})
    assert answer.status_code == 200
    assert answer.json() == {"id": key, "success": True, "errors": [], "created": False}
    assert client.get(path).json()["Name"] == "b"


def test_upsert_of_older_versions_answers_nothing(client) -> None:
    path = "/services/data/v45.0/sobjects/Account/Customer_Number__c/C001"
    answer = patch(client, path, {"Name": "b"})
    assert (answer.status_code, answer.content) == (204, b"")


def test_upsert_that_may_only_update(client) -> None:
    path = "sobjects/Account/Customer_Number__c"
    answer = patch(client, f"{path}/none?updateOnly=true", {"Name": "b"})
    text = "The requested resource does not exist"
    assert (answer.status_code, answer.json()) == (
        404,
        [{"message": text, "errorCode": "NOT_FOUND"}],
    )
    assert patch(client, f"{path}/C001?updateOnly=true", {"Name": "b"}).status_code == 200


def test_upsert_with_several_matches(client) -> None:
    answer = patch(client, "sobjects/Contact/Badge__c/B1", {"LastName": "x"})
    assert answer.status_code == 300
    assert len(answer.json()) == 2
    assert all(one.startswith(f"{BASE}/sobjects/Contact/003") for one in answer.json())
    assert delete(client, "sobjects/Contact/Badge__c/B1").status_code == 300


def test_refused_upserts(client) -> None:
    path = "sobjects/Account/Customer_Number__c/C001"
    answer = patch(client, path, {"Name": "b", "customer_number__c": "C001"})
    text = "The customer_number__c field should not be specified in the sobject data."
    assert answer.json() == [{"message": text, "errorCode": "INVALID_FIELD"}]
    answer = patch(client, "sobjects/Account/Phone/1", {"Name": "b"})
    text = "Provided external ID field does not exist or is not accessible: Phone"
    assert (answer.status_code, answer.json()) == (
        404,
        [{"message": text, "errorCode": "NOT_FOUND"}],
    )
    answer = patch(client, "sobjects/Account/Customer_Number__c/new", {})
    assert answer.json()[0]["errorCode"] == "REQUIRED_FIELD_MISSING"


def test_a_record_is_found_by_its_email_as_key(client) -> None:
    path = "sobjects/Contact/Email/ADA1@small.example"
    found = client.get(f"{path}?fields=Id,Email").json()
    assert found["Email"] == "ada1@small.example"
    again = patch(client, path, {"Title__c": "x"})
    assert again.json()[0]["errorCode"] == "INVALID_FIELD"
    answer = patch(client, path, {"FirstName": "Augusta"})
    assert (answer.status_code, answer.json()["created"]) == (200, False)
    assert answer.json()["id"] == found["Id"]
    new = patch(client, "sobjects/Contact/Email/new@small.example", {"LastName": "New"})
    assert (new.status_code, new.json()["created"]) == (201, True)
    key = new.json()["id"]
    assert client.get(f"sobjects/Contact/{key}").json()["Email"] == "new@small.example"
    twice = client.post("sobjects/Contact", {"LastName": "b", "Email": "new@small.example"})
    assert twice.status_code == 201
    several = patch(client, "sobjects/Contact/Email/new@small.example", {"LastName": "c"})
    assert (several.status_code, len(several.json())) == (300, 2)
    refused = patch(client, "sobjects/Contact/Email/no-mail", {"LastName": "c"})
    assert refused.json()[0]["errorCode"] == "INVALID_EMAIL_ADDRESS"


def test_id_is_a_key_like_others(client) -> None:
    key = made(client)
    record = client.get(f"sobjects/Account/Id/{key}?fields=Name")
    assert (record.status_code, record.json()["Name"]) == (200, "New")
    assert client.get(f"sobjects/Account/id/{key[:15]}").json()["Id"] == key
    assert client.get(f"sobjects/Account/Id/{UNKNOWN}").status_code == 404
    assert delete(client, f"sobjects/Account/Id/{key}").status_code == 204
    gone = client.get(f"sobjects/Account/Id/{key}")
    assert (gone.status_code, gone.json()[0]["errorCode"]) == (404, "ENTITY_IS_DELETED")


def test_a_record_is_created_without_a_key_beside_id(client) -> None:
    answer = client.post("sobjects/Account/Id", {"Name": "New"})
    assert answer.status_code == 201
    assert client.get(f"sobjects/Account/{answer.json()['id']}").json()["Name"] == "New"
    refused = client.post("sobjects/Account/Id", {"Name": "New", "Id": UNKNOWN})
    assert refused.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    assert client.post(f"sobjects/Account/{UNKNOWN}", {"Name": "New"}).status_code == 405
    old = client.post("/services/data/v36.0/sobjects/Account/Id", {"Name": "New"})
    assert old.status_code == 405


def test_upsert_by_id_is_an_update(client) -> None:
    key = made(client)
    assert patch(client, f"sobjects/Account/Id/{key}", {"Name": "b"}).status_code == 204
    assert patch(client, f"sobjects/Account/Id/{UNKNOWN}", {"Name": "b"}).status_code == 400


def test_delete_by_external_id(client) -> None:
    path = "sobjects/Account/Customer_Number__c/C001"
    assert delete(client, path).status_code == 204
    assert delete(client, path).status_code == 404


# -- statuses of refusals


def test_no_room_is_403(client) -> None:
    client.admin("settings", data_storage_mb=0)
    answer = client.post("sobjects/Account", {"Name": "x"})
    text = {
        "message": "storage limit exceeded",
        "errorCode": "STORAGE_LIMIT_EXCEEDED",
        "fields": [],
    }
    assert (answer.status_code, answer.json()) == (403, [text])


def test_duplicates_and_their_header(client) -> None:
    done = client.admin("rules/duplicate", object="Account", match=["Name"], name="Same_Name")
    assert done.status_code == 200, done.text
    held = made(client, Name="Twin")
    answer = client.post("sobjects/Account", {"Name": "twin"})
    (error,) = answer.json()
    assert answer.status_code == 400
    assert set(error) == {"duplicateResut", "errorCode", "message"}
    assert (error["errorCode"], error["message"]) == (
        "DUPLICATES_DETECTED",
        "Use one of these records?",
    )
    found = error["duplicateResut"]["matchResults"][0]["matchRecords"][0]["record"]
    assert found["Id"] == held
    header = {"Sforce-Duplicate-Rule-Header": "allowSave=true; includeRecordDetails=false"}
    assert client.post("sobjects/Account", {"Name": "twin"}, headers=header).status_code == 201
    old = "/services/data/v51.0/sobjects/Account"
    assert client.post(old, {"Name": "twin"}, headers=header).status_code == 400
    report = client.admin("rules/clear").json()
    assert (report["unhit"], report["rules"][0]["hits"]) == ([], 2)


def test_sharing_and_field_security_apply(client, narrow) -> None:
    answer = narrow.post("sobjects/Account", {"Name": "x", "Phone": "1"})
    assert answer.json()[0]["message"] == "No such column 'Phone' on sobject of type Account"
    username = "narrow@small.example"
    client.admin("access/deny", username=username, object="Account", deed="create")
    client.admin("access/lock-field", username=username, object="Contact", field="Email")
    answer = narrow.post("sobjects/Account", {"Name": "x"})
    assert answer.json()[0]["message"] == "entity type cannot be inserted: Account"
    answer = narrow.post("sobjects/Contact", {"LastName": "x", "Email": "a@b.be"})
    assert answer.json()[0]["errorCode"] == "INVALID_FIELD_FOR_INSERT_UPDATE"
    client.admin("access/allow", username=username, object="Account", deed="create")
    assert narrow.post("sobjects/Account", {"Name": "x"}).status_code == 201
    assert client.admin("access/deny", username="who", object="x", deed="edit").status_code == 400


def test_rules_are_planted_and_listed(client) -> None:
    planted = client.admin(
        "rules/validation", object="Account", message="No.", where="Name = 'bad'", on=["insert"]
    ).json()
    assert (planted["kind"], planted["on"], planted["field"]) == ("validation", ["insert"], None)
    planted = client.admin(
        "rules/trigger", object="Account", deed="create", creates="Contact", phase="after",
        values={"LastName": "{Name}", "AccountId": "{Id}"},
    ).json()  # fmt: skip
    assert planted["values"] == {"LastName": "{Name}", "AccountId": "{Id}"}
    assert client.post("sobjects/Account", {"Name": "bad"}).status_code == 400
    key = made(client, Name="good")
    soql = quote(f"SELECT LastName FROM Contact WHERE AccountId = '{key}'")
    assert client.get(f"query?q={soql}").json()["records"][0]["LastName"] == "good"
    listed = json.loads(client.call("GET", "/__sim__/rules").text)
    assert [one["hits"] for one in listed["rules"]] == [1, 1]
    assert client.admin("rules/trigger", object="Nothing", deed="refuse").status_code == 404
    assert client.admin("rules/trigger", object="Account", deed="dance").status_code == 400
