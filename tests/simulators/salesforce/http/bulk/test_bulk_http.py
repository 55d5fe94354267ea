"""Bulk API 2.0 query jobs over HTTP, in process."""

import csv
import gzip
import io
from concurrent.futures import ThreadPoolExecutor

import pytest

CONTACTS = "SELECT Id, LastName, Email, Account.Name FROM Contact"


def done(client, job: str) -> dict:
    info = client.get(f"jobs/query/{job}").json()
    assert info["state"] == "JobComplete", info
    return info


def rows_of(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def error(answer) -> tuple[int, str, str]:
    first = answer.json()[0]
    return answer.status_code, first["errorCode"], first["message"]


def test_created_job(client) -> None:
    answer = client.post("jobs/query", {"operation": "query", "query": CONTACTS})
    job = answer.json()
    assert answer.status_code == 200
    assert set(job) == {
        "id", "operation", "object", "createdById", "createdDate", "systemModstamp", "state",
        "concurrencyMode", "contentType", "apiVersion", "lineEnding", "columnDelimiter",
    }  # fmt: skip
    assert job["id"].startswith("750")
    assert (job["object"], job["state"], job["apiVersion"]) == ("Contact", "UploadComplete", 66.0)
    assert job["createdDate"] == "2026-03-01T12:00:00.000+0000"


def test_info_of_a_complete_job(client) -> None:
    info = done(client, client.job(CONTACTS))
    assert (info["jobType"], info["numberRecordsProcessed"], info["retries"]) == ("V2Query", 450, 0)
    assert "errorMessage" not in info


def test_pages_by_locator_hold_every_row_once(client) -> None:
    job = client.job(CONTACTS)
    done(client, job)
    locator, seen, pages = None, [], 0
    while locator != "null":
        tail = f"&locator={locator}" if locator else ""
        answer = client.get(
            f"jobs/query/{job}/results?maxRecords=200{tail}", headers={"Accept": "text/csv"}
        )
        rows = rows_of(answer.text)
        assert answer.headers["content-type"] == "text/csv; charset=UTF-8"
        assert int(answer.headers["sforce-numberofrecords"]) == len(rows)
        assert answer.text.startswith('"Id","LastName","Email","Account.Name"\n')
        seen += rows
        locator = answer.headers["sforce-locator"]
        pages += 1
    assert pages == 3
    assert len({row["Id"] for row in seen}) == 450
    assert seen[0]["LastName"].startswith('Line\nbreak "')
    assert seen[0]["Account.Name"].startswith("Account ")


def test_a_locator_can_be_read_again_and_from_many_threads(client) -> None:
    job = client.job(CONTACTS)
    done(client, job)
    first = client.get(f"jobs/query/{job}/results?maxRecords=100")
    path = f"jobs/query/{job}/results?maxRecords=100&locator={first.headers['sforce-locator']}"
    with ThreadPoolExecutor(4) as pool:
        texts = set(pool.map(lambda _: client.get(path).text, range(8)))
    assert len(texts) == 1


def test_gzip_holds_the_same_page(client) -> None:
    job = client.job(CONTACTS)
    done(client, job)
    path = f"jobs/query/{job}/results?maxRecords=100"
    plain = client.get(path)
    answer, raw = client.packed(path)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["sforce-numberofrecords"] == "100"
    assert gzip.decompress(raw) == plain.content


def test_result_pages(client) -> None:
    client.admin("bulk", pages={"rows": 60})
    job = client.job(CONTACTS)
    done(client, job)
    first = client.get(f"jobs/query/{job}/resultPages").json()
    assert (len(first["resultPages"]), first["done"]) == (5, False)
    assert "/resultpages?locator=" in first["nextRecordsUrl"]
    second = client.get(first["nextRecordsUrl"]).json()
    assert (len(second["resultPages"]), second["done"], "nextRecordsUrl" in second) == (
        3, True, False,
    )  # fmt: skip
    urls = [each["resultUrl"] for each in first["resultPages"] + second["resultPages"]]
    ids = [row["Id"] for url in urls for row in rows_of(client.get(url).text)]
    assert len(set(ids)) == len(ids) == 450
    assert client.get(f"/services/data/v57.0/jobs/query/{job}/resultPages").status_code == 404


def test_no_rows(client) -> None:
    job = client.job("SELECT Id FROM ContentThing")
    assert done(client, job)["numberRecordsProcessed"] == 0
    answer = client.get(f"jobs/query/{job}/results")
    assert (answer.status_code, answer.text) == (200, '"Id"\n')
    assert answer.headers["sforce-numberofrecords"] == "0"
    assert answer.headers["sforce-locator"] == "null"


def test_query_all_has_deleted_rows(client) -> None:
    client.admin("records/delete", object="Contact", ids=[_first(client, "Contact")])
    for operation, count in (("query", 449), ("queryAll", 450)):
        job = client.job("SELECT Id FROM Contact", operation)
        assert done(client, job)["numberRecordsProcessed"] == count


def _first(client, name: str) -> str:
    return client.get(f"query?q=SELECT+Id+FROM+{name}+LIMIT+1").json()["records"][0]["Id"]


def test_values_in_csv_form(client) -> None:
    job = client.job(
        "SELECT Size__c, CreatedDate, IsDeleted, Phone FROM Account ORDER BY Customer_Number__c"
    )
    done(client, job)
    rows = rows_of(client.get(f"jobs/query/{job}/results").text)
    assert [row["Size__c"] for row in rows[:2]] == ["0.25", "2.5"]
    assert rows[8]["Size__c"] == "2.5E7"
    assert rows[0]["CreatedDate"] == "2026-03-01T12:00:00.000Z"
    assert (rows[0]["IsDeleted"], rows[0]["Phone"]) == ("false", "")


def test_delimiter_and_line_ending(client) -> None:
    job = client.job(CONTACTS, columnDelimiter="PIPE", lineEnding="CRLF")
    info = done(client, job)
    assert (info["columnDelimiter"], info["lineEnding"]) == ("PIPE", "CRLF")
    text = client.get(f"jobs/query/{job}/results").content
    assert text.startswith(b'"Id"|"LastName"|"Email"|"Account.Name"\r\n')


def test_states_with_delays(client) -> None:
    client.admin("bulk", timing={"queue_polls": 1, "run_seconds": 30})
    job = client.job(CONTACTS)

    def state() -> str:
        return client.get(f"jobs/query/{job}").json()["state"]

    assert [state(), state(), state()] == ["UploadComplete", "InProgress", "InProgress"]
    early = client.get(f"jobs/query/{job}/results")
    assert error(early)[:2] == (400, "INVALIDJOBSTATE")
    client.admin("clock/advance", seconds=31)
    assert state() == "JobComplete"


def test_abort(client) -> None:
    client.admin("bulk", timing={"run_polls": 100})
    job = client.job(CONTACTS)
    answer = client.call("PATCH", f"jobs/query/{job}", json={"state": "Aborted"}).json()
    assert answer["state"] == "Aborted"
    assert not {"lineEnding", "columnDelimiter"} & set(answer)
    again = client.call("PATCH", f"jobs/query/{job}", json={"state": "Aborted"})
    assert error(again) == (
        400, "INVALIDJOBSTATE", "Aborting already Completed Job not allowed",
    )  # fmt: skip
    other = client.call("PATCH", f"jobs/query/{job}", json={"state": "Open"})
    assert other.status_code == 400


def test_delete(client) -> None:
    client.admin("bulk", timing={"run_polls": 100})
    running = client.job(CONTACTS)
    refused = client.call("DELETE", f"jobs/query/{running}")
    assert error(refused) == (
        400,
        "API_ERROR",
        "Error encountered when deleting the job because the job is not terminated",
    )
    client.admin("bulk", timing={"run_polls": 0})
    done(client, running)
    answer = client.call("DELETE", f"jobs/query/{running}/")
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(f"jobs/query/{running}").status_code == 404


def test_another_version_conflicts(client) -> None:
    job = client.job(CONTACTS)
    done(client, job)
    answer = client.get(f"/services/data/v60.0/jobs/query/{job}/results")
    assert answer.status_code == 409


def test_another_users_job(client, narrow) -> None:
    job = client.job(CONTACTS)
    assert error(narrow.get(f"jobs/query/{job}"))[:2] == (400, "INVALIDUSER")
    assert error(narrow.get(f"jobs/query/{job}/results"))[:2] == (400, "INVALIDUSER")
    assert narrow.get("jobs/query").json()["records"] == []


def test_listing(client) -> None:
    jobs = {client.job(CONTACTS) for _ in range(3)}
    listing = client.get("jobs/query?jobType=V2Query").json()
    assert {each["id"] for each in listing["records"]} == jobs
    assert listing["done"] is True


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"operation": "insert", "query": CONTACTS},
        {"operation": "query"},
        {"operation": "query", "query": ""},
        {"operation": "query", "query": CONTACTS, "contentType": "JSON"},
        {"operation": "query", "query": CONTACTS, "columnDelimiter": "SLASH"},
    ],
)
def test_orders_that_make_no_sense(client, body) -> None:
    assert client.post("jobs/query", body).status_code == 400


@pytest.mark.parametrize(
    ("soql", "code", "text"),
    [
        (
            "SELECT BillingAddress FROM Account",
            "API_ERROR",
            "Selecting compound data not supported in Bulk Query",
        ),
        (
            "SELECT MasterLabel FROM CaseStatus",
            "INVALIDENTITY",
            "Entity 'CaseStatus' is not supported by the Bulk API.",
        ),
        ("SELECT Id FROM Nothing__c", "INVALID_TYPE", "sObject type 'Nothing__c' is not supported"),
        ("SELECT Id, Body FROM Attachment", "API_ERROR", ""),
        ("SELECT COUNT(Id) FROM Account", "API_ERROR", ""),
        ("SELECT Name FROM Account GROUP BY Name", "API_ERROR", ""),
        ("SELECT Id FROM Account LIMIT 1 OFFSET 1", "API_ERROR", ""),
        ("SELECT FIELDS(ALL) FROM Account LIMIT 200", "API_ERROR", ""),
        ("SELECT Id, (SELECT Id FROM Contacts) FROM Account", "API_ERROR", ""),
    ],
)
def test_refusals(client, soql, code, text) -> None:
    answer = client.post("jobs/query", {"operation": "query", "query": soql})
    status, got, message = error(answer)
    assert status == 400
    assert got == code or (code == "API_ERROR" and got in {"API_ERROR", "MALFORMED_QUERY"})
    assert text in message


def test_daily_jobs(client) -> None:
    client.admin("settings", daily_bulk_query_jobs=1)
    client.job(CONTACTS)
    answer = client.post("jobs/query", {"operation": "query", "query": CONTACTS})
    assert error(answer) == (
        400, "LIMIT_EXCEEDED", "Max bulk v2 query jobs (1) per 24 hrs has been reached",
    )  # fmt: skip


def test_daily_result_size(client) -> None:
    client.admin("settings", used={"DailyBulkV2QueryFileStorageMB": 976_563})
    answer = client.post("jobs/query", {"operation": "query", "query": CONTACTS})
    assert error(answer) == (
        400,
        "LIMIT_EXCEEDED",
        "Max bulk v2 query result size stored (1000000000) kb per 24 hrs has been exceeded",
    )


def test_locator_and_size_that_make_no_sense(client) -> None:
    job = client.job(CONTACTS)
    done(client, job)
    for tail in ("locator=abc", "maxRecords=0", "maxRecords=many"):
        assert client.get(f"jobs/query/{job}/results?{tail}").status_code == 400


def test_jobs_need_version_47(client) -> None:
    body = {"operation": "query", "query": CONTACTS}
    assert client.post("/services/data/v46.0/jobs/query", body).status_code == 404


def test_failed_job(client) -> None:
    client.admin("faults", kind="job_failed", object="Contact", message="Too bad", polls=1)
    job = client.job(CONTACTS)
    assert client.get(f"jobs/query/{job}").json()["state"] == "InProgress"
    info = client.get(f"jobs/query/{job}").json()
    assert (info["state"], info["errorMessage"]) == ("Failed", "Too bad")
    assert error(client.get(f"jobs/query/{job}/results"))[1] == "INVALIDJOBSTATE"
