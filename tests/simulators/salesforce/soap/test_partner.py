"""undelete and emptyRecycleBin as clients call them: envelopes, cascades, faults."""

import base64
import hashlib

import pytest

from simulators.salesforce.soap.envelopes import answer, bad, call, client_fault, fault, good, raw
from unlost_simulators.salesforce.model.users import Permission

NOT_IN_BIN = ("UNDELETE_FAILED", "Entity is not in the recycle bin")
NO_ENTRY = ("INVALID_ID_FIELD", "invalid record id; no recycle bin entry found")


def keys(client, soql: str) -> list[str]:
    found = client.get(f"query?q={soql.replace(' ', '+')}").json()["records"]
    return [each["Id"] for each in found]


@pytest.fixture
def tree(client) -> tuple[str, list[str]]:
    """An account with two contacts."""
    account = client.post("sobjects/Account", {"Name": "Parent"}).json()["id"]
    children = [
        client.post("sobjects/Contact", {"LastName": name, "AccountId": account}).json()["id"]
        for name in ("Ann", "Ben")
    ]
    return account, children


def delete(client, of: str, key: str) -> None:
    assert client.call("DELETE", f"sobjects/{of}/{key}").status_code == 204


def used(client) -> int:
    return client.sim.org.api_usage()[0] + 1


def test_undelete_brings_back_what_a_cascade_took(client, tree) -> None:
    account, children = tree
    delete(client, "Account", account)
    assert keys(client, f"SELECT Id FROM Contact WHERE AccountId = '{account}'") == []
    expected = answer("undelete", good(account), used=used(client))
    got = call(client, "undelete", account[:15])
    assert (got.status_code, got.headers["content-type"]) == (200, "text/xml; charset=UTF-8")
    assert got.text == expected
    assert keys(client, f"SELECT Id FROM Contact WHERE AccountId = '{account}'") == children
    assert keys(client, f"SELECT Id FROM Account WHERE Id = '{account}'") == [account]


def test_a_child_of_a_cascade_cannot_be_named_by_itself(client, tree) -> None:
    account, children = tree
    delete(client, "Account", account)
    expected = answer("undelete", bad(children[0], *NOT_IN_BIN), used=used(client))
    assert call(client, "undelete", children[0]).text == expected
    expected = answer("emptyRecycleBin", bad(children[0], *NO_ENTRY), used=used(client))
    assert call(client, "emptyRecycleBin", children[0]).text == expected


def test_a_child_that_was_deleted_before_its_parent_stays_away(client, tree) -> None:
    account, (first, second) = tree
    delete(client, "Contact", first)
    delete(client, "Account", account)
    got = call(client, "undelete", account, first)
    assert good(account) in got.text
    assert keys(client, f"SELECT Id FROM Contact WHERE AccountId = '{account}'") == [second]


def test_each_id_is_answered_in_its_place_whatever_its_object(client, tree) -> None:
    account, (first, _) = tree
    delete(client, "Contact", first)
    delete(client, "Account", account)
    living = keys(client, "SELECT Id FROM Account LIMIT 1")[0]
    stranger = "0zz000000000001AAA"
    ids = [first, living, "nonsense", account, stranger]
    lost = bad(first, *NOT_IN_BIN)
    expected = answer(
        "undelete",
        lost,
        bad(living, *NOT_IN_BIN),
        bad("nonsense", "MALFORMED_ID", "malformed id nonsense"),
        good(account),
        bad(stranger, *NOT_IN_BIN),
        used=used(client),
    )
    assert call(client, "undelete", *ids).text == expected


def test_all_or_none_takes_everything_back(client, tree) -> None:
    account, _ = tree
    delete(client, "Account", account)
    header = (
        '<AllOrNoneHeader xmlns="urn:partner.soap.sforce.com"><allOrNone>true</allOrNone>'
        "</AllOrNoneHeader>"
    )
    stranger = "001000000000001AAA"
    expected = answer(
        "undelete",
        bad(
            account,
            "ALL_OR_NONE_OPERATION_ROLLED_BACK",
            "Record rolled back because not all records were valid and the request was using "
            "AllOrNone header",
        ),
        bad(stranger, *NOT_IN_BIN),
        used=used(client),
    )
    assert call(client, "undelete", account, stranger, header=header).text == expected
    assert keys(client, f"SELECT Id FROM Account WHERE Id = '{account}'") == []
    got = call(client, "undelete", account, header=header)
    assert good(account) in got.text


def test_what_left_the_bin_never_comes_back(client, tree) -> None:
    account, children = tree
    delete(client, "Account", account)
    expected = answer("emptyRecycleBin", good(account), used=used(client))
    assert call(client, "emptyRecycleBin", account).text == expected
    expected = answer("emptyRecycleBin", bad(account, *NO_ENTRY), used=used(client))
    assert call(client, "emptyRecycleBin", account).text == expected
    expected = answer("undelete", bad(account, *NOT_IN_BIN), used=used(client))
    assert call(client, "undelete", account).text == expected
    everything = client.get("queryAll?q=SELECT+Id+FROM+Contact").json()["records"]
    assert not {each["Id"] for each in everything} & set(children)


def test_delete_by_soap_fills_the_bin(client, tree) -> None:
    account, _ = tree
    expected = answer("delete", good(account), used=used(client))
    assert call(client, "delete", account).text == expected
    assert good(account) in call(client, "undelete", account).text


def test_undelete_needs_room(client, tree) -> None:
    account, _ = tree
    delete(client, "Account", account)
    client.sim.org.configure(data_storage_mb=0)
    full = bad(account, "STORAGE_LIMIT_EXCEEDED", "storage limit exceeded")
    assert full in call(client, "undelete", account).text


# Faults


def test_a_session_that_is_none(client) -> None:
    digest = base64.b64encode(hashlib.sha256(b"00Dx!no").digest()).decode()
    got = call(client, "undelete", "001000000000001AAA", token="00Dx!no")
    assert got.status_code == 500
    assert got.text == fault(
        "INVALID_SESSION_ID",
        "Invalid Session ID found in SessionHeader: Illegal Session. Session not found, missing "
        f"session hash: {digest}\nThis error usually occurs after a session expires or a user "
        "logs out. ",
    )


def test_more_ids_than_a_call_may_have(client) -> None:
    got = call(client, "undelete", *(["001000000000001AAA"] * 201))
    assert got.status_code == 500
    assert got.text == fault(
        "EXCEEDED_ID_LIMIT",
        "record limit reached. cannot submit more than 200 records into this call",
    )
    assert call(client, "undelete", *(["001000000000001AAA"] * 200)).status_code == 200


@pytest.mark.parametrize("version", ["99.0", "30.0", "x"])
def test_versions_that_are_not_served(client, version) -> None:
    got = call(client, "undelete", version=version)
    assert got.text == fault("UNSUPPORTED_API_VERSION", "Invalid Api version specified on URL")


def test_calls_that_are_no_soap(client) -> None:
    got = call(client, "convertLead", "001000000000001AAA")
    assert got.text == client_fault(
        "No operation available for request {urn:partner.soap.sforce.com}convertLead, "
        "please check the WSDL for the service."
    )
    got = call(client, "undelete", action=None)
    assert (got.status_code, got.text) == (500, client_fault("SOAPAction HTTP header missing"))
    assert "XML document structures must be valid" in raw(client, "<no").text
    assert raw(client, "<no/>").text == client_fault("Envelope and Body are missing")
    declared = '<!DOCTYPE x [<!ENTITY e "x">]><x>&e;</x>'
    assert raw(client, declared).text == client_fault("DTD is not supported inside SOAP message")
    assert raw(client, "", method="GET").status_code == 405


def test_the_allowance_of_calls_counts_here_too(client) -> None:
    before = client.sim.org.api_usage()[0]
    call(client, "undelete")
    assert client.sim.org.api_usage()[0] == before + 1
    client.sim.org.configure(daily_api_requests=before)
    got = call(client, "undelete")
    assert got.text == fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")


def test_a_user_without_the_api(client) -> None:
    user = client.sim.org.users.by_username("backup@small.example")
    client.sim.org.users.set_permission(user.id, Permission.API_ENABLED, granted=False)
    got = call(client, "undelete")
    assert got.text == fault(
        "API_DISABLED_FOR_ORG", "API is not enabled for this Organization or Partner"
    )


def test_planted_faults_speak_soap_here(client) -> None:
    client.admin("faults", kind="request_limit", path="/Soap/u/")
    client.admin("faults", kind="expired_session", path="/Soap/u/", skip=1)
    client.admin("faults", kind="unavailable_html", path="/Soap/u/", skip=1)
    got = call(client, "undelete")
    assert got.text == fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
    assert call(client, "undelete").status_code == 200
    got = call(client, "undelete")
    assert got.text == fault("INVALID_SESSION_ID", "Session expired or invalid")
    assert call(client, "undelete").status_code == 503
    assert b"INVALID_SESSION_ID" in call(client, "undelete").content
    assert client.http.get("/__sim__/faults").json()["unhit"] == []


def test_a_body_that_is_none_ends_no_session(client) -> None:
    client.admin("faults", kind="expired_session", path="/Soap/u/")
    assert b"INVALID_SESSION_ID" in raw(client, "<no").content
    assert client.get("limits").status_code == 200
