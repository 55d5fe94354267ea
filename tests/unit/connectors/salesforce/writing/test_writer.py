"""The write side over a scripted network: each way of a call, its refusals, its lost answers."""

import json
from datetime import timedelta
from typing import Any

import httpx
import pytest

from fakes.salesforce import (
    BASE,
    STAMP,
    USER_ID,
    field,
    id_of,
    row,
)
from fakes.wire import Chunks, error_answer, json_answer
from unit.connectors.salesforce.writing.ingest_jobs import Jobs
from unit.connectors.salesforce.writing.writable import Org, kinds, rows, write
from unlost.connectors.salesforce import SalesforceConnector
from unlost.connectors.salesforce.writing import collections, ingest, lookups
from unlost.model.errors import (
    AuthExpired,
    NotAllowed,
    SourceRefused,
    TransientError,
    UsageError,
)
from unlost.model.source.schema import Table, TableTrait
from unlost.model.source.writing import (
    NOT_IN_BIN,
    LockedDelete,
    OutcomeKind,
    WriteOp,
    WriteRow,
)
from unlost.testing.clock import START

CREATE, UPDATE, DELETE = WriteOp.CREATE, WriteOp.UPDATE, WriteOp.DELETE
LOST = httpx.ReadTimeout("no answer")
SOAP = "urn:partner.soap.sforce.com"


@pytest.fixture
def org() -> Org:
    return Org()


# --- who it is ------------------------------------------------------------------------------------


def test_the_writer_knows_its_org_and_its_clock(org: Org) -> None:
    with org.writer() as writer:
        assert writer.identity().label == "Acme"
        assert writer.server_time() == START


@pytest.mark.parametrize(("used", "at_once"), [(10_001, 1), (10_000, 4)])
def test_where_few_calls_are_left_in_the_day_they_are_spared(
    org: Org, used: int, at_once: int
) -> None:
    told = json_answer(org.describes["Account"], Sforce_Limit_Info=f"api-usage={used}/15000")
    org.wire.on("GET", r"/sobjects/Account/describe$", lambda _: told)
    with org.writer() as writer:
        assert writer.capability(org.shape("Account")).calls_at_once == at_once


def test_other_settings_are_refused(org: Org) -> None:
    with (
        pytest.raises(UsageError) as caught,
        SalesforceConnector(org.wire.transport).open_writer(object(), org.context),
    ):
        pass
    assert caught.value.code == "salesforce-settings"


# --- permissions ----------------------------------------------------------------------------------


def test_permissions_that_are_missing_are_named(org: Org) -> None:
    org.flags["PermissionsApiEnabled"] = False
    org.add("Contact", createable=False)
    org.add("Lead", createable=False, updateable=False)
    org.add("TopicAssignment", updateable=False)
    org.add("CaseStatus", createable=False)
    org.add("LoginHistory", createable=False)
    org.add("ContentDocument", createable=False)
    org.add("AccountHistory", createable=False)
    org.add("Set__c", createable=False)
    shapes = [org.shape(name) for name in org.describes if name != "Set__c"]
    setup = Table("Set__c", (), traits=frozenset({TableTrait.CONFIGURATION}))
    with org.writer() as writer:
        found = writer.missing([*shapes, setup, Table("Hidden__c", (), label="Hidden")])
    assert [(one.table, one.permission) for one in found] == [
        (None, "API Enabled"),
        ("Contact", "Create on Contact"),
        ("Lead", "Create on Lead"),
        ("Lead", "Edit on Lead"),
        ("Hidden__c", "Read on Hidden"),
    ]
    assert "records of Hidden" in found[-1].sentence


def test_a_permission_was_asked_for_that_no_user_can_have(org: Org) -> None:
    """An object without triggers that the user may not write at all is written by the org alone."""
    for name, triggerable in (("Survey__c", True), ("LoginGeo", False)):
        org.add(name, createable=False, updateable=False)
        org.describes[name] |= {"triggerable": triggerable, "deletable": False}
    with org.writer() as writer:
        found = writer.missing([org.shape("Survey__c"), org.shape("LoginGeo")])
    assert {one.table for one in found} == {"Survey__c"}


def test_capabilities_are_asked_once(org: Org) -> None:
    with org.writer() as writer:
        first = writer.capability(org.shape("Account"))
        assert writer.capability(org.shape("Account")) is first
    assert org.described == 1
    assert [key.columns for key in first.keys] == [("Code__c",)]


@pytest.mark.parametrize(
    ("statuses", "born"),
    [([{"ApiName": "Entwurf", "StatusCode": "Draft"}], "Entwurf"), ([], "Draft"), (None, "Draft")],
)
def test_an_order_is_born_in_the_orgs_own_draft(
    org: Org, statuses: list[dict[str, Any]] | None, born: str
) -> None:
    org.add("Order", field("Status", "picklist"))
    if statuses is not None:
        org.rows["OrderStatus"] = statuses
    with org.writer() as writer:
        (late,) = writer.capability(org.shape("Order")).late
    assert (late.column, late.born) == ("Status", born)
    assert (late.locks, late.locked_delete) == (("Activated",), LockedDelete.AS_DRAFT)


@pytest.mark.parametrize(
    ("permissions", "way"),
    [
        ([{"PermissionsDeleteActivatedContract": True}], LockedDelete.ALONE),
        ([{"PermissionsDeleteActivatedContract": False}], LockedDelete.REFUSED),
        ([], LockedDelete.REFUSED),
        (None, LockedDelete.REFUSED),
    ],
)
def test_an_activated_contract_is_deleted_with_a_permission_alone(
    org: Org, permissions: list[dict[str, Any]] | None, way: LockedDelete
) -> None:
    org.add("Contract", field("Status", "picklist"))
    org.rows["ContractStatus"] = [
        {"ApiName": "Aktiv", "StatusCode": "Activated"},
        {"ApiName": "Entwurf", "StatusCode": "Draft"},
        {"ApiName": "Wieder aktiv", "StatusCode": "Activated"},
    ]
    if permissions is not None:
        org.rows["UserPermissionAccess"] = permissions
    with org.writer() as writer:
        (late,) = writer.capability(org.shape("Contract")).late
    assert (late.born, late.locks) == ("Entwurf", ("Aktiv", "Wieder aktiv"))
    assert late.locked_delete is way


# --- collections ----------------------------------------------------------------------------------


def test_small_sets_go_by_collections_in_order(org: Org) -> None:
    found = write(org, CREATE, rows(3, Size="1.50"))
    assert [(one.key, one.id) for one in found] == [
        (f"k{n}", id_of("001", n + 1)) for n in range(3)
    ]
    (call,) = org.wire.made("POST", "composite/sobjects$")
    assert json.loads(call.content)["allOrNone"] is False
    assert b'"Size":1.50' in call.content


def test_updates_carry_their_ids(org: Org) -> None:
    found = write(org, UPDATE, [WriteRow("k", id_of("001", 7), {"Name": None})])
    assert found[0].id == id_of("001", 7)
    (call,) = org.wire.made("PATCH", "composite/sobjects$")
    (record,) = json.loads(call.content)["records"]
    assert (record["Id"], record["Name"]) == (id_of("001", 7), None)


def test_long_rows_are_sent_in_parts(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "LONGEST_BODY", 1000)
    found = write(org, CREATE, rows(5, Text="x" * 400))
    assert kinds(found) == ["done"] * 5
    assert len(org.wire.made("POST", "composite/sobjects$")) == 3


def test_refused_rows_are_told_beside_the_others(org: Org) -> None:
    refused = {"success": False, "errors": [{"statusCode": "INVALID_FIELD", "message": "no"}]}
    answer = json_answer([{"success": True, "id": id_of("001", 1)}, refused])
    org.wire.on("POST", r"/composite/sobjects$", answer)
    found = write(org, CREATE, rows(2))
    assert kinds(found) == ["done", "failed"]


def test_a_call_that_is_too_large_is_refused_and_ends_no_session(org: Org) -> None:
    """Nothing was written, so a smaller call may follow."""
    page = httpx.Response(413, headers={"Content-Type": "text/html"}, content=b"<h1>413</h1>")
    org.wire.on("POST", r"/composite/sobjects$", page)
    with pytest.raises(SourceRefused) as caught:
        write(org, CREATE, rows(2))
    assert "413" in caught.value.sentence


@pytest.mark.parametrize(
    "answer",
    [
        LOST,
        httpx.RemoteProtocolError("cut"),
        httpx.Response(503, content=b"busy"),
        httpx.Response(200, stream=Chunks(b"[", httpx.ReadError("cut"))),
        json_answer([{"success": True, "id": "001x"}]),
        json_answer({"success": True}),
    ],
)
def test_a_lost_answer_is_told_and_the_call_not_repeated(
    org: Org, answer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collections, "MOST", 2)
    org.wire.on("POST", r"/composite/sobjects$", answer)
    assert kinds(write(org, CREATE, rows(5))) == ["unknown"] * 5
    assert len(org.wire.made("POST", "composite/sobjects$")) == 1


@pytest.mark.parametrize(
    "answer", [httpx.ConnectError("refused"), error_answer("X", "slow down", 429)]
)
def test_a_call_that_was_never_taken_is_made_again(org: Org, answer: Any) -> None:
    org.wire.on("POST", r"/composite/sobjects$", answer, org._collection)
    assert kinds(write(org, CREATE, rows(2))) == ["done", "done"]


def test_a_certificate_that_is_not_trusted_is_no_lost_answer(org: Org) -> None:
    broken = httpx.ConnectError("[SSL] certificate verify failed")
    org.wire.on("POST", r"/composite/sobjects$", broken)
    with pytest.raises(NotAllowed):
        write(org, CREATE, rows(1))


def test_small_deletions_go_by_collections(org: Org, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collections, "MOST", 2)
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(3)]
    assert [one.id for one in write(org, DELETE, sent)] == [row.id for row in sent]
    assert len(org.wire.made("DELETE", "sobjects")) == 2


def test_a_link_that_is_there_already_is_there(org: Org) -> None:
    org.add("ContentDocumentLink", field("ContentDocumentId"), field("LinkedEntityId"))
    there = {"ContentDocumentId": id_of("069", 1), "LinkedEntityId": id_of("001", 1)}
    org.rows["ContentDocumentLink"] = [row(id_of("06A", 9), **there)]
    twin = {"success": False, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": "there"}]}
    other = {**there, "LinkedEntityId": id_of("001", 2)}
    late = {**there, "LinkedEntityId": id_of("001", 3)}

    def made_meanwhile(_: httpx.Request) -> httpx.Response:
        org.rows["ContentDocumentLink"].append(row(id_of("06A", 8), **late))
        return json_answer([twin, twin])

    org.wire.on("POST", r"/composite/sobjects$", made_meanwhile)
    sent = [WriteRow(key, None, one) for key, one in zip("abc", (there, other, late), strict=True)]
    found = write(org, CREATE, sent, "ContentDocumentLink")
    assert [(one.kind.value, one.id) for one in found] == [
        ("done", id_of("06A", 9)),
        ("failed", None),
        ("done", id_of("06A", 8)),
    ]
    (call,) = org.wire.made("POST", r"/composite/sobjects$")
    assert len(json.loads(call.content)["records"]) == 2, "what is there is not sent"


def test_several_tables_are_described_in_one_call(org: Org) -> None:
    org.add("Small", field("Name"))
    with org.writer() as writer:
        tables = [org.shape("Account"), org.shape("Small"), Table("Gone__c", ())]
        writer.prepare(tables)
        writer.prepare(tables[:2])
        writer.prepare(tables[:1])
        assert "Name" in writer.capability(tables[1]).settable
    assert len(org.wire.made("POST", "composite/batch")) == 1
    assert len(org.wire.made("GET", "sobjects/Small/describe")) == 1, "within the batch"


def test_records_with_long_texts_are_fetched_in_smaller_parts(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookups, "LONGEST_ANSWER", 1_000)
    org.add("Account", field("Name", length=80), field("Story", length=300))
    org.rows["Account"] = [row(id_of("001", n), Name=f"A{n}", Story="x") for n in range(7)]
    every = [id_of("001", n) for n in range(7)]
    with org.writer() as writer:
        for columns in (["Name"], ["Name", "Story"]):
            found = writer.fetch(org.shape("Account"), every, columns=columns)
            assert found.ids.to_pylist() == every
    sizes = [
        len(json.loads(call.content)["ids"])
        for call in org.wire.made("POST", r"/composite/sobjects/Account")
    ]
    assert sizes == [7, 2, 2, 2, 1]


def test_all_links_that_are_there_already_are_found_at_once(org: Org) -> None:
    org.add("ContentDocumentLink", field("ContentDocumentId"), field("LinkedEntityId"))
    there = [
        {"ContentDocumentId": id_of("069", n), "LinkedEntityId": id_of("001", 1)} for n in range(9)
    ]
    org.rows["ContentDocumentLink"] = [row(id_of("06A", n), **one) for n, one in enumerate(there)]
    twin = {"success": False, "errors": [{"statusCode": "DUPLICATE_VALUE", "message": "there"}]}
    org.wire.on("POST", r"/composite/sobjects$", json_answer([twin] * 9))
    sent = [WriteRow(f"k{n}", None, one) for n, one in enumerate(there)]
    found = write(org, CREATE, sent, "ContentDocumentLink")
    assert [one.id for one in found] == [id_of("06A", n) for n in range(9)]
    assert len(org.wire.made("GET", "FROM\\+ContentDocumentLink")) == 1


def test_standard_prices_go_first(org: Org) -> None:
    org.add("PricebookEntry", field("Pricebook2Id"), field("Product2Id"))
    org.rows["Pricebook2"] = [row(id_of("01s", 1), IsStandard=True)]
    books = [id_of("01s", 2), id_of("01s", 1), id_of("01s", 2)]
    sent = [WriteRow(f"k{n}", None, {"Pricebook2Id": book}) for n, book in enumerate(books)]
    with org.writer() as writer:
        found = writer.write(CREATE, org.shape("PricebookEntry"), sent, token="t")
        writer.write(CREATE, org.shape("PricebookEntry"), sent[:1], token="t")
    assert [one.key for one in found] == ["k0", "k1", "k2"]
    calls = org.wire.made("POST", "composite/sobjects$")
    assert [len(json.loads(call.content)["records"]) for call in calls] == [1, 2, 1]
    assert len(org.wire.made("GET", "FROM\\+Pricebook2")) == 1


def test_an_org_without_a_standard_book_writes_prices_all_the_same(org: Org) -> None:
    org.add("PricebookEntry", field("Pricebook2Id"))
    org.rows["Pricebook2"] = []
    sent = [WriteRow("k", None, {"Pricebook2Id": id_of("01s", 2)})]
    assert kinds(write(org, CREATE, sent, "PricebookEntry")) == ["done"]


# --- jobs -----------------------------------------------------------------------------------------


@pytest.fixture
def in_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs whose data is too long to be sent with them."""
    monkeypatch.setattr(ingest, "LONGEST_WHOLE", 0)


@pytest.mark.usefixtures("in_steps")
def test_large_sets_go_by_a_job_whose_results_are_shuffled(org: Org) -> None:
    def fate(cells: dict[str, str]) -> str:
        return "INVALID_FIELD:no:Name --" if cells["Name"] == "N7" else ""

    jobs = Jobs(org, fate)
    found = write(org, CREATE, rows(700))
    assert [one.key for one in found] == [f"k{n}" for n in range(700)]
    assert [one.key for one in found if one.kind is OutcomeKind.FAILED] == ["k7"]
    assert len({one.id for one in found}) == 700
    assert jobs.wanted["operation"] == "insert"
    assert (jobs.whole, jobs.patched) == (0, [("750j", "UploadComplete")])
    assert org.wire.made("DELETE", "jobs/ingest") == [], "people can look at it in Setup"


@pytest.mark.parametrize("state", ["UploadComplete", "Open"])
def test_a_job_with_little_data_is_sent_in_one_call(org: Org, state: str) -> None:
    jobs = Jobs(org)
    jobs.opened_in = state
    assert kinds(write(org, CREATE, rows(601, Code__c='ü, "1"\n'))) == ["done"] * 601
    assert jobs.whole == 1
    assert jobs.patched == ([("750j", "UploadComplete")] if state == "Open" else [])
    assert org.wire.made("PUT", "jobs/ingest") == []


def test_a_job_that_was_sent_in_one_call_and_not_answered_is_unknown(org: Org) -> None:
    Jobs(org)
    org.wire.on("POST", r"/jobs/ingest$", LOST)
    assert kinds(write(org, CREATE, rows(601))) == ["unknown"] * 601


def test_what_three_collections_can_carry_makes_no_job(org: Org) -> None:
    Jobs(org)
    assert kinds(write(org, CREATE, rows(600))) == ["done"] * 600
    assert len(org.wire.made("POST", "composite/sobjects$")) == 3


@pytest.mark.parametrize(("processed", "failed", "asked"), [(700, 0, 0), (699, 0, 1), (700, 1, 1)])
def test_a_job_that_wrote_all_rows_is_not_asked_for_others(
    org: Org, processed: int, failed: int, asked: int
) -> None:
    jobs = Jobs(org)
    jobs.told = {"numberRecordsProcessed": processed, "numberRecordsFailed": failed}
    assert kinds(write(org, CREATE, rows(700))) == ["done"] * 700
    assert len(org.wire.made("GET", "failedResults")) == asked
    assert len(org.wire.made("GET", "unprocessedrecords")) == asked


def test_equal_rows_are_interchangeable_and_quotes_survive(org: Org) -> None:
    Jobs(org)
    same = [WriteRow(f"k{n}", None, {"Name": 'a, "b"\nc'}) for n in range(601)]
    found = write(org, CREATE, same)
    assert kinds(found) == ["done"] * 601
    assert len({one.id for one in found}) == 601


def test_what_a_job_cannot_carry_goes_by_collections(org: Org) -> None:
    Jobs(org)
    long = WriteRow("long", None, {"Name": "x" * 32_001})
    found = write(org, CREATE, [*rows(650), long])
    assert kinds(found) == ["done"] * 651
    (call,) = org.wire.made("POST", "composite/sobjects$")
    assert len(json.loads(call.content)["records"]) == 1


def test_rows_that_all_are_too_long_make_no_job(org: Org) -> None:
    found = write(org, CREATE, [WriteRow(f"k{n}", None, {"Name": "#N/A"}) for n in range(601)])
    assert kinds(found) == ["done"] * 601


def test_many_deletions_and_updates_go_by_jobs(org: Org) -> None:
    jobs = Jobs(org)
    sent = [WriteRow(f"k{n}", id_of("001", n)) for n in range(601)]
    assert [one.id for one in write(org, DELETE, sent)] == [row.id for row in sent]
    assert jobs.wanted["operation"] == "delete"
    changed = [WriteRow(f"k{n}", id_of("001", n), {"Name": None}) for n in range(601)]
    assert kinds(write(org, UPDATE, changed)) == ["done"] * 601
    assert b"#N/A" in jobs.uploads[-1]


def test_a_job_that_breaks_off_tells_which_rows_it_did_not_reach(org: Org) -> None:
    jobs = Jobs(org)
    jobs.states, jobs.unprocessed = ["Failed"], 100
    found = write(org, CREATE, rows(700))
    assert kinds(found).count("failed") == 100
    left = [one for one in found if one.kind is OutcomeKind.FAILED]
    assert all(one.retry for one in left)


def test_rows_that_no_result_names_are_unknown(org: Org) -> None:
    Jobs(org)
    org.wire.on("GET", r"successfulResults$", httpx.Response(204))
    assert kinds(write(org, CREATE, rows(601))) == ["unknown"] * 601


def test_a_row_that_was_never_sent_is_left_out(org: Org) -> None:
    Jobs(org)
    strange = b'"sf__Id","sf__Created","Name"\n"001x","true","nobody"\n'
    org.wire.on("GET", r"successfulResults$", httpx.Response(200, content=strange))
    assert kinds(write(org, CREATE, rows(601))) == ["unknown"] * 601


@pytest.mark.usefixtures("in_steps")
@pytest.mark.parametrize("call", ["POST", "PUT", "PATCH"])
def test_a_job_whose_start_is_not_answered_is_unknown(org: Org, call: str) -> None:
    Jobs(org)
    org.wire.on(call, r"/jobs/ingest", LOST)
    assert kinds(write(org, CREATE, rows(601))) == ["unknown"] * 601


def test_jobs_of_a_client_that_ended_are_waited_for(org: Org) -> None:
    jobs = Jobs(org)

    def job(name: str, state: str, **more: str) -> dict[str, str]:
        usual = {"object": "Account", "createdById": USER_ID, "createdDate": STAMP}
        return {"id": name, "state": state} | usual | more

    jobs.listed = [
        job("open", "Open"),
        job("busy", "InProgress"),
        job("over", "JobComplete"),
        job("other", "Open", object="Contact"),
        job("theirs", "Open", createdById=id_of("005", 9)),
        job("old", "Open", createdDate="2020-01-01T00:00:00.000+0000"),
    ]
    more = {"done": False, "nextRecordsUrl": f"{BASE}/jobs/ingest", "records": []}
    org.wire.on("GET", r"/jobs/ingest$", json_answer(more), json_answer({"records": jobs.listed}))
    before = org.context.clock.now()
    with org.writer() as writer:
        writer.settle(org.shape("Account"), since=START - timedelta(days=30))
    assert jobs.patched == [("open", "Aborted")]
    assert len(org.wire.made("GET", r"/jobs/ingest/busy$")) == 2
    assert org.context.clock.now() > before


# --- the bin --------------------------------------------------------------------------------------


def soap(*results: str, status: int = 200) -> httpx.Response:
    body = f'<e xmlns="{SOAP}">{"".join(f"<result>{one}</result>" for one in results)}</e>'
    return httpx.Response(status, content=body.encode())


def fault(code: str) -> httpx.Response:
    body = f"<e><faultcode>sf:{code}</faultcode><faultstring>No.</faultstring></e>"
    return httpx.Response(500, content=body.encode())


BINNED = [WriteRow(f"k{n}", id_of("001", n)) for n in range(3)]
GOOD = "<id>001x</id><success>true</success>"


def test_records_come_out_of_the_bin_with_their_ids(org: Org) -> None:
    refused = (
        "<errors><fields>Name</fields><message>gone</message>"
        "<statusCode>UNDELETE_FAILED</statusCode></errors><success>false</success>"
    )
    answer = soap(GOOD, "<success>true</success>", refused)
    org.wire.on("POST", "/services/Soap/u/66.0", answer)
    found = write(org, WriteOp.UNDELETE, BINNED)
    assert [one.id for one in found] == ["001x", id_of("001", 1), id_of("001", 2)]
    assert kinds(found) == ["done", "done", "failed"]
    assert (found[2].native, found[2].columns) == ("UNDELETE_FAILED", ("Name",))
    (call,) = org.wire.made("POST", "/services/Soap")
    assert b"<sessionId>00D!1</sessionId>" in call.content
    assert "authorization" not in call.headers


def test_a_record_that_does_not_leave_the_bin_any_more_is_told_apart(org: Org) -> None:
    refused = (
        "<errors><message>Entity is not in the recycle bin</message>"
        "<statusCode>UNDELETE_FAILED</statusCode></errors><success>false</success>"
    )
    org.wire.on("POST", "/services/Soap", soap(refused))
    (found,) = write(org, WriteOp.UNDELETE, BINNED[:1])
    assert (found.code, found.kind.value) == (NOT_IN_BIN, "failed")
    assert "unlost restore retry" in found.next_step


def test_a_refusal_without_a_reason_is_one(org: Org) -> None:
    org.wire.on("POST", "/services/Soap", soap("<success>false</success>"))
    (found,) = write(org, WriteOp.UNDELETE, BINNED[:1])
    assert found.native == "UNKNOWN_EXCEPTION"


def test_a_session_that_ended_is_renewed_once(org: Org) -> None:
    ended = fault("INVALID_SESSION_ID")
    org.wire.on("POST", "/services/Soap", ended, soap(GOOD))
    assert kinds(write(org, WriteOp.UNDELETE, BINNED[:1])) == ["done"]
    org.wire.on("POST", "/services/Soap", ended)
    with pytest.raises(AuthExpired):
        write(org, WriteOp.UNDELETE, BINNED[:1])


@pytest.mark.parametrize(
    "body",
    [
        b'<?xml version="1.0" encoding="utf-7"?><e/>',
        b'<?xml version="1.0" encoding="nonsense"?><e/>',
        b"<e>" + b"<a/>" * (1 << 20) + b"</e>",
        b"<e>" * 100_000,
        b"<e/>",
    ],
)
def test_an_undelete_whose_response_cannot_be_read_may_have_happened(org: Org, body: bytes) -> None:
    org.wire.on("POST", "/services/Soap", httpx.Response(200, content=body))
    assert kinds(write(org, WriteOp.UNDELETE, BINNED[:1])) == ["unknown"]


def test_other_faults_are_told(org: Org) -> None:
    org.wire.on("POST", "/services/Soap", fault("SERVER_UNAVAILABLE"))
    with pytest.raises(TransientError) as caught:
        write(org, WriteOp.UNDELETE, BINNED[:1])
    assert caught.value.code == "salesforce-soap-fault"


@pytest.mark.parametrize("answer", [LOST, httpx.Response(200, content=b"<half"), soap(GOOD)])
def test_an_answer_from_the_bin_that_is_lost_is_unknown(org: Org, answer: Any) -> None:
    org.wire.on("POST", "/services/Soap", answer)
    assert kinds(write(org, WriteOp.UNDELETE, BINNED)) == ["unknown"] * 3
