"""Faults on writes: what the client is told, and what was done all the same."""

import pytest

from simulators.salesforce.http.loads import Load
from unlost_simulators.kit.faults import (
    FaultPlan,
    Subject,
)
from unlost_simulators.kit.http.delivery import ReplyLost
from unlost_simulators.salesforce.faults import (
    SalesforceFault,
    SalesforceRule,
)
from unlost_simulators.salesforce.row_faults import FULL, lock_error, locked_places
from unlost_simulators.salesforce.writing.request import Verb

LOCKED = "unable to obtain exclusive access to this record"


@pytest.fixture(autouse=True)
def every_fault_is_hit(client):
    yield
    assert client.http.get("/__sim__/faults").json()["unhit"] == []


def plant(client, kind: str, **members) -> None:
    assert client.admin("faults", kind=kind, **members).status_code == 200


def names(client) -> set[str]:
    found = client.get("query?q=SELECT+Name+FROM+Account+WHERE+Name+LIKE+'Row+%25'").json()
    return {each["Name"] for each in found["records"]}


def create(client, *numbers: int, all_or_none: bool = False):
    records = [{"attributes": {"type": "Account"}, "Name": f"Row {n}"} for n in numbers]
    return client.post("composite/sobjects", {"allOrNone": all_or_none, "records": records})


def codes(answer) -> list[str | None]:
    return [None if row["success"] else row["errors"][0]["statusCode"] for row in answer.json()]


# After the effect


def test_a_lost_reply_hides_what_was_done(client) -> None:
    plant(client, "reply_lost", method="POST", path="/sobjects/Account")
    with pytest.raises(ReplyLost):
        client.post("sobjects/Account", {"Name": "Row 1"})
    assert names(client) == {"Row 1"}
    assert client.post("sobjects/Account", {"Name": "Row 2"}).status_code == 201


def test_a_refusal_is_no_effect_and_is_told(client) -> None:
    plant(client, "reply_lost", method="POST", path="/sobjects/Account")
    assert client.post("sobjects/Account", {"Phone": "1"}).status_code == 400
    with pytest.raises(ReplyLost):
        client.post("sobjects/Account", {"Name": "Row 1"})


def test_a_503_comes_before_or_after_the_effect(client) -> None:
    plant(client, "unavailable_html", method="POST", path="/sobjects/Account")
    plant(client, "unavailable_after", method="POST", path="/sobjects/Account")
    before = client.post("sobjects/Account", {"Name": "Row 1"})
    assert names(client) == set()
    after = client.post("sobjects/Account", {"Name": "Row 2"})
    assert names(client) == {"Row 2"}
    assert (before.status_code, before.content) == (after.status_code, after.content)
    assert (after.status_code, after.headers["content-type"]) == (503, "text/html; charset=UTF-8")
    assert "location" not in after.headers


@pytest.mark.parametrize("kind", ["reply_lost", "unavailable_after"])
def test_a_job_goes_on_whose_calls_are_never_answered(client, kind) -> None:
    for path in ("/batches$", "/ingest/75[0-9a-zA-Z]+$"):
        plant(client, kind, path=path, object="Account")
    load = Load.open(client, "insert")
    ways = [
        ("PUT", "/batches", {"content": b"Name\nRow 1\n"}),
        ("PATCH", "", {"json": {"state": "UploadComplete"}}),
    ]
    for method, tail, rest in ways:
        if kind == "reply_lost":
            with pytest.raises(ReplyLost):
                load.call(method, tail, **rest)
        else:
            assert load.call(method, tail, **rest).status_code == 503
    assert load.info()["state"] == "JobComplete"
    assert names(client) == {"Row 1"}


def test_a_job_may_be_open_although_nobody_knows_its_id(client) -> None:
    plant(client, "reply_lost", method="POST", path="/jobs/ingest$", object="account")
    with pytest.raises(ReplyLost):
        Load.open(client, "insert")
    assert [each["state"] for each in client.get("jobs/ingest").json()["records"]] == ["Open"]


def test_a_reply_may_be_cut_in_the_middle(client) -> None:
    plant(client, "cut", method="POST", path="/composite/sobjects", place="half", framing="clean")
    cut = create(client, 1, 2)
    assert cut.status_code == 200
    with pytest.raises(ValueError, match=r"Unterminated|Expecting|delimiter"):
        cut.json()
    assert names(client) == {"Row 1", "Row 2"}


# Rows


def test_half_of_a_request_is_written_and_the_rest_is_locked(client) -> None:
    plant(client, "row_locked", object="Account", percent=50)
    answer = create(client, 1, 2, 3, 4)
    assert codes(answer) == [None, None, "UNABLE_TO_LOCK_ROW", "UNABLE_TO_LOCK_ROW"]
    assert answer.json()[2] == {
        "success": False,
        "errors": [{"statusCode": "UNABLE_TO_LOCK_ROW", "message": LOCKED, "fields": []}],
    }
    assert names(client) == {"Row 1", "Row 2"}
    assert codes(create(client, 3, 4)) == [None, None]


def test_a_lock_holds_for_so_many_attempts(client) -> None:
    plant(client, "row_locked", method="UPDATE", path="^rest/update/Account$", times=3)
    account = client.post("sobjects/Account", {"Name": "Row 1"}).json()["id"]
    change = {"Name": "Row 2"}
    for _ in range(3):
        refused = client.call("PATCH", f"sobjects/Account/{account}", json=change)
        assert refused.status_code == 400
        assert refused.json() == [
            {
                "message": f"{LOCKED} or 1 records: {account}",
                "errorCode": "UNABLE_TO_LOCK_ROW",
                "fields": [],
            }
        ]
    assert client.call("PATCH", f"sobjects/Account/{account}", json=change).status_code == 204
    assert names(client) == {"Row 2"}


def test_a_lock_of_a_record_strikes_it_alone(client) -> None:
    keys = [row["id"] for row in create(client, 1, 2, 3).json()]
    plant(client, "row_locked", method="DELETE", records=[keys[1][:15]], times=2)
    path = f"composite/sobjects?ids={','.join(keys)}&allOrNone=false"
    assert codes(client.call("DELETE", path)) == [None, "UNABLE_TO_LOCK_ROW", None]
    one = f"composite/sobjects?ids={keys[1]}&allOrNone=false"
    assert codes(client.call("DELETE", one)) == ["UNABLE_TO_LOCK_ROW"]
    assert codes(client.call("DELETE", one)) == [None]
    assert names(client) == set()


def test_one_locked_row_takes_the_others_back(client) -> None:
    plant(client, "row_locked", object="Account", percent=25)
    answer = create(client, 1, 2, 3, 4, all_or_none=True)
    back = "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert codes(answer) == [back, back, back, "UNABLE_TO_LOCK_ROW"]
    assert names(client) == set()


def test_a_lock_that_strikes_no_row_waits(client) -> None:
    plant(client, "row_locked", object="Account", after_rows=2)
    assert codes(create(client, 1, 2)) == [None, None]
    assert codes(create(client, 3, 4, 5)) == [None, None, "UNABLE_TO_LOCK_ROW"]


def test_a_chunk_of_a_job_may_be_locked(client) -> None:
    plant(client, "row_locked", path="bulk/create", skip=1)
    load = Load.run(client, "insert", "Name\n" + "".join(f"Row {n}\n" for n in range(450)))
    info = load.info()
    assert (info["state"], info["numberRecordsFailed"]) == ("JobComplete", 200)
    assert {row["Name"] for row in load.failed} == {f"Row {n}" for n in range(200, 400)}
    assert {row["sf__Error"] for row in load.failed} == {f"UNABLE_TO_LOCK_ROW:{LOCKED}:--"}
    assert len(names(client)) == 250


def test_storage_is_full_after_so_many_rows_of_all_requests(client) -> None:
    plant(client, "storage_full", object="Account", after_rows=5)
    assert codes(create(client, 1, 2, 3)) == [None] * 3
    assert codes(create(client, 4, 5, 6)) == [None, None, "STORAGE_LIMIT_EXCEEDED"]
    single = client.post("sobjects/Account", {"Name": "Row 7"})
    assert (single.status_code, single.json()[0]["errorCode"]) == (403, "STORAGE_LIMIT_EXCEEDED")
    load = Load.run(
        client, "upsert", "Customer_Number__c,Name\nC001,Row 8\nNEW,Row 9\n",
        externalIdFieldName="Customer_Number__c",
    )  # fmt: skip
    assert [row["Name"] for row in load.successful] == ["Row 8"]
    (row,) = load.failed
    assert row["sf__Error"] == "STORAGE_LIMIT_EXCEEDED:storage limit exceeded:--"
    assert client.post("sobjects/Contact", {"LastName": "x"}).status_code == 201
    assert names(client) == {f"Row {n}" for n in (1, 2, 3, 4, 5, 8)}
    client.admin("faults/clear")
    assert codes(create(client, 10)) == [None]


def test_rows_that_were_refused_use_no_storage(client) -> None:
    plant(client, "storage_full", object="Account", after_rows=2)
    bad = {"attributes": {"type": "Account"}, "Phone": "1"}
    answer = client.post("composite/sobjects", {"records": [bad, bad, bad]})
    assert codes(answer) == ["REQUIRED_FIELD_MISSING"] * 3
    assert codes(create(client, 1, 2, 3)) == [None, None, "STORAGE_LIMIT_EXCEEDED"]


def test_undelete_needs_storage_too(client) -> None:
    account = client.post("sobjects/Account", {"Name": "Row 1"}).json()["id"]
    client.call("DELETE", f"sobjects/Account/{account}")
    plant(client, "storage_full", method="UNDELETE")
    org, user = client.sim.org, client.sim.org.users.first()
    (result,) = org.write(user, Verb.UNDELETE, "Account", [{"Id": account}])
    assert [one.code for one in result.errors] == ["STORAGE_LIMIT_EXCEEDED"]


# Jobs, limits


def test_a_job_fails_in_the_middle_with_part_of_it_done(client) -> None:
    message = "TooManyLockFailure : Too many lock failure 200 Trying again later."
    plant(client, "job_failed", object="Account", after_rows=250, message=message)
    load = Load.run(client, "insert", "Name\n" + "".join(f"Row {n}\n" for n in range(450)))
    info = load.info()
    assert (info["state"], info["errorMessage"]) == ("Failed", message)
    assert info["numberRecordsProcessed"] == 250
    assert (len(load.successful), len(load.failed), len(load.unprocessed)) == (250, 0, 200)
    assert len(names(client)) == 250
    again = Load.run(client, "insert", "Name\nRow 1\n")
    assert again.info()["state"] == "JobComplete"


def test_a_job_fails_before_anything_and_does_not_say_why(client) -> None:
    plant(client, "job_failed", path="/jobs/ingest$", tell=False, polls=1)
    load = Load.open(client, "insert")
    load.put("Name\nRow 1\n")
    load.close()
    assert [load.info()["state"] for _ in range(2)] == ["InProgress", "Failed"]
    assert "errorMessage" not in load.info()
    assert [row["Name"] for row in load.unprocessed] == ["Row 1"]
    assert names(client) == set()


def test_a_doomed_job_that_is_shorter_than_its_doom_fails_at_its_end(client) -> None:
    plant(client, "job_failed", path="/jobs/ingest$", after_rows=9)
    client.admin("bulk", ingest={"timing": {"rows_per_poll": 200}})
    load = Load.run(client, "insert", "Name\nRow 1\n")
    assert (load.info()["state"], names(client)) == ("Failed", {"Row 1"})


def test_the_allowance_ends_in_the_middle(client) -> None:
    plant(client, "request_limit", method="POST", path="/composite/sobjects", skip=2, times=0)
    answers = [create(client, n) for n in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 403, 403]
    assert answers[2].json() == [
        {"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}
    ]
    assert names(client) == {"Row 0", "Row 1"}


# Rules by themselves


def test_room_is_counted_over_requests_and_spent_by_what_went_through() -> None:
    plan = FaultPlan()
    plan.plant(SalesforceRule(SalesforceFault.STORAGE_FULL, object="Account", after_rows=3))
    account = Subject("CREATE", "rest/create/Account", "Account")
    other = Subject("CREATE", "rest/create/Contact", "Contact")
    assert plan.fitting_rows(FULL, account, 3) is None
    assert plan.fitting_rows(FULL, other, 30) is None
    plan.spend(FULL, other, 30)
    assert plan.unhit() != []
    assert plan.fitting_rows(FULL, account, 4) == 3
    plan.spend(FULL, account, 2)
    assert plan.fitting_rows(FULL, account, 2) == 1
    plan.spend(FULL, account, 9)
    assert plan.fitting_rows(FULL, account, 1) == 0
    assert (plan.report()[0]["seen"], plan.report()[0]["hits"]) == (4, 3)


@pytest.mark.parametrize(
    ("members", "rows", "places"),
    [
        ({}, 3, [0, 1, 2]),
        ({"percent": 50}, 5, [3, 4]),
        ({"percent": 1}, 10, []),
        ({"after_rows": 2}, 4, [2, 3]),
        ({"after_rows": 9}, 4, []),
        ({"percent": 75, "after_rows": 3}, 4, [3]),
    ],
)
def test_which_rows_a_lock_strikes(members, rows, places) -> None:
    rule = SalesforceRule.from_json({"kind": "row_locked", **members})
    assert list(locked_places(rule, rows)) == places


def test_a_lock_names_the_record_where_there_is_one() -> None:
    assert lock_error(None).message == LOCKED
    assert lock_error("001x").message == f"{LOCKED} or 1 records: 001x"
