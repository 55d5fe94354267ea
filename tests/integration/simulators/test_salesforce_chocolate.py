"""The chocolate maker's org as clients see it over a real connection."""

import hashlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest

from integration.simulators.wire import Wire
from unlost_simulators.process import SimulatorProcess

pytestmark = pytest.mark.network
CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


@pytest.fixture(scope="module")
def sim() -> Iterator[SimulatorProcess]:
    with SimulatorProcess() as running:
        yield running


@pytest.fixture(scope="module")
def wire(sim: SimulatorProcess) -> Wire:
    return Wire(sim)


@pytest.fixture(scope="module")
def narrow(sim: SimulatorProcess) -> Wire:
    return Wire(sim, "chocolate-narrow")


def code(answer: tuple[int, list[dict[str, str]]]) -> tuple[int, str]:
    return answer[0], answer[1][0]["errorCode"]


def checksum(bare: str) -> str:
    """Letters after the first 15 characters, computed here on its own."""
    letters = ""
    for start in (0, 5, 10):
        number = sum(2**place for place, char in enumerate(bare[start : start + 5])
                     if char in "ABCDEFGHIJKLMNOPQRSTUVWXYZ")  # fmt: skip
        letters += CHECK[number]
    return letters


def test_every_object_of_the_listing_describes_itself(wire) -> None:
    listing = wire.json("GET", "sobjects")["sobjects"]
    assert len(listing) >= 40
    assert all(len(each) == 28 for each in listing)
    for start in range(0, len(listing), 25):
        part = listing[start : start + 25]
        requests = [{"method": "GET", "url": f"v66.0/sobjects/{one['name']}/describe"}
                    for one in part]  # fmt: skip
        answer = wire.json("POST", "composite/batch", {"batchRequests": requests})
        assert answer["hasErrors"] is False
        for one, result in zip(part, answer["results"], strict=True):
            assert result["result"]["name"] == one["name"]
            assert all(len(field) == 57 for field in result["result"]["fields"])


def test_hidden_fields_are_absent_and_unknown(wire, narrow) -> None:
    def names(caller: Wire) -> set[str]:
        described = caller.json("GET", "sobjects/Contact/describe")
        return {field["name"] for field in described["fields"]}

    assert names(wire) - names(narrow) == {"Birthdate", "Allergies__c"}
    assert code(narrow.soql("SELECT Birthdate FROM Contact")) == (400, "INVALID_FIELD")


def test_sharing_narrows_what_a_user_sees(wire, narrow) -> None:
    assert (
        0 < narrow.total("SELECT COUNT() FROM Account") < wire.total("SELECT COUNT() FROM Account")
    )


def test_files_need_query_all_files(sim, wire, narrow) -> None:
    everything = "SELECT COUNT() FROM ContentDocument"
    held = sim.admin.get("holds", object="ContentDocument")["ContentDocument"]["live"]
    assert wire.total(everything) == held
    assert narrow.total(everything) < held
    assert wire.total("SELECT COUNT() FROM ContentDocumentLink") > held
    refusal = narrow.soql("SELECT Id FROM ContentDocumentLink")
    assert code(refusal) == (400, "MALFORMED_QUERY")
    assert (
        "requires a filter by a single Id on ContentDocumentId or LinkedEntityId"
        in (refusal[1][0]["message"])
    )
    sim.admin.post(
        "access/permission", username="backup@chocolate.example", permission="QueryAllFiles",
        granted=False,
    )  # fmt: skip
    try:
        assert wire.total(everything) < held
        assert code(wire.soql("SELECT Id FROM ContentDocumentLink"))[1] == "MALFORMED_QUERY"
    finally:
        sim.admin.post(
            "access/permission", username="backup@chocolate.example", permission="QueryAllFiles"
        )
    assert wire.total(everything) == held


def test_archived_activities_are_for_query_all(wire) -> None:
    visible = wire.total("SELECT COUNT() FROM Task")
    everything = wire.total("SELECT COUNT() FROM Task", "queryAll")
    archived = wire.total("SELECT COUNT() FROM Task WHERE IsArchived = true", "queryAll")
    deleted = wire.total("SELECT COUNT() FROM Task WHERE IsDeleted = true", "queryAll")
    assert archived > 0
    assert everything == visible + archived + deleted


def test_query_timeout_by_object(sim, wire) -> None:
    sim.admin.post("settings", query_windows={"Case": 30})
    try:
        assert code(wire.soql("SELECT Id FROM Case")) == (400, "QUERY_TIMEOUT")
        now = datetime.fromisoformat(sim.admin.get("clock")["now"])
        first, last = (f"{now + timedelta(days=by):%Y-%m-%dT%H:%M:%SZ}" for by in (-13, 1))
        window = f"SystemModstamp >= {first} AND SystemModstamp < {last}"
        status, _ = wire.soql(f"SELECT Id FROM Case WHERE {window}")
        assert status == 200
    finally:
        sim.admin.post("settings", query_windows={})


def test_record_count_lags_when_asked_to(sim, wire) -> None:
    def cached() -> int:
        return wire.json("GET", "limits/recordCount?sObjects=Idea")["sObjects"][0]["count"]

    sim.admin.post("settings", record_count_delay=600)
    before = cached()
    sim.admin.post("records/insert", object="Idea", rows=[{"Title": "Cocoa with sea salt"}])
    assert cached() == before
    sim.admin.post("clock/advance", minutes=11)
    assert cached() == before + 1
    sim.admin.post("settings", record_count_delay=0)


@pytest.mark.parametrize("name", ["CaseStatus", "CaseTeamMember", "TaskPriority"])
def test_objects_without_bulk(wire, name) -> None:
    order = {"operation": "query", "query": f"SELECT Id FROM {name}"}
    connection, answer = wire.send("POST", "jobs/query", order)
    body = answer.read().decode()
    connection.close()
    assert answer.status == 400
    assert "INVALIDENTITY" in body
    assert wire.total(f"SELECT COUNT() FROM {name}") > 0


@pytest.mark.parametrize("object_name", ["Account", "Contact", "EmailMessage", "Recipe__c"])
def test_ids_carry_the_right_checksum_and_answer_to_15_characters(wire, object_name) -> None:
    _, document = wire.soql(f"SELECT Id FROM {object_name} LIMIT 200")
    ids = [record["Id"] for record in document["records"]]
    assert all(one[15:] == checksum(one[:15]) for one in ids)
    short = wire.json("GET", f"sobjects/{object_name}/{ids[0][:15]}?fields=Id")
    assert short["Id"] == ids[0]


def test_text_is_the_same_by_rest_and_by_bulk(wire) -> None:
    """Newlines, quotes, NUL, emoji, other scripts, and 131,072 characters."""
    soql = "SELECT Id, Subject, TextBody, HtmlBody FROM EmailMessage ORDER BY Id"
    status, document = wire.soql(soql)
    assert status == 200
    by_rest = [
        tuple(record[name] or "" for name in ("Id", "Subject", "TextBody", "HtmlBody"))
        for record in document["records"]
    ]
    while not document["done"]:
        document = wire.json("GET", document["nextRecordsUrl"].split("v66.0/")[1])
        by_rest += [
            tuple(record[name] or "" for name in ("Id", "Subject", "TextBody", "HtmlBody"))
            for record in document["records"]
        ]
    text = wire.read(wire.results(soql))[1].decode()
    assert _cells(text)[1:] == by_rest


def test_awkward_texts_come_back_as_they_were_written(sim, wire) -> None:
    awkward = ['a "b"\nc', "x\r\ny", "NUL\0NUL", "🍫 巧克力 żółw", "=cmd()", "NA", "#N/A", "null"]
    made = sim.admin.post(
        "records/insert", object="Account", rows=[{"Name": text} for text in awkward]
    )["ids"]
    blank = sim.admin.post("records/insert", object="Account", rows=[{"Name": "  trimmed \n"}])
    ids = [*made, *blank["ids"]]
    listed = ",".join(f"'{one}'" for one in ids)
    _, document = wire.soql(f"SELECT Id, Name FROM Account WHERE Id IN ({listed})")
    by_rest = {record["Id"]: record["Name"] for record in document["records"]}
    assert [by_rest[one] for one in ids] == [*awkward, "trimmed"]
    bulk = wire.read(wire.results(f"SELECT Id, Name FROM Account WHERE Id IN ({listed})"))[1]
    assert dict(_cells(bulk.decode())[1:]) == by_rest


def test_files_have_their_checksum(wire) -> None:
    _, document = wire.soql(
        "SELECT Id, Checksum, ContentSize, VersionData FROM ContentVersion"
        " WHERE ContentSize > 0 ORDER BY ContentSize LIMIT 20"
    )
    for record in document["records"]:
        body = wire.read(record["VersionData"].split("v66.0/")[1])[1]
        assert (len(body), hashlib.md5(body).hexdigest()) == (
            record["ContentSize"],
            record["Checksum"],
        )


def test_tooling_query(wire) -> None:
    soql = "SELECT+QualifiedApiName+FROM+EntityDefinition+LIMIT+5"
    answer = wire.json("GET", f"tooling/query?q={soql}")
    assert answer["size"] == answer["totalSize"] == 5


@pytest.mark.parametrize("column", ["EntityDefinition.QualifiedApiName", "EntityDefinitionId"])
def test_tooling_tells_of_fields_that_are_hidden(narrow, column) -> None:
    soql = f"SELECT+QualifiedApiName+FROM+FieldDefinition+WHERE+{column}='Contact'"
    requests = [{"method": "GET", "url": f"v66.0/tooling/query/?q={soql}"}]
    answer = narrow.json("POST", "composite/batch", {"batchRequests": requests})
    listed = {one["QualifiedApiName"] for one in answer["results"][0]["result"]["records"]}
    described = narrow.json("GET", "sobjects/Contact/describe")["fields"]
    assert listed - {field["name"] for field in described} == {"Birthdate", "Allergies__c"}


def test_user_permission_access_is_about_the_caller(wire, narrow) -> None:
    soql = "SELECT PermissionsQueryAllFiles FROM UserPermissionAccess"
    assert wire.soql(soql)[1]["records"][0]["PermissionsQueryAllFiles"] is True
    assert narrow.soql(soql)[1]["records"][0]["PermissionsQueryAllFiles"] is False


def test_storage_is_in_limits(sim, wire) -> None:
    def used() -> int:
        figure = wire.json("GET", "limits")["DataStorageMB"]
        return figure["Max"] - figure["Remaining"]

    before = used()
    rows = [{"Name": f"Storage {number}"} for number in range(2000)]
    sim.admin.post("records/insert", object="Account", rows=rows)
    assert used() - before in (3, 4)  # 2,000 rows of 2 KB


_CELL = re.compile(r'"((?:[^"]|"")*)"([,\n])')


def _cells(text: str) -> list[tuple[str, ...]]:
    """Read fully quoted CSV by its grammar alone."""
    rows: list[tuple[str, ...]] = []
    row: list[str] = []
    at = 0
    while at < len(text):
        found = _CELL.match(text, at)
        assert found is not None, text[at : at + 80]
        row.append(found.group(1).replace('""', '"'))
        at = found.end()
        if found.group(2) == "\n":
            rows.append(tuple(row))
            row = []
    return rows


def test_the_app_for_restores_writes_a_mail_with_its_people_and_files_in_one_call(sim) -> None:
    writer = Wire(sim, "chocolate-restore")
    file = {"Title": "Note", "PathOnClient": "note.txt", "VersionData": "aGVsbG8="}
    version = writer.json("POST", "sobjects/ContentVersion", file)["id"]
    found = writer.json(
        "GET", f"sobjects/ContentVersion/{version}?fields=ContentDocumentId,Checksum"
    )
    assert found["Checksum"] == hashlib.md5(b"hello", usedforsecurity=False).hexdigest()
    mail = {
        "Subject": "Hello", "ToIds": ["@{who.id}"], "ToAddress": "bo@mail.example",
        "ContentDocumentIds": [found["ContentDocumentId"]], "Status": "3",
    }  # fmt: skip
    who = {"LastName": "Praline", "Email": "ana@mail.example"}
    steps = [
        {"method": "POST", "referenceId": "who", "body": who,
         "url": "/services/data/v66.0/sobjects/Contact"},
        {"method": "POST", "referenceId": "mail", "body": mail,
         "url": "/services/data/v66.0/sobjects/EmailMessage"},
    ]  # fmt: skip
    answer = writer.json("POST", "composite", {"allOrNone": True, "compositeRequest": steps})
    person, made = (one["body"]["id"] for one in answer["compositeResponse"])
    _, document = writer.soql(
        "SELECT RelationId, RelationAddress FROM EmailMessageRelation "
        f"WHERE EmailMessageId = '{made}' ORDER BY Id"
    )
    assert [(one["RelationId"], one["RelationAddress"]) for one in document["records"]] == [
        (person, "ana@mail.example"),
        (None, "bo@mail.example"),
    ]
    links = f"SELECT Id FROM ContentDocumentLink WHERE LinkedEntityId = '{made}'"
    assert writer.total(links) == 1
    record = writer.json("GET", f"sobjects/EmailMessage/{made}")
    assert record["HasAttachment"] is True
    assert not {"ToIds", "CcIds", "BccIds", "ContentDocumentIds"} & record.keys()
