"""The life of ingest jobs: states on the clock, aborts, ownership, daily limits."""

from simulators.salesforce.http.loads import Load, count, error, numbered
from unlost_simulators.salesforce.model.users import Permission

# States, clocks, aborts


def timing(client, **members: float) -> None:
    client.admin("bulk", ingest={"timing": members})


def test_states_last_as_many_polls_as_asked(client) -> None:
    timing(client, queue_polls=2, run_polls=1)
    load = Load.open(client, "insert")
    load.put("Name\nA\n")
    load.close()
    states = [load.info()["state"] for _ in range(4)]
    assert states == ["UploadComplete", "UploadComplete", "InProgress", "JobComplete"]


def test_states_last_as_long_as_asked_on_the_clock(client) -> None:
    timing(client, queue_seconds=60, run_seconds=600)
    load = Load.open(client, "insert")
    load.put("Name\nA\n")
    load.close()
    assert load.info()["state"] == "UploadComplete"
    client.admin("clock/advance", seconds=61)
    assert load.info()["state"] == "InProgress"
    refused = load.call("GET", "/successfulResults")
    assert error(refused)["errorCode"] == "INVALIDJOBSTATE"
    assert error(load.call("DELETE"))["errorCode"] == "API_ERROR"
    client.admin("clock/advance", minutes=10)
    info = load.info()
    assert info["state"] == "JobComplete"
    assert info["systemModstamp"] == "2026-03-01T12:11:01.000+0000"


def test_a_job_waits_in_the_queue_in_real_time(client, sim) -> None:
    real = [100.0]
    sim.loads.real_clock = lambda: real[0]
    timing(client, queue_real_least=20, queue_real_most=300)
    load = Load.open(client, "insert")
    load.put("Name\nA\n")
    load.close()
    real[0] += 19
    assert load.info()["state"] == "UploadComplete"
    real[0] += 300
    assert load.info()["state"] == "JobComplete"


def test_an_aborted_job_keeps_what_it_wrote(client) -> None:
    timing(client, rows_per_poll=200)
    load = Load.open(client, "insert")
    load.put(numbered(450))
    load.close()
    info = load.info()
    assert (info["state"], info["numberRecordsProcessed"]) == ("InProgress", 200)
    assert load.info()["numberRecordsProcessed"] == 400
    aborted = load.abort()
    assert (aborted.status_code, aborted.json()["state"]) == (200, "Aborted")
    assert (len(load.successful), len(load.failed), len(load.unprocessed)) == (400, 0, 50)
    tried = {row["Name"] for row in load.successful}
    assert {row["Name"] for row in load.unprocessed} == {f"Row {n}" for n in range(450)} - tried
    assert count(client, "SELECT Id FROM Account WHERE Name LIKE 'Row %25'") == 400
    assert error(load.abort()) == {
        "status": 400,
        "errorCode": "INVALIDJOBSTATE",
        "message": "Aborting already Completed Job not allowed",
    }


def test_rows_fail_once_the_object_is_taken_away(client, sim) -> None:
    timing(client, rows_per_poll=200)
    load = Load.open(client, "insert")
    load.put(numbered(300))
    load.close()
    assert load.info()["numberRecordsProcessed"] == 200
    client.admin("access/hide-object", username="backup@small.example", object="Account")
    assert load.info()["state"] == "JobComplete"
    errors = {row["sf__Error"] for row in load.failed}
    assert errors == {"NOT_FOUND:The requested resource does not exist:--"}
    assert (len(load.successful), len(load.failed)) == (200, 100)


def test_a_job_for_an_object_that_is_gone_fails(client) -> None:
    load = Load.open(client, "insert", "ContentThing")
    load.put("Name\nA\n")
    client.admin("schema/drop-object", object="ContentThing")
    load.close()
    assert load.info()["errorMessage"] == "InvalidBatch : Unable to find object: ContentThing"


def test_an_accident_fails_the_job_and_says_so(client, sim, monkeypatch) -> None:
    def crash(*_rest: object) -> None:
        raise ZeroDivisionError("by nought")

    monkeypatch.setattr(sim.org, "write", crash)
    load = Load.run(client, "insert", "Name\nA\n")
    assert load.info()["errorMessage"] == "InternalServerError : by nought"


def test_jobs_at_work_end_with_the_org(client, sim) -> None:
    timing(client, rows_per_poll=200)
    load = Load.open(client, "insert")
    load.put(numbered(450))
    load.close()
    assert load.info()["state"] == "InProgress"
    idle = Load.open(client, "insert")
    sim.loads.stop()
    states = [sim.loads.get(each.id).state for each in (load, idle)]
    assert states == ["Aborted", "Open"]


def test_large_results_come_from_their_file(client, monkeypatch) -> None:
    load = Load.run(client, "insert", numbered(3))
    whole = load.text("successfulResults")
    monkeypatch.setattr("unlost_simulators.salesforce.http.bulk.ingest.IN_MEMORY", 10)
    assert load.text("successfulResults") == whole


def test_an_open_job_can_be_aborted_and_not_deleted(client) -> None:
    load = Load.open(client, "insert")
    assert error(load.call("DELETE")) == {
        "status": 400,
        "errorCode": "API_ERROR",
        "message": "Error encountered when deleting the job because the job is not terminated",
    }
    assert load.abort().json()["state"] == "Aborted"
    refused = load.call("PATCH", json={"state": "UploadComplete"})
    assert error(refused)["errorCode"] == "INVALIDJOBSTATE"
    assert load.text("successfulResults") == ""
    assert load.call("DELETE").status_code == 204
    assert load.call("GET").status_code == 404


def test_a_state_that_nobody_can_set(client) -> None:
    load = Load.open(client, "insert")
    assert error(load.call("PATCH", json={"state": "InProgress"}))["message"] == (
        "Invalid value: 'InProgress' supplied for property: 'state'"
    )


def test_a_waiting_job_can_be_deleted(client) -> None:
    timing(client, queue_seconds=60)
    load = Load.open(client, "insert")
    load.put("Name\nA\n")
    load.close()
    assert load.call("DELETE").status_code == 204
    client.admin("clock/advance", minutes=5)
    assert count(client, "SELECT Id FROM Account WHERE Name = 'A'") == 0


def test_jobs_vanish_seven_days_after_their_end(client) -> None:
    client.admin("sessions/settings", idle_seconds=10**7)
    load = Load.run(client, "insert", "Name\nA\n")
    client.admin("clock/advance", days=7)
    assert load.info()["state"] == "JobComplete"
    client.admin("clock/advance", minutes=1)
    assert load.call("GET").status_code == 404


def test_jobs_belong_to_their_creator(client, narrow, sim) -> None:
    load = Load.run(client, "insert", "Name\nA\n")
    theirs = Load(narrow, load.id)
    assert error(theirs.call("GET")) == {
        "status": 400,
        "errorCode": "INVALIDUSER",
        "message": "The job belongs to another user",
    }
    assert narrow.get("jobs/ingest").json()["records"] == []
    user = sim.org.users.by_username("narrow@small.example")
    sim.org.users.set_permission(user.id, Permission.MANAGE_DATA_INTEGRATIONS, granted=True)
    assert theirs.info()["state"] == "JobComplete"


def test_jobs_are_listed_a_thousand_a_page(client) -> None:
    for _ in range(3):
        Load.open(client, "insert")
    listed = client.get("jobs/ingest").json()
    assert (listed["done"], listed["nextRecordsUrl"], len(listed["records"])) == (True, None, 3)
    assert {each["jobType"] for each in listed["records"]} == {"V2Ingest"}
    for _ in range(998):
        Load.open(client, "insert")
    first = client.get("jobs/ingest?jobType=V2Ingest").json()
    assert (first["done"], len(first["records"])) == (False, 1000)
    second = client.get(first["nextRecordsUrl"]).json()
    assert (second["done"], len(second["records"])) == (True, 1)


# Daily limits


def test_batches_beyond_the_daily_allocation_leave_no_trace(client, sim, monkeypatch) -> None:
    monkeypatch.setattr("unlost_simulators.salesforce.bulk.ingest_run.BATCH_ROWS", 200)
    sim.org.configure(daily_bulk_batches=2)
    load = Load.run(client, "insert", numbered(500))
    info = load.info()
    assert (info["state"], info["errorMessage"]) == (
        "Failed", "ExceededQuota : ApiBatchItems Limit exceeded.",
    )  # fmt: skip
    told = len(load.successful) + len(load.failed) + len(load.unprocessed)
    assert told < 500
    assert count(client, "SELECT Id FROM Account WHERE Name LIKE 'Row %25'") == told
    limits = client.get("limits").json()["DailyBulkApiBatches"]
    assert limits == {"Max": 2, "Remaining": 0}


def test_batches_beyond_the_allocation_may_have_been_written(client, sim, monkeypatch) -> None:
    monkeypatch.setattr("unlost_simulators.salesforce.bulk.ingest_run.BATCH_ROWS", 200)
    client.admin("bulk", ingest={"habits": {"beyond_allocation": "written"}})
    sim.org.configure(daily_bulk_batches=1)
    load = Load.run(client, "insert", numbered(400))
    assert load.info()["state"] == "Failed"
    assert len(load.successful) + len(load.unprocessed) == 200
    assert count(client, "SELECT Id FROM Account WHERE Name LIKE 'Row %25'") == 400


def test_rows_beyond_those_of_a_day_are_unprocessed(client) -> None:
    client.admin("bulk", ingest={"habits": {"daily_rows": 400}})
    load = Load.run(client, "insert", numbered(450))
    info = load.info()
    assert (info["state"], info["errorMessage"]) == (
        "Failed", "ExceededQuota : Daily limit of records exceeded.",
    )  # fmt: skip
    assert (len(load.successful), len(load.unprocessed)) == (400, 50)
    client.admin("sessions/settings", idle_seconds=10**7)
    client.admin("clock/advance", hours=25)
    assert len(Load.run(client, "insert", "Name\nA\n").successful) == 1


def test_batches_take_turns_in_an_order_of_the_jobs_own(client, sim, monkeypatch) -> None:
    monkeypatch.setattr("unlost_simulators.salesforce.bulk.ingest_run.BATCH_ROWS", 400)
    timing(client, rows_per_poll=200)
    orders = set()
    for _ in range(6):
        load = Load.open(client, "insert")
        load.put("Name\n" + "".join(f"Row {n}\n" for n in range(1200)))
        load.close()
        seen: list[int] = []
        while load.info()["state"] == "InProgress":
            done = sorted(sim.loads.get(load.id).load.outcomes)
            seen += [at // 200 for at in done[::200] if at // 200 not in seen]
        orders.add(tuple(seen))
        assert {each // 2 for each in seen[:3]} == {0, 1, 2}, "one chunk of each batch first"
    assert len(orders) > 1


# The admin's view


def test_the_admin_sees_jobs_and_habits(client) -> None:
    Load.run(client, "insert", "Name\nA\n")
    seen = client.http.get("/__sim__/bulk").json()["ingest"]
    (job,) = seen["jobs"]
    assert (job["operation"], job["object"], job["state"]) == ("insert", "Account", "JobComplete")
    assert (seen["habits"]["row_order"], seen["timing"]["rows_per_poll"]) == ("shuffled", 0)
    refused = client.admin("bulk", ingest={"habits": {"colour": 1}})
    assert refused.status_code == 400
