"""merge in envelopes, as clients send them."""

import pytest

from simulators.salesforce.soap.envelopes import answer, call, client_fault, fault, raw

SOBJECT = "urn:sobject.partner.soap.sforce.com"


def create(client, of: str, **values: str) -> str:
    return client.post(f"sobjects/{of}", values).json()["id"]


def master(key: str, *, of: str = "Account", more: str = "") -> str:
    named = f'<type xmlns="{SOBJECT}">{of}</type><Id xmlns="{SOBJECT}">{key}</Id>'
    return f"<masterRecord>{named}{more}</masterRecord>"


def request(key: str, *losers: str, of: str = "Account", more: str = "", name="request") -> str:
    merged = "".join(f"<recordToMergeIds>{each}</recordToMergeIds>" for each in losers)
    return f"<{name}>{master(key, of=of, more=more)}{merged}</{name}>"


def merge(client, *requests: str, header: str = ""):
    """The call of the client, with these requests."""
    token = f"<sessionId>{client.token}</sessionId>"
    body = (
        '<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope '
        'xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><soapenv:Header>'
        f'<SessionHeader xmlns="urn:partner.soap.sforce.com">{token}</SessionHeader>{header}'
        '</soapenv:Header><soapenv:Body><merge xmlns="urn:partner.soap.sforce.com">'
        f"{''.join(requests)}</merge></soapenv:Body></soapenv:Envelope>"
    )
    return raw(client, body)


def good(key: str, *losers: str, moved: tuple[str, ...] = ()) -> str:
    merged = "".join(f"<mergedRecordIds>{each}</mergedRecordIds>" for each in losers)
    related = "".join(f"<updatedRelatedIds>{each}</updatedRelatedIds>" for each in moved)
    return f"<result><id>{key}</id>{merged}<success>true</success>{related}</result>"


def bad(key: str, code: str, message: str, fields: str = "") -> str:
    return (
        f"<result><errors>{fields}<message>{message}</message><statusCode>{code}</statusCode>"
        f"</errors><id>{key}</id><success>false</success></result>"
    )


def used(client) -> int:
    return client.sim.org.api_usage()[0] + 1


@pytest.fixture
def twins(client) -> tuple[str, str]:
    return create(client, "Account", Name="Kept"), create(client, "Account", Name="Double")


def test_a_merge_moves_the_children_and_names_them(client, twins) -> None:
    kept, double = twins
    contact = create(client, "Contact", LastName="Ann", AccountId=double)
    task = create(client, "Task", Subject="Call", WhatId=double)
    expected = answer("merge", good(kept, double, moved=(contact, task)), used=used(client))
    got = merge(client, request(kept[:15], double[:15]))
    assert (got.status_code, got.headers["content-type"]) == (200, "text/xml; charset=UTF-8")
    assert got.text == expected
    assert client.get(f"sobjects/Contact/{contact}").json()["AccountId"] == kept
    assert client.get(f"sobjects/Account/{double}").status_code == 404


def test_the_master_takes_values_and_empties_others(client, twins) -> None:
    kept, double = twins
    stored = {kept: {"Phone": "1", "Notes__c": "old"}}
    client.sim.org.update(client.sim.org.users.first(), "Account", stored)
    nil = '<Notes__c xsi:nil="true"/>'
    more = f"<Name>Renamed</Name><Size__c>12.5</Size__c>{nil}<fieldsToNull>Phone</fieldsToNull>"
    assert "<success>true" in merge(client, request(kept, double, more=more)).text
    row = client.get(f"sobjects/Account/{kept}").json()
    assert [row[name] for name in ("Name", "Size__c", "Phone", "Notes__c")] == [
        "Renamed",
        12.5,
        None,
        None,
    ]


@pytest.mark.parametrize("name", ["mergeRequest", "mergeRequests", "merge"])
def test_clients_name_the_element_of_a_request_differently(client, twins, name) -> None:
    kept, double = twins
    assert good(kept, double) in merge(client, request(kept, double, name=name)).text


def test_the_type_may_stand_in_an_attribute_or_follow_from_the_id(client, twins) -> None:
    kept, double = twins
    third = create(client, "Account", Name="Third")
    attribute = (
        f'<request><masterRecord xsi:type="Account"><Id>{kept}</Id></masterRecord>'
        f"<recordToMergeIds>{double}</recordToMergeIds></request>"
    )
    assert good(kept, double) in merge(client, attribute).text
    plain = (
        f'<request><masterRecord xsi:type="sObject"><id>{kept}</id></masterRecord>'
        f"<recordToMergeIds>{third}</recordToMergeIds></request>"
    )
    assert good(kept, third) in merge(client, plain).text


def test_each_merge_is_a_transaction_of_its_own(client, twins) -> None:
    kept, double = twins
    third = create(client, "Account", Name="Third")
    expected = answer(
        "merge",
        good(kept, double),
        bad(kept, "ENTITY_IS_DELETED", "entity is deleted"),
        good(kept, third),
        used=used(client),
    )
    requests = [request(kept, key) for key in (double, double, third)]
    assert merge(client, *requests).text == expected


@pytest.mark.parametrize(
    ("losers", "code", "message"),
    [
        ((), "MISSING_ARGUMENT", "recordToMergeIds not specified"),
        (("a", "b", "c"), "LIMIT_EXCEEDED", "at most 2 records can be merged into a master"),
        (("nonsense",), "MALFORMED_ID", "malformed id nonsense"),
        (
            ("003000000000001AAA",),
            "INVALID_ID_FIELD",
            "003000000000001AAA is no id of Account",
        ),
        (("001000000000001AAA",), "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id"),
    ],
)
def test_requests_that_make_no_sense(client, twins, losers, code, message) -> None:
    expected = answer("merge", bad(twins[0], code, message), used=used(client))
    assert merge(client, request(twins[0], *losers)).text == expected


def test_the_master_cannot_be_among_the_merged_records(client, twins) -> None:
    kept, double = twins
    refused = bad(kept, "INVALID_OPERATION", "a record cannot be merged twice, or into itself")
    assert refused in merge(client, request(kept, kept[:15])).text
    assert refused in merge(client, request(kept, double, double[:15])).text


def test_a_refused_value_takes_the_whole_merge_back(client, twins) -> None:
    kept, double = twins
    contact = create(client, "Contact", LastName="Ann", AccountId=double)
    got = merge(client, request(kept, double, more="<Nope__c>1</Nope__c>"))
    text = "No such column &apos;Nope__c&apos; on sobject of type Account".replace("&apos;", "'")
    assert bad(kept, "INVALID_FIELD", text) in got.text
    assert client.get(f"sobjects/Contact/{contact}").json()["AccountId"] == double
    assert client.get(f"sobjects/Account/{double}").status_code == 200


def test_the_master_may_take_the_unique_value_of_a_merged_record(client) -> None:
    kept = create(client, "Account", Name="Kept")
    double = create(client, "Account", Name="Double", Customer_Number__c="0040018")
    number = "<Customer_Number__c>0040018</Customer_Number__c>"
    assert good(kept, double) in merge(client, request(kept, double, more=number)).text


def test_objects_without_a_merge(client, twins) -> None:
    task = create(client, "Task", Subject="Call")
    got = merge(client, request(task, task, of="Task"))
    assert got.status_code == 500
    assert got.text == fault("INVALID_TYPE_FOR_OPERATION", "entity type does not support merge")
    assert "NOT_FOUND" in merge(client, request(*twins, of="Nothing")).text


def test_more_merges_than_a_call_may_have(client, twins) -> None:
    got = merge(client, *([request(*twins)] * 201))
    assert got.text == fault(
        "EXCEEDED_ID_LIMIT",
        "record limit reached. cannot submit more than 200 records into this call",
    )


def test_a_request_without_a_master(client) -> None:
    got = call(client, "merge", "001000000000001AAA")
    assert got.text == client_fault("Required element missing: masterRecord")


def test_a_merge_by_the_admin_api(client, twins) -> None:
    kept, double = twins
    contact = create(client, "Contact", LastName="Ann", AccountId=double)
    body = {"object": "Account", "master": kept, "ids": [double], "set": {"Phone": None}}
    got = client.http.post("/__sim__/records/merge", json=body)
    assert got.json() == {"merged": [double], "moved": [contact]}
    got = client.http.post("/__sim__/records/merge", json=body)
    assert (got.status_code, got.json()[0]["errorCode"]) == (400, "ENTITY_IS_DELETED")
    third = create(client, "Account", Name="Third")
    wanted = {**body, "ids": [third], "set": {"Size__c": 3.5}, "as": "backup@small.example"}
    assert client.http.post("/__sim__/records/merge", json=wanted).status_code == 200
