"""sObject Collections: order, row results, all or none, whole-request refusals."""

import pytest

UNKNOWN = "001Dn0000000009IAA"
ROLLED_BACK = {
    "statusCode": "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "message": (
        "Record rolled back because not all records were valid and the request was using "
        "AllOrNone header"
    ),
    "fields": [],
}
MISSING = {
    "statusCode": "REQUIRED_FIELD_MISSING",
    "message": "Required fields are missing: [Name]",
    "fields": ["Name"],
}
NESTED = (
    "Nested object for polymorphic foreign key must have an attributes field before any other "
    "fields."
)
NO_ATTRIBUTES = {"statusCode": "JSON_PARSER_ERROR", "message": NESTED, "fields": []}


def record(kind: str = "Account", **row):
    return {"attributes": {"type": kind}, **row}


def send(client, method: str, *records, path: str = "composite/sobjects", together: bool = False):
    body = {"allOrNone": together, "records": list(records)}
    return client.call(method, path, json=body)


def test_create(client) -> None:
    rows = [record(Name="a"), record("Contact", LastName="c"), record(), record(Nam="x", Name="b")]
    answer = send(client, "POST", *rows)
    one, two, three, four = answer.json()
    assert answer.status_code == 200
    assert one == {"id": one["id"], "success": True, "errors": []}
    assert (one["id"][:3], two["id"][:3]) == ("001", "003")
    assert three == {"success": False, "errors": [MISSING]}
    text = "No such column 'Nam' on sobject of type Account"
    error = {"statusCode": "INVALID_FIELD", "message": text, "fields": []}
    assert four == {"success": False, "errors": [error]}


def test_all_or_none(client) -> None:
    answer = send(client, "POST", record(Name="a"), record(), together=True)
    assert answer.status_code == 200
    assert answer.json() == [
        {"success": False, "errors": [ROLLED_BACK]},
        {"success": False, "errors": [MISSING]},
    ]
    assert client.get("query?q=SELECT+COUNT()+FROM+Account").json()["totalSize"] == 9


def test_update(client) -> None:
    keys = [one["id"] for one in send(client, "POST", record(Name="a"), record(Name="b")).json()]
    rows = [record(Id=keys[0], Phone="1"), record(Phone="2"), record(id=UNKNOWN, Phone="3")]
    answer = send(client, "PATCH", *rows)
    assert answer.json() == [
        {"id": keys[0], "success": True, "errors": []},
        {
            "success": False,
            "errors": [
                {
                    "statusCode": "MISSING_ARGUMENT",
                    "message": "Id not specified in an update call",
                    "fields": [],
                }
            ],
        },
        {
            "success": False,
            "errors": [
                {
                    "statusCode": "INVALID_CROSS_REFERENCE_KEY",
                    "message": "invalid cross reference id",
                    "fields": [],
                }
            ],
        },
    ]
    rolled = send(client, "PATCH", rows[0], rows[1], together=True).json()
    assert rolled[0] == {"success": False, "errors": [ROLLED_BACK]}


def test_upsert(client) -> None:
    path = "composite/sobjects/Account/Customer_Number__c"
    rows = [
        record(Customer_Number__c="C001", Name="old"),
        record(Customer_Number__c="new", Name="new"),
        record(Customer_Number__c="odd"),
    ]
    old, new, odd = send(client, "PATCH", *rows, path=path).json()
    assert (old["success"], old["created"], new["created"]) == (True, False, True)
    assert odd == {"success": False, "errors": [MISSING], "created": False}
    by_id = send(
        client, "PATCH", record(Id=None, Name="x"), record(Id=old["id"], Name="y"),
        path="composite/sobjects/Account/Id",
    ).json()  # fmt: skip
    assert [one["created"] for one in by_id] == [True, False]
    answer = send(client, "PATCH", record("Contact", LastName="x"), path=path)
    assert (answer.status_code, answer.json()[0]["errorCode"]) == (400, "INVALID_TYPE")


def test_delete(client) -> None:
    made = send(client, "POST", record(Name="a"), record("Contact", LastName="c")).json()
    keys = [one["id"] for one in made]
    answer = client.call("DELETE", f"composite/sobjects?ids={','.join(keys)},{UNKNOWN},junk")
    assert answer.status_code == 200
    assert [one["success"] for one in answer.json()] == [True, True, False, False]
    assert answer.json()[0] == {"id": keys[0], "success": True, "errors": []}
    assert [one["errors"][0]["statusCode"] for one in answer.json()[2:]] == [
        "INVALID_CROSS_REFERENCE_KEY",
        "MALFORMED_ID",
    ]
    key = send(client, "POST", record(Name="b")).json()[0]["id"]
    answer = client.call("DELETE", f"composite/sobjects?ids={key},{UNKNOWN}&allOrNone=true")
    assert answer.json()[0]["errors"] == [ROLLED_BACK]
    assert client.get(f"sobjects/Account/{key}").status_code == 200


@pytest.mark.parametrize("body", [{}, {"records": []}, {"records": "x"}])
def test_no_records(client, body: dict) -> None:
    error = {
        "message": "At least 1 record is required",
        "errorCode": "REQUIRED_FIELD_MISSING",
        "fields": [],
    }
    for answer in (
        client.post("composite/sobjects", body),
        client.call("PATCH", "composite/sobjects", json=body),
        client.call("DELETE", "composite/sobjects?ids="),
    ):
        assert (answer.status_code, answer.json()) == (400, [error])


def test_more_than_200_records(client) -> None:
    rows = [record(Name=str(n)) for n in range(201)]
    text = "record limit reached. cannot submit more than 200 records into this call"
    answer = send(client, "POST", *rows)
    assert answer.status_code == 400
    assert answer.json() == [{"message": text, "errorCode": "EXCEEDED_ID_LIMIT"}]
    assert all(one["success"] for one in send(client, "POST", *rows[:200]).json())


def test_what_is_no_record_spoils_the_request(client) -> None:
    for method in ("POST", "PATCH"):
        answer = send(client, method, record(Name="a"), "x")
        assert answer.status_code == 400
        assert answer.json() == [{"message": NESTED, "errorCode": "JSON_PARSER_ERROR"}]


@pytest.mark.parametrize(
    "row", [{"Name": "a"}, {"attributes": "Account"}, {"attributes": {"url": "x"}}]
)
def test_a_record_without_attributes_fails_alone(client, row) -> None:
    answer = send(client, "POST", record(Name="b"), row, record(Name="c"))
    one, two, three = answer.json()
    assert answer.status_code == 200
    assert two == {"success": False, "errors": [NO_ATTRIBUTES]}
    changes = [record(Id=one["id"], Name="d"), row, record(Id=three["id"], Name="e")]
    changed = send(client, "PATCH", *changes).json()
    assert [each["success"] for each in changed] == [True, False, True]
    assert changed[1]["errors"] == [NO_ATTRIBUTES]


def test_a_record_without_attributes_rolls_back_what_must_stand_together(client) -> None:
    answer = send(client, "POST", {"Name": "a"}, record(Name="b"), together=True)
    assert answer.json() == [
        {"success": False, "errors": [NO_ATTRIBUTES]},
        {"success": False, "errors": [ROLLED_BACK]},
    ]
    assert client.get("query?q=SELECT+COUNT()+FROM+Account").json()["totalSize"] == 9


def test_attributes_come_first_in_an_upsert(client) -> None:
    late = {"Name": "a", "Customer_Number__c": "1", "attributes": {"type": "Account"}}
    assert send(client, "POST", late).json()[0]["success"] is True
    path = "composite/sobjects/Account/Customer_Number__c"
    one, two = send(
        client, "PATCH", late, record(Customer_Number__c="2", Name="b"), path=path
    ).json()
    assert one == {"success": False, "errors": [NO_ATTRIBUTES], "created": False}
    assert (two["success"], two["created"]) == (True, True)
    unknown = send(client, "PATCH", late, path="composite/sobjects/Nothing/Id")
    assert (unknown.status_code, unknown.json()[0]["errorCode"]) == (404, "NOT_FOUND")


def test_rows_too_many_chunks(client) -> None:
    pair = [record(Name="a"), record("Contact", LastName="c")]
    answer = send(client, "POST", *(pair * 6))
    assert answer.status_code == 400
    assert "more than 10 chunks" in answer.json()[0]["message"]
    assert send(client, "POST", *(pair * 5)).status_code == 200
